"""Split samples into folds that keep duplicates together."""

from collections.abc import Iterator
from numbers import Integral
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components
from sklearn.base import BaseEstimator, clone
from sklearn.model_selection import BaseCrossValidator, GroupKFold, StratifiedGroupKFold
from sklearn.utils.validation import check_consistent_length

from skhash.duplicates import DuplicateDetector
from skhash.model_selection._stratification import Positions


class DuplicateGroupKFold(BaseCrossValidator):
    """K-fold that keeps samples whose codes are near each other in one fold.

    A copy of a training sample in the test fold measures memory, not generalization. No
    two samples within the radius are in different folds, nor are two that a chain of
    such pairs connects.

    Parameters
    ----------
    n_splits : int, default=5
        The number of folds, at least 2.
    radius : int, default=3
        Largest distance of duplicates in bits, inclusive; less than the length of the
        codes.
    hasher : estimator, default=None
        Computes the codes of `X`: a transformer such as :class:`~skhash.SimHasher` or a
        pipeline that ends in one, a copy of which is fitted to `X` without labels.
        If None, `X` itself holds codes.
    codes : array-like of shape (n_samples, n_bits or n_bytes), default=None
        The codes of the samples that will be split, instead of a hasher.
    packed : bool, default=False
        Whether codes are packed.
    n_bits : int, default=None
        Length of the codes; that of their columns if None.
    stratify : bool, default=False
        Whether folds also hold about the same fraction of each class of `y`.

    See Also
    --------
    skhash.DuplicateDetector : Its groups, with linkage "single", are used.
    skhash.duplicates.find_leakage : Examines a split that exists already.

    Notes
    -----
    Groups are assigned by descending size, each to the fold with the fewest samples,
    as in :class:`~sklearn.model_selection.GroupKFold`. Folds differ by at most
    the size of the largest group.

    Examples
    --------
    >>> import numpy as np
    >>> from skhash.model_selection import DuplicateGroupKFold
    >>> codes = np.array([[0, 0, 0], [1, 1, 1], [0, 0, 1], [1, 1, 1]])
    >>> for train, test in DuplicateGroupKFold(n_splits=2, radius=1).split(codes):
    ...     print(train, test)
    [0 2] [1 3]
    [1 3] [0 2]
    """

    def __init__(
        self,
        n_splits: int = 5,
        *,
        radius: int = 3,
        hasher: BaseEstimator | None = None,
        codes: ArrayLike | None = None,
        packed: bool = False,
        n_bits: int | None = None,
        stratify: bool = False,
    ):
        self.n_splits = n_splits
        self.radius = radius
        self.hasher = hasher
        self.codes = codes
        self.packed = packed
        self.n_bits = n_bits
        self.stratify = stratify

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
        self, X: Any, y: ArrayLike | None = None, groups: ArrayLike | None = None
    ) -> Iterator[tuple[Positions, Positions]]:
        """Generate the positions of each training part and test fold.

        Parameters
        ----------
        X : array-like of shape (n_samples, ...)
            The samples, or their codes without `hasher` and `codes`.
        y : array-like of shape (n_samples,), default=None
            Classes, if `stratify`.
        groups : array-like of shape (n_samples,), default=None
            Groups that are kept together as well.

        Yields
        ------
        train : ndarray of int
            Samples of the other folds.
        test : ndarray of int
            Samples of the fold.

        Raises
        ------
        TypeError
            If `n_splits` or `radius` is not an int.
        ValueError
            If `n_splits` is less than 2 or above the number of groups, both `hasher`
            and `codes` are given, or the codes are invalid.
        """
        if not isinstance(self.n_splits, Integral) or isinstance(self.n_splits, bool):
            raise TypeError(f"n_splits must be an int; got {self.n_splits!r}.")
        if self.n_splits < 2:
            raise ValueError(f"n_splits must be at least 2; got {self.n_splits}.")
        labels = self._groups(X, y)
        if groups is not None:
            labels = _joined_groups(labels, np.asarray(groups))
        n_groups = len(np.unique(labels))
        if n_groups < self.n_splits:
            raise ValueError(
                f"n_splits must be at most the number of groups of duplicates, "
                f"{n_groups} at radius={self.radius}; got {self.n_splits}. Lower "
                "radius if samples are grouped that are not duplicates."
            )
        if self.stratify:
            if y is None:
                raise ValueError("y must be given if stratify is true; got None.")
            splitter = StratifiedGroupKFold(self.n_splits)
        else:
            splitter = GroupKFold(self.n_splits)
        yield from splitter.split(labels, y, labels)

    def _groups(self, X: Any, y: ArrayLike | None) -> NDArray[np.intp]:
        """Return the group of duplicates of each sample."""
        if self.hasher is not None and self.codes is not None:
            raise ValueError("Give hasher or codes, not both.")
        codes = X if self.codes is None else self.codes
        if self.hasher is not None:
            codes = clone(self.hasher).fit_transform(X)
        elif self.codes is not None:
            check_consistent_length(X, codes)
        detector = DuplicateDetector(
            self.radius, packed=self.packed, n_bits=self.n_bits
        )
        return detector.fit_predict(codes)


def _joined_groups(labels: NDArray[np.intp], groups: NDArray[Any]) -> NDArray[np.intp]:
    """Return the groups that connect what either of two groupings connects."""
    check_consistent_length(labels, groups)
    numbers = np.unique(groups, return_inverse=True)[1].reshape(-1)
    n_labels = int(labels.max()) + 1
    n_nodes = n_labels + int(numbers.max()) + 1
    ends = (labels, n_labels + numbers)
    graph = csr_array((np.ones(len(labels)), ends), shape=(n_nodes, n_nodes))
    return connected_components(graph, directed=False)[1][labels]
