"""Test exports to binary indexes of faiss."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from skhash.export import FaissExport


@pytest.mark.parametrize(
    ("kind", "options"),
    [("flat", {}), ("hnsw", {}), ("ivf", {"n_lists": 8, "n_probes": 8})],
)
@pytest.mark.parametrize("distinct", [None, False, True])
def test_faiss(kind, options, distinct, index, queries, ids, tmp_path, assert_exact):
    faiss = pytest.importorskip("faiss")
    exported = FaissExport(index, kind, ids=ids, distinct=distinct, **options)
    assert exported.distinct == (kind == "hnsw" if distinct is None else distinct)
    assert_exact(exported)
    # The index can be written, and answers the same elsewhere.
    path = str(tmp_path / "index")
    faiss.write_index_binary(exported.faiss_index, path)
    packed = np.packbits(queries, axis=1)
    for one, other in zip(
        faiss.read_index_binary(path).search(packed, 5),
        exported.faiss_index.search(packed, 5),
    ):
        assert_array_equal(one, other)


def test_faiss_loses_neighbors(index, queries):
    """Few probes lose neighbors, which the verification counts."""
    pytest.importorskip("faiss")
    exported = FaissExport(index, "ivf", n_lists=100, n_probes=1)
    verification = exported.verify(queries)
    assert verification.overlap < 0.9
    assert verification.n_incomplete_queries > 10


def test_faiss_kind(index):
    with pytest.raises(ValueError, match='kind must be "flat"'):
        FaissExport(index, "lsh")
