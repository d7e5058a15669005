"""How a code shows how sure the network is of the class of a row."""

import numpy as np
import torch

# Of fewer rows of a class no quantile is taken.
_LEAST_ROWS_OF_CLASS = 10


def sure_from(shares, unsure_share):
    """Return the probability from which a row of each likeliest class is sure.

    Each class by itself: were there one bound for all, a class that is hard to tell
    would have no sure row that could come first.

    Parameters
    ----------
    shares : ndarray of shape (n_rows, n_classes)
        Class distributions of some rows.
    unsure_share : float
        The share of the rows of each class that are to be unsure, in [0, 1).

    Returns
    -------
    bounds : ndarray of shape (n_classes,), float32
        That quantile; over all rows where few are of a class.
    """
    sureness, likeliest = shares.max(axis=1), shares.argmax(axis=1)
    bounds = np.full(shares.shape[1], np.quantile(sureness, unsure_share))
    for position in np.unique(likeliest):
        of_class = sureness[likeliest == position]
        if len(of_class) >= _LEAST_ROWS_OF_CLASS:
            bounds[position] = np.quantile(of_class, unsure_share)
    return bounds.astype(np.float32)


def step_aside(logits, unsure):
    """Invert one bit of unsure rows: that of the median margin.

    Rows of one class share a code, sure or not, and Hamming distance cannot tell which
    of them to show first. With a bit inverted, an unsure row is one step farther from
    the sure ones, and two from most other unsure ones, whose bit is another: sure rows
    come first, whoever asks. The median, because the bits of the least margin tell
    between the likeliest classes, and the bits of the largest are the same ones for all
    rows of a class.

    Parameters
    ----------
    logits : Tensor of shape (n_rows, n_bits)
        Log-odds of each bit.
    unsure : Tensor of shape (n_rows,), bool
        The rows to change.

    Returns
    -------
    logits : Tensor of shape (n_rows, n_bits)
        A copy where unsure rows have one logit of the other sign.
    lead : Tensor of shape (n_rows,)
        By how much the margin of that bit differs from the next in size.
    """
    margins, order = logits.abs().sort(dim=1)
    middle = logits.shape[1] // 2
    sign = torch.ones_like(logits)
    sign[unsure, order[unsure, middle]] = -1
    gaps = margins.diff(dim=1)[:, max(0, middle - 1) : middle + 1]
    lead = gaps.amin(dim=1) if gaps.shape[1] else margins[:, 0]
    return logits * sign, lead
