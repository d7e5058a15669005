"""Test thresholds of real numbers."""

import numpy as np
import pytest

from skhash.utils._thresholds import median_thresholds


@pytest.mark.parametrize("n_rows", [2, 7, 100, 101])
def test_halves_and_no_number_on_the_threshold(n_rows):
    values = np.random.RandomState(0).standard_normal((n_rows, 5))
    thresholds = median_thresholds(values)
    assert np.all((values > thresholds).sum(axis=0) == n_rows // 2)
    assert np.abs(values - thresholds).min() > 0


def test_repeated_numbers_stay_together():
    values = np.array([[0.0, 0.0, 1.0], [1.0, 2.0, 1.0], [1.0, 2.0, 1.0]])
    # More than half equal the largest: the gap below; a constant column has no gap.
    np.testing.assert_array_equal(median_thresholds(values), [0.5, 1.0, 1.0])
