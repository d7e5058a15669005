"""Compare anchor graph hashing with eigenvectors of the whole graph."""

import numpy as np
import pytest
from scipy.optimize import minimize
from sklearn.metrics.pairwise import euclidean_distances

from skhash.shallow import AnchorGraphHasher


@pytest.fixture
def X():
    rng = np.random.RandomState(0)
    centers = 2 * rng.standard_normal((6, 8))
    return centers[rng.randint(6, size=300)] + rng.standard_normal((300, 8))


def adjacency(hasher, X):
    distances = euclidean_distances(
        hasher._latent_features(X), hasher.anchors_, squared=True
    )
    links = hasher._links(distances, hasher._nearest(distances)).toarray()
    return links, links / links.sum(axis=0) @ links.T


def test_projections_are_eigenvectors_of_the_anchor_graph(X):
    hasher = AnchorGraphHasher(6, n_anchors=40, random_state=0).fit(X)
    links, graph = adjacency(hasher, X)
    np.testing.assert_allclose(graph.sum(axis=1), 1)
    vectors = links @ hasher.projection_
    values = np.sum(vectors * (graph @ vectors), axis=0) / len(X)
    np.testing.assert_allclose(graph @ vectors, vectors * values, atol=1e-10)
    np.testing.assert_allclose(vectors.T @ vectors, len(X) * np.eye(6), atol=1e-8)
    np.testing.assert_allclose(vectors.mean(axis=0), 0, atol=1e-10)
    np.testing.assert_allclose(values, np.linalg.eigvalsh(graph)[::-1][1:7])
    np.testing.assert_array_equal(hasher.transform(X), vectors > 0)


def test_second_thresholds_minimize_the_cost():
    X = np.random.RandomState(0).standard_normal((300, 3))
    hasher = AnchorGraphHasher(6, n_layers=2, n_anchors=40, random_state=0).fit(X)
    links, graph = adjacency(hasher, X)
    laplacian = np.eye(len(X)) - graph
    y = (links @ hasher.projection_)[:, 0]

    def second(above, below):
        return np.where(y > 0, y - above, -y + below)

    def cost(above):
        # The balance 1' f = 0 fixes the threshold below.
        below = -second(above, 0.0).sum() / (y <= 0).sum()
        f = second(above, below)
        return f @ laplacian @ f

    above, below = hasher.thresholds_[:, 0]
    assert second(above, below).sum() == pytest.approx(0, abs=1e-8)
    assert minimize(lambda b: cost(b[0]), 0.0).x[0] == pytest.approx(above, abs=1e-3)
    expected = np.where(y > 0, y > above, -y + below > 0)
    np.testing.assert_array_equal(hasher.transform(X)[:, 3], expected)


def test_more_bits_than_anchors_is_an_error(X):
    with pytest.raises(ValueError, match="less than the number of anchors"):
        AnchorGraphHasher(8, n_anchors=8).fit(X)
