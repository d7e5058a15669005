"""Thresholds on the features themselves."""

import numpy as np
import pytest
import scipy.sparse as sp

from skhash.shallow import ThresholdHasher


@pytest.fixture
def X():
    return np.random.RandomState(0).standard_normal((101, 12)) + np.linspace(-1, 1, 12)


def test_zero_is_the_sign(X):
    np.testing.assert_array_equal(ThresholdHasher().fit_transform(X), X > 0)


def test_mean_is_the_sign_of_centered_rows(X):
    codes = ThresholdHasher(threshold="mean").fit_transform(X)
    np.testing.assert_array_equal(codes, X - X.mean(axis=0) > 0)


def test_median_balances_bits(X):
    codes = ThresholdHasher(threshold="median").fit_transform(X)
    np.testing.assert_array_equal(codes.sum(axis=0), 50)


def test_first_bits_are_those_of_the_whole_code(X):
    whole = ThresholdHasher(threshold="mean").fit_transform(X)
    first = ThresholdHasher(n_bits=5, threshold="mean").fit_transform(X)
    np.testing.assert_array_equal(first, whole[:, :5])


def test_packed_codes_and_names_without_n_bits(X):
    hasher = ThresholdHasher(output="packed").fit(X)
    assert hasher.transform(X).shape == (101, 2)
    assert len(hasher.get_feature_names_out()) == 2


@pytest.mark.parametrize("threshold", ["zero", "mean"])
def test_sparse_rows_give_the_codes_of_dense_ones(X, threshold):
    hasher = ThresholdHasher(threshold=threshold)
    np.testing.assert_array_equal(
        hasher.fit_transform(sp.csr_array(X)), hasher.fit_transform(X)
    )


def test_errors_name_the_way_out(X):
    with pytest.raises(ValueError, match="at most the number of features"):
        ThresholdHasher(n_bits=13).fit(X)
    with pytest.raises(ValueError, match="'zero', 'mean' or 'auto' for sparse"):
        ThresholdHasher(threshold="median").fit(sp.csr_array(X))
