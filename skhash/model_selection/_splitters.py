"""Split collections of which few samples are labeled."""

import warnings
from collections.abc import Iterator
from numbers import Integral, Real
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.model_selection import BaseCrossValidator

from skhash.model_selection._random_streams import derived_random_state
from skhash.model_selection._stratification import (
    Positions,
    check_flag,
    class_positions,
    deal_classes,
    iterative_stratification,
    labeled_rows,
    memberships,
    paired_quotas,
)
from skhash.utils._compat import num_samples
from skhash.utils._labels import PartialLabels


class SemiSupervisedKFold(BaseCrossValidator):
    """Stratified k-fold over the labeled samples, with all others in training.

    Unlabeled samples cannot be scored in a test fold, and would be missing from
    training. Therefore only labeled samples are distributed over the test folds, class
    by class, and every training part holds all samples labeled -1. With several classes
    per sample, those of the rarest class are distributed first [1]_.

    Parameters
    ----------
    n_splits : int, default=5
        The number of folds, at least 2.
    shuffle : bool, default=False
        Whether to shuffle the samples before they are distributed.
    random_state : int, RandomState instance or None, default=None
        Determines the order if `shuffle` is true; must be None otherwise.

    See Also
    --------
    sklearn.model_selection.StratifiedKFold : Splits -1 like a class.

    Notes
    -----
    Retrieval within a test fold needs two samples of a class. A class with at least
    ``2 * n_splits`` labeled samples is distributed evenly. One with fewer is split in
    pairs, and is missing from some test folds; one with two samples only where larger
    classes do not give every fold a pair, as it is then missing from training. Where a
    fold would have no class twice, or every fold one class only, `split` raises a
    ValueError. The sizes of folds differ by at most two.

    References
    ----------
    .. [1] K. Sechidis, G. Tsoumakas and I. Vlahavas, "On the stratification of
       multi-label data", ECML PKDD 2011, :doi:`10.1007/978-3-642-23808-6_10`.

    Examples
    --------
    >>> import numpy as np
    >>> from skhash.model_selection import SemiSupervisedKFold
    >>> y = np.array([0, -1, 1, 0, -1, 1, 0, 1, 0])
    >>> for train, test in SemiSupervisedKFold(n_splits=2).split(y, y):
    ...     print(train, test)
    [1 3 4 7 8] [0 2 5 6]
    [0 1 2 4 5 6] [3 7 8]
    """

    def __init__(
        self,
        n_splits: int = 5,
        *,
        shuffle: bool = False,
        random_state: int | np.random.RandomState | None = None,
    ):
        self.n_splits = n_splits
        self.shuffle = shuffle
        self.random_state = random_state

    def get_n_splits(self, X: Any = None, y: Any = None, groups: Any = None) -> int:
        """Return the number of folds.

        Parameters
        ----------
        X, y, groups : object, default=None
            Not used, present for compatibility with scikit-learn.

        Returns
        -------
        n_splits : int
        """
        return self.n_splits

    def split(
        self, X: Any, y: ArrayLike | None = None, groups: None = None
    ) -> Iterator[tuple[Positions, Positions]]:
        """Generate the positions of each training part and test fold.

        Parameters
        ----------
        X : array-like of shape (n_samples, ...)
            The samples, of which only the number matters.
        y : array-like of shape (n_samples,) or (n_samples, n_classes)
            Labels, -1 (or a row of all -1) where there is none.
        groups : None
            Groups of samples cannot be kept together.

        Yields
        ------
        train : ndarray of int
            All unlabeled samples, and the labeled samples of the other folds.
        test : ndarray of int
            Labeled samples.

        Raises
        ------
        TypeError
            If `n_splits` is not an int, or `shuffle` not a bool.
        ValueError
            If `n_splits` is less than 2, or so large that a test fold would be empty or
            have no class twice, or all would have one class only; if no sample has a
            label, `groups` are given, or a `random_state` without `shuffle`.

        Warns
        -----
        UserWarning
            If some test folds have one class only.
        """
        self._check_parameters(groups)
        labels, rows = labeled_rows(X, y)
        n_splits = int(self.n_splits)
        if n_splits > len(rows):
            raise ValueError(
                "n_splits must be at most the number of labeled rows of y, "
                f"{len(rows)}; got {self.n_splits}."
            )
        if self.shuffle:
            rng = derived_random_state(self.random_state, type(self).__name__)
            rows = rng.permutation(rows)
        folds = np.full(num_samples(X), -1, dtype=np.intp)
        folds[rows] = _deal(labels, rows, n_splits)
        tests = [np.flatnonzero(folds == fold) for fold in range(n_splits)]
        if not all(_has_a_class_twice(labels, test) for test in tests):
            raise ValueError(
                f"n_splits={self.n_splits} leaves a test fold that has no class twice, "
                "in which no sample could find another one of its class. Label more "
                "samples per class, or take fewer splits."
            )
        if labels.kind == "single" and labels.n_classes > 1:
            _check_classes_of_folds(labels, tests)
        for fold, test in enumerate(tests):
            yield np.flatnonzero(folds != fold), test

    def _check_parameters(self, groups: Any) -> None:
        _check_at_least(self.n_splits, 2, "n_splits")
        check_flag(self.shuffle, "shuffle")
        _refuse_groups(groups, self)
        if not self.shuffle and self.random_state is not None:
            raise ValueError(
                "random_state must be None unless shuffle=True, as it would have no "
                f"effect; got {self.random_state!r}."
            )


def _deal(labels: PartialLabels, rows: Positions, n_splits: int) -> Positions:
    """Return the fold of each of the labeled samples."""
    if labels.kind != "multilabel":
        return deal_classes(class_positions(labels)[rows], n_splits)
    indicator = labels.targets(rows)
    sizes = np.full(n_splits, len(rows) // n_splits)
    sizes[: len(rows) % n_splits] += 1
    quotas = paired_quotas(indicator.sum(axis=0), n_splits)
    return iterative_stratification(indicator, sizes, quotas=quotas)


def _has_a_class_twice(labels: PartialLabels, rows: Positions) -> bool:
    return bool((memberships(labels, rows).sum(axis=0) > 1).any())


def _check_classes_of_folds(labels: PartialLabels, tests: list[Positions]) -> None:
    """Warn of folds of one class, and raise if there are no others."""
    n_classes = [int(memberships(labels, t).any(axis=0).sum()) for t in tests]
    n_single = n_classes.count(1)
    words = (
        f"n_splits={len(tests)} leaves {n_single} test folds of one class only, in "
        "which every code scores 1. Label more samples per class, or take fewer splits."
    )
    if n_single == len(tests):
        raise ValueError(words)
    if n_single:
        warnings.warn(words, UserWarning, stacklevel=3)


class UnseenClassSplit(BaseCrossValidator):
    """Random splits that keep whole classes out of training.

    Measures codes on classes that have no labels in training. The training part holds
    the labeled samples of some classes, the test part all samples of the others, to be
    measured by queries and a database from the test part alone.

    Parameters
    ----------
    n_splits : int, default=5
        How many times classes are drawn, each time anew; at least 1.
    test_size : float or int, default=0.25
        The unseen classes: a fraction of all in (0, 1), or their number. A fraction
        takes two at least where two seen ones are left: among the samples of one class
        every code scores 1.
    keep_unlabeled : bool, default=True
        Whether samples labeled -1 belong to the training part, even though some may be
        of an unseen class, as in a collection that grows. Otherwise they are left out.
    random_state : int, RandomState instance or None, default=None
        Determines which classes are drawn.

    Notes
    -----
    With several classes per sample, samples with both seen and unseen classes are left
    out, and samples with none of the classes belong to the training part.

    Examples
    --------
    >>> import numpy as np
    >>> from skhash.model_selection import UnseenClassSplit
    >>> y = np.array([0, 0, 1, 1, 2, 2, 3, 3, -1])
    >>> splitter = UnseenClassSplit(n_splits=1, random_state=0)
    >>> for train, test in splitter.split(y, y):
    ...     print(train, test)
    [0 1 6 7 8] [2 3 4 5]
    """

    def __init__(
        self,
        n_splits: int = 5,
        *,
        test_size: float = 0.25,
        keep_unlabeled: bool = True,
        random_state: int | np.random.RandomState | None = None,
    ):
        self.n_splits = n_splits
        self.test_size = test_size
        self.keep_unlabeled = keep_unlabeled
        self.random_state = random_state

    def get_n_splits(self, X: Any = None, y: Any = None, groups: Any = None) -> int:
        """Return the number of splits.

        Parameters
        ----------
        X, y, groups : object, default=None
            Not used, present for compatibility with scikit-learn.

        Returns
        -------
        n_splits : int
        """
        return self.n_splits

    def split(
        self, X: Any, y: ArrayLike | None = None, groups: None = None
    ) -> Iterator[tuple[Positions, Positions]]:
        """Generate the positions of each training and test part.

        Parameters
        ----------
        X : array-like of shape (n_samples, ...)
            The samples, of which only the number matters.
        y : array-like of shape (n_samples,) or (n_samples, n_classes)
            Labels, -1 (or a row of all -1) where there is none.
        groups : None
            Groups of samples cannot be kept together.

        Yields
        ------
        train : ndarray of int
            Samples of the seen classes, and unlabeled ones if kept.
        test : ndarray of int
            Samples of the unseen classes.

        Raises
        ------
        TypeError
            If `n_splits` is not an int, `test_size` not a number, or `keep_unlabeled`
            not a bool.
        ValueError
            If `n_splits` or `test_size` is out of range, `groups` are given, fewer than
            two classes have a labeled sample, or a test part would have no class twice.

        Warns
        -----
        UserWarning
            If there is one unseen class only.
        """
        _check_at_least(self.n_splits, 1, "n_splits")
        check_flag(self.keep_unlabeled, "keep_unlabeled")
        _refuse_groups(groups, self)
        labels, rows = labeled_rows(X, y)
        member = np.zeros((len(labels.labeled), labels.n_classes), dtype=bool)
        member[rows] = memberships(labels, rows)
        present = np.flatnonzero(member.any(axis=0))
        n_unseen = _n_unseen(self.test_size, len(present))
        if n_unseen == 1 and labels.kind == "single":
            warnings.warn(
                "test_size leaves one unseen class per split. Its samples are all "
                "relevant to each other, so that every code scores 1 in retrieval "
                f"among them. Take more than one of the {len(present)} classes.",
                UserWarning,
                stacklevel=2,
            )
        rng = derived_random_state(self.random_state, type(self).__name__)
        # All of them first, so that an invalid split raises before any fit.
        yield from [
            self._parts(labels, member, present, rng.permutation(present)[:n_unseen])
            for _ in range(self.n_splits)
        ]

    def _parts(
        self,
        labels: PartialLabels,
        member: NDArray[np.bool_],
        present: Positions,
        unseen: Positions,
    ) -> tuple[Positions, Positions]:
        """Return the training and the test part for some unseen classes."""
        seen = np.setdiff1d(present, unseen)
        is_new = member[:, unseen].any(axis=1)
        test = np.flatnonzero(is_new & ~member[:, seen].any(axis=1))
        train = ~is_new & (labels.labeled | self.keep_unlabeled)
        if not (member[test].sum(axis=0) > 1).any():
            raise ValueError(
                "y has no two rows of a class whose classes are all among the "
                f"{len(unseen)} unseen ones of a split; raise test_size, which is "
                f"{self.test_size}, or change random_state."
            )
        return np.flatnonzero(train), test


def _n_unseen(test_size: Any, n_classes: int) -> int:
    if n_classes < 2:
        raise ValueError(
            "y must have labeled rows of at least two classes, one of them to keep "
            f"out of training; got {n_classes}."
        )
    if isinstance(test_size, Integral) and not isinstance(test_size, bool):
        number = int(test_size)
        if not 1 <= number < n_classes:
            raise ValueError(
                "test_size must be a fraction in (0, 1), or a number of classes from 1 "
                f"to {n_classes - 1}; got {test_size}."
            )
        return number
    if not isinstance(test_size, Real) or isinstance(test_size, bool):
        raise TypeError(
            "test_size must be a fraction in (0, 1) or a number of classes; got "
            f"{test_size!r}."
        )
    fraction = float(test_size)
    if not 0 < fraction < 1:
        raise ValueError(f"test_size must be a fraction in (0, 1); got {test_size}.")
    least = 2 if n_classes >= 4 else 1
    return int(np.clip(round(fraction * n_classes), least, n_classes - 1))


def _check_at_least(value: Any, least: int, name: str) -> None:
    if not isinstance(value, Integral) or isinstance(value, bool):
        raise TypeError(f"{name} must be an int of at least {least}; got {value!r}.")
    if int(value) < least:
        raise ValueError(f"{name} must be an int of at least {least}; got {value}.")


def _refuse_groups(groups: Any, splitter: BaseCrossValidator) -> None:
    if groups is not None:
        raise ValueError(
            f"groups must be None: {type(splitter).__name__} cannot keep groups of "
            "samples together. Use sklearn.model_selection.StratifiedGroupKFold on the "
            "labeled samples."
        )
