"""Compare two-stage search with exact search."""

import warnings

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from scipy.spatial.distance import cdist
from sklearn.compose import ColumnTransformer
from sklearn.frozen import FrozenEstimator
from sklearn.neighbors import NearestNeighbors
from sklearn.pipeline import FeatureUnion, make_pipeline
from sklearn.preprocessing import StandardScaler

from skhash.neighbors._reranked import RerankedNearestNeighbors
from skhash.shallow import CCAITQHasher, ITQHasher, RandomProjectionHasher


@pytest.fixture
def X():
    rng = np.random.RandomState(0)
    centers = 2 * rng.standard_normal((10, 16))
    return centers[rng.randint(10, size=400)] + rng.standard_normal((400, 16))


@pytest.mark.parametrize("sparse", [False, True])
@pytest.mark.parametrize("metric", ["cosine", "euclidean"])
def test_all_candidates_give_exact_search(X, metric, sparse):
    rows = sp.csr_array(X) if sparse else X
    search = RerankedNearestNeighbors(
        ITQHasher(16, random_state=0), rerank_factor=100, metric=metric
    ).fit(rows[:300])
    exact = NearestNeighbors(n_neighbors=5, metric=metric, algorithm="brute")
    exact.fit(X[:300])
    for queries in (None, X[300:]):
        asked = sp.csr_array(queries) if sparse and queries is not None else queries
        distances, indices = search.kneighbors(asked)
        expected_distances, expected = exact.kneighbors(queries)
        np.testing.assert_array_equal(indices, expected)
        np.testing.assert_allclose(distances, expected_distances, atol=1e-7)


@pytest.mark.parametrize("metric", ["cosine", "euclidean", "inner_product"])
def test_queries_may_be_of_another_form_than_the_index(X, metric):
    hasher = FrozenEstimator(ITQHasher(16, random_state=0).fit(X))
    dense, sparse = (
        RerankedNearestNeighbors(hasher, metric=metric).fit(rows)
        for rows in (X, sp.csr_array(X))
    )
    expected = dense.kneighbors(X[:9])
    for found in (
        dense.kneighbors(sp.csr_array(X[:9])),
        sparse.kneighbors(X[:9]),
        sparse.kneighbors(sp.csr_matrix(X[:9])),
    ):
        np.testing.assert_allclose(found[0], expected[0], atol=1e-7)
        np.testing.assert_array_equal(found[1], expected[1])


def test_inner_product_finds_the_largest(X):
    search = RerankedNearestNeighbors(rerank_factor=400, metric="inner_product")
    distances, indices = search.fit(X).kneighbors(X[:7], n_neighbors=1)
    products = X[:7] @ X.T
    np.testing.assert_array_equal(indices[:, 0], products.argmax(axis=1))
    np.testing.assert_allclose(-distances[:, 0], products.max(axis=1))


def test_asymmetric_candidates_are_those_of_the_index(X):
    hasher = ITQHasher(8, random_state=0)
    search = RerankedNearestNeighbors(
        hasher, n_neighbors=5, rerank_factor=3, candidates="asymmetric"
    ).fit(X[:300])
    for allowed in (None, np.arange(300) % 3 == 0):
        expected = search.index_.asymmetric_kneighbors(
            search.hasher_.decision_function(X[300:]), 15, False, mask=allowed
        )
        found = search.kneighbors(X[300:], 5, False, mask=allowed)
        exact = cdist(X[300:], X[:300], "cosine")
        for row, candidates in enumerate(expected):
            best = candidates[np.argsort(exact[row, candidates])[:5]]
            np.testing.assert_array_equal(found[row], best)
    found = search.kneighbors(X[300:303], 5, False, indices=[7, 9], pad=True)
    np.testing.assert_array_equal(np.sort(found, axis=1), [[-1, -1, -1, 7, 9]] * 3)
    nothing = search.kneighbors(X[300:303], 2, False, indices=[], pad=True)
    np.testing.assert_array_equal(nothing, [[-1, -1]] * 3)
    with pytest.raises(ValueError, match="n_neighbors must be at most"):
        search.kneighbors(X[300:303], 5, indices=[7, 9])
    np.testing.assert_array_equal(
        search.kneighbors(None, 5, False),
        search.set_params(candidates="hamming").kneighbors(None, 5, False),
    )


def test_asymmetric_candidates_find_more(X):
    expected = NearestNeighbors(n_neighbors=5, metric="cosine").fit(X[:300])
    expected = expected.kneighbors(X[300:], return_distance=False)
    recalls = []
    for candidates in ("hamming", "asymmetric"):
        search = RerankedNearestNeighbors(
            ITQHasher(16, random_state=0), rerank_factor=2, candidates=candidates
        ).fit(X[:300])
        found = search.kneighbors(X[300:], 5, return_distance=False)
        recalls.append(
            np.mean([np.isin(*pair).mean() for pair in zip(found, expected)])
        )
    assert recalls[1] > recalls[0] + 0.02


def test_asymmetric_candidates_need_a_decision_function(X):
    union = FeatureUnion([("codes", ITQHasher(8, random_state=0))])
    with pytest.raises(ValueError, match="with decision_function, which FeatureUnion"):
        RerankedNearestNeighbors(union, candidates="asymmetric").fit(X)
    pipeline = make_pipeline(StandardScaler(), ITQHasher(8, random_state=0))
    search = RerankedNearestNeighbors(pipeline, candidates="asymmetric").fit(X)
    assert search.kneighbors(X[:3])[1].shape == (3, 5)


def test_more_candidates_find_more(X):
    exact = NearestNeighbors(n_neighbors=5, metric="cosine").fit(X)
    expected = exact.kneighbors(return_distance=False)
    recalls = []
    for factor in (1, 4, 16):
        search = RerankedNearestNeighbors(
            ITQHasher(16, random_state=0), rerank_factor=factor
        )
        found = search.fit(X).kneighbors(return_distance=False)
        recalls.append(
            np.mean([np.isin(*pair).mean() for pair in zip(found, expected)])
        )
    assert recalls[0] < recalls[1] < recalls[2]
    assert recalls[2] > 0.95


@pytest.mark.parametrize("output", ["bits", "packed"])
def test_takes_a_fitted_hasher_of_either_output(X, output):
    hasher = ITQHasher(16, output=output, random_state=0).fit(X)
    search = RerankedNearestNeighbors(FrozenEstimator(hasher)).fit(X[:200])
    plain = RerankedNearestNeighbors(ITQHasher(16, random_state=0)).fit(X)
    np.testing.assert_array_equal(search.hasher_.transform(X), hasher.transform(X))
    assert search.index_.n_bits_ == 16 == plain.index_.n_bits_


def test_labels_reach_the_hasher(X):
    y = (X[:, 0] > 0).astype(int)
    search = RerankedNearestNeighbors(CCAITQHasher(8, random_state=0)).fit(X, y)
    assert search.kneighbors(X[:3])[1].shape == (3, 5)


@pytest.mark.parametrize("n_neighbors", [0, 401])
def test_wrong_number_of_neighbors_is_an_error(X, n_neighbors):
    with pytest.raises(ValueError, match="n_neighbors"):
        RerankedNearestNeighbors().fit(X).kneighbors(X, n_neighbors)


def test_number_of_neighbors_that_is_no_number(X):
    with pytest.raises(TypeError, match="n_neighbors must be an int; got True"):
        RerankedNearestNeighbors().fit(X).kneighbors(X, True)


@pytest.mark.parametrize("form", [np.asarray, np.float32, sp.csr_array])
@pytest.mark.parametrize("metric", ["cosine", "euclidean", "inner_product"])
@pytest.mark.parametrize("n_queries", [1, 7, 90])
def test_copies_tie(metric, form, n_queries):
    rows = np.random.RandomState(0).standard_normal((30, 33)).repeat(3, axis=0)
    search = RerankedNearestNeighbors(
        ITQHasher(16, random_state=0), n_neighbors=90, rerank_factor=1, metric=metric
    ).fit(form(rows))
    distances, indices = search.kneighbors(form(rows[:n_queries]))
    copies = distances.reshape(n_queries, 30, 3)
    np.testing.assert_array_equal(copies, copies[:, :, :1].repeat(3, axis=2))
    positions = indices.reshape(n_queries, 30, 3)
    np.testing.assert_array_equal(np.diff(positions, axis=2), 1)
    if metric == "euclidean":
        assert not distances[:, :3].any()


def test_euclidean_distances_far_from_zero():
    rows = np.float32(1000 + np.random.RandomState(0).standard_normal((300, 32)))
    search = RerankedNearestNeighbors(rerank_factor=60, metric="euclidean").fit(rows)
    distances, indices = search.kneighbors(rows)
    expected_distances, expected = NearestNeighbors().fit(rows).kneighbors(rows)
    np.testing.assert_array_equal(indices, expected)
    np.testing.assert_allclose(distances, expected_distances, atol=1e-5)


@pytest.mark.parametrize("sparse", [False, True])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("metric", ["cosine", "euclidean", "inner_product"])
def test_the_scale_does_not_matter(X, metric, dtype, sparse):
    """Squares of such values overflow or vanish; a power of two rounds nothing."""
    hasher = RandomProjectionHasher(16, random_state=0)
    ordinary = X.astype(np.float32).astype(np.float64)
    most = 110 if dtype == np.float32 else 900
    for exponent in (-most, most):
        rows = np.ldexp(ordinary, exponent).astype(dtype)
        rows = sp.csr_array(rows) if sparse else rows
        how = {"metric": metric, "rerank_factor": 40}
        found = [
            RerankedNearestNeighbors(hasher, **how).fit(each).kneighbors(each[:50])
            for each in (sp.csr_array(ordinary) if sparse else ordinary, rows)
        ]
        if metric == "inner_product" and dtype == np.float64:
            continue  # not even the sums are within double precision
        power = {"cosine": 0, "euclidean": exponent, "inner_product": 2 * exponent}
        distances = np.ldexp(found[1][0], -power[metric])
        np.testing.assert_allclose(distances, found[0][0], rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("last", ["hasher", "passthrough"])
def test_pipeline_of_packed_codes(X, last):
    steps = [StandardScaler(), ITQHasher(12, output="packed", random_state=0)]
    if last == "passthrough":
        steps.append("passthrough")
    search = RerankedNearestNeighbors(make_pipeline(*steps), rerank_factor=400).fit(X)
    assert search.index_.n_bits_ == 16
    assert search.index_.packed
    assert search.kneighbors(X, 1, return_distance=False).ravel().tolist() == [
        *range(len(X))
    ]


def test_hasher_sees_the_names_of_columns(X):
    frame = pd.DataFrame(X, columns=[f"x{i}" for i in range(16)])
    first = ColumnTransformer([("some", "passthrough", ["x3", "x5", "x8"])])
    hasher = make_pipeline(first, ITQHasher(3, random_state=0))
    search = RerankedNearestNeighbors(hasher).fit(frame)
    assert search.hasher_[-1].n_features_in_ == 3
    search.kneighbors(frame[:5])
    frozen = FrozenEstimator(ITQHasher(8, random_state=0).fit(frame))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        RerankedNearestNeighbors(frozen).fit(frame).kneighbors(frame[:5])


def test_random_state_is_that_of_the_default_hasher(X):
    codes = [
        RerankedNearestNeighbors(random_state=seed).fit(X).hasher_.transform(X)
        for seed in (0, 0, 1)
    ]
    np.testing.assert_array_equal(codes[0], codes[1])
    assert (codes[0] != codes[2]).any()
    assert RerankedNearestNeighbors(random_state=3).fit(X).hasher_.random_state == 3


@pytest.mark.parametrize("mode", ["connectivity", "distance"])
def test_graph_of_neighbors(X, mode):
    search = RerankedNearestNeighbors(rerank_factor=400, random_state=0).fit(X)
    for queries in (None, X[:6]):
        graph = search.kneighbors_graph(queries, 3, mode=mode)
        distances, indices = search.kneighbors(queries, 3)
        assert graph.shape == (len(indices), len(X))
        np.testing.assert_array_equal(graph.indices.reshape(-1, 3), indices)
        weights = np.ones_like(distances) if mode == "connectivity" else distances
        np.testing.assert_array_equal(graph.data.reshape(-1, 3), weights)
    with pytest.raises(ValueError, match="mode"):
        search.kneighbors_graph(X, mode="weight")


@pytest.mark.parametrize("kind", ["columns", "union", "mixed"])
def test_packed_codes_in_columns_and_unions(X, kind):
    frame = pd.DataFrame(X, columns=[f"x{i}" for i in range(16)])

    def search(output):
        a = ITQHasher(5, output=output, random_state=0)
        b = ITQHasher(12, output="bits" if kind == "mixed" else output, random_state=1)
        if kind == "union":
            hasher = FeatureUnion([("a", a), ("b", b)])
        else:
            columns = list(frame)
            hasher = ColumnTransformer([("a", a, columns[:9]), ("b", b, columns)])
        return RerankedNearestNeighbors(hasher, rerank_factor=3).fit(frame)

    bits, packed = search("bits"), search("packed")
    assert packed.index_.packed == (kind != "mixed")
    for queries in (None, frame[:30]):
        for got, want in zip(packed.kneighbors(queries), bits.kneighbors(queries)):
            np.testing.assert_array_equal(got, want)


def exact_neighbors(rows, queries, metric):
    if metric == "inner_product":
        distances = -(queries @ rows.T)
    else:
        distances = cdist(queries, rows, metric)
    return distances, np.argsort(distances, axis=1, kind="stable")


@pytest.mark.parametrize("forms", [(0, 0), (0, 1), (1, 0), (1, 1)])
@pytest.mark.parametrize("metric", ["cosine", "euclidean", "inner_product"])
def test_append_and_remove_equal_exact_search(X, metric, forms):
    first, later = ((np.asarray, sp.csr_array)[form] for form in forms)
    hasher = FrozenEstimator(ITQHasher(16, random_state=0).fit(X))
    search = RerankedNearestNeighbors(hasher, rerank_factor=100, metric=metric)
    search.fit(first(X[:200]), ids=np.arange(200))
    for i in range(200, 380, 20):
        search.partial_fit(later(X[i : i + 20]), ids=np.arange(i, i + 20))
        search.remove(ids=[i - 200, i])
    ids = search.ids_
    assert search.n_samples_fit_ == len(ids) == 380 - 18
    exact, order = exact_neighbors(X[ids], X[380:], metric)
    distances, found = search.kneighbors(X[380:], return_ids=True)
    np.testing.assert_array_equal(found, ids[order[:, :5]])
    expected = np.take_along_axis(exact, order, axis=1)
    np.testing.assert_allclose(distances, expected[:, :5], atol=1e-7)
    kept = ids % 3 == 0
    exact, order = exact_neighbors(X[ids[kept]], X[380:], metric)
    for subset in (
        {"mask": kept},
        {"ids": ids[kept]},
        {"indices": np.flatnonzero(kept)},
    ):
        found = search.kneighbors(X[380:], return_distance=False, **subset)
        np.testing.assert_array_equal(found, np.flatnonzero(kept)[order[:, :5]])
    graph = search.kneighbors_graph(X[380:], mask=kept)
    np.testing.assert_array_equal(graph.indices.reshape(-1, 5), found)


@pytest.mark.parametrize("sparse", [False, True])
def test_all_within_a_radius(X, sparse):
    rows = sp.csr_array(X) if sparse else X
    search = RerankedNearestNeighbors(
        ITQHasher(16, random_state=0), radius=0.2, hamming_radius=16
    ).fit(rows, ids=np.arange(400)[::-1])
    for queries in (None, rows[:9]):
        exact, _ = exact_neighbors(X, X if queries is None else X[:9], "cosine")
        if queries is None:
            np.fill_diagonal(exact, np.inf)
        distances, found = search.radius_neighbors(queries)
        named = search.radius_neighbors(queries, return_distance=False, return_ids=True)
        for i, near in enumerate(exact):
            expected = np.flatnonzero(near <= 0.2)
            assert sorted(found[i]) == expected.tolist()
            np.testing.assert_allclose(distances[i], near[found[i]], atol=1e-7)
            assert (np.diff(distances[i]) >= 0).all()
            np.testing.assert_array_equal(named[i], 399 - found[i])
    few = search.set_params(hamming_radius=None).radius_neighbors(rows[:9], 0.2, False)
    bits = np.unpackbits(search.index_._index.rows(), axis=1)
    for i, near in enumerate(few):
        assert ((bits[near] != bits[i]).sum(axis=1) <= 4).all()
    only = search.radius_neighbors(rows[:9], 2.0, False, ids=[399])
    assert {index for some in only for index in some} == {0}
    with pytest.raises(TypeError, match="radius must be a number"):
        search.radius_neighbors(rows[:2], "1")


def test_padding_and_an_empty_index(X):
    search = RerankedNearestNeighbors(ITQHasher(16, random_state=0)).fit(X)
    distances, found = search.kneighbors(X[:3], 4, indices=[5, 9], pad=True)
    assert (np.sort(found[:, :2]) == [5, 9]).all()
    assert (found[:, 2:] == -1).all()
    assert np.isinf(distances[:, 2:]).all()
    with pytest.raises(ValueError, match="n_neighbors must be at most"):
        search.kneighbors(X[:3], 4, indices=[5, 9])
    search.remove(np.arange(400))
    distances, found = search.kneighbors(X[:3], 2, pad=True)
    assert np.isinf(distances).all()
    assert (found == -1).all()
    assert [len(some) for some in search.radius_neighbors(X[:3])[0]] == [0, 0, 0]
    search.partial_fit(X[:50])
    assert search.kneighbors(X[:9], 1)[1].ravel().tolist() == list(range(9))


@pytest.mark.parametrize("form", ["classes", "sets"])
def test_score_is_precision_among_labeled_neighbors(X, form):
    y = np.random.RandomState(0).randint(-1, 3, 400)
    if form == "sets":
        sets = np.random.RandomState(1).randint(0, 2, (400, 3))
        sets[y < 0] = -1
        y = sets
    labeled = (y if y.ndim == 1 else y.max(axis=1)) >= 0
    search = RerankedNearestNeighbors(ITQHasher(16, random_state=0), n_neighbors=7)
    search.fit(X[:300], y[:300])
    found = search.kneighbors(X[300:], return_distance=False, mask=labeled[:300])
    same = [
        (y[q] == y[i]) if y.ndim == 1 else bool((y[q] * y[i]).any())
        for q, some in zip(range(300, 400), found)
        if labeled[q]
        for i in some
    ]
    with pytest.warns(UserWarning, match="no label for"):
        assert search.score(X[300:], y[300:]) == pytest.approx(np.mean(same))
    with pytest.raises(ValueError, match="score needs the labels"):
        RerankedNearestNeighbors().fit(X).score(X, np.zeros(400))


def test_labels_ids_and_vectors_must_fit(X):
    search = RerankedNearestNeighbors(ITQHasher(16, random_state=0))
    search.partial_fit(X[:50], np.arange(50) % 2, np.arange(50))
    before = search._contents
    for y, ids in (
        (None, [50]),
        ([1], None),
        ([1], [3]),
        ([1, 2], [50]),
        ([0.5], [50]),
    ):
        with pytest.raises(ValueError, match=r"y |ids |inconsistent"):
            search.partial_fit(X[:1], y, ids)
    with pytest.raises(ValueError, match="features"):
        search.partial_fit(X[:1, 1:], [1], [50])
    with pytest.raises(ValueError, match="ids must be in the index"):
        search.remove(ids=[50])
    assert search._contents is before
    float32 = RerankedNearestNeighbors(random_state=0).fit(np.float32(X))
    float32.partial_fit(X)
    assert float32._contents.vectors.matrix.dtype == np.float32
