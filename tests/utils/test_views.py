"""Test splitting samples into views."""

import numpy as np
import pytest
import scipy.sparse as sp
from numpy.testing import assert_allclose, assert_array_equal

from skhash.utils._scaling import GlobalStandardScaler, NormScaler
from skhash.utils._views import (
    ViewRows,
    ViewScaler,
    check_views,
    missing_as_zeros,
    stacked,
    views_of,
)

BOUNDS = np.array([0, 6, 10])


@pytest.fixture
def samples():
    rng = np.random.default_rng(0)
    words = rng.poisson(0.3, size=(20, 6)).astype(float)
    words[3] = 0
    dense = rng.normal(size=(20, 4)) * [1, 2, 3, 4] + 5
    dense[7] = 0
    return np.hstack([words, dense])


def test_bounds_of_views():
    assert_array_equal(check_views(None, 7), [0, 7])
    assert_array_equal(check_views((3, 4), 7), [0, 3, 7])
    assert_array_equal(check_views([2, -1, 1], 7), [0, 2, 6, 7])
    assert_array_equal(check_views(np.array([-1, 3]), 7), [0, 4, 7])


@pytest.mark.parametrize("views", [(3,), (3, 5), (-1, 7), (-1, -1), (), (0, 7), "ab"])
def test_invalid_views(views):
    with pytest.raises(ValueError, match=r"views must .*got"):
        check_views(views, 7)


@pytest.mark.parametrize("form", [np.array, sp.csr_array])
def test_scaled_rows(samples, form):
    scaler = ViewScaler(form(samples), BOUNDS)
    assert scaler.is_words == [True, False]
    words, dense = samples[:, :6], samples[:, 6:]
    present = np.arange(20) != 7
    standard = GlobalStandardScaler(dense[present]).scale(dense) * present[:, None]
    rows = scaler.scale(form(samples))
    assert sp.issparse(rows.blocks[0])
    assert_allclose(rows.blocks[0].toarray(), NormScaler(words).scale(words))
    assert_allclose(rows.blocks[1][:, :4], standard / 2, rtol=1e-5, atol=1e-6)
    assert_array_equal(rows.blocks[1][:, 4], present)
    assert_array_equal(rows.present()[:, 0], words.any(axis=1))
    lengths = np.square(rows.blocks[1][:, :4]).sum(axis=1)
    assert_allclose(lengths[present].mean(), 1, rtol=1e-5)
    targets = scaler.targets(form(samples))
    assert_allclose(targets.blocks[1][:, :4], standard, rtol=1e-5, atol=1e-5)
    restored = scaler.inverse(np.hstack([words, standard]))
    assert_allclose(restored[present, 6:], dense[present], rtol=1e-4)


def test_rows_are_a_matrix(samples):
    rows = ViewScaler(samples, BOUNDS).scale(samples)
    matrix = stacked(rows).toarray()
    weights = np.random.default_rng(1).normal(size=(rows.shape[1], 3))
    assert rows.shape == matrix.shape == (20, 11)
    assert_allclose(rows @ weights, matrix @ weights, rtol=1e-5, atol=1e-6)
    assert_array_equal(stacked(rows[[2, 5]]).toarray(), matrix[[2, 5]])
    first, second = views_of(rows)
    assert (first.shape, second.shape) == ((20, 6), (20, 5))
    assert rows.astype(np.float64).dtype == np.float64
    assert views_of(matrix)[0] is stacked(matrix) is matrix
    assert isinstance(stacked(ViewRows([matrix, matrix])), np.ndarray)


@pytest.mark.parametrize("form", [np.array, sp.csr_array])
def test_missing_as_zeros(samples, form):
    lacking = samples.copy()
    lacking[4, 6:] = np.nan
    X = form(lacking)
    filled = missing_as_zeros(X, BOUNDS)
    expected = np.where(np.isnan(lacking), 0, lacking)
    assert_array_equal(filled.toarray() if sp.issparse(filled) else filled, expected)
    assert np.isnan(X.data if sp.issparse(X) else X).any()
    assert missing_as_zeros(samples, BOUNDS) is samples
    lacking[4, 6] = 1
    with pytest.raises(ValueError, match="columns 6 to 9 in row 4"):
        missing_as_zeros(form(lacking), BOUNDS)
