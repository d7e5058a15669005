"""Choose the thresholds that turn real numbers into bits."""

import numpy as np
from numpy.typing import NDArray


def median_thresholds(values: NDArray) -> NDArray:
    """Return thresholds that split every column into halves.

    A threshold lies in the middle of the gap above the median, not on a value, where
    rounding would decide the bit of a training sample.

    Parameters
    ----------
    values : ndarray of shape (n_samples, n_bits)
        The real numbers to split; at least one row.

    Returns
    -------
    thresholds : ndarray of shape (n_bits,)
        One threshold per column; the constant of a constant column.
    """
    ordered = np.sort(values, axis=0)
    medians = ordered[(len(ordered) - 1) // 2]
    above = np.where(ordered > medians, ordered, np.inf).min(axis=0)
    # Where more than half of the values equal the largest, the gap below separates
    # them from the others.
    below = np.where(ordered < medians, ordered, -np.inf).max(axis=0)
    other = np.where(np.isfinite(above), above, below)
    return np.where(np.isfinite(other), (medians + other) / 2, medians)
