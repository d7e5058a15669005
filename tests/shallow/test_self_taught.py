"""Test self-taught hashing: balanced bits, and eigenvectors of the graph."""

import numpy as np
import pytest
import scipy.sparse as sp
from scipy.linalg import eigh
from sklearn.preprocessing import normalize

from skhash.shallow import SelfTaughtHasher
from skhash.shallow._self_taught import graph_bits, smooth_eigenvectors


@pytest.fixture
def X():
    rng = np.random.RandomState(0)
    centers = rng.standard_normal((6, 8))
    return centers[rng.randint(6, size=401)] + rng.standard_normal((401, 8))


def test_bits_of_the_training_rows_are_balanced(X):
    bits = graph_bits(normalize(X), 12, 10, random_state=np.random.RandomState(0))
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


def test_components_of_a_graph_get_different_bits():
    X = np.repeat(np.eye(4), 25, axis=0)
    X += 0.01 * np.random.RandomState(0).rand(*X.shape)
    codes = SelfTaughtHasher(4, n_neighbors=5, C=10, random_state=0).fit_transform(X)
    first = codes[::25]
    assert len(np.unique(first, axis=0)) == 4
    assert np.mean(codes == np.repeat(first, 25, axis=0)) > 0.9


def test_sparse_rows_give_the_codes_of_dense_ones(X):
    hasher = SelfTaughtHasher(4, random_state=0)
    dense = hasher.fit_transform(X)
    assert np.mean(hasher.fit_transform(sp.csr_array(X)) == dense) > 0.99


def test_more_bits_than_rows_is_an_error(X):
    with pytest.raises(ValueError, match="n_bits must be less than"):
        SelfTaughtHasher(32).fit(X[:32])
