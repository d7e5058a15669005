"""Remove labels, for experiments with few of them."""

from numbers import Integral, Real
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from skhash.model_selection._random_streams import derived_random_state
from skhash.model_selection._stratification import (
    check_flag,
    class_positions,
    cover_classes,
    iterative_stratification,
    labeled_rows,
    stratified_sample,
)
from skhash.utils._labels import UNLABELED, as_array


def mask_labels(
    y: ArrayLike,
    keep: float,
    *,
    stratify: bool = False,
    random_state: int | np.random.RandomState | None = None,
) -> NDArray[Any]:
    """Keep some labels, and replace the others by -1.

    Parameters
    ----------
    y : array-like of shape (n_samples,) or (n_samples, n_classes)
        Labels; -1, None or NaN (or a row of all -1) where there is none already.
    keep : float or int
        What to keep: a fraction of the labels in [0, 1], of which at least one is kept
        unless `keep` is 0, or a number of them.
    stratify : bool, default=False
        Whether to keep the proportions of the classes, with at least one label of each
        class if there are so many to keep. Otherwise samples are drawn regardless of
        their class, as if labeled at random.
    random_state : int, RandomState instance or None, default=None
        Determines which labels are kept. Without `stratify`, the same int keeps the
        same labels, and more of them as `keep` grows. Draws are independent of those of
        other tools with the same int.

    Returns
    -------
    y_partial : ndarray
        A copy of the shape of `y`. Strings become an array of dtype object, for -1 is
        a number; booleans and unsigned integers become int64.

    Raises
    ------
    TypeError
        If `keep` is not a number, or `stratify` not a bool.
    ValueError
        If `keep` is out of range, or no sample has a label.

    Examples
    --------
    >>> from skhash.model_selection import mask_labels
    >>> mask_labels([0, 0, 0, 0, 1, 1], keep=1 / 3, stratify=True, random_state=0)
    array([-1, -1, -1,  0, -1,  1])
    """
    if y is None:
        raise ValueError("y must hold labels, of which some are kept; got None.")
    check_flag(stratify, "stratify")
    y = as_array(y)
    labels, rows = labeled_rows(y, y)
    n_kept = _n_kept(keep, len(rows))
    rows = derived_random_state(random_state, "mask_labels").permutation(rows)
    if stratify and labels.kind == "multilabel":
        indicator = labels.targets(rows)
        first = cover_classes(indicator, n_kept)
        sizes = np.array([n_kept, len(rows) - n_kept])
        kept = rows[iterative_stratification(indicator, sizes, first=first) == 0]
    elif stratify:
        kept = rows[stratified_sample(class_positions(labels)[rows], n_kept)]
    else:
        kept = rows[:n_kept]
    y_partial = _copy_that_holds_unlabeled(y)
    y_partial[np.setdiff1d(np.arange(len(y)), kept)] = UNLABELED
    return y_partial


def _copy_that_holds_unlabeled(y: NDArray[Any]) -> NDArray[Any]:
    if y.dtype.kind == "U":
        return y.astype(object)
    if y.dtype.kind in ("b", "u"):
        return y.astype(np.int64)
    return y.copy()


def _n_kept(keep: Any, n_labeled: int) -> int:
    words = f"a fraction in [0.0, 1.0] or a number of labels from 0 to {n_labeled}"
    if not isinstance(keep, Real) or isinstance(keep, bool):
        raise TypeError(f"keep must be {words}; got {keep!r}.")
    if isinstance(keep, Integral):
        if not 0 <= int(keep) <= n_labeled:
            raise ValueError(f"keep must be {words}; got {keep}.")
        return int(keep)
    fraction = float(keep)
    if not 0 <= fraction <= 1:
        raise ValueError(f"keep must be {words}; got {keep}.")
    return max(round(fraction * n_labeled), int(fraction > 0))
