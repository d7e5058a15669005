"""Test the scalers of samples, sparse and dense."""

import numpy as np
import pytest
import scipy.sparse as sp
from numpy.testing import assert_allclose, assert_array_equal

from skhash.utils._scaling import (
    GlobalStandardScaler,
    NormScaler,
    mean_variance,
    ordinary_factor,
)


@pytest.fixture
def rows():
    X = sp.random_array(
        (53, 20), density=0.2, format="csr", random_state=np.random.default_rng(0)
    )
    X = X.tolil()
    X[7] = 0
    X[52] = 0
    return X.tocsr()


@pytest.fixture
def signed():
    X = np.random.default_rng(0).normal(3, [[1, 5, 0.1]], size=(200, 3))
    return np.hstack([X, np.full((200, 1), 4.0)])


@pytest.mark.parametrize("form", [sp.csr_array, sp.csr_matrix, sp.csr_array.toarray])
def test_norms(rows, form):
    scaler, X = NormScaler(rows), form(rows)
    unit, words = scaler.scale(X), scaler.targets(X)
    assert sp.issparse(unit) == sp.issparse(words) == sp.issparse(X)
    expected = rows.toarray()
    norms = np.linalg.norm(expected, axis=1, keepdims=True)
    sums = expected.sum(axis=1, keepdims=True)
    for scaled, divisors in ((unit, norms), (words, sums)):
        scaled = scaled.toarray() if sp.issparse(scaled) else scaled
        assert_allclose(scaled, expected / np.maximum(divisors, 1e-12), rtol=1e-6)
        assert (scaled[[7, 52]] == 0).all()
    # A copy is scaled.
    assert_array_equal(X.toarray() if sp.issparse(X) else X, expected)


@pytest.mark.parametrize("form", [sp.csr_array, sp.csr_array.toarray])
def test_log_frequencies(rows, form, monkeypatch):
    monkeypatch.setattr("skhash.utils._rows.ROWS_PER_BLOCK", 9)
    mean_target = NormScaler(rows).mean_target(form(rows))
    assert mean_target.dtype == np.float32
    frequencies = NormScaler(rows).targets(rows).toarray().mean(axis=0)
    assert_allclose(np.exp(mean_target), frequencies, atol=2e-6)


@pytest.mark.parametrize("form", [np.asarray, sp.csr_array])
def test_global_standard_scaler(signed, form):
    X = form(signed)
    scaler = GlobalStandardScaler(X)
    scaled = scaler.scale(X)
    assert isinstance(scaled, np.ndarray)
    assert scaled.dtype == np.float32
    assert_allclose(scaled.mean(axis=0), 0, atol=1e-4)
    assert_allclose(scaled.var(axis=0).mean(), 1, rtol=1e-4)
    # With one scale for all, the ratios of the deviations stay.
    deviations = scaled.std(axis=0) * scaler.deviation
    assert_allclose(deviations, signed.std(axis=0), atol=1e-3)
    assert_allclose(scaler.inverse(scaled), signed, atol=1e-4)
    assert_array_equal(scaler.targets(X), scaled)
    assert_array_equal(scaler.mean_target(X), np.zeros(4))


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("form", [np.asarray, sp.csr_array])
@pytest.mark.parametrize("seed", range(4))
def test_rows_without_variance(form, seed):
    row = np.random.default_rng(seed).random((1, 12)) - 0.5
    X = np.repeat(row, 40, axis=0)
    scaled = GlobalStandardScaler(form(X)).scale(form(X))
    assert np.isfinite(scaled).all()
    # All rows are scaled to the same one.
    assert (scaled == scaled[0]).all()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("form", [np.asarray, sp.csr_array])
def test_mean_variance(signed, form, dtype):
    mean, variance = mean_variance(form(signed.astype(dtype)))
    assert_allclose(mean, signed.mean(axis=0), rtol=1e-5)
    assert_allclose(variance, signed.var(axis=0), rtol=1e-4, atol=1e-6)


def test_scale_of_initial_weights():
    assert NormScaler(np.eye(3)).weight_scale(400) == 0.05
    assert GlobalStandardScaler(np.eye(3)).weight_scale(400) == 0.05
    assert GlobalStandardScaler(np.eye(3)).weight_scale(100) == pytest.approx(0.1)


@pytest.mark.parametrize("form", [np.asarray, sp.csr_array])
def test_factor_of_an_ordinary_magnitude(form):
    for largest in (1e-9, 1.0, -1e9, 0.0):
        assert ordinary_factor(form(np.array([[largest, 0.0]]))) == 1
    for largest in (1e30, -1e200, 1e-30, 5e-324):
        factor = ordinary_factor(form(np.array([[largest, 0.0]])))
        assert np.log2(factor) == round(np.log2(factor))
        if abs(largest) > 1e-300:
            assert 0.5 <= abs(largest * factor) <= 1


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("magnitude", [1e-200, 1e-30, 1e30, 1e200])
@pytest.mark.parametrize("form", [np.asarray, sp.csr_array])
def test_samples_of_any_magnitude(rows, signed, form, magnitude):
    """They are scaled as samples of an ordinary magnitude."""
    for scaler_type, X in (
        (NormScaler, rows.toarray()),
        (GlobalStandardScaler, signed),
    ):
        ordinary, X = scaler_type(form(X)).scale(form(X)), form(X * magnitude)
        scaler = scaler_type(X)
        scaled = scaler.scale(X)
        if sp.issparse(scaled):
            ordinary, scaled = ordinary.toarray(), scaled.toarray()
        assert_allclose(scaled, ordinary, atol=1e-5)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("fitted", [1e-40, 1e-300, 5e-324])
@pytest.mark.parametrize("form", [np.asarray, sp.csr_array])
def test_factors_beyond_single_precision(form, fitted):
    rows = np.array([[1.0, 3.0], [2.0, 1.0], [0.0, 0.0]])
    tiny = form((rows * fitted).astype(np.float32 if fitted == 1e-40 else np.float64))
    for scaler in (NormScaler(tiny), GlobalStandardScaler(tiny)):
        for each in (tiny, form(np.float32(0 * rows))):
            scaled = scaler.scale(each)
            scaled = scaled.toarray() if sp.issparse(scaled) else scaled
            assert np.isfinite(scaled).all()


def test_inverse_of_norms_is_a_distribution():
    outputs = np.random.default_rng(0).normal(size=(9, 4)).astype(np.float32)
    words = NormScaler(np.eye(4)).inverse(outputs)
    expected = np.exp(outputs) / np.exp(outputs).sum(axis=1, keepdims=True)
    assert words.dtype == np.float32
    assert_allclose(words, expected, rtol=1e-5)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("magnitude", [1e-7, 1e-17, 1e-30, 1e-43, 1e-150, 1e-300])
def test_tiny_rows_are_scaled_in_any_form(dtype, magnitude):
    """After a fit on ordinary samples; scikit-learn takes such dense rows for zeros."""
    X = (np.random.default_rng(0).poisson(2.0, (20, 5)) * 1.0).astype(dtype)
    X[0] = 0
    scaler = NormScaler(X)
    tiny = X.copy()
    tiny[::2] = (tiny[::2] * np.float64(magnitude)).astype(dtype)
    expected = tiny.astype(np.float64)
    largest = expected.max(axis=1, keepdims=True)
    expected /= np.where(largest > 0, largest, 1)
    lengths = np.linalg.norm(expected, axis=1, keepdims=True)
    expected /= np.where(lengths > 0, lengths, 1)
    before = tiny.copy()
    assert_allclose(scaler.scale(tiny), expected, rtol=1e-5)
    assert_allclose(scaler.scale(sp.csr_array(tiny)).toarray(), expected, rtol=1e-5)
    assert_array_equal(tiny, before)
    sums = scaler.targets(tiny).sum(axis=1)
    assert_allclose(sums, tiny.any(axis=1), rtol=1e-5)
    assert_allclose(scaler.targets(sp.csr_array(tiny)).sum(axis=1), sums, rtol=1e-5)
