"""Neighbours against a full table of cosines."""

import numpy as np
import pytest
import scipy.sparse as sp
from numpy.testing import assert_allclose, assert_array_equal

from skhash.variational import neighborhood
from skhash.variational.neighborhood import latent_rows, nearest_rows


def unit_rows(n_rows=60, n_dimensions=6, seed=0):
    X = np.random.default_rng(seed).normal(size=(n_rows, n_dimensions))
    X /= np.linalg.norm(X, axis=1, keepdims=True)
    return X.astype(np.float32)


def by_brute_force(X, n_neighbors):
    cosines = X.astype(float) @ X.T.astype(float)
    np.fill_diagonal(cosines, -2)
    neighbors = np.argsort(-cosines, axis=1, kind="stable")[:, :n_neighbors]
    return np.take_along_axis(cosines, neighbors, axis=1), neighbors


def test_nearest_rows():
    X = unit_rows()
    similarities, neighbors = nearest_rows(X, 7, np.random.RandomState(0))
    expected = by_brute_force(X, 7)
    assert similarities.dtype == np.float32
    assert_allclose(similarities, expected[0], atol=1e-5)
    assert_array_equal(neighbors, expected[1])


def test_rows_that_repeat_are_neighbours_but_not_of_themselves():
    X = np.repeat(unit_rows(4), 15, axis=0)
    similarities, neighbors = nearest_rows(X, 10, np.random.RandomState(0))
    assert not (neighbors == np.arange(60)[:, None]).any()
    assert_array_equal(neighbors // 15, np.repeat(range(4), 15)[:, None].repeat(10, 1))
    assert all(len(set(found)) == 10 for found in neighbors.tolist())
    assert_allclose(similarities, 1, atol=1e-5)


def test_as_many_neighbours_as_there_are():
    similarities, neighbors = nearest_rows(unit_rows(4), 10, np.random.RandomState(0))
    assert similarities.shape == neighbors.shape == (4, 3)
    assert_array_equal(np.sort(neighbors[1]), [0, 2, 3])


def test_candidates(monkeypatch):
    monkeypatch.setattr(neighborhood, "_MAX_CANDIDATES", 25)
    X = unit_rows()
    similarities, neighbors = nearest_rows(X, 5, np.random.RandomState(0))
    candidates = np.unique(neighbors)
    assert len(candidates) <= 25
    assert not (neighbors == np.arange(60)[:, None]).any()
    cosines = (X.astype(float) @ X.T.astype(float)) - 3 * np.eye(60)
    drawn = np.sort(np.random.RandomState(0).choice(60, 25, replace=False))
    assert set(candidates) <= set(drawn)
    assert_allclose(
        similarities, -np.sort(-cosines[:, drawn], axis=1)[:, :5], atol=1e-5
    )


def test_latent_rows_of_dense_rows():
    X = np.random.default_rng(0).normal(size=(9, 4)).astype(np.float32)
    X[3] = 0
    latent = latent_rows(X, 2, np.random.RandomState(0))
    expected = X / np.maximum(np.linalg.norm(X, axis=1, keepdims=True), 1e-12)
    assert_allclose(latent, expected, rtol=1e-5)


def test_latent_rows_of_sparse_rows(small_rows):
    X, topics = small_rows
    latent = latent_rows(X, 10, np.random.RandomState(0))
    assert latent.shape == (300, 10)
    assert latent.dtype == np.float32
    assert_allclose(np.linalg.norm(latent, axis=1), 1, rtol=1e-5)
    _, neighbors = nearest_rows(latent, 5, np.random.RandomState(0))
    assert (topics[neighbors] == topics[:, None]).mean() > 0.95


@pytest.mark.parametrize("shape", [(2, 1), (5, 1), (2, 9)])
def test_latent_rows_of_a_tiny_matrix(shape):
    latent = latent_rows(sp.csr_array(np.ones(shape)), 200, np.random.RandomState(0))
    assert_allclose(np.linalg.norm(latent, axis=1), 1, rtol=1e-5)
