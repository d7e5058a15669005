"""Compare k-neighbor and radius queries with scikit-learn and plain numpy."""

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
    with pytest.raises(ValueError, match="either indices or ids"):
        model.remove()
    with pytest.raises(ValueError, match="no ids"):
        model.kneighbors(bits, ids=[1])
    with pytest.raises(ValueError, match="no ids"):
        model.radius_neighbors(bits, return_ids=True)


SUBSETS = {"few": np.arange(0, 500, 200), "one": [7], "none": []}


@pytest.mark.parametrize("subset", SUBSETS)
@pytest.mark.parametrize("algorithm", ["auto", "multi_index"])
def test_padding_where_a_filter_leaves_few(bits, queries, subset, algorithm):
    model = HammingNearestNeighbors(algorithm=algorithm).fit(bits)
    kept = np.array(SUBSETS[subset], dtype=int)
    with pytest.raises(ValueError, match="n_neighbors must be at most"):
        model.kneighbors(queries, 5, indices=kept)
    distances, found = model.kneighbors(queries, 5, indices=kept, pad=True)
    assert (distances.dtype, found.dtype) == (np.int32, np.intp)
    exact = (queries[:, None] != bits[kept]).sum(axis=2)
    order = np.argsort(exact, axis=1, kind="stable")
    n = len(kept)
    np.testing.assert_array_equal(found[:, :n], kept[order])
    np.testing.assert_array_equal(distances[:, :n], np.take_along_axis(exact, order, 1))
    assert (found[:, n:] == -1).all()
    assert (distances[:, n:] == N_BITS + 1).all()
    plain = model.kneighbors(queries, 5)
    padded = model.kneighbors(queries, 5, pad=True)
    np.testing.assert_array_equal(plain, padded)


def test_padding_of_indexed_codes(bits):
    model = HammingNearestNeighbors().fit(bits[:6])
    distances, found = model.kneighbors(n_neighbors=7, pad=True)
    expected = model.kneighbors(n_neighbors=5)
    np.testing.assert_array_equal(distances[:, :5], expected[0])
    np.testing.assert_array_equal(found[:, :5], expected[1])
    assert (found[:, 5:] == -1).all()
    found = model.kneighbors(
        n_neighbors=2, return_distance=False, indices=[4], pad=True
    )
    assert found[:, 0].tolist() == [4, 4, 4, 4, -1, 4]
    assert (found[:, 1] == -1).all()


@pytest.mark.parametrize("form", ["integers", "strings", "unsigned"])
def test_results_and_filters_by_id(bits, queries, form):
    ids = np.random.default_rng(0).permutation(1000)[:500]
    if form != "integers":
        ids = ids.astype(np.uint64) if form == "unsigned" else ids.astype(str)
    model = HammingNearestNeighbors().fit(bits, ids=ids)
    distances, found = model.kneighbors(queries)
    got = model.kneighbors(queries, return_ids=True)
    np.testing.assert_array_equal(got[0], distances)
    np.testing.assert_array_equal(got[1], ids[found])
    kept = np.arange(3, 500, 7)
    np.testing.assert_array_equal(
        model.kneighbors(queries, ids=ids[kept]),
        model.kneighbors(queries, indices=kept),
    )
    within = model.radius_neighbors(queries, 6, return_distance=False)
    named = model.radius_neighbors(queries, 6, False, return_ids=True)
    assert sum(map(len, within))
    for some, their_ids in zip(within, named):
        np.testing.assert_array_equal(ids[some], their_ids)
    padded = model.kneighbors(queries, 2, ids=ids[:1], pad=True, return_ids=True)[1]
    padding = {"integers": -1, "strings": "", "unsigned": 2**64 - 1}[form]
    assert padded[0].tolist() == [ids[0].item(), padding]
    for graph in (model.kneighbors_graph, model.radius_neighbors_graph):
        a, b = graph(queries, ids=ids[kept]), graph(queries, indices=kept)
        assert (a != b).nnz == 0
    with pytest.raises(ValueError, match=r"ids must be in the index; got '?7777"):
        model.kneighbors(queries, ids=["7777"] if form == "strings" else [7777])
    with pytest.raises(ValueError, match="one of mask, indices and ids"):
        model.kneighbors(queries, ids=ids, indices=[1])
