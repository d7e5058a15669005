"""Test thresholds on features."""

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


@pytest.mark.parametrize("n_bits", [None, 6])
@pytest.mark.parametrize("form", [np.asarray, sp.csr_array])
def test_auto_takes_the_rule_of_largest_recall(X, form, n_bits):
    X = np.tile(X, (8, 1)) + np.random.RandomState(1).standard_normal((808, 12))
    hasher = ThresholdHasher(n_bits, threshold="auto", random_state=0).fit(form(X))
    assert hasher.recalls_[hasher.rule_] == max(hasher.recalls_.values())
    rows = X
    if hasher.components_ is not None:
        lengths = np.linalg.norm(X, axis=1, keepdims=True)
        rows = X / lengths @ hasher.components_.T
    codes = rows[:, : len(hasher.thresholds_)] > hasher.thresholds_
    np.testing.assert_array_equal(hasher.transform(form(X)), codes)
    again = ThresholdHasher(n_bits, threshold="auto", random_state=0).fit(form(X))
    assert again.recalls_ == hasher.recalls_
    np.testing.assert_array_equal(again.transform(form(X)), codes)


def test_a_fixed_threshold_is_the_rule(X):
    hasher = ThresholdHasher(threshold="mean").fit(X)
    assert (hasher.rule_, hasher.recalls_, hasher.components_) == ("mean", None, None)


def test_auto_ignores_the_length_of_samples_under_a_rotation(X):
    hasher = ThresholdHasher(6, threshold="auto", random_state=0).fit(X * 1e200)
    assert hasher.components_ is not None
    lengths = np.geomspace(1e-250, 1e250, len(X))[:, None]
    np.testing.assert_array_equal(hasher.transform(X * lengths), hasher.transform(X))


def test_errors_name_a_remedy(X):
    with pytest.raises(ValueError, match="at most the number of features"):
        ThresholdHasher(n_bits=13).fit(X)
    with pytest.raises(ValueError, match="'zero', 'mean' or 'auto' for sparse"):
        ThresholdHasher(threshold="median").fit(sp.csr_array(X))
