"""Test the coordinates of content: graph, linear models, independence of the form."""

import numpy as np
import pytest
import scipy.sparse as sp
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.datasets import make_blobs

from skhash.utils._linalg import unit_rows
from skhash.variational._content_space import ContentSpace, weighed_by_agreement


def blobs():
    """Return samples of eight groups around centers, and their groups."""
    X, groups = make_blobs(600, 10, centers=8, random_state=0)
    return X.astype(np.float32), groups


def words():
    """Return sparse samples of words, which eight groups draw, and their groups."""
    rng = np.random.default_rng(0)
    groups = rng.integers(8, size=600)
    rates = rng.gamma(0.1, size=(8, 300))[groups] * 0.4
    counts = rng.poisson(rates)
    counts[:, 0] += 1  # no sample without words
    return sp.csr_array(counts.astype(np.float32)), groups


def plain(rows):
    """Return the space of samples alone."""
    logits = np.ones((rows.shape[0], 8), dtype=np.float32)
    return ContentSpace(rows, logits, 0, np.random.RandomState(0))


def near_fraction(coordinates, groups):
    """Return how often the nearest sample by inner product is of the same group."""
    products = coordinates @ coordinates.T
    np.fill_diagonal(products, -np.inf)
    return np.mean(groups[products.argmax(axis=1)] == groups)


@pytest.mark.parametrize("make", [blobs, words])
def test_coordinates_are_linear_models_of_unit_rows(make):
    X, groups = make()
    space = plain(X)
    assert space.weights.shape == (X.shape[1], 96)
    found = space.transform(X, np.float64)
    unit = unit_rows(X.astype(np.float64))[0]
    expected = np.tanh(unit @ space.weights.astype(np.float64) + space.offsets)
    assert_allclose(found, expected, atol=1e-12)
    single = space.transform(X, np.float32)
    assert single.dtype == np.float32
    assert_allclose(single, expected, atol=1e-5)
    assert near_fraction(found, groups) > 0.9
    # Balanced bits.
    assert abs((found > 0).mean() - 0.5) < 0.05


@pytest.mark.parametrize("make", [blobs, words])
def test_sparse_and_dense_samples_have_the_same_coordinates(make):
    X, _ = make()
    other = X.toarray() if sp.issparse(X) else sp.csr_array(X)
    first, second = (plain(form).transform(form, np.float64) for form in (X, other))
    assert_allclose(first, second, atol=1e-12)


def test_bits_of_the_network_keep_neighbors_apart():
    # Samples of two kinds that differ in their logits only.
    rng = np.random.default_rng(0)
    kinds = rng.integers(2, size=500)
    X = rng.standard_normal((500, 6)).astype(np.float32)
    X[:, 0] = 0.2 * (2 * kinds - 1)  # a weak trace of the kind
    logits = np.where(kinds[:, None], 3.0, -3.0) * np.ones((1, 8), dtype=np.float32)
    logits = logits.astype(np.float32)
    correlations = []
    for power in (0, 1):
        space = ContentSpace(X, logits, power, np.random.RandomState(0))
        first = space.transform(X, np.float64)[:, 0]
        correlations.append(np.abs(np.corrcoef(first, kinds)[0, 1]))
    assert correlations[0] < 0.5
    assert correlations[1] > 0.9


@pytest.mark.parametrize("power", [1, 2])
def test_edges_are_weighed_by_powers_of_cosines(power):
    rng = np.random.default_rng(0)
    vectors = rng.standard_normal((40, 5)).astype(np.float32)
    dense = rng.random((40, 40)) * (rng.random((40, 40)) < 0.3)
    graph = sp.csr_array(dense + dense.T)
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    expected = graph.toarray() * np.maximum(unit @ unit.T, 0) ** power
    found = weighed_by_agreement(graph, vectors, power)
    assert_allclose(found.toarray(), expected, rtol=1e-5, atol=1e-7)
    assert found.data.all()


def test_few_and_equal_samples():
    for n_samples in (2, 3):
        few = np.eye(n_samples, dtype=np.float32)
        found = plain(few).transform(few, np.float32)
        assert found.shape == (n_samples, n_samples - 1)
    equal = np.ones((30, 4), dtype=np.float32)
    space = ContentSpace(equal, equal, 1, np.random.RandomState(0))
    found = space.transform(equal, np.float32)
    assert np.isfinite(found).all()
    assert_array_equal(found, np.tile(found[:1], (30, 1)))


@pytest.mark.parametrize("form", [np.asarray, sp.csr_array])
def test_a_row_of_zeros_has_the_offsets(form):
    X, _ = words()
    space = plain(X)
    zeros = form(np.zeros((1, 300), dtype=np.float32))
    assert_allclose(
        space.transform(zeros, np.float32)[0], np.tanh(space.offsets), rtol=1e-6
    )
