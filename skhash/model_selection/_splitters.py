"""Splitters for collections of which few rows are labeled."""

from numbers import Integral, Real

import numpy as np
from sklearn.model_selection import BaseCrossValidator
from sklearn.utils import check_random_state

from skhash.model_selection._stratification import (
    check_flag,
    iterative_stratification,
    labeled_rows,
    one_class_a_row,
)
from skhash.utils._compat import num_samples


class SemiSupervisedKFold(BaseCrossValidator):
    """Stratified k-fold over the labeled rows, the others always in training.

    A test fold of rows without labels measures nothing, and a fit without them wastes
    them. So only labeled rows are dealt out to the test folds, class by class, and
    every training part holds all rows labeled -1. For an indicator of several labels
    a row, the rows of the rarest class are dealt out first [1]_.

    Parameters
    ----------
    n_splits : int, default=5
        How many folds, at least 2.
    shuffle : bool, default=False
        Whether to shuffle the rows before they are dealt out.
    random_state : int, RandomState instance or None, default=None
        Decides the order where `shuffle` is true; without effect otherwise.

    See Also
    --------
    sklearn.model_selection.StratifiedKFold : Takes -1 for a class.

    Notes
    -----
    Fold sizes differ by at most one, and so do the numbers of rows of a class where
    each row has one label. Classes with fewer than `n_splits` rows are no error: they
    are missing from some test folds.

    References
    ----------
    .. [1] K. Sechidis, G. Tsoumakas and I. Vlahavas, "On the stratification of
       multi-label data", ECML PKDD 2011, :doi:`10.1007/978-3-642-23808-6_10`.

    Examples
    --------
    >>> import numpy as np
    >>> from skhash.model_selection import SemiSupervisedKFold
    >>> y = np.array([0, -1, 1, 0, -1, 1])
    >>> for train, test in SemiSupervisedKFold(n_splits=2).split(y, y):
    ...     print(train, test)
    [1 3 4 5] [0 2]
    [0 1 2 4] [3 5]
    """

    def __init__(self, n_splits=5, *, shuffle=False, random_state=None):
        self.n_splits = n_splits
        self.shuffle = shuffle
        self.random_state = random_state

    def get_n_splits(self, X=None, y=None, groups=None):
        """Return the number of folds.

        Parameters
        ----------
        X, y, groups : object, default=None
            Not used, present for the sake of scikit-learn's interface.

        Returns
        -------
        n_splits : int
        """
        return self.n_splits

    def split(self, X, y=None, groups=None):
        """Generate the rows of each training part and test fold.

        Parameters
        ----------
        X : array-like of shape (n_samples, ...)
            The collection, of which only the length matters.
        y : array-like of shape (n_samples,) or (n_samples, n_classes)
            Labels, -1 (or a row of all -1) where there is none.
        groups : object, default=None
            Not used, present for the sake of scikit-learn's interface.

        Yields
        ------
        train : ndarray of int
            All rows without label, and the labeled rows of the other folds.
        test : ndarray of int
            Labeled rows.

        Raises
        ------
        TypeError
            If `n_splits` is no int, or `shuffle` no bool.
        ValueError
            If `n_splits` is less than 2 or more than there are labeled rows, or no row
            has a label.
        """
        _check_at_least(self.n_splits, 2, "n_splits")
        check_flag(self.shuffle, "shuffle")
        labels, rows = labeled_rows(X, y)
        if self.n_splits > len(rows):
            raise ValueError(
                "n_splits must be at most the number of labeled rows of y, "
                f"{len(rows)}; got {self.n_splits}."
            )
        rng = check_random_state(self.random_state) if self.shuffle else None
        if rng is not None:
            rows = rng.permutation(rows)
        folds = np.empty(num_samples(X), dtype=np.intp)
        folds.fill(-1)
        if labels.kind == "multilabel":
            sizes = np.full(self.n_splits, len(rows) // self.n_splits)
            sizes[: len(rows) % self.n_splits] += 1
            folds[rows] = iterative_stratification(labels.indicator[rows], sizes)
        else:
            rows = rows[np.argsort(one_class_a_row(labels)[rows], kind="stable")]
            folds[rows] = np.arange(len(rows)) % self.n_splits
        for fold in range(self.n_splits):
            yield np.flatnonzero(folds != fold), np.flatnonzero(folds == fold)


class UnseenClassSplit(BaseCrossValidator):
    """Random splits that keep whole classes out of training.

    A code is of use when it also brings together what nobody had named yet. The
    training part holds the labeled rows of some classes, the test part all rows of the
    others: to be measured by queries and an index from the test part alone.

    Parameters
    ----------
    n_splits : int, default=5
        How many times classes are drawn, each time anew; at least 1.
    test_size : float or int, default=0.25
        The unseen classes: a share of all in (0, 1), of which at least one is seen and
        one is not, or their number.
    keep_unlabeled : bool, default=True
        Whether rows labeled -1 belong to the training part, even though some may be of
        an unseen class, as in a collection that grows. Otherwise they are left out.
    random_state : int, RandomState instance or None, default=None
        Decides which classes are drawn.

    Notes
    -----
    Of several labels a row, rows with both seen and unseen classes are left out, and
    rows with none of the classes belong to the training part.

    Examples
    --------
    >>> import numpy as np
    >>> from skhash.model_selection import UnseenClassSplit
    >>> y = np.array([0, 0, 1, 1, 2, 2, -1])
    >>> splitter = UnseenClassSplit(n_splits=1, random_state=0)
    >>> for train, test in splitter.split(y, y):
    ...     print(train, test)
    [0 1 2 3 6] [4 5]
    """

    def __init__(
        self, n_splits=5, *, test_size=0.25, keep_unlabeled=True, random_state=None
    ):
        self.n_splits = n_splits
        self.test_size = test_size
        self.keep_unlabeled = keep_unlabeled
        self.random_state = random_state

    def get_n_splits(self, X=None, y=None, groups=None):
        """Return the number of splits.

        Parameters
        ----------
        X, y, groups : object, default=None
            Not used, present for the sake of scikit-learn's interface.

        Returns
        -------
        n_splits : int
        """
        return self.n_splits

    def split(self, X, y=None, groups=None):
        """Generate the rows of each training and test part.

        Parameters
        ----------
        X : array-like of shape (n_samples, ...)
            The collection, of which only the length matters.
        y : array-like of shape (n_samples,) or (n_samples, n_classes)
            Labels, -1 (or a row of all -1) where there is none.
        groups : object, default=None
            Not used, present for the sake of scikit-learn's interface.

        Yields
        ------
        train : ndarray of int
            Rows of the seen classes, and those without label if kept.
        test : ndarray of int
            Rows of the unseen classes.

        Raises
        ------
        TypeError
            If `n_splits` is no int, `test_size` no number, or `keep_unlabeled` no
            bool.
        ValueError
            If `n_splits` or `test_size` is out of range, fewer than two classes have a
            labeled row, or all rows of the unseen classes have a seen one too.
        """
        _check_at_least(self.n_splits, 1, "n_splits")
        check_flag(self.keep_unlabeled, "keep_unlabeled")
        labels, rows = labeled_rows(X, y)
        member = np.zeros((len(labels.labeled), labels.n_classes), dtype=bool)
        if labels.kind == "multilabel":
            member[rows] = labels.indicator[rows] > 0
        else:
            member[rows, one_class_a_row(labels)[rows]] = True
        present = np.flatnonzero(member.any(axis=0))
        n_unseen = _n_unseen(self.test_size, len(present))
        rng = check_random_state(self.random_state)
        for _ in range(self.n_splits):
            unseen = rng.permutation(present)[:n_unseen]
            seen = np.setdiff1d(present, unseen)
            is_new = member[:, unseen].any(axis=1)
            test = is_new & ~member[:, seen].any(axis=1)
            train = ~is_new & (labels.labeled | self.keep_unlabeled)
            if not test.any():
                raise ValueError(
                    "y has no row whose classes are all among the "
                    f"{n_unseen} unseen ones of a split; raise test_size, which is "
                    f"{self.test_size}, or change random_state."
                )
            yield np.flatnonzero(train), np.flatnonzero(test)


def _n_unseen(test_size, n_classes):
    if n_classes < 2:
        raise ValueError(
            "y must have labeled rows of at least two classes, one of them to keep "
            f"out of training; got {n_classes}."
        )
    if isinstance(test_size, Integral) and not isinstance(test_size, bool):
        if not 1 <= test_size < n_classes:
            raise ValueError(
                "test_size must be a share in (0, 1), or a number of classes from 1 to "
                f"{n_classes - 1}; got {test_size}."
            )
        return int(test_size)
    if not isinstance(test_size, Real) or isinstance(test_size, bool):
        raise TypeError(
            "test_size must be a share in (0, 1) or a number of classes; got "
            f"{test_size!r}."
        )
    if not 0 < test_size < 1:
        raise ValueError(f"test_size must be a share in (0, 1); got {test_size}.")
    return int(np.clip(round(test_size * n_classes), 1, n_classes - 1))


def _check_at_least(value, least, name):
    if not isinstance(value, Integral) or isinstance(value, bool):
        raise TypeError(f"{name} must be an int of at least {least}; got {value!r}.")
    if value < least:
        raise ValueError(f"{name} must be an int of at least {least}; got {value}.")
