"""The nearest codes and all within a radius, beside scikit-learn and plain numpy."""

import numpy as np
import pytest
from sklearn.exceptions import NotFittedError
from sklearn.neighbors import NearestNeighbors

from skhash.neighbors import HammingNearestNeighbors, HammingNeighborsTransformer

N_BITS = 24


@pytest.fixture
def bits():
    return np.random.default_rng(0).integers(0, 2, (500, N_BITS), dtype=np.uint8)


@pytest.fixture
def queries():
    return np.random.default_rng(1).integers(0, 2, (30, N_BITS), dtype=np.uint8)


def assert_same(got, want):
    for a, b in zip(got, want, strict=True):
        np.testing.assert_array_equal(a, b)


def test_distances_are_those_of_scikit_learn(bits, queries):
    reference = NearestNeighbors(metric="hamming", algorithm="brute").fit(bits)
    for X in (queries, None):
        distances, indices = HammingNearestNeighbors().fit(bits).kneighbors(X, 7)
        expected, _ = reference.kneighbors(X, 7)
        np.testing.assert_array_equal(distances, np.rint(expected * N_BITS))
        assert distances.dtype == np.int32
        assert indices.dtype == np.intp


def test_radius_is_inclusive_and_results_are_ragged(bits, queries):
    reference = NearestNeighbors(metric="hamming", algorithm="brute").fit(bits)
    model = HammingNearestNeighbors(radius=6).fit(bits)
    expected, expected_indices = reference.radius_neighbors(
        queries, 6.5 / N_BITS, sort_results=True
    )
    distances, indices = model.radius_neighbors(queries)
    assert distances.dtype == indices.dtype == object
    assert any((d == 6).any() for d in distances)
    for row in range(len(queries)):
        np.testing.assert_array_equal(distances[row], np.rint(expected[row] * N_BITS))
        assert set(indices[row]) == set(expected_indices[row])
        np.testing.assert_array_equal(
            indices[row], indices[row][np.lexsort((indices[row], distances[row]))]
        )
    assert_same(model.radius_neighbors(queries, return_distance=False), indices)


def test_self_is_excluded_by_index():
    bits = np.zeros((6, 9), dtype=int)
    model = HammingNearestNeighbors(n_neighbors=3).fit(bits)
    expected = [[1, 2, 3], [0, 2, 3], [0, 1, 3], [0, 1, 2], [0, 1, 2], [0, 1, 2]]
    np.testing.assert_array_equal(model.kneighbors(return_distance=False), expected)
    indices = model.radius_neighbors(return_distance=False)
    assert [list(row) for row in indices[:2]] == [[1, 2, 3, 4, 5], [0, 2, 3, 4, 5]]


@pytest.mark.parametrize("mode", ["connectivity", "distance"])
def test_graphs(bits, queries, mode):
    queries[0] = bits[3]
    model = HammingNearestNeighbors(radius=5).fit(bits)
    for X in (queries, None):
        graph = model.kneighbors_graph(X, 4, mode=mode)
        distances, indices = model.kneighbors(X, 4)
        assert graph.format == "csr"
        assert graph.dtype == np.float64
        assert graph.shape == (len(distances), len(bits))
        np.testing.assert_array_equal(graph.indices.reshape(-1, 4), indices)
        weights = np.ones_like(distances) if mode == "connectivity" else distances
        np.testing.assert_array_equal(graph.data.reshape(-1, 4), weights)

        graph = model.radius_neighbors_graph(X, mode=mode)
        distances, indices = model.radius_neighbors(X)
        np.testing.assert_array_equal(graph.indices, np.concatenate(indices))
        if mode == "distance":
            np.testing.assert_array_equal(graph.data, np.concatenate(distances))
            assert X is None or (graph.data == 0).any()
        np.testing.assert_array_equal(np.diff(graph.indptr), [len(i) for i in indices])


@pytest.mark.parametrize("algorithm", ["brute", "multi_index"])
@pytest.mark.parametrize("n_jobs", [1, 2])
def test_no_query_gives_no_result(bits, algorithm, n_jobs):
    model = HammingNearestNeighbors(algorithm=algorithm, n_jobs=n_jobs).fit(bits)
    distances, indices = model.kneighbors(bits[:0])
    assert distances.shape == indices.shape == (0, 5)
    assert len(model.radius_neighbors(bits[:0], return_distance=False)) == 0
    assert model.kneighbors_graph(bits[:0]).shape == (0, 500)
    assert model.radius_neighbors_graph(bits[:0]).shape == (0, 500)


def test_subset_equals_filtering(bits, queries):
    model = HammingNearestNeighbors(radius=8).fit(bits)
    mask = np.random.default_rng(2).random(len(bits)) < 0.3
    all_distances, all_indices = model.kneighbors(queries, len(bits))
    distances, indices = model.kneighbors(queries, 4, mask=mask)
    for row in range(len(queries)):
        kept = mask[all_indices[row]]
        np.testing.assert_array_equal(indices[row], all_indices[row][kept][:4])
        np.testing.assert_array_equal(distances[row], all_distances[row][kept][:4])
    chosen = np.flatnonzero(mask)[::-1]
    assert_same(model.kneighbors(queries, 4, indices=chosen), (distances, indices))
    for row in model.radius_neighbors(mask=mask, return_distance=False):
        assert mask[row].all()
    empty = model.radius_neighbors(queries, indices=[], return_distance=False)
    assert [len(row) for row in empty] == [0] * len(queries)


def test_query_before_fit(bits):
    for method in ("kneighbors", "radius_neighbors", "kneighbors_graph"):
        with pytest.raises(NotFittedError):
            getattr(HammingNearestNeighbors(), method)(bits)
    with pytest.raises(NotFittedError):
        HammingNearestNeighbors().remove([0])
    with pytest.raises(NotFittedError):
        HammingNearestNeighbors().score(bits, bits[:, 0])
    with pytest.raises(NotFittedError):
        HammingNeighborsTransformer().transform(bits)


@pytest.mark.parametrize(
    ("n_neighbors", "error"),
    [(0, ValueError), (-2, ValueError), (501, ValueError), (2.0, TypeError)],
)
def test_bad_n_neighbors(bits, n_neighbors, error):
    model = HammingNearestNeighbors().fit(bits)
    with pytest.raises(error, match="n_neighbors"):
        model.kneighbors(bits, n_neighbors)
    with pytest.raises(ValueError, match="n_neighbors=500, n_samples=500"):
        model.kneighbors(n_neighbors=500)
    with pytest.raises(ValueError, match="n_samples=2"):
        model.kneighbors(bits, 3, indices=[1, 2])


def test_bad_radius_mode_and_subset(bits):
    model = HammingNearestNeighbors().fit(bits)
    for radius, error in [(-1, ValueError), (1.5, TypeError), (True, TypeError)]:
        with pytest.raises(error, match="radius"):
            model.radius_neighbors(bits, radius)
    for method in ("kneighbors_graph", "radius_neighbors_graph"):
        with pytest.raises(ValueError, match="mode"):
            getattr(model, method)(bits, mode="weight")
    for subset in (
        {"mask": np.ones(499, dtype=bool)},
        {"mask": np.ones(500)},
        {"mask": np.ones(500, dtype=bool), "indices": [1]},
        {"indices": [500]},
        {"indices": [-1]},
        {"indices": [0.5]},
        {"indices": [[1]]},
    ):
        with pytest.raises(ValueError, match=r"mask|indices"):
            model.kneighbors(bits, **subset)
    with pytest.raises(ValueError, match="at least one code"):
        model.remove(np.arange(500))
