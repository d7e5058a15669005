"""Test the graph of neighbors as a step of a pipeline."""

import warnings

import numpy as np
import pytest
from sklearn.cluster import DBSCAN
from sklearn.neighbors import (
    KNeighborsClassifier,
    KNeighborsTransformer,
    RadiusNeighborsTransformer,
)
from sklearn.pipeline import make_pipeline

from skhash.neighbors import (
    HammingNeighborsTransformer,
    HammingRadiusNeighborsTransformer,
)

N_BITS = 24


@pytest.fixture
def bits():
    return np.random.default_rng(0).integers(0, 2, (500, N_BITS), dtype=np.uint8)


@pytest.fixture
def queries():
    return np.random.default_rng(1).integers(0, 2, (30, N_BITS), dtype=np.uint8)


def clustered():
    rng = np.random.default_rng(0)
    y = rng.integers(0, 3, 300)
    centers = rng.integers(0, 2, (3, 40))
    return centers[y] ^ (rng.random((300, 40)) < 0.05), y


@pytest.mark.parametrize("mode", ["distance", "connectivity"])
def test_transformer_equals_scikit_learn(bits, queries, mode):
    bits = np.unique(bits, axis=0)
    ours = HammingNeighborsTransformer(n_neighbors=3, mode=mode).fit(bits)
    theirs = KNeighborsTransformer(
        n_neighbors=3, mode=mode, metric="hamming", algorithm="brute"
    ).fit(bits)
    for X in (bits, queries):
        a, b = ours.transform(X), theirs.transform(X)
        assert a.shape == b.shape
        np.testing.assert_array_equal(np.diff(a.indptr), np.diff(b.indptr))
        if mode == "distance":
            np.testing.assert_allclose(a.data, b.data * N_BITS)
    graph = ours.fit_transform(bits)
    np.testing.assert_array_equal(
        graph.indices[:: 3 + (mode == "distance")], np.arange(len(bits))
    )
    assert len(ours.get_feature_names_out()) == len(bits)


def test_transformer_feeds_classifier_and_clustering():
    X, y = clustered()
    model = make_pipeline(
        HammingNeighborsTransformer(n_neighbors=10),
        KNeighborsClassifier(n_neighbors=5, metric="precomputed"),
    ).fit(X[:200], y[:200])
    plain = KNeighborsClassifier(n_neighbors=5, metric="hamming").fit(X[:200], y[:200])
    assert model.score(X[200:], y[200:]) == plain.score(X[200:], y[200:]) == 1.0

    graph = HammingNeighborsTransformer(n_neighbors=150).fit_transform(X)
    found = DBSCAN(eps=8, min_samples=5, metric="precomputed").fit_predict(graph)
    pairs = {(a, b) for a, b in zip(found, y) if a >= 0}
    assert len(pairs) == 3
    assert (found >= 0).mean() > 0.95


@pytest.mark.parametrize("mode", ["distance", "connectivity"])
@pytest.mark.parametrize("n_neighbors", [1, 4, 30])
@pytest.mark.filterwarnings("ignore:All .* neighbors")
def test_codes_are_their_own_neighbors_where_they_repeat(mode, n_neighbors):
    codes = np.random.default_rng(0).integers(0, 2, (90, 4))
    model = HammingNeighborsTransformer(n_neighbors, mode=mode).fit(codes)
    graph = model.transform(codes)
    k = n_neighbors + (mode == "distance")
    indices = graph.indices.reshape(90, k)
    own = np.arange(90)
    assert (indices == own[:, None]).any(axis=1).all()
    distances = (codes[:, None] != codes[None]).sum(axis=2)
    for i in range(90):
        order = np.lexsort((own, distances[i]))
        expected = sorted([i, *order[order != i][: k - 1]], key=order.tolist().index)
        np.testing.assert_array_equal(indices[i], expected)
    if mode == "distance":
        found = np.take_along_axis(distances, indices, axis=1)
        np.testing.assert_array_equal(graph.data.reshape(90, k), found)
    # Other codes are plain queries: the lowest indices come first.
    few = model.transform(codes[:89]).indices.reshape(89, k)
    for i in range(89):
        np.testing.assert_array_equal(few[i], np.lexsort((own, distances[i]))[:k])


def test_warning_where_copies_leave_out_what_is_near():
    codes = np.repeat(np.eye(4, dtype=int), 5, axis=0)
    with pytest.warns(
        UserWarning, match=r"All 4 neighbors of 20 of 20 codes .* than 3"
    ):
        HammingNeighborsTransformer(3).fit_transform(codes)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        HammingNeighborsTransformer(5).fit_transform(codes)
        HammingNeighborsTransformer(4).fit_transform(codes[:5])  # nothing is left out
        HammingRadiusNeighborsTransformer(0).fit_transform(codes)


@pytest.mark.parametrize("mode", ["distance", "connectivity"])
def test_radius_transformer_equals_scikit_learn(bits, queries, mode):
    ours = HammingRadiusNeighborsTransformer(7, mode=mode).fit(bits)
    theirs = RadiusNeighborsTransformer(
        radius=7.5 / N_BITS, mode=mode, metric="hamming", algorithm="brute"
    ).fit(bits)
    for X in (bits, queries):
        a, b = ours.transform(X), theirs.transform(X)
        scale = N_BITS if mode == "distance" else 1
        np.testing.assert_array_equal(np.diff(a.indptr), np.diff(b.indptr))
        np.testing.assert_allclose(a.toarray(), b.toarray() * scale)
    assert (ours.fit_transform(bits).diagonal() == (mode == "connectivity")).all()
    assert len(ours.get_feature_names_out()) == len(bits)


def test_radius_transformer_feeds_clustering_of_copies():
    X, _ = clustered()
    X = X[:, :12]
    distances = (X[:, None] != X[None]).sum(axis=2).astype(float)
    clustering = DBSCAN(eps=3, min_samples=4, metric="precomputed")
    expected = clustering.fit_predict(distances)
    model = make_pipeline(HammingRadiusNeighborsTransformer(radius=3), clustering)
    np.testing.assert_array_equal(model.fit_predict(X), expected)
    assert len(np.unique(X, axis=0)) < len(X)
