"""DuplicateDetector: groups of samples whose codes are near each other."""

from collections.abc import Callable
from numbers import Integral
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClusterMixin
from sklearn.utils.validation import check_is_fitted, validate_data

from skhash.duplicates._groups import (
    Groups,
    check_weights,
    kept_rows,
    preference_order,
    row_pairs,
    single_linkage,
    single_linkage_to,
    star_linkage,
    star_linkage_to,
)
from skhash.duplicates._pairs import (
    DistinctRows,
    Packed,
    Pairs,
    check_codes,
    check_radius,
    code_index,
    cross_pairs,
    distinct_rows,
    joined,
    self_pairs,
)
from skhash.duplicates._radius import radius_table
from skhash.utils._compat import Interval, StrOptions, fit_context
from skhash.utils._documentation import DocumentedMixin
from skhash.utils._state import VersionedStateMixin, replace_state

_LINKAGES: dict[str, Callable[..., Groups]] = {
    "single": single_linkage,
    "star": star_linkage,
}
_LINKAGES_TO: dict[str, Callable[..., Groups]] = {
    "single": single_linkage_to,
    "star": star_linkage_to,
}


class DuplicateDetector(
    VersionedStateMixin, ClusterMixin, DocumentedMixin, BaseEstimator
):
    """Group samples whose codes differ in at most some bits, and keep one per group.

    All pairs of codes within the radius are found exactly. The groups are the same for
    every number of threads, with ties broken by index.

    Parameters
    ----------
    radius : int or "auto", default=3
        Largest distance of duplicates in bits, inclusive; less than the length of the
        codes. "auto" is the largest radius at which at least 95 % of the pairs are not
        by chance, see :func:`~skhash.duplicates.radius_table`.
    linkage : {"single", "star"}, default="single"
        "single" puts samples into one group if a chain of pairs within the radius
        connects them: no pair within the radius is split, but the ends of a long chain
        may be far apart. "star" puts each sample into the group of a representative
        within the radius: two samples of a group differ by at most twice the radius,
        but a pair within the radius may be split. Use "single" to split data, and
        "star" to remove copies.
    n_keep : int, default=None
        Number of samples to keep. With "single", groups merge by their nearest pairs
        until so many are left. With "star", the radius is the least that leaves no
        more, and the samples that are farthest from their representatives are kept too.
        If None, one per group at the radius.
    packed : bool, default=False
        False: `X` holds bits, one column of 0 and 1 per bit. True: `X` holds packed
        codes, uint8, in the order of :func:`numpy.packbits`.
    n_bits : int, default=None
        Length of the codes. If None, the number of columns, or with ``packed=True``
        eight times that.
    n_jobs : int, default=None
        Number of threads, as in :class:`joblib.Parallel`.

    Attributes
    ----------
    labels_ : ndarray of shape (n_samples,), intp
        The group of each sample, from 0, in the order of their first samples.
    representatives_ : ndarray of shape (n_groups,), intp
        The sample to keep of each group: the one of largest weight, the first of these.
    keep_ : ndarray of shape (n_samples,), bool
        Whether a sample is a representative.
    pairs_ : tuple of ndarray (i, j, distance)
        The pairs within the radius, i < j, in the order of (i, j). Samples with equal
        codes are paired with the first of them only, and that one alone with others.
    new_pairs_ : tuple of ndarray (i, j, distance)
        The pairs of `pairs_` with a sample of the last `fit` or `partial_fit`.
    radius_ : int
        The radius of the groups.
    n_bits_ : int
        Length of the codes.
    n_features_in_ : int
        Number of columns of `X`.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the columns, where `X` had names.

    See Also
    --------
    skhash.duplicates.find_leakage : Finds duplicates of one collection in another.
    skhash.model_selection.DuplicateGroupKFold : Keeps duplicates in one fold.

    Notes
    -----
    Equal codes are grouped first, so that time and memory do not grow with the square
    of the number of copies. Memory is that of a copy of the codes, 12 bytes per sample,
    2 more per thread, and 12 to 60 bytes per pair of distinct codes within the radius.
    The first `partial_fit` makes an index of the codes, which takes another copy of
    them for the time of the call.

    "single" takes the connected components of the graph of pairs, "star" a maximal
    independent set of it in order of weight and index.

    Examples
    --------
    >>> import numpy as np
    >>> from skhash.duplicates import DuplicateDetector
    >>> codes = np.array([[0, 0, 0, 0], [1, 1, 1, 1], [0, 0, 0, 1], [0, 0, 1, 1]])
    >>> detector = DuplicateDetector(radius=1).fit(codes)
    >>> detector.labels_, detector.representatives_
    (array([0, 1, 0, 0]), array([0, 1]))
    >>> DuplicateDetector(radius=1, linkage="star").fit_predict(codes)
    array([0, 1, 0, 2])
    """

    _parameter_constraints: dict = {
        "radius": [Interval(Integral, 0, None, closed="left"), StrOptions({"auto"})],
        "linkage": [StrOptions({"single", "star"})],
        "n_keep": [Interval(Integral, 1, None, closed="left"), None],
        "packed": ["boolean"],
        "n_bits": [Interval(Integral, 1, None, closed="left"), None],
        "n_jobs": [Integral, None],
    }

    labels_: NDArray[np.intp]
    radius_: int
    n_bits_: int
    # Plain tuples, which files of skhash.io hold.
    _row_codes: tuple
    _code_pairs: tuple
    # The distinct codes, or an index of them that `partial_fit` has made.
    _codes: Packed | None
    _index: Any
    _is_kept: NDArray[np.bool_]
    _weights: NDArray[np.float64] | None
    _searched_radius: int
    _n_before: int

    def __init__(
        self,
        radius: int | Literal["auto"] = 3,
        *,
        linkage: Literal["single", "star"] = "single",
        n_keep: int | None = None,
        packed: bool = False,
        n_bits: int | None = None,
        n_jobs: int | None = None,
    ) -> None:
        self.radius = radius
        self.linkage = linkage
        self.n_keep = n_keep
        self.packed = packed
        self.n_bits = n_bits
        self.n_jobs = n_jobs

    @fit_context(prefer_skip_nested_validation=True)
    def fit(
        self, X: ArrayLike, y: Any = None, sample_weight: ArrayLike | None = None
    ) -> Self:
        """Find the duplicates among samples.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_bits or n_bytes)
            Codes: bits, or packed codes with ``packed=True``.
        y : object, default=None
            Not used, present for compatibility with scikit-learn.
        sample_weight : array-like of shape (n_samples,), default=None
            Preference of samples as representatives, such as a quality or a date; the
            largest first. If None, the first sample of a group represents it.

        Returns
        -------
        self : DuplicateDetector

        Raises
        ------
        TypeError
            If packed codes are not of dtype uint8.
        ValueError
            If `X` is empty or not binary, `radius` is not less than the length of the
            codes, or `n_keep` is below the number of groups at the radius or above that
            of samples.
        """
        replace_state(self, DuplicateDetector._fit, X, sample_weight)
        return self

    def _fit(self, X: ArrayLike, sample_weight: ArrayLike | None) -> None:
        packed, n_bits = self._check_codes(X, reset=True)
        weights = check_weights(sample_weight, len(packed))
        rows = distinct_rows(packed)
        self._row_codes = tuple(rows)
        codes = rows.distinct(packed) if len(rows.copies) else packed
        del packed
        radius = self._chosen_radius(codes, n_bits)
        self._searched_radius, self.n_bits_ = radius, n_bits
        self._code_pairs = tuple(self_pairs(codes, n_bits, radius, self.n_jobs))
        self._weights, self._n_before = weights, 0
        self._group(radius)
        # Last, since codes without copies may be those of the caller.
        self._codes = codes.copy() if np.may_share_memory(codes, X) else codes
        self._index = None

    @fit_context(prefer_skip_nested_validation=True)
    def partial_fit(
        self, X: ArrayLike, y: Any = None, sample_weight: ArrayLike | None = None
    ) -> Self:
        """Add samples, and search for duplicates of the new ones only.

        The groups are those of a `fit` to all samples. `new_pairs_` holds what is new.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_bits or n_bytes)
            Codes of the new samples, in the form of those before.
        y : object, default=None
            Not used, present for compatibility with scikit-learn.
        sample_weight : array-like of shape (n_samples,), default=None
            Their preference; required exactly if it was given before.

        Returns
        -------
        self : DuplicateDetector

        Raises
        ------
        TypeError, ValueError
            As :meth:`fit`; ValueError for codes of another length.
        """
        replace_state(self, DuplicateDetector._partial_fit, X, sample_weight)
        return self

    def _partial_fit(self, X: ArrayLike, sample_weight: ArrayLike | None) -> None:
        if not hasattr(self, "_row_codes"):
            self._fit(X, sample_weight)
            return
        packed, _ = self._check_codes(X, reset=False)
        weights = check_weights(sample_weight, len(packed))
        if (weights is None) != (self._weights is None):
            raise ValueError(
                "sample_weight must be given to partial_fit exactly if it was to fit."
            )
        if weights is not None and self._weights is not None:
            self._weights = np.concatenate([self._weights, weights])
        self._n_before = self._rows.n_rows
        self._extend(packed)
        self._group(self.radius_)

    def set_radius(self, radius: int) -> Self:
        """Form groups at a smaller radius, without a new search.

        Parameters
        ----------
        radius : int
            Largest distance of duplicates in bits, from 0 to the radius of `fit`.

        Returns
        -------
        self : DuplicateDetector

        Raises
        ------
        TypeError
            If `radius` is not an int.
        ValueError
            If `radius` is negative or above that of `fit`.
        """
        check_is_fitted(self)
        replace_state(self, DuplicateDetector._set_radius, radius)
        return self

    def _set_radius(self, radius: int) -> None:
        radius = check_radius(radius, self.n_bits_)
        if radius > self._searched_radius:
            raise ValueError(
                f"radius must be at most {self._searched_radius}, that of fit; got "
                f"{radius}. Fit again to search farther."
            )
        self._group(radius)

    @property
    def keep_(self) -> NDArray[np.bool_]:
        """Whether a sample is the representative of its group."""
        self._check_has("keep_")
        return self._is_kept.copy()

    @property
    def representatives_(self) -> NDArray[np.intp]:
        """The sample to keep of each group."""
        self._check_has("representatives_")
        return kept_rows(self.labels_, self._is_kept)

    @property
    def pairs_(self) -> Pairs:
        """The pairs within the radius."""
        self._check_has("pairs_")
        return row_pairs(self._pairs.within(self.radius_), self._rows)

    @property
    def new_pairs_(self) -> Pairs:
        """The pairs with a sample of the last `fit` or `partial_fit`."""
        self._check_has("new_pairs_")
        pairs = self.pairs_
        return pairs.take(pairs.j >= self._n_before)

    @property
    def _rows(self) -> DistinctRows:
        return DistinctRows(*self._row_codes)

    @property
    def _pairs(self) -> Pairs:
        return Pairs(*self._code_pairs)

    def _check_has(self, name: str) -> None:
        if "_row_codes" not in self.__dict__:
            raise AttributeError(
                f"{type(self).__name__!r} object has no attribute {name!r}"
            )

    def _check_codes(self, X: ArrayLike, *, reset: bool) -> tuple[Packed, int]:
        """Validate codes, and their columns against those of fit."""
        n_bits = self.n_bits if reset else self.n_bits_
        if not reset:
            validate_data(self, X, reset=False, skip_check_array=True)
        packed, n_bits = check_codes(X, packed=self.packed, n_bits=n_bits)
        if reset:
            validate_data(self, X, reset=True, skip_check_array=True)
        return packed, n_bits

    def _chosen_radius(self, codes: Packed, n_bits: int) -> int:
        """Return the radius, chosen from distinct codes if it is "auto"."""
        if self.radius != "auto":
            return check_radius(self.radius, n_bits)
        table = radius_table(codes, packed=True, n_bits=n_bits, n_jobs=self.n_jobs)
        return table.largest()

    def _extend(self, packed: Packed) -> None:
        """Add rows and their pairs."""
        old, new, radius = self._rows, distinct_rows(packed), self._searched_radius
        codes = new.distinct(packed)
        # A copy: the detector may be replaced by this one or not.
        if self._codes is not None:
            index = code_index(self._codes, self.n_bits_, self.n_jobs)
        else:
            index = self._index._snapshot()
        found = cross_pairs(index, radius, codes)
        n_old = old.n_codes
        number = np.full(len(codes), -1, dtype=np.intp)
        same = found.distance == 0
        number[found.i[same]] = found.j[same]
        fresh = np.flatnonzero(number < 0)
        number[fresh] = n_old + np.arange(len(fresh))
        self._row_codes = tuple(old.extended(new, number))
        self._codes, self._index = None, index
        if not len(fresh):
            return
        across = found.take(number[found.i] >= n_old)
        across = Pairs(across.j, number[across.i], across.distance)
        among = self_pairs(codes[fresh], self.n_bits_, radius, self.n_jobs)
        among = Pairs(among.i + n_old, among.j + n_old, among.distance)
        self._code_pairs = tuple(joined([self._pairs, across, among]))
        index.partial_fit(codes[fresh])

    def _group(self, radius: int) -> None:
        """Form the groups at a radius."""
        rows = self._rows
        order = preference_order(self._weights)
        pairs = self._pairs.within(radius)
        if self.n_keep is None:
            groups = _LINKAGES[self.linkage](pairs, rows, order)
        elif self.n_keep > rows.n_rows:
            raise ValueError(
                f"n_keep must be at most the number of samples, {rows.n_rows}; got "
                f"{self.n_keep}."
            )
        else:
            group = _LINKAGES_TO[self.linkage]
            groups = group(self.n_keep, pairs, rows, order)
        self.radius_ = radius
        self.labels_, self._is_kept = groups
