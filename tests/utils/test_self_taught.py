"""Test the steps of self-taught hashing: graph, balanced bits, linear models."""

import numpy as np
import pytest
import scipy.sparse as sp
from scipy.linalg import eigh
from sklearn.metrics.pairwise import cosine_similarity
from sklearn.preprocessing import normalize

from skhash.utils._self_taught import (
    cosine_graph,
    graph_bits,
    learn_bits,
    smooth_eigenvectors,
)


@pytest.fixture
def X():
    rng = np.random.RandomState(0)
    centers = rng.standard_normal((6, 8))
    return centers[rng.randint(6, size=401)] + rng.standard_normal((401, 8))


@pytest.mark.parametrize("form", [np.asarray, sp.csr_array])
def test_graph_has_the_cosines_of_neighbors(X, form):
    cosines = cosine_similarity(X)
    np.fill_diagonal(cosines, -1)
    expected = np.zeros_like(cosines)
    for row, found in enumerate(np.argsort(-cosines, axis=1)[:, :7]):
        expected[row, found] = np.maximum(cosines[row, found], 0)
    graph = cosine_graph(form(X), 7).toarray()
    np.testing.assert_allclose(graph, (expected + expected.T) / 2, atol=1e-12)


def test_all_other_samples_are_neighbors_of_few(X):
    cosines = np.maximum(cosine_similarity(X[:5]), 0) * (1 - np.eye(5))
    np.testing.assert_allclose(cosine_graph(X[:5], 20).toarray(), cosines, atol=1e-12)


def test_bits_of_the_training_rows_are_balanced(X):
    graph = cosine_graph(X, 10)
    bits = graph_bits(graph, 12, random_state=np.random.RandomState(0))
    np.testing.assert_array_equal(bits.sum(axis=0), len(X) // 2)


@pytest.mark.parametrize("n_samples", [50, 400])
def test_eigenvectors_solve_the_generalized_problem(n_samples):
    rng = np.random.RandomState(0)
    graph = sp.random_array((n_samples, n_samples), density=0.1, random_state=rng)
    graph = sp.csr_array(graph + graph.T)
    vectors = smooth_eigenvectors(graph, 5, random_state=rng)
    degree = graph.sum(axis=1)
    weak = 1e-2 * degree.mean()
    joined = graph.toarray() + weak / n_samples
    expected = eigh(np.diag(degree + weak) - joined, np.diag(degree + weak))[1][:, 1:6]
    cosines = np.abs(
        np.sum(normalize(vectors, axis=0) * normalize(expected, axis=0), 0)
    )
    np.testing.assert_allclose(cosines, 1, atol=1e-4)


def test_linear_models_of_bits(X):
    X = normalize(X)
    bits = np.column_stack([X[:, 0] > 0.1, np.ones(len(X)), np.zeros(len(X))]) > 0
    coef, intercept = learn_bits(X, bits, C=1.0, random_state=np.random.RandomState(0))
    decisions = X @ coef.T + intercept
    assert np.mean((decisions > 0) == bits) > 0.97
    np.testing.assert_array_equal(decisions[:, 1:], [[1, -1]] * len(X))
