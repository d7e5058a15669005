import numpy as np
import pytest
import scipy.sparse as sp
from numpy.testing import assert_array_equal

from skhash.utils import _sparse
from skhash.utils._sparse import plain_rows, sparse_product, with_data


def rows(n_rows, n_columns=30, dtype=np.float32, seed=0):
    return sp.random_array(
        (n_rows, n_columns),
        density=0.3,
        format="csr",
        dtype=dtype,
        rng=np.random.default_rng(seed),
    )


@pytest.mark.parametrize("n_rows", [0, 1, 700])
@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("x_type", [np.float32, np.float64])
@pytest.mark.parametrize("weight_type", [np.float32, np.float64])
@pytest.mark.parametrize("n_threads", [1, 2])
def test_same_as_scipy(n_rows, order, x_type, weight_type, n_threads):
    X = rows(n_rows, dtype=x_type)
    weights = np.random.default_rng(1).standard_normal((30, 150))
    weights = np.asarray(weights, dtype=weight_type, order=order)
    product = sparse_product(X, weights, n_threads)
    common = np.result_type(x_type, weight_type)
    expected = X.astype(common) @ weights.astype(common)
    assert product.dtype == common
    assert product.flags.c_contiguous
    assert_array_equal(product, expected)


@pytest.mark.parametrize("form", [sp.csr_array, sp.csr_matrix])
@pytest.mark.parametrize("index", [np.int32, np.int64])
def test_forms(form, index):
    X = form(rows(20))
    X.indices, X.indptr = X.indices.astype(index), X.indptr.astype(index)
    weights = np.random.default_rng(1).standard_normal((30, 4))
    assert_array_equal(sparse_product(X, weights), X.astype(float) @ weights)


def test_rows_do_not_depend_on_others(monkeypatch):
    X = rows(500)
    weights = np.random.default_rng(1).standard_normal((30, 140)).astype(np.float32)
    together = sparse_product(X, weights)
    alone = np.vstack([sparse_product(X[[i]], weights) for i in range(0, 500, 50)])
    assert_array_equal(alone, together[::50])
    monkeypatch.setattr(_sparse, "_ROWS_PER_TILE", 7)
    assert_array_equal(sparse_product(X, weights), together)


@pytest.mark.parametrize("order", ["C", "F"])
def test_column_without_weights(order):
    X = rows(3)
    X.indices[-1] = 30
    with pytest.raises(ValueError, match=r"30.* features"):
        sparse_product(X, np.ones((30, 2), order=order))


def test_other_data():
    X = rows(5)
    doubled = with_data(X, 2 * X.data)
    assert_array_equal(doubled.toarray(), 2 * X.toarray())
    assert type(doubled) is type(X)
    assert doubled.indices is X.indices


def test_plain_rows():
    """Repeated, unsorted and zero entries go; the input stays, and plain rows too."""
    X = rows(20)
    assert plain_rows(X) is X
    entries = np.r_[0.0, X.data[::-1] / 2, X.data[::-1] / 2]
    row = np.repeat(np.arange(20), np.diff(X.indptr))[::-1]
    row, column = np.r_[3, row, row], np.r_[7, X.indices[::-1], X.indices[::-1]]
    order = np.argsort(row, kind="stable")
    starts = np.r_[0, np.cumsum(np.bincount(row, minlength=20))]
    other = sp.csr_array((entries[order], column[order], starts), shape=X.shape)
    before = other.copy()
    plain = plain_rows(other)
    for name in ("data", "indices", "indptr"):
        assert_array_equal(getattr(plain, name), getattr(X, name))
        assert_array_equal(getattr(other, name), getattr(before, name))
