"""Test pairs of codes within a radius, from the estimator."""

import numpy as np
import pytest

from skhash.neighbors import HammingNearestNeighbors


@pytest.fixture(scope="module")
def bits():
    rng = np.random.default_rng(0)
    centers = rng.integers(0, 2, (30, 24))
    return centers[rng.integers(0, 30, 400)] ^ (rng.random((400, 24)) < 0.04)


def expected_pairs(left, right, radius, kept=None):
    distances = (left[:, None] != right[None]).sum(axis=2)
    near = distances <= radius
    if kept is not None:
        near &= kept
    if left is right:
        near = np.triu(near, 1)
        if kept is not None:
            near &= kept[:, None]
    i, j = np.nonzero(near)
    return i, j, distances[i, j]


def assert_same(got, expected):
    assert [a.dtype for a in got] == [np.int32] * 3
    for a, b in zip(got, expected, strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("n_jobs", [1, 2])
@pytest.mark.parametrize("copy", [True, False])
def test_pairs_of_an_index_and_with_queries(bits, n_jobs, copy):
    model = HammingNearestNeighbors(packed=True, n_bits=24, n_jobs=n_jobs, copy=copy)
    model.fit(np.packbits(bits, axis=1))
    expected = expected_pairs(bits, bits, 2)
    assert_same(model.radius_pairs(2), expected)
    assert_same(model.radius_pairs(), expected)
    assert model.radius_pairs(2, count_only=True) == len(expected[0])
    queries = np.concatenate([bits[:50], ~bits[:10]])
    found = model.radius_pairs(3, np.packbits(queries, axis=1))
    assert_same(found, expected_pairs(queries, bits, 3))


def test_pairs_within_a_subset(bits):
    kept = np.random.default_rng(0).random(400) < 0.4
    model = HammingNearestNeighbors().fit(bits.astype(int))
    expected = expected_pairs(bits, bits, 4, kept)
    assert len(expected[0]) > 20
    assert_same(model.radius_pairs(4, mask=kept), expected)
    assert_same(model.radius_pairs(4, indices=np.flatnonzero(kept)), expected)
    queries = bits[:30].astype(int)
    found = model.radius_pairs(4, queries, mask=kept)
    assert_same(found, expected_pairs(bits[:30], bits, 4, kept))
    nothing = np.zeros(400, dtype=bool)
    assert [len(a) for a in model.radius_pairs(4, mask=nothing)] == [0, 0, 0]
    assert model.radius_pairs(4, mask=nothing, count_only=True) == 0
    assert list(model.iter_radius_pairs(4, mask=nothing)) == []


@pytest.mark.parametrize("chunk_size", [1, 30, 10**9])
def test_chunks_hold_every_pair_once(bits, chunk_size):
    bits = bits[: 60 if chunk_size == 1 else 400]  # a chunk per pair takes long
    model = HammingNearestNeighbors(radius=4).fit(bits.astype(int))
    chunks = list(model.iter_radius_pairs(chunk_size=chunk_size))
    i, j, distances = (np.concatenate(arrays) for arrays in zip(*chunks))
    order = np.lexsort((j, i))
    assert_same((i[order], j[order], distances[order]), model.radius_pairs())
    assert all(len(chunk[0]) <= chunk_size + 400 for chunk in chunks)


def test_iterator_uses_the_state_at_its_start(bits):
    model = HammingNearestNeighbors().fit(bits.astype(int))
    expected = model.radius_pairs(3, count_only=True)
    chunks = model.iter_radius_pairs(3, chunk_size=10)
    model.remove(np.arange(300))
    assert sum(len(chunk[0]) for chunk in chunks) == expected


def test_graph_of_the_index_is_that_of_its_codes_as_queries(bits):
    model = HammingNearestNeighbors().fit(bits.astype(int))
    own = model.radius_neighbors_graph(radius=3, mode="distance")
    asked = model.radius_neighbors_graph(bits.astype(int), radius=3, mode="distance")
    for row in range(400):
        found = asked.indices[asked.indptr[row] : asked.indptr[row + 1]]
        np.testing.assert_array_equal(
            own.indices[own.indptr[row] : own.indptr[row + 1]], found[found != row]
        )


def test_errors_name_the_parameter(bits):
    model = HammingNearestNeighbors().fit(bits.astype(int))
    with pytest.raises(ValueError, match="radius must be at least 0; got -1"):
        model.radius_pairs(-1)
    with pytest.raises(TypeError, match="radius must be an int"):
        model.radius_pairs(1.5)
    for size in (0, 2.5):
        with pytest.raises(ValueError, match="chunk_size must be an int from 1"):
            model.iter_radius_pairs(1, chunk_size=size)
    with pytest.raises(ValueError, match="one of mask, indices and ids"):
        model.radius_pairs(1, mask=np.ones(400, dtype=bool), indices=[1])
