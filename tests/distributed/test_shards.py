"""Check the codes and the memory of shards."""

import pickle
import threading
from itertools import pairwise

import numpy as np
import pytest
from joblib import cpu_count

from skhash._hamming._index import CodeIndex
from skhash._hamming._storage import BlockedCodes
from skhash.distributed._files import ShardFile
from skhash.distributed._shards import Shard, ShardedCodes, run

ROWS = np.random.default_rng(0).integers(0, 256, (150, 3), dtype=np.uint8)


def shards_of(sizes):
    edges = np.cumsum([0, *sizes])
    return tuple(Shard(CodeIndex(ROWS[a:b], 24), None) for a, b in pairwise(edges))


def test_positions_are_split_by_shard():
    codes = ShardedCodes(shards_of([100, 0, 1, 49]), 24)
    assert codes.starts.tolist() == [0, 100, 101, 150]
    positions = np.array([149, 0, 100, 99, 101, 0])
    split = {number: places.tolist() for number, places in codes.split(positions)}
    assert split == {0: [1, 3, 5], 1: [2], 2: [0, 4]}
    np.testing.assert_array_equal(codes.rows(positions), ROWS[positions])
    np.testing.assert_array_equal(codes.rows(), ROWS)


def test_shard_in_a_file(tmp_path):
    file = ShardFile(str(tmp_path / "a.shard"), len(ROWS), 24, True)
    file.write(ROWS, np.arange(150))
    shard = Shard(None, None, file)
    assert shard.has_ascending_ids
    assert shard.ids.tolist() == list(range(150))
    np.testing.assert_array_equal(shard.codes.rows(), ROWS)
    copied = pickle.loads(pickle.dumps(shard))
    assert copied._codes is None
    np.testing.assert_array_equal(copied.codes.rows(), ROWS)
    shard.release()
    (tmp_path / "a.shard").unlink()
    np.testing.assert_array_equal(shard.codes.rows(), ROWS)


def test_planes_that_do_not_fit():
    planes = BlockedCodes(ROWS).planes
    assert planes.shape == (3 * 192,)
    np.testing.assert_array_equal(
        BlockedCodes.from_planes(planes, 150, 3).rows(np.arange(150)), ROWS
    )
    with pytest.raises(ValueError, match="planes of 300 codes must have shape"):
        BlockedCodes.from_planes(planes, 300, 3)


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_results_come_in_order(n_jobs):
    assert list(run(pow, [(i, 2) for i in range(20)], n_jobs)) == [
        i**2 for i in range(20)
    ]


def test_calls_are_made_without_threads_where_none_can_be_started(monkeypatch):
    def fail(self):
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", fail)
    assert list(run(pow, [(i, 2) for i in range(20)], 2)) == [i**2 for i in range(20)]


def test_other_errors_are_raised_once():
    def refuse(i):
        raise RuntimeError(f"refused {i}")

    with pytest.raises(RuntimeError, match="refused 0"):
        list(run(refuse, [(0,)], 1))


def test_no_more_threads_than_processors():
    running, most = set(), [0]

    def call(i):
        running.add(threading.get_ident())
        most[0] = max(most[0], threading.active_count())
        return i

    before = threading.active_count()
    assert list(run(call, [(i,) for i in range(200)], 1000)) == list(range(200))
    assert len(running) <= cpu_count()
    assert most[0] - before < cpu_count() + 10  # joblib has some of its own
