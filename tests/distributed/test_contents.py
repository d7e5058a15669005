"""Check that pieces of any size become shards of one size."""

from itertools import pairwise

import numpy as np
import pytest

from skhash.distributed._contents import empty, regrouped


@pytest.mark.parametrize("size", [1, 4, 7, 100])
@pytest.mark.parametrize("with_ids", [False, True])
def test_regrouped(size, with_ids):
    rows = np.arange(60, dtype=np.uint8).reshape(30, 2)
    ids = np.arange(30)
    edges = [0, 3, 3, 14, 15, 30]
    pieces = [(rows[a:b], ids[a:b] if with_ids else None) for a, b in pairwise(edges)]
    found = list(regrouped(pieces, size))
    assert [len(some) for some, _ in found[:-1]] == [size] * (len(found) - 1)
    assert 0 < len(found[-1][0]) <= size
    np.testing.assert_array_equal(np.concatenate([some for some, _ in found]), rows)
    if with_ids:
        np.testing.assert_array_equal(np.concatenate([some for _, some in found]), ids)
    else:
        assert all(some is None for _, some in found)


def test_empty_contents():
    contents = empty(20, True, True)
    assert contents.n_features == 3
    assert empty(20, False, False).n_features == 20
    assert contents.codes.n_rows == len(contents.ids) == 0
    assert contents.ids.values.tolist() == []
