"""Compare singular directions with a plain SVD."""

import numpy as np
import pytest
import scipy.sparse as sp
from numpy.testing import assert_allclose
from sklearn.decomposition import TruncatedSVD
from sklearn.linear_model import Ridge
from sklearn.preprocessing import normalize

from skhash.utils._linalg import (
    extreme_exponent,
    ridge_weights,
    settle_equal_eigenvalues,
    singular_directions,
    unit_rows,
)


@pytest.mark.parametrize("form", [np.asarray, sp.csr_array])
def test_equals_plain_svd(form):
    X = np.random.RandomState(0).standard_normal((60, 9)) * 2.0 ** -np.arange(9)
    found = singular_directions(form(X), 4, random_state=0)
    expected = np.linalg.svd(X)[2][:4]
    np.testing.assert_allclose(np.abs(found @ expected.T), np.eye(4), atol=1e-6)
    svd = TruncatedSVD(4, random_state=0).fit(form(X))
    np.testing.assert_allclose(found, svd.components_, atol=1e-12)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("form", [np.asarray, sp.csr_array])
@pytest.mark.parametrize(("shape", "n_found"), [((5, 1), 1), ((1, 5), 1), ((5, 3), 3)])
def test_few_rows_or_features_or_rows_all_the_same(form, shape, n_found):
    directions = singular_directions(form(np.ones(shape)), 4, random_state=0)
    assert directions.shape == (n_found, shape[1])
    np.testing.assert_allclose(directions @ directions.T, np.eye(n_found), atol=1e-7)


@pytest.mark.parametrize("form", [np.array, np.asfortranarray, sp.csr_array])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_unit_rows(form, dtype):
    X = np.random.RandomState(0).standard_normal((20, 9)).astype(dtype)
    X[3] = 0
    given = form(X)
    rows, lengths = unit_rows(given)
    expected = normalize(X)
    np.testing.assert_allclose(dense(rows), expected, rtol=1e-6)
    np.testing.assert_allclose(lengths, np.linalg.norm(X, axis=1), rtol=1e-6)
    assert rows.dtype == lengths.dtype == dtype
    np.testing.assert_array_equal(dense(given), X)


@pytest.mark.parametrize("form", [np.array, sp.csr_array])
@pytest.mark.parametrize("scale", [1e-300, 1e-160, 1e160, 1e300])
def test_unit_rows_of_any_scale(form, scale):
    X = np.random.RandomState(0).standard_normal((20, 9))
    rows, lengths = unit_rows(form(X * scale))
    np.testing.assert_allclose(dense(rows), normalize(X), rtol=1e-12)
    np.testing.assert_allclose(lengths, np.linalg.norm(X, axis=1) * scale, rtol=1e-12)


@pytest.mark.parametrize("n_columns", [5, 4097, 9001])
def test_unit_rows_do_not_depend_on_each_other(n_columns):
    X = np.random.RandomState(0).standard_normal((30, n_columns))
    rows, lengths = unit_rows(X)
    for i in range(30):
        alone, length = unit_rows(X[[i]])
        np.testing.assert_array_equal(alone[0], rows[i])
        assert length[0] == lengths[i]


def dense(X):
    return X.toarray() if sp.issparse(X) else X


@pytest.mark.parametrize("form", [np.array, sp.csr_array])
def test_extreme_exponent(form):
    X = np.array([[0.0, 3.0], [-5.0, 1.0]])
    assert extreme_exponent(form(X)) == 0
    assert extreme_exponent(form(0 * X)) == 0
    for exponent in (-700, 700):
        assert extreme_exponent(form(np.ldexp(X, exponent))) == exponent + 3
    assert extreme_exponent(form(np.ldexp(X, 60))) == 0
    assert extreme_exponent(form(np.ldexp(X, 60).astype(np.float32))) == 63


def test_equal_eigenvalues_have_one_basis():
    rng = np.random.default_rng(0)
    basis = np.linalg.qr(rng.standard_normal((9, 9)))[0]
    values = np.array([0, 0, 1e-14, 1, 2, 2 + 1e-12, 2, 5, 5.001])
    turn = np.eye(9)
    turn[:3, :3], turn[4:7, 4:7] = (
        np.linalg.qr(rng.standard_normal((3, 3)))[0] for _ in range(2)
    )
    settled = settle_equal_eigenvalues(values, basis)
    np.testing.assert_allclose(settled.T @ settled, np.eye(9), atol=1e-12)
    matrix = basis * values @ basis.T
    np.testing.assert_allclose(settled * values @ settled.T, matrix, atol=1e-11)
    np.testing.assert_array_equal(settled[:, [3, 7, 8]], basis[:, [3, 7, 8]])
    other = settle_equal_eigenvalues(values, basis @ turn)
    np.testing.assert_allclose(other, settled, atol=1e-12)


def test_ridge_weights_equal_those_of_scikit_learn():
    rng = np.random.default_rng(0)
    inputs, targets = rng.normal(size=(50, 4)), rng.normal(size=(50, 2))
    with_ones = np.column_stack([inputs, np.ones(50)])
    expected = Ridge(alpha=1.0, fit_intercept=False).fit(with_ones, targets).coef_.T
    assert_allclose(ridge_weights(inputs, targets), expected)
