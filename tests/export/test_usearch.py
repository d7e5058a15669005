"""Test exports to usearch."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from skhash.export import UsearchExport


@pytest.mark.parametrize("distinct", [False, True])
def test_usearch(distinct, index, queries, ids):
    pytest.importorskip("usearch")
    exported = UsearchExport(index, ids=ids, distinct=distinct)
    # Built by several threads, the graph differs from time to time.
    verification = exported.verify(queries)
    assert verification.overlap > 0.95
    assert verification.distance_agreement > 0.95
    assert_array_equal(exported.kneighbors(queries[:10], 1)[0], np.zeros((10, 1)))
    assert len(exported.usearch_index) == len(exported._stored_codes)
