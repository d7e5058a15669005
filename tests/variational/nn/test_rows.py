"""Test sparse rows as tensors against SciPy and plain loops."""

import numpy as np
import pytest
import scipy.sparse as sp
import torch
from numpy.testing import assert_allclose, assert_array_equal

from skhash.variational.nn._rows import CSRRows, SampledRows, as_tensor_rows


@pytest.fixture
def rows():
    X = sp.random_array(
        (53, 20), density=0.2, format="csr", random_state=np.random.default_rng(0)
    )
    X = X.tolil()
    X[7] = 0
    X[52] = 0
    return X.tocsr()


def dense(rows, n_features=20):
    """Return CSRRows as a matrix, value by value."""
    X = np.zeros((rows.n_rows, n_features), dtype=np.float32)
    for i, column, value in zip(
        rows.row_of_value(), rows.columns, rows.values, strict=True
    ):
        X[i, column] += value.item()
    return X


@pytest.mark.parametrize("form", [sp.csr_matrix, sp.csr_array])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_sparse_rows(rows, form, dtype):
    tensors = as_tensor_rows(form(rows).astype(dtype))
    assert isinstance(tensors, CSRRows)
    assert [part.dtype for part in tensors] == [
        torch.int64,
        torch.int64,
        torch.float32,
    ]
    assert tensors.n_rows == 53
    assert_allclose(dense(tensors), rows.toarray(), rtol=1e-6)


def test_dense_rows(rows):
    tensors = as_tensor_rows(np.asfortranarray(rows.toarray()))
    assert tensors.dtype == torch.float32
    assert_allclose(tensors, rows.toarray(), rtol=1e-6)


def test_row_of_value_and_counts(rows):
    tensors = CSRRows.from_scipy(rows)
    counts = np.diff(rows.indptr)
    assert_array_equal(tensors.counts(), counts)
    assert_array_equal(tensors.row_of_value(), np.repeat(np.arange(53), counts))


@pytest.mark.parametrize("every", [1, 2])
def test_without_zeros(rows, every):
    """All rows remain, also those with only zeros, also at the end."""
    tensors = CSRRows.from_scipy(rows)
    tensors.values[::every] = 0
    without = tensors.without_zeros()
    assert len(without.values) == rows.nnz - len(tensors.values[::every])
    assert (without.values != 0).all()
    assert_array_equal(dense(without), dense(tensors))


def test_mixed_rows(rows):
    """Pairs of consecutive rows, of which the second has the weight."""
    X = rows[:52].toarray()
    mixed = CSRRows.from_scipy(rows[:52]).mixed(0.3)
    assert mixed.n_rows == 26
    assert_allclose(dense(mixed), 0.7 * X[::2] + 0.3 * X[1::2], atol=1e-6)


def test_followed_by(rows):
    both = CSRRows.from_scipy(rows).followed_by(CSRRows.from_scipy(rows[5:9]))
    expected = np.vstack([rows.toarray(), rows[5:9].toarray()])
    assert_allclose(dense(both), expected, rtol=1e-6)


def test_transposed(rows):
    transposed = CSRRows.from_scipy(rows).transposed(20)
    assert transposed.n_rows == 20
    assert_allclose(dense(transposed, 53), rows.toarray().T, rtol=1e-6)


def test_without_empty(rows):
    filled, without = CSRRows.from_scipy(rows).without_empty()
    expected = np.flatnonzero(np.diff(rows.indptr))
    assert_array_equal(filled, expected)
    assert_allclose(dense(without), rows.toarray()[expected], rtol=1e-6)


def test_sampled_rows(rows, monkeypatch):
    """All features of the rows, and others that represent the rest."""
    monkeypatch.setattr("skhash.variational.nn._rows._FEATURES_STEP", 1)
    n_features = 200
    wide = sp.csr_array((rows.data, rows.indices, rows.indptr), (53, n_features))
    sampled = SampledRows.draw(
        CSRRows.from_scipy(wide), n_features, 30, np.random.RandomState(0)
    )
    present = np.unique(rows.indices)
    assert sampled.n_rows == 53
    assert len(sampled.features) == len(present) + 30
    assert (np.diff(sampled.features) > 0).all()
    assert set(present) <= set(sampled.features.tolist())
    is_present = np.isin(sampled.features, present)
    counts = np.exp(sampled.log_counts.numpy())
    assert_allclose(counts[is_present], 1)
    assert_allclose(counts[~is_present], (n_features - len(present)) / 30, rtol=1e-5)
    assert_allclose(counts.sum(), n_features, rtol=1e-5)
    whole = np.zeros((53, n_features))
    whole[:, sampled.features] = dense(sampled.rows, len(sampled.features))
    assert_allclose(whole, wide.toarray(), rtol=1e-6)


def test_size_of_a_sample_is_rounded_up(rows, monkeypatch):
    monkeypatch.setattr("skhash.variational.nn._rows._FEATURES_STEP", 64)
    tensors = CSRRows.from_scipy(rows)
    for n_features, expected in ((200, 64), (50, 50)):
        sampled = SampledRows.draw(tensors, n_features, 30, np.random.RandomState(0))
        assert len(sampled.features) == expected
