"""Find candidate pairs of records that may be the same entity."""

import warnings
from numbers import Integral, Real
from typing import Any, Literal, NamedTuple, Self, cast

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from skhash.duplicates._matches import check_matches
from skhash.duplicates._pairs import Packed, Pairs, check_codes, code_index
from skhash.duplicates._radius import lower_bound, row_distances
from skhash.utils._compat import Interval, StrOptions, fit_context
from skhash.utils._documentation import DocumentedMixin
from skhash.utils._state import VersionedStateMixin, replace_state


class BlockingScores(NamedTuple):
    """Quality of candidate pairs.

    Attributes
    ----------
    pair_completeness : float
        Fraction of the matches among the candidates (recall), in [0, 1].
    pairs_quality : float
        Fraction of the candidates that are matches (precision), in [0, 1].
    reduction_ratio : float
        Fraction of all pairs that need not be compared, in [0, 1].
    """

    pair_completeness: float
    pairs_quality: float
    reduction_ratio: float


class HammingBlocker(VersionedStateMixin, DocumentedMixin, BaseEstimator):
    """Find candidate pairs of records by their codes, with a target for the recall.

    Parameters
    ----------
    method : {"nearest", "radius"}, default="nearest"
        "nearest": the nearest codes of each record are candidates, which bounds their
        number per record. "radius": all codes within a radius.
    target_recall : float, default=0.95
        Fraction of all matches that the candidates should hold, in (0, 1).
    confidence : float, default=0.95
        Confidence in reaching the target, in (0, 1).
    max_candidates : int, default=10
        Largest number of candidates per record with "nearest".
    max_radius : int, default=None
        Largest radius in bits with "radius"; half the length of the codes if None.
    packed : bool, default=False
        Whether codes are packed.
    n_bits : int, default=None
        Length of the codes; that of their columns if None.
    n_jobs : int, default=None
        Number of threads, as in :class:`joblib.Parallel`.

    Attributes
    ----------
    n_candidates_ : int
        Candidates per record with "nearest".
    radius_ : int
        Radius in bits with "radius".
    recall_lower_ : float
        Lower confidence bound of the recall; 0 without known matches.
    pairs_ : tuple of ndarray (i, j, distance)
        Candidate pairs: indices of a record of the first and of the second table, and
        the distances of their codes, in the order of (i, j). Of one table, i < j.
    n_bits_ : int
        Length of the codes.

    See Also
    --------
    blocking_scores : Measures candidates against all matches.

    Notes
    -----
    The number of candidates, or the radius, is the smallest for which the lower
    Clopper-Pearson bound of the recall among the known matches reaches the target. That
    needs at least log(1 - confidence) / log(target_recall) known matches, 59 by
    default, if all of them are found. Where the bound does not reach the target, the
    largest number or radius is used, with a warning. The bound holds for known matches
    that are a random sample of all, and does not account for the choice.

    Examples
    --------
    >>> import numpy as np
    >>> from skhash.duplicates import HammingBlocker
    >>> first = np.eye(6)[:4]
    >>> second = np.eye(6)[::-1]
    >>> blocker = HammingBlocker(target_recall=0.4)
    >>> blocker.fit(first, second, matches=[[0, 5], [1, 4], [2, 3], [3, 2]])
    HammingBlocker(target_recall=0.4)
    >>> blocker.n_candidates_, blocker.pairs_.j
    (1, array([5, 4, 3, 2]))
    """

    _parameter_constraints: dict = {
        "method": [StrOptions({"nearest", "radius"})],
        "target_recall": [Interval(Real, 0, 1, closed="neither")],
        "confidence": [Interval(Real, 0, 1, closed="neither")],
        "max_candidates": [Interval(Integral, 1, None, closed="left")],
        "max_radius": [Interval(Integral, 0, None, closed="left"), None],
        "packed": ["boolean"],
        "n_bits": [Interval(Integral, 1, None, closed="left"), None],
        "n_jobs": [Integral, None],
    }

    n_bits_: int
    recall_lower_: float
    pairs_: Pairs

    def __init__(
        self,
        method: Literal["nearest", "radius"] = "nearest",
        *,
        target_recall: float = 0.95,
        confidence: float = 0.95,
        max_candidates: int = 10,
        max_radius: int | None = None,
        packed: bool = False,
        n_bits: int | None = None,
        n_jobs: int | None = None,
    ) -> None:
        self.method = method
        self.target_recall = target_recall
        self.confidence = confidence
        self.max_candidates = max_candidates
        self.max_radius = max_radius
        self.packed = packed
        self.n_bits = n_bits
        self.n_jobs = n_jobs

    @fit_context(prefer_skip_nested_validation=True)
    def fit(
        self,
        X: ArrayLike,
        X_other: ArrayLike | None = None,
        *,
        matches: ArrayLike | None = None,
    ) -> Self:
        """Find the candidate pairs.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_bits or n_bytes)
            Codes of a table.
        X_other : array-like of shape (n_other, n_bits or n_bytes), default=None
            Codes of another table. If None, pairs are within the first.
        matches : array-like of shape (n_matches, 2), int, default=None
            Known matches, by their indices in the two tables. If None, the largest
            number of candidates, or the largest radius, is used.

        Returns
        -------
        self : HammingBlocker

        Raises
        ------
        TypeError
            If packed codes are not of dtype uint8, or `matches` are not integers.
        ValueError
            If a table is empty or not binary, codes have different lengths, or
            `matches` are out of range.

        Warns
        -----
        UserWarning
            If the bound of the recall does not reach the target.
        """
        replace_state(self, HammingBlocker._fit, X, X_other, matches)
        return self

    def _fit(
        self, X: ArrayLike, X_other: ArrayLike | None, matches: ArrayLike | None
    ) -> None:
        form: dict[str, Any] = {"packed": self.packed}
        rows, n_bits = check_codes(X, n_bits=self.n_bits, **form)
        other = rows
        if X_other is not None:
            other, _ = check_codes(X_other, n_bits=n_bits, name="X_other", **form)
        known = None
        if matches is not None:
            known = check_matches(matches, len(rows), len(other))
        self.n_bits_ = n_bits
        find = self._nearest if self.method == "nearest" else self._within
        find(rows, None if X_other is None else other, known)

    def _nearest(
        self, rows: Packed, other: Packed | None, known: NDArray[np.intp] | None
    ) -> None:
        """Choose the number of candidates, and find them."""
        index = code_index(rows if other is None else other, self.n_bits_, self.n_jobs)
        most = index.n_samples_fit_ - (other is None)
        k = min(self.max_candidates, most)
        if k < 1:
            raise ValueError("X must hold at least two samples, or give X_other.")
        queries = None if other is None else rows
        distances, found = index.kneighbors(queries, k)
        ranks = None if known is None else _ranks(found, known, to_self=other is None)
        k = self._choose(ranks, np.arange(1, k + 1))
        i = np.repeat(np.arange(len(rows)), k)
        pairs = Pairs(i, found[:, :k].ravel(), distances[:, :k].ravel())
        self.n_candidates_ = k
        self.pairs_ = _once(pairs) if other is None else pairs.sorted()

    def _within(
        self, rows: Packed, other: Packed | None, known: NDArray[np.intp] | None
    ) -> None:
        """Choose the radius, and find the pairs within."""
        right = rows if other is None else other
        most = self.n_bits_ // 2 if self.max_radius is None else self.max_radius
        distances = None
        if known is not None:
            distances = row_distances(rows[known[:, 0]], right[known[:, 1]])
        self.radius_ = self._choose(distances, np.arange(min(most, self.n_bits_) + 1))
        index = code_index(right, self.n_bits_, self.n_jobs)
        queries = None if other is None else rows
        i, j, d = cast(tuple, index.radius_pairs(self.radius_, queries))
        self.pairs_ = Pairs(i.astype(np.intp), j.astype(np.intp), d)

    def _choose(
        self, needed: NDArray[np.intp] | None, choices: NDArray[np.intp]
    ) -> int:
        """Return the smallest choice whose recall has the bound, else the largest."""
        self.recall_lower_ = 0.0
        if needed is None:
            return int(choices[-1])
        hits = (needed[:, None] <= choices).sum(axis=0)
        bounds = lower_bound(hits, len(needed), self.confidence)
        enough = np.flatnonzero(bounds >= self.target_recall)
        chosen = int(enough[0]) if len(enough) else len(choices) - 1
        self.recall_lower_ = float(bounds[chosen])
        if not len(enough):
            warnings.warn(
                f"The lower bound of the recall is {bounds[chosen]:.3f} with "
                f"{hits[chosen]} of {len(needed)} known matches found, below "
                f"target_recall={self.target_recall}. Give more known matches, or "
                "raise max_candidates or max_radius.",
                stacklevel=4,
            )
        return int(choices[chosen])

    def to_multiindex(self, ids: Any = None, other_ids: Any = None) -> Any:
        """Return the candidate pairs as a :class:`pandas.MultiIndex`.

        The form that `recordlinkage` takes; ``.to_frame(index=False)`` gives the table
        of pairs that other tools take.

        Parameters
        ----------
        ids : array-like of shape (n_samples,), default=None
            Identifiers of the records of the first table; their indices if None.
        other_ids : array-like of shape (n_other,), default=None
            Those of the second table; `ids` if there is only one.

        Returns
        -------
        pairs : pandas.MultiIndex
            With the levels "first" and "second".

        Raises
        ------
        ValueError
            If identifiers are not unique, or fewer than the records.
        """
        import pandas as pd

        check_is_fitted(self)
        first = _identified(self.pairs_.i, ids, "ids")
        second_ids = ids if other_ids is None else other_ids
        second = _identified(self.pairs_.j, second_ids, "other_ids")
        return pd.MultiIndex.from_arrays([first, second], names=["first", "second"])


def blocking_scores(
    pairs: tuple[ArrayLike, ...],
    matches: ArrayLike,
    n_samples: int,
    n_other: int | None = None,
) -> BlockingScores:
    """Measure candidate pairs against all matches.

    Parameters
    ----------
    pairs : tuple of array-like (i, j, ...)
        Candidate pairs, such as `pairs_` of :class:`HammingBlocker`; what follows the
        indices is not used.
    matches : array-like of shape (n_matches, 2), int
        All matches.
    n_samples : int
        Number of records of the first table.
    n_other : int, default=None
        That of the second table. If None, pairs are within the first, in any order.

    Returns
    -------
    scores : BlockingScores
        Pair completeness, pairs quality and reduction ratio.

    Raises
    ------
    TypeError, ValueError
        If `pairs` or `matches` are not integers or out of range.

    Examples
    --------
    >>> from skhash.duplicates import blocking_scores
    >>> scores = blocking_scores(([0, 1, 2], [0, 2, 2]), [[0, 0], [1, 1]], 3, 3)
    >>> scores.pair_completeness, round(scores.pairs_quality, 3)
    (0.5, 0.333)
    """
    n_second = n_samples if n_other is None else n_other
    true = check_matches(matches, n_samples, n_second)
    found = np.stack([np.asarray(pairs[0]), np.asarray(pairs[1])], axis=1)
    if len(found):
        found = check_matches(found, n_samples, n_second)
    n_all = n_samples * n_second
    if n_other is None:
        true, found = np.sort(true, axis=1), np.sort(found, axis=1)
        n_all = n_samples * (n_samples - 1) // 2
    wanted = np.unique(true[:, 0] * n_second + true[:, 1])
    given = np.unique(found[:, 0].astype(np.intp) * n_second + found[:, 1])
    n_hits = len(np.intersect1d(wanted, given, assume_unique=True))
    return BlockingScores(
        pair_completeness=n_hits / len(wanted),
        pairs_quality=n_hits / len(given) if len(given) else 0.0,
        reduction_ratio=1 - len(given) / n_all,
    )


def _ranks(
    found: NDArray[np.intp], known: NDArray[np.intp], *, to_self: bool
) -> NDArray[np.intp]:
    """Return the rank from 1 at which each known match is found, by either record."""
    k = found.shape[1]
    directions = [known, known[:, ::-1]] if to_self else [known]
    ranks = np.full(len(known), k + 1)
    for pairs in directions:
        same = found[pairs[:, 0]] == pairs[:, 1:]
        ranks = np.minimum(
            ranks, np.where(same.any(axis=1), same.argmax(axis=1) + 1, k + 1)
        )
    return ranks


def _once(pairs: Pairs) -> Pairs:
    """Return pairs of one table as i < j, each once."""
    i, j = np.minimum(pairs.i, pairs.j), np.maximum(pairs.i, pairs.j)
    ordered = Pairs(i, j, pairs.distance).sorted()
    is_new = np.ones(len(i), dtype=bool)
    is_new[1:] = (np.diff(ordered.i) != 0) | (np.diff(ordered.j) != 0)
    return ordered.take(is_new)


def _identified(positions: NDArray[np.integer], ids: Any, name: str) -> Any:
    """Return the identifiers at positions."""
    import pandas as pd

    if ids is None:
        return positions
    index = pd.Index(ids)
    if not index.is_unique:
        repeated = index[index.duplicated()][0]
        raise ValueError(f"{name} must be unique; got {repeated!r} several times.")
    if len(positions) and positions.max() >= len(index):
        raise ValueError(
            f"{name} must hold one identifier per record; got {len(index)}, and a pair "
            f"with record {positions.max()}."
        )
    return index.take(positions)
