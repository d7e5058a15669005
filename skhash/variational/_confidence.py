"""Mark samples of low confidence by one bit of their codes."""

import numpy as np
import torch
from numpy.typing import NDArray

from skhash.variational.nn._dense_ops import by_torch

# In shorter codes the codewords are so close that one bit leads to another class.
MIN_BITS_FOR_TIE_BREAK = 16
# Of longer codes one bit of each so many is inverted.
_BITS_PER_TIE_BREAK = 32
# The threshold of a class is a quantile of its samples where there are this many.
_MIN_SAMPLES_PER_CLASS = 10
# Margins that differ by less than a step count as equal.
_MARGIN_STEPS = 2.0**30


def class_log_odds(log_posteriors: NDArray) -> tuple[NDArray, NDArray[np.intp]]:
    """Return the log-odds of the most likely class of each row, and that class.

    Log-odds, since probabilities close to 1 all round to 1.

    Parameters
    ----------
    log_posteriors : ndarray of shape (n_rows, n_classes)
        Logarithms of class distributions.

    Returns
    -------
    log_odds : ndarray of shape (n_rows,)
        Of the most likely class against all others together.
    predicted : ndarray of shape (n_rows,), int
        Its position.
    """
    rows, predicted = np.arange(len(log_posteriors)), log_posteriors.argmax(axis=1)
    others = log_posteriors.copy()
    others[rows, predicted] = -np.inf
    most = log_posteriors[rows, predicted]
    return most - by_torch(torch.logsumexp, others, dim=1), predicted


def confidence_thresholds(
    log_posteriors: NDArray, low_confidence_fraction: float
) -> NDArray[np.float32]:
    """Return the log-odds above which a sample of each predicted class is confident.

    One threshold per class: with a common one, a class that is hard to predict would
    have no confident sample to be found first.

    Parameters
    ----------
    log_posteriors : ndarray of shape (n_rows, n_classes)
        Logarithms of the class posteriors of some samples.
    low_confidence_fraction : float
        The fraction of the samples of each class below its threshold, in [0, 1).

    Returns
    -------
    thresholds : ndarray of shape (n_classes,), float32
        That quantile of the log-odds of the class, or of all samples where the class
        has few.
    """
    log_odds, predicted = class_log_odds(log_posteriors)
    overall = np.quantile(log_odds, low_confidence_fraction)
    thresholds = np.full(log_posteriors.shape[1], overall)
    for position in np.unique(predicted):
        of_class = log_odds[predicted == position]
        if len(of_class) >= _MIN_SAMPLES_PER_CLASS:
            thresholds[position] = np.quantile(of_class, low_confidence_fraction)
    return thresholds.astype(np.float32)


def flip_tie_break_bits(logits: NDArray) -> tuple[NDArray, NDArray]:
    """Invert one bit of each 32, by :func:`flip_tie_break_bit`.

    So that the first 32 bits of a code do not depend on its length. A rest of less than
    16 bits stays as it is. Returns the logits and the smallest gap of each row.
    """
    n_bits = logits.shape[1]
    blocks = [
        logits[:, first : first + _BITS_PER_TIE_BREAK]
        for first in range(0, n_bits, _BITS_PER_TIE_BREAK)
    ]
    if blocks[-1].shape[1] < MIN_BITS_FOR_TIE_BREAK:
        rest = [blocks.pop()]
    else:
        rest = []
    flipped, gaps = zip(*map(flip_tie_break_bit, blocks))
    return np.hstack([*flipped, *rest]), np.minimum.reduce(gaps)


def flip_tie_break_bit(logits: NDArray) -> tuple[NDArray, NDArray]:
    """Invert the bit of median margin.

    Confident samples of a class share a code. With one bit inverted, a sample of low
    confidence is at distance 1 from these, and mostly at distance 2 from other samples
    of low confidence, whose inverted bit differs: confident samples come first for any
    query. The bits of smallest margin separate the most likely classes, and those of
    largest margin are the same for all samples of a class: the median is neither.

    Parameters
    ----------
    logits : ndarray of shape (n_rows, n_bits)
        Log-odds of each bit.

    Returns
    -------
    logits : ndarray of shape (n_rows, n_bits)
        A copy in which one logit per row has the other sign.
    gap : ndarray of shape (n_rows,)
        The difference between the margin of that bit and the next one in size.
    """
    # Bits may be equal up to rounding, which must not choose among them.
    margins = np.abs(logits)
    order = np.argsort(np.rint(margins * _MARGIN_STEPS), axis=1, kind="stable")
    middle = logits.shape[1] // 2
    near = order[:, max(0, middle - 1) : middle + 2]
    near_margins = np.take_along_axis(margins, near, axis=1)
    if near.shape[1] > 1:
        gap = np.diff(near_margins, axis=1).min(axis=1)
    else:
        gap = near_margins[:, 0]
    flipped = logits.copy()
    rows = np.arange(len(logits))
    flipped[rows, order[:, middle]] *= -1
    return flipped, gap
