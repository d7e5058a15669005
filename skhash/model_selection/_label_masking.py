"""Subsets of labels, for experiments with few of them."""

from numbers import Integral, Real

import numpy as np
from sklearn.utils import check_random_state

from skhash.model_selection._stratification import (
    check_flag,
    iterative_stratification,
    labeled_rows,
    one_class_a_row,
    one_row_a_class,
    proportional,
)
from skhash.utils._labels import UNLABELED, as_array


def mask_labels(y, keep, *, stratify=False, random_state=None):
    """Keep some labels and replace the others by -1.

    Parameters
    ----------
    y : array-like of shape (n_samples,) or (n_samples, n_classes)
        Labels, -1 (or a row of all -1) where there is none already.
    keep : float or int
        What to keep: a share of the given labels in [0, 1], of which at least one is
        kept unless `keep` is 0, or a number of them.
    stratify : bool, default=False
        Whether to keep the classes' shares, with at least one label of each class as
        long as there are as many to keep. Otherwise rows are drawn whatever their
        class, as when somebody labels at random.
    random_state : int, RandomState instance or None, default=None
        Decides which labels are kept. Without `stratify`, the same int keeps the same
        rows and more of them as `keep` grows.

    Returns
    -------
    y_partial : ndarray
        A copy of the shape of `y`. Strings become an array of dtype object, for -1 is
        a number; booleans and unsigned integers become int64.

    Raises
    ------
    TypeError
        If `keep` is no number, or `stratify` no bool.
    ValueError
        If `keep` is out of range, or no row has a label.

    Examples
    --------
    >>> from skhash.model_selection import mask_labels
    >>> mask_labels([0, 0, 0, 0, 1, 1], keep=1 / 3, stratify=True, random_state=0)
    array([-1, -1,  0, -1, -1,  1])
    """
    if y is None:
        raise ValueError("y must hold labels, of which some are kept; got None.")
    check_flag(stratify, "stratify")
    y = as_array(y)
    labels, rows = labeled_rows(y, y)
    n_kept = _n_kept(keep, len(rows))
    if y.dtype.kind in "US":
        y_partial = y.astype(object)
    elif y.dtype.kind in ("b", "u"):
        y_partial = y.astype(np.int64)
    else:
        y_partial = y.copy()
    rows = check_random_state(random_state).permutation(rows)
    if stratify and labels.kind == "multilabel":
        indicator = labels.indicator[rows]
        first = one_row_a_class(indicator, n_kept)
        sizes = np.array([n_kept, len(rows) - n_kept])
        kept = rows[iterative_stratification(indicator, sizes, first=first) == 0]
    elif stratify:
        kept = rows[proportional(one_class_a_row(labels)[rows], n_kept)]
    else:
        kept = rows[:n_kept]
    y_partial[np.setdiff1d(rows, kept)] = UNLABELED
    return y_partial


def _n_kept(keep, n_labeled):
    words = f"a share in [0.0, 1.0] or a number of labels from 0 to {n_labeled}"
    if not isinstance(keep, Real) or isinstance(keep, bool):
        raise TypeError(f"keep must be {words}; got {keep!r}.")
    if isinstance(keep, Integral):
        if not 0 <= keep <= n_labeled:
            raise ValueError(f"keep must be {words}; got {keep}.")
        return int(keep)
    if not 0 <= keep <= 1:
        raise ValueError(f"keep must be {words}; got {keep}.")
    return max(round(keep * n_labeled), int(keep > 0))
