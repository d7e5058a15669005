"""Test the compiled products: validation of positions, and rounding as in SciPy."""

import numpy as np
import pytest
import scipy.sparse as sp
from numpy.testing import assert_array_equal

from skhash.utils._sparse_product import product_by_blocks, product_by_rows

PRODUCTS = [product_by_rows, product_by_blocks]


def parts(X):
    return X.data, X.indices.astype(np.int32), X.indptr.astype(np.int64)


def drawn(n_rows, n_columns, n_outputs, seed=0, dtype=np.float32):
    rng = np.random.default_rng(seed)
    X = sp.random_array(
        (n_rows, n_columns), density=0.2, format="csr", dtype=dtype, rng=rng
    )
    return X, rng.standard_normal((n_columns, n_outputs)).astype(dtype)


@pytest.mark.parametrize("product", PRODUCTS)
@pytest.mark.parametrize("n_outputs", [1, 15, 16, 63, 64, 65, 200])
@pytest.mark.parametrize("n_rows", [0, 1, 33])
def test_same_as_scipy(product, n_outputs, n_rows):
    X, weights = drawn(n_rows, 40, n_outputs)
    out = np.full((n_rows, n_outputs), np.nan, dtype=np.float32)
    product(*parts(X), weights, out)
    # SciPy adds in the same order; only a fused operation would round otherwise.
    assert_array_equal(out, X @ weights)


@pytest.mark.parametrize("n_outputs", [1, 31, 32, 33, 100])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_double_precision(n_outputs, dtype):
    X, weights = drawn(9, 50, n_outputs, dtype=np.float64)
    weights = weights.astype(dtype)
    out = np.empty((9, n_outputs))
    product_by_rows(*parts(X), weights, out)
    assert_array_equal(out, X @ weights.astype(np.float64))


@pytest.mark.parametrize("product", PRODUCTS)
def test_rows_without_entries(product):
    X = sp.csr_array((3, 5), dtype=np.float32)
    out = np.ones((3, 2), dtype=np.float32)
    product(*parts(X), np.ones((5, 2), dtype=np.float32), out)
    assert_array_equal(out, 0)


@pytest.mark.parametrize("product", PRODUCTS)
@pytest.mark.parametrize("column", [-1, 5, 2**31 - 1])
def test_column_without_weights(product, column):
    columns = np.array([column], dtype=np.int32)
    out = np.zeros((1, 2), dtype=np.float32)
    with pytest.raises(ValueError, match=f"column {column}, and 5 features"):
        product(
            np.ones(1, dtype=np.float32),
            columns,
            np.array([0, 1]),
            np.ones((5, 2), dtype=np.float32),
            out,
        )


@pytest.mark.parametrize("product", PRODUCTS)
@pytest.mark.parametrize("starts", [[0], [0, 2], [1, 0], [-1, 1], [0, 1, 1]])
def test_wrong_starts(product, starts):
    with pytest.raises(ValueError, match="rows"):
        product(
            np.ones(1, dtype=np.float32),
            np.zeros(1, dtype=np.int32),
            np.array(starts, dtype=np.int64),
            np.ones((5, 2), dtype=np.float32),
            np.zeros((1, 2), dtype=np.float32),
        )


@pytest.mark.parametrize("product", PRODUCTS)
def test_wrong_number_of_outputs(product):
    X, weights = drawn(2, 5, 3)
    with pytest.raises(ValueError, match="do not fit"):
        product(*parts(X), weights, np.zeros((2, 4), dtype=np.float32))


def test_weights_of_higher_precision():
    X, weights = drawn(2, 5, 3)
    out = np.zeros((2, 3), dtype=np.float32)
    with pytest.raises(ValueError, match="more precise"):
        product_by_rows(*parts(X), weights.astype(np.float64), out)
