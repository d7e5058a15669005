"""Compare changes of a sharded index with those of an index in one piece."""

import numpy as np
import pytest

from skhash.distributed import ShardedHammingNearestNeighbors
from skhash.neighbors import HammingNearestNeighbors

BITS = np.random.default_rng(0).integers(0, 2, (200, 12))


@pytest.fixture(params=["memory", "disk"])
def path(request, tmp_path):
    return None if request.param == "memory" else tmp_path / "index"


def assert_same(index, whole):
    np.testing.assert_array_equal(index.codes_, whole.codes_)
    if whole.ids_ is None:
        assert index.ids_ is None
    else:
        np.testing.assert_array_equal(index.ids_, whole.ids_)
    for a, b in zip(index.kneighbors(BITS[:9]), whole.kneighbors(BITS[:9])):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("with_ids", [False, True])
def test_sequence_of_changes(path, with_ids):
    ids = np.random.default_rng(1).permutation(10_000)[:250]
    index = ShardedHammingNearestNeighbors(path=path, shard_size=30)
    whole = HammingNearestNeighbors()

    def named(rows):
        return {"ids": ids[rows]} if with_ids else {}

    for rows in (slice(0, 70), slice(70, 71), slice(71, 150), slice(150, 150)):
        for each in (index, whole):
            each.partial_fit(BITS[rows], **named(rows))
        assert_same(index, whole)
    for each in (index, whole):
        each.remove([0, 3, 149, 3, 60, 61])
        if with_ids:
            each.remove(ids=ids[[80, 90]])
    assert_same(index, whole)
    n_before = index.n_shards_
    index.compact()
    assert_same(index, whole)
    assert index.n_shards_ <= n_before
    for each in (index, whole):
        each.merge(type(each)().fit(BITS[150:], **named(slice(150, 200))))
    assert_same(index, whole)
    if path:
        assert_same(ShardedHammingNearestNeighbors.open(path), whole)
    for each in (index, whole):
        each.fit(BITS[:40])
    assert_same(index, whole)


def test_shards_are_filled_in_memory_and_compacted_on_disk(tmp_path):
    index = ShardedHammingNearestNeighbors(shard_size=64)
    for row in range(0, 200, 10):
        index.partial_fit(BITS[row : row + 10])
    assert index.n_shards_ == 4
    index = ShardedHammingNearestNeighbors(path=tmp_path, shard_size=64)
    for row in range(0, 200, 10):
        index.partial_fit(BITS[row : row + 10])
    assert index.n_shards_ == 20
    assert index.compact().n_shards_ == 4
    assert index.remove(np.arange(200)).n_shards_ == 0
    assert list(index.iter_codes()) == []


def test_extend_and_read_back(path):
    blocks = [
        (BITS[i : i + 33], np.arange(i, min(200, i + 33))) for i in range(0, 200, 33)
    ]
    index = ShardedHammingNearestNeighbors(path=path, shard_size=50).extend(blocks)
    assert index.n_shards_ == 4
    codes, ids = zip(*index.iter_codes(70))
    assert list(map(len, codes)) == [70, 70, 60]
    np.testing.assert_array_equal(np.concatenate(codes), BITS)
    np.testing.assert_array_equal(np.concatenate(ids), np.arange(200))
    other = ShardedHammingNearestNeighbors().merge(index)
    np.testing.assert_array_equal(other.codes_, BITS)
    with pytest.raises(ValueError, match="All blocks must have ids, or none"):
        index.extend([(BITS[:2], [900, 901]), BITS[:2]])


def test_extend_keeps_full_shards_after_an_error(path):
    def blocks():
        for i in range(0, 100, 20):
            yield BITS[i : i + 20]
        raise OSError

    index = ShardedHammingNearestNeighbors(path=path, shard_size=50)
    with pytest.raises(OSError):
        index.extend(blocks())
    np.testing.assert_array_equal(index.codes_, BITS[:100])


def test_two_estimators_on_one_folder(tmp_path):
    first = ShardedHammingNearestNeighbors(path=tmp_path).fit(BITS)
    second = ShardedHammingNearestNeighbors.open(tmp_path)
    expected = first.kneighbors(BITS)
    second.remove([5]).compact()
    # The files that it began with are deleted, but still mapped.
    for a, b in zip(first.kneighbors(BITS), expected):
        np.testing.assert_array_equal(a, b)
    for change in (first.partial_fit, lambda X: first.compact()):
        with pytest.raises(RuntimeError, match="changed by another"):
            change(BITS)
    with pytest.raises(ValueError, match="holds one"):
        ShardedHammingNearestNeighbors(path=tmp_path).partial_fit(BITS)
    first.fit(BITS)
    assert first.n_samples_fit_ == 200


def test_failed_changes_leave_the_index_unchanged(path):
    index = ShardedHammingNearestNeighbors(path=path, shard_size=50)
    index.fit(BITS, ids=np.arange(200))
    for X, ids, message in (
        (BITS[:2], None, "ids must be given if and only if"),
        (BITS[:2], [900, 900], "twice"),
        (BITS[:2], [900, 7], "7 is in the index"),
        (BITS[:2], ["a", "b"], "ids must be of the type"),
        (BITS[:, :4], range(300, 500), "12"),
        (BITS[:2] + 1, [900, 901], "hold bits, 0 or 1"),
    ):
        with pytest.raises(ValueError, match=message):
            index.partial_fit(X, ids=ids)
    for how in ({}, {"indices": [200]}, {"ids": [999]}, {"indices": [1], "ids": [1]}):
        with pytest.raises(ValueError):
            index.remove(**how)
    np.testing.assert_array_equal(index.ids_, np.arange(200))
