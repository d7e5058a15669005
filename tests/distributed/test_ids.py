"""Check the lookup of ids in shards, sorted or not."""

from itertools import pairwise

import numpy as np
import pytest

from skhash._hamming._index import CodeIndex
from skhash.distributed import _ids
from skhash.distributed._ids import ShardedIds
from skhash.distributed._shards import Shard, ShardedCodes

ORDERS = {
    "ascending": np.arange(0, 180, 2),
    "shuffled": np.random.default_rng(0).permutation(np.arange(0, 180, 2)),
    "texts": np.array([f"id{i}" for i in range(0, 180, 2)]),
}


def sharded(ids, sizes=(40, 1, 49)):
    edges = np.cumsum([0, *sizes])
    rows = np.zeros((len(ids), 1), dtype=np.uint8)
    shards = [Shard(CodeIndex(rows[a:b], 8), ids[a:b]) for a, b in pairwise(edges)]
    return ShardedIds(ShardedCodes(tuple(shards), 8))


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("n_at_a_time", [7, 1 << 20])
def test_positions(order, n_at_a_time, monkeypatch):
    monkeypatch.setattr(_ids, "_IDS_PER_SLICE", n_at_a_time)
    values = ORDERS[order]
    ids = sharded(values)
    np.testing.assert_array_equal(ids.values, values)
    asked = np.random.default_rng(1).permutation(np.concatenate([values, values[:9]]))
    expected = [values.tolist().index(each) for each in asked.tolist()]
    np.testing.assert_array_equal(ids.positions(asked), expected)
    none = np.array(["id1", "x"]) if order == "texts" else np.array([-5, 1, 179, 999])
    assert ids.positions(none).tolist() == [-1] * len(none)
    assert ids.positions(np.array([[], ["2"]][order != "texts"])).max(initial=-1) == -1


def test_take_returns_padding_for_none():
    ids = sharded(ORDERS["texts"])
    taken = ids.take(np.array([[89, -1], [0, 40]]))
    assert taken.tolist() == [["id178", ""], ["id0", "id80"]]
    unsigned = sharded(ORDERS["ascending"].astype(np.uint64))
    assert unsigned.take(np.array([-1, 3])).tolist() == [2**64 - 1, 6]


def test_unknown_and_repeated_ids():
    ids = sharded(ORDERS["shuffled"])
    with pytest.raises(ValueError, match="got 7, which is not"):
        ids.check_positions([4, 7])
    for new, message in (([1, 1], "twice"), ([1, 4], "4 is in the index")):
        with pytest.raises(ValueError, match=message):
            ids.check_new(np.array(new))
    ids.check_new(np.array([1, 3]))
