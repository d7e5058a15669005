"""The graph of neighbors as a step of a pipeline."""

import numpy as np
import pytest
from sklearn.cluster import DBSCAN
from sklearn.neighbors import (
    KNeighborsClassifier,
    KNeighborsTransformer,
)
from sklearn.pipeline import make_pipeline

from skhash.neighbors import (
    HammingNeighborsTransformer,
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
