"""How a code shows how sure the network is of the class of a row."""

import numpy as np
import torch

# Of fewer rows of a class no quantile is taken.
_LEAST_ROWS_OF_CLASS = 10


def class_log_odds(log_shares):
    """Return the log-odds of the likeliest class of each row, and which it is.

    Of probabilities the surest rows would all have 1, up to rounding.

    Parameters
    ----------
    log_shares : Tensor of shape (n_rows, n_classes)
        Logarithms of class distributions.

    Returns
    -------
    log_odds : Tensor of shape (n_rows,)
        Of the likeliest class against all others together.
    likeliest : Tensor of shape (n_rows,), int64
        Its position.
    """
    most, likeliest = log_shares.max(dim=1)
    others = log_shares.scatter(1, likeliest[:, None], -torch.inf)
    return most - others.logsumexp(dim=1), likeliest


def confidence_thresholds(log_shares, low_confidence_fraction):
    """Return the log-odds from which a row of each likeliest class is sure.

    Each class by itself: were there one bound for all, a class that is hard to tell
    would have no sure row that could come first.

    Parameters
    ----------
    log_shares : Tensor of shape (n_rows, n_classes)
        Logarithms of the class distributions of some rows.
    low_confidence_fraction : float
        The share of the rows of each class that are to be unsure, in [0, 1).

    Returns
    -------
    bounds : ndarray of shape (n_classes,), float32
        That quantile; over all rows where few are of a class.
    """
    log_odds, likeliest = (part.numpy() for part in class_log_odds(log_shares))
    bounds = np.full(
        log_shares.shape[1], np.quantile(log_odds, low_confidence_fraction)
    )
    for position in np.unique(likeliest):
        of_class = log_odds[likeliest == position]
        if len(of_class) >= _LEAST_ROWS_OF_CLASS:
            bounds[position] = np.quantile(of_class, low_confidence_fraction)
    return bounds.astype(np.float32)


def flip_tie_break_bit(logits, unsure):
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
