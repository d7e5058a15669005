from itertools import combinations

import matplotlib
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from skhash import ITQHasher
from skhash.plot import BitBalanceDisplay, DistanceDisplay

matplotlib.use("agg")


def random_codes(n_samples=60, n_bits=7):
    rng = np.random.default_rng(1)
    return (rng.random((n_samples, n_bits)) < 0.3).astype(np.uint8)


def test_balance_and_correlation():
    codes = random_codes()
    display = BitBalanceDisplay.from_predictions(codes)
    assert_allclose(display.means, codes.mean(axis=0))
    assert_allclose(display.correlation, np.corrcoef(codes.T), atol=1e-12)
    heights = [bar.get_height() for bar in display.axes_[0].patches]
    assert_allclose(heights, display.means)


def test_a_constant_bit_has_no_correlation():
    codes = random_codes()
    codes[:, 2] = 1
    correlation = BitBalanceDisplay.from_predictions(codes).correlation
    assert not correlation[2].any()
    assert not correlation[:, 2].any()


def test_balance_of_an_estimator_in_given_axes():
    X = np.random.default_rng(0).normal(size=(50, 6))
    hasher = ITQHasher(4, output="packed", random_state=0).fit(X)
    first = BitBalanceDisplay.from_predictions(random_codes())
    display = BitBalanceDisplay.from_estimator(hasher, X, axes=first.axes_)
    assert len(display.means) == 4
    assert display.figure_ is first.figure_


def test_distances_of_all_pairs():
    codes, y = random_codes(), np.arange(60) % 3
    y[::10] = -1
    display = DistanceDisplay.from_predictions(codes, y)
    expected = np.zeros((2, 8))
    for i, j in combinations(np.flatnonzero(y != -1), 2):
        expected[int(y[i] != y[j]), np.sum(codes[i] != codes[j])] += 1
    expected /= expected.sum(axis=1, keepdims=True)
    assert_allclose([display.within, display.between], expected)


def test_distances_of_drawn_pairs():
    codes, y = random_codes(), np.arange(60) % 3
    every = DistanceDisplay.from_predictions(codes, y)
    drawn = DistanceDisplay.from_predictions(codes, y, n_pairs=1500, random_state=3)
    again = DistanceDisplay.from_predictions(codes, y, n_pairs=1500, random_state=3)
    assert_array_equal(drawn.within, again.within)
    assert not np.array_equal(drawn.within, every.within)
    assert_allclose(drawn.between, every.between, atol=0.06)
    assert_allclose(drawn.between.sum(), 1)


def test_distances_of_an_estimator():
    X = np.random.default_rng(0).normal(size=(50, 6))
    hasher = ITQHasher(4, random_state=0).fit(X)
    display = DistanceDisplay.from_estimator(hasher, X, np.arange(50) % 2)
    other = DistanceDisplay.from_predictions(hasher.transform(X), np.arange(50) % 2)
    assert_array_equal(display.within, other.within)


def test_several_labels_per_sample_raise():
    indicator = np.eye(4, dtype=int)[np.arange(60) % 4]
    indicator[:, 0] = 1
    with pytest.raises(ValueError, match="one class per sample; got labels of kind"):
        DistanceDisplay.from_predictions(random_codes(), indicator)
