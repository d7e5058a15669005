"""Test neighbors against a full table of cosines, and their graph."""

import numpy as np
import pytest
import scipy.sparse as sp
from numpy.testing import assert_allclose, assert_array_equal

from skhash.variational.pseudo_labels._graph import (
    LatentNeighbors,
    LatentSpace,
    NeighborGraph,
)


def unit_rows(n_rows=60, n_dimensions=6, seed=0):
    X = np.random.default_rng(seed).normal(size=(n_rows, n_dimensions))
    X /= np.linalg.norm(X, axis=1, keepdims=True)
    return X.astype(np.float32)


def by_brute_force(X, n_neighbors):
    cosines = X.astype(float) @ X.T.astype(float)
    np.fill_diagonal(cosines, -2)
    neighbors = np.argsort(-cosines, axis=1, kind="stable")[:, :n_neighbors]
    return np.take_along_axis(cosines, neighbors, axis=1), neighbors


def test_nearest():
    X = unit_rows()
    similarities, neighbors = LatentNeighbors(X, 7).nearest(X, np.arange(60))
    expected = by_brute_force(X, 7)
    assert similarities.dtype == np.float32
    assert_allclose(similarities, expected[0], atol=1e-5)
    assert_array_equal(neighbors, expected[1])


def test_neighbors_of_repeated_rows():
    X = np.repeat(unit_rows(4), 15, axis=0)
    similarities, neighbors = LatentNeighbors(X, 10).nearest(X, np.arange(60))
    assert not (neighbors == np.arange(60)[:, None]).any()
    assert_array_equal(neighbors // 15, np.repeat(range(4), 15)[:, None].repeat(10, 1))
    assert all(len(set(found)) == 10 for found in neighbors.tolist())
    assert_allclose(similarities, 1, atol=1e-5)


def test_neighbors_among_some_of_the_rows():
    X, indexed = unit_rows(), np.arange(0, 60, 2)
    own = np.full(60, -1)
    own[indexed] = np.arange(30)
    similarities, neighbors = LatentNeighbors(X[indexed], 5).nearest(X, own)
    cosines = (X.astype(float) @ X.T.astype(float)) - 3 * np.eye(60)
    order = np.argsort(-cosines[:, indexed], axis=1)[:, :5]
    assert_array_equal(neighbors, order)
    assert_allclose(
        similarities, np.take_along_axis(cosines[:, indexed], order, 1), atol=1e-5
    )


def latent_of(X, n_components):
    return LatentSpace(X, n_components, np.random.RandomState(0)).transform(X)


def test_latent_space_of_dense_rows():
    """With all directions it is a rotation, which changes no angle."""
    X = np.random.default_rng(0).normal(size=(9, 4)).astype(np.float32)
    X[3] = 0
    unit = X / np.maximum(np.linalg.norm(X, axis=1, keepdims=True), 1e-12)
    basis = np.linalg.svd(X)[2][:3]
    rotated = X @ basis.T
    rotated /= np.maximum(np.linalg.norm(rotated, axis=1, keepdims=True), 1e-12)
    latent = latent_of(X, 50)
    assert latent.shape == (9, 3)
    assert_allclose(latent @ latent.T, rotated @ rotated.T, atol=1e-4)
    assert_allclose(latent[3], 0)
    assert np.corrcoef((latent @ latent.T).ravel(), (unit @ unit.T).ravel())[0, 1] > 0.7


def test_latent_space_of_sparse_rows(small_rows):
    X, topics = small_rows
    latent = latent_of(X, 10)
    assert latent.shape == (300, 10)
    assert latent.dtype == np.float32
    assert_allclose(np.linalg.norm(latent, axis=1), 1, rtol=1e-5)
    _, neighbors = LatentNeighbors(latent, 5).nearest(latent, np.arange(300))
    assert (topics[neighbors] == topics[:, None]).mean() > 0.95


@pytest.mark.parametrize("shape", [(2, 1), (5, 1), (2, 9)])
def test_latent_space_of_a_tiny_matrix(shape):
    latent = latent_of(sp.csr_array(np.ones(shape)), 200)
    assert_allclose(np.linalg.norm(latent, axis=1), 1, rtol=1e-5)


def test_neighbor_graph(small_rows):
    X, topics = small_rows
    latent = latent_of(X, 20)
    similarities, neighbors = LatentNeighbors(latent, 5).nearest(latent, np.arange(300))
    graph = NeighborGraph(similarities, neighbors)
    weights = np.zeros((300, 300))
    for row in range(300):
        weights[row, neighbors[row]] = similarities[row] ** 2 + 1e-6
    weights = np.maximum(weights, weights.T)
    degree = weights.sum(axis=1)
    assert_allclose(graph.average.toarray(), weights / degree[:, None], atol=1e-5)
    assert_allclose(
        graph.diffusion.toarray(),
        weights / np.sqrt(np.outer(degree, degree)),
        atol=1e-5,
    )
    spread = graph.propagate(np.eye(3, dtype=np.float32)[topics])
    assert spread.shape == (300, 3)
    assert_array_equal(spread.argmax(axis=1), topics)
