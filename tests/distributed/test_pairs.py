"""Check that joins between shards return positions within the whole index."""

import numpy as np

from skhash._hamming._index import CodeIndex
from skhash.distributed._pairs import ShardedPairJoin, Side, joined
from skhash.distributed._shards import Shard, ShardedCodes

ROWS = np.array([[0], [1], [3], [0], [255]], dtype=np.uint8)


def shard(start, stop):
    return Shard(CodeIndex(ROWS[start:stop], 8), None)


def test_positions_of_pairs():
    left, right = Side(shard(0, 2), 0), Side(shard(2, 5), 2)
    i, j, distances = joined(left, right, 8, 1)
    assert sorted(zip(i.tolist(), j.tolist(), distances.tolist())) == [
        (0, 3, 0),
        (1, 2, 1),
        (1, 3, 1),
    ]
    some = Side(shard(2, 5), 2, np.array([1]))
    assert [a.tolist() for a in joined(left, some, 8, 1)[:2]] == [[0, 1], [3, 3]]
    assert [len(a) for a in joined(left, None, 8, 1)] == [1, 1, 1]


def test_no_pair_is_found_twice():
    codes = ShardedCodes((shard(0, 2), shard(2, 5)), 8)
    join = ShardedPairJoin(codes, None, None, 1, 1)
    i, j, _ = join.arrays()
    assert list(zip(i.tolist(), j.tolist())) == [(0, 1), (0, 3), (1, 2), (1, 3)]
    assert i.dtype == j.dtype == np.int32
    assert join.count() == 4
    assert sum(len(chunk[0]) for chunk in join.chunks(1)) == 4
