"""Test bounds on rounding errors, and bits that do not depend on the batch."""

import numpy as np
import pytest
import scipy.sparse as sp
from numpy.testing import assert_allclose, assert_array_equal

from skhash.utils._rounding import (
    BoundedRows,
    blas_product,
    consistent_values,
    ordered_product,
)

rng = np.random.default_rng(0)


@pytest.mark.parametrize("n_columns", [1, 3, 200, 5000])
@pytest.mark.parametrize("n_directions", [1, 2, 17])
def test_ordered_product(n_columns, n_directions, monkeypatch):
    monkeypatch.setattr("skhash.utils._rounding._ENTRIES_PER_BLOCK", 1000)
    X = rng.standard_normal((40, n_columns))
    X[rng.random(X.shape) < 0.3] = 0
    W = rng.standard_normal((n_directions, n_columns))
    product = ordered_product(X, W)
    assert_allclose(product, X @ W.T, rtol=1e-9, atol=1e-9)
    for rows in ([3], [5, 3], np.arange(40)[::-1]):
        assert_array_equal(ordered_product(X[rows], W), product[rows])
    assert_array_equal(ordered_product(sp.csr_array(X), W), product)
    assert_array_equal(ordered_product(np.asfortranarray(X), W), product)


def test_product_with_sparse_directions():
    X = rng.standard_normal((20, 30))
    W = sp.random_array((7, 30), density=0.3, random_state=0, format="csr")
    for form in (np.asarray, sp.csr_array):
        for product in (blas_product, ordered_product):
            assert_allclose(product(form(X), W), X @ W.toarray().T, atol=1e-12)


POINTS = rng.standard_normal((4, 9))
OFFSET = rng.standard_normal(4)
COLUMNS, FACTORS = np.array([2, 2, 0]), np.array([1.0, 3.0, -7.0])


def unit(V):
    return V / np.sqrt((V**2).sum(axis=1, keepdims=True))


def squares(V, points):
    return ((V[:, None] - points) ** 2).sum(axis=-1)


def wave(d):
    return np.cos(d / 9)


# Each operation: its result by BoundedRows, and in extended precision.
CHAINS = {
    "project": (lambda X: X.project(POINTS), lambda X: X @ POINTS.T),
    "shift": (
        lambda X: X.project(POINTS).shift(OFFSET),
        lambda X: X @ POINTS.T + OFFSET,
    ),
    "unit": (
        lambda X: X.project(POINTS).shift(OFFSET).unit().project(POINTS.T),
        lambda X: unit(X @ POINTS.T + OFFSET) @ POINTS,
    ),
    "distances": (
        lambda X: X.unit().squared_distances(POINTS),
        lambda X: squares(unit(X), POINTS),
    ),
    "map": (
        lambda X: X.squared_distances(POINTS).map(wave, slope=1 / 9),
        lambda X: wave(squares(X, POINTS)),
    ),
    "take": (
        lambda X: X.project(POINTS).take(COLUMNS, FACTORS),
        lambda X: (X @ POINTS.T)[:, COLUMNS] * FACTORS,
    ),
}
SAMPLES = {
    "normal": rng.standard_normal((30, 9)),
    "far from the origin": rng.standard_normal((30, 9)) + 1e8,
    "cancellation": np.hstack(
        [rng.standard_normal((30, 7)), np.repeat([[1e10, -1e10]], 30, axis=0)]
    ),
    "single precision": rng.standard_normal((30, 9)).astype(np.float32),
}


@pytest.mark.parametrize("samples", SAMPLES)
@pytest.mark.parametrize("chain", CHAINS)
@pytest.mark.parametrize("product", [blas_product, ordered_product])
def test_bound_holds(samples, chain, product):
    compute, expected = CHAINS[chain]
    X = SAMPLES[samples]
    found = compute(BoundedRows(X, product))
    assert found.values.dtype == np.float64
    assert found.error.shape == (30, 1)
    exact = expected(X.astype(np.longdouble))
    assert (np.abs(found.values - exact) <= found.error).all()
    if samples == "normal":
        assert found.error.max() < 1e-11


@pytest.mark.parametrize("scale", [1e-300, 1e-160, 1e160, 1e300])
def test_unit_rows_of_any_scale(scale):
    X = SAMPLES["normal"]
    found = BoundedRows(X * scale, blas_product).project(POINTS).unit()
    assert_allclose(found.values, unit(X @ POINTS.T), rtol=1e-12)
    assert found.error.max() < 1e-11


def test_only_rows_in_doubt_are_computed_again():
    X = SAMPLES["normal"].copy()
    W = rng.standard_normal((5, 9))
    X[4] -= (X[4] @ W[2]) / (W[2] @ W[2]) * W[2]
    computed = []

    def decide(rows):
        computed.append(rows.values.shape[0])
        return rows.project(W).above()

    bits = consistent_values(decide, X) > 0
    assert computed == [30, 1]
    others = np.delete(np.arange(30), 4)
    assert_array_equal(bits[others], X[others] @ W.T > 0)
    assert_array_equal(consistent_values(decide, X[[4]]) > 0, bits[[4]])


def test_signs_are_comparisons():
    values = np.array([[1.0, np.nextafter(1, 2), 5e-324, -5e-324, 0.0]])
    for thresholds in (values[0], values[0, ::-1], np.zeros(5)):
        rows = BoundedRows(values, blas_product)
        assert_array_equal(rows.above(thresholds)[0] > 0, values > thresholds)
        assert_array_equal(rows.at_most(thresholds)[0] > 0, values <= thresholds)


def test_infinity_is_in_doubt():
    X = np.full((2, 9), 1e300)
    with np.errstate(over="ignore", invalid="ignore"):
        _, doubtful = BoundedRows(X, blas_product).squared_distances(POINTS).above(1.0)
    assert doubtful.all()


def test_tie_of_the_smallest():
    values = np.array([[1.0, 2.0, 3.0], [1.0, 2.0, 2.0 + 1e-13], [2.0, 2.0, 9.0]])
    rows = BoundedRows(values, blas_product, np.full((3, 1), 1e-12))
    smallest = np.array([[0, 1], [0, 1], [0, 1]])
    assert_array_equal(rows.has_tie(smallest), [False, True, False])
    assert not rows.has_tie(np.array([[0, 1, 2]] * 3)).any()
