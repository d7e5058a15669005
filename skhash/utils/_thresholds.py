"""Where real numbers are cut into bits."""

import numpy as np


def median_thresholds(values):
    """Return thresholds that split every column into halves.

    A threshold lies in the middle of the gap above the median, not on a value, where
    rounding would decide the bit of a training row.

    Parameters
    ----------
    values : ndarray of shape (n_samples, n_bits)
        The real numbers to split.

    Returns
    -------
    thresholds : ndarray of shape (n_bits,)
    """
    ordered = np.sort(values, axis=0)
    medians = ordered[(len(ordered) - 1) // 2]
    above = np.where(ordered > medians, ordered, np.inf).min(axis=0)
    # Where more than half of the values equal the largest, the gap below splits off
    # the others; without any other value the bit is constant.
    below = np.where(ordered < medians, ordered, -np.inf).max(axis=0)
    other = np.where(np.isfinite(above), above, below)
    return np.where(np.isfinite(other), (medians + other) / 2, medians)
