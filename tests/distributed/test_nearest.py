"""Compare the sharded index with the index in one piece."""

import pickle

import numpy as np
import pytest
from joblib import parallel_config
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

from skhash.distributed import ShardedHammingNearestNeighbors
from skhash.neighbors import HammingNearestNeighbors

N_ROWS, N_BITS = 420, 20
# The sizes of shards that make 1, 2 and 7 of them.
SHARD_SIZES = {1: 420, 2: 400, 7: 60}


def draw(n_rows, seed=0):
    """Draw codes of which many are equal or near."""
    rng = np.random.default_rng(seed)
    centers = np.random.default_rng(9).integers(0, 2, (40, N_BITS))
    return centers[rng.integers(0, 40, n_rows)] ^ (rng.random((n_rows, N_BITS)) < 0.1)


CODES, QUERIES = draw(N_ROWS), draw(33, seed=1)
IDS = np.random.default_rng(2).permutation(10_000)[:N_ROWS]
WHOLE = HammingNearestNeighbors(7, radius=4).fit(CODES, ids=IDS)
MASK = np.random.default_rng(3).random(N_ROWS) < 0.3
SUBSETS = {
    "all": {},
    "mask": {"mask": MASK},
    "indices": {"indices": np.arange(50, 70)},
    "ids": {"ids": IDS[::4]},
}


def sharded(n_shards, path=None, **parameters):
    size = SHARD_SIZES[n_shards]
    index = ShardedHammingNearestNeighbors(
        7, radius=4, path=path, shard_size=size, **parameters
    )
    index.fit(CODES, ids=IDS)
    assert index.n_shards_ == n_shards
    return index


def assert_equal(got, expected):
    for a, b in zip(got, expected, strict=True):
        assert a.dtype == b.dtype
        if a.dtype == object:
            assert_equal(a, b)
        else:
            np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("on_disk", [False, True])
@pytest.mark.parametrize("n_shards", SHARD_SIZES)
@pytest.mark.parametrize("subset", SUBSETS)
def test_results_do_not_depend_on_shards(n_shards, on_disk, subset, tmp_path):
    index = sharded(n_shards, tmp_path if on_disk else None)
    how = SUBSETS[subset]
    for n_jobs in (1, 2):
        index.set_params(n_jobs=n_jobs)
        assert_equal(index.kneighbors(QUERIES, **how), WHOLE.kneighbors(QUERIES, **how))
        found = index.radius_neighbors(QUERIES, return_ids=True, **how)
        expected = WHOLE.radius_neighbors(QUERIES, return_ids=True, **how)
        assert_equal(found, expected)
    found = index.kneighbors(QUERIES, 30, pad=True, return_ids=True, **how)
    assert_equal(found, WHOLE.kneighbors(QUERIES, 30, pad=True, return_ids=True, **how))


@pytest.mark.parametrize("n_shards", SHARD_SIZES)
@pytest.mark.parametrize("subset", SUBSETS)
def test_pairs(n_shards, subset):
    index, how = sharded(n_shards, n_jobs=2), SUBSETS[subset]
    for X in (None, QUERIES):
        expected = WHOLE.radius_pairs(4, X, **how)
        assert_equal(index.radius_pairs(4, X, **how), expected)
        assert index.radius_pairs(4, X, count_only=True, **how) == len(expected[0]) > 0
        chunks = index.iter_radius_pairs(4, X, chunk_size=50, **how)
        i, j, distances = (np.concatenate(arrays) for arrays in zip(*chunks))
        order = np.lexsort((j, i))
        assert_equal((i[order], j[order], distances[order]), expected)


@pytest.mark.parametrize("n_shards", SHARD_SIZES)
def test_own_codes_as_queries(n_shards, tmp_path):
    index = sharded(n_shards, tmp_path)
    assert_equal(index.kneighbors(), WHOLE.kneighbors())
    assert_equal(index.radius_neighbors(), WHOLE.radius_neighbors())
    assert (index.kneighbors_graph() != WHOLE.kneighbors_graph()).nnz == 0


def test_asymmetric():
    queries = np.random.default_rng(0).standard_normal((5, N_BITS))
    expected = WHOLE.asymmetric_kneighbors(queries)
    assert_equal(sharded(7).asymmetric_kneighbors(queries), expected)


def test_order_of_rows_within_ids():
    """A permuted collection gives the same ids wherever distances differ."""
    order = np.random.default_rng(5).permutation(N_ROWS)
    index = ShardedHammingNearestNeighbors(shard_size=60)
    index.fit(CODES[order], ids=IDS[order])
    found = index.radius_neighbors(QUERIES, 4, return_ids=True)
    expected = WHOLE.radius_neighbors(QUERIES, 4, return_ids=True)
    for (a, ids), (b, others) in zip(zip(*found), zip(*expected)):
        assert sorted(zip(a, ids)) == sorted(zip(b, others))


@pytest.mark.parametrize("backend", ["threading", "loky"])
def test_backends(backend, tmp_path):
    index, expected = sharded(7, tmp_path), WHOLE.kneighbors(QUERIES)
    in_memory = sharded(2)
    pairs = WHOLE.radius_pairs(2)
    with parallel_config(backend, n_jobs=2):
        assert_equal(index.kneighbors(QUERIES), expected)
        assert_equal(in_memory.kneighbors(QUERIES), expected)
        assert_equal(index.radius_pairs(2), pairs)


def test_packed_codes_of_any_length():
    packed = np.packbits(CODES, axis=1)
    index = ShardedHammingNearestNeighbors(
        7, packed=True, n_bits=N_BITS, shard_size=60
    ).fit(packed)
    np.testing.assert_array_equal(index.codes_, packed)
    found = index.kneighbors(np.packbits(QUERIES, axis=1))
    assert_equal(found, WHOLE.kneighbors(QUERIES))


def test_pickled_index_on_disk_is_small(tmp_path):
    index = sharded(2, tmp_path)
    text = pickle.dumps(index)
    assert len(text) < 2000 < len(pickle.dumps(sharded(2)))
    assert_equal(pickle.loads(text).kneighbors(QUERIES), WHOLE.kneighbors(QUERIES))


def test_empty_index(tmp_path):
    index = ShardedHammingNearestNeighbors(2, n_bits=3, path=tmp_path)
    index.fit(np.empty((0, 3)), ids=[])
    assert index.n_shards_ == 0
    assert index.ids_.shape == (0,)
    distances, ids = index.kneighbors([[0, 1, 1]], pad=True, return_ids=True)
    assert distances.tolist() == [[4, 4]]
    assert ids.tolist() == [[-1, -1]]
    assert index.radius_neighbors([[0, 1, 1]])[1][0].tolist() == []
    assert index.radius_pairs(1, count_only=True) == 0
    index.partial_fit([[0, 1, 1]], ids=["a"])
    assert index.kneighbors([[0, 1, 0]], 1, return_ids=True)[1].tolist() == [["a"]]


def test_errors_and_parameters():
    index = ShardedHammingNearestNeighbors()
    with pytest.raises(NotFittedError):
        index.kneighbors(QUERIES)
    with pytest.raises(AttributeError):
        _ = index.n_shards_
    for wrong in ({"shard_size": 0}, {"path": 5}, {"radius": -1}):
        with pytest.raises(ValueError, match=next(iter(wrong))):
            clone(index).set_params(**wrong).fit(CODES)
    with pytest.raises(ValueError, match="ids must be one per code"):
        index.fit(CODES, ids=[1])
    with pytest.raises(ValueError, match="minimum of 1"):
        index.fit(np.empty((0, 3)))
