"""Test distinct codes and late imports of engines."""

import subprocess
import sys

import numpy as np
from numpy.testing import assert_array_equal

from skhash.export._source import DistinctCodes


def test_distinct_codes():
    codes = np.array([[3], [1], [3], [2], [1], [3]], dtype=np.uint8)
    distinct = DistinctCodes(codes)
    assert_array_equal(distinct.codes[distinct.numbers], codes)
    assert len(distinct.codes) == 3
    of_three, of_one = distinct.numbers[0], distinct.numbers[1]
    distances, positions = distinct.nearest_samples(
        np.array([[0, 1], [2, -1]]), np.array([[of_three, of_one], [of_one, -1]]), 4
    )
    assert_array_equal(positions, [[0, 2, 5, 1], [1, 4, -1, -1]])
    assert_array_equal(distances, [[0, 0, 0, 1], [2, 2, -1, -1]])


def test_engines_are_imported_when_needed():
    code = """if True:
        import sys
        import skhash.export
        from skhash import HammingNearestNeighbors
        engines = {"faiss", "usearch", "sqlite_vec", "duckdb", "lancedb", "psycopg"}
        assert not engines & set(sys.modules), engines & set(sys.modules)
        sys.modules["usearch.index"] = None
        try:
            skhash.export.UsearchExport(HammingNearestNeighbors().fit([[1]]))
        except ImportError as error:
            print(error)
    """
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout == (
        "This export needs usearch: pip install 'scikit-hash[export]'.\n"
    )
