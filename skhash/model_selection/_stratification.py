"""Divide labeled samples so that the parts have the classes in equal proportions."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from skhash.utils._compat import num_samples
from skhash.utils._labels import PartialLabels, check_partial_labels

Positions = NDArray[np.intp]


def labeled_rows(X: Any, y: ArrayLike | None) -> tuple[PartialLabels, Positions]:
    """Return the validated labels of `X`, and which samples have one; raise if none.

    Parameters
    ----------
    X : array-like of shape (n_samples, ...)
        The samples, of which only the number matters.
    y : array-like of shape (n_samples,) or (n_samples, n_classes) or None
        Labels, -1 where there is none.

    Returns
    -------
    labels : PartialLabels
    rows : ndarray of int
    """
    labels = check_partial_labels(y, num_samples(X))
    rows = np.flatnonzero(labels.labeled)
    if not len(rows):
        raise ValueError("y has no labeled row: every row is labeled -1, or y is None.")
    return labels, rows


def class_positions(labels: PartialLabels) -> NDArray[np.integer]:
    """Return one class per sample; the likeliest where samples have distributions."""
    if labels.indices is not None:
        return labels.indices
    return labels.targets().argmax(axis=1)


def memberships(labels: PartialLabels, rows: Positions) -> NDArray[np.bool_]:
    """Return which of some labeled samples belong to which class.

    Parameters
    ----------
    labels : PartialLabels
        The labels of all samples.
    rows : ndarray of int
        Labeled samples.

    Returns
    -------
    member : ndarray of shape (len(rows), n_classes), bool
        One class per row unless there are several classes per sample.
    """
    if labels.kind == "multilabel":
        return labels.targets(rows) > 0
    member = np.zeros((len(rows), labels.n_classes), dtype=bool)
    member[np.arange(len(rows)), class_positions(labels)[rows]] = True
    return member


def least_to_pair(counts: NDArray[Any], n_parts: int) -> int:
    """Return how many samples a class must have to be distributed in pairs.

    A pair out of two samples leaves none for the other parts. So classes of two samples
    are only dealt in pairs if larger classes do not give every part a pair.

    Parameters
    ----------
    counts : ndarray of shape (n_classes,)
        The number of samples of each class.
    n_parts : int
        The number of parts.

    Returns
    -------
    least : {2, 3}
    """
    if np.any(counts >= 2 * n_parts):
        return 3
    n_pairs = int((counts[counts > 2] // 2).sum())
    return 3 if n_pairs >= n_parts else 2


def deal_classes(classes: NDArray[np.integer], n_parts: int) -> Positions:
    """Distribute samples with one class each over parts.

    A class with at least two samples per part is dealt evenly, one with fewer in pairs:
    where a sample is the only one of its class, retrieval measures nothing. See
    :func:`least_to_pair` for classes of two samples.

    Parameters
    ----------
    classes : ndarray of shape (n_rows,), int
        Class positions.
    n_parts : int
        The number of parts.

    Returns
    -------
    parts : ndarray of shape (n_rows,), int
        Part sizes differ by at most two, or one where samples are left over from the
        even and the paired deals.
    """
    parts = np.empty(len(classes), dtype=np.intp)
    sizes = np.zeros(n_parts, dtype=np.intp)
    least = least_to_pair(np.bincount(classes), n_parts)
    pairs: list[Positions] = []
    leftovers: list[Positions] = []
    for one in np.unique(classes):
        members = np.flatnonzero(classes == one)
        n_dealt = 0
        if len(members) >= 2 * n_parts:
            n_dealt = len(members) // n_parts * n_parts
            parts[members[:n_dealt]] = np.arange(n_dealt) % n_parts
            sizes += n_dealt // n_parts
        elif len(members) >= least:
            n_dealt = len(members) // 2 * 2
            pairs.extend(members[:n_dealt].reshape(-1, 2))
        leftovers.append(members[n_dealt:])
    for pair in pairs:
        parts[pair] = np.argmin(sizes)
        sizes[np.argmin(sizes)] += 2
    for rest in leftovers:
        smallest = np.argsort(sizes, kind="stable")[: len(rest)]
        parts[rest] = smallest
        sizes[smallest] += 1
    return parts


def paired_quotas(counts: NDArray[Any], n_parts: int) -> NDArray[np.float64]:
    """Return how many samples of each class each part should have.

    Parameters
    ----------
    counts : ndarray of shape (n_classes,)
        The number of samples of each class.
    n_parts : int
        The number of parts.

    Returns
    -------
    quotas : ndarray of shape (n_parts, n_classes)
        Equal for classes with at least two samples per part; pairs otherwise, as in
        :func:`deal_classes`.
    """
    least = least_to_pair(counts, n_parts)
    quotas = np.tile(np.asarray(counts, dtype=np.float64) / n_parts, (n_parts, 1))
    part = 0
    for one in np.argsort(counts, kind="stable"):
        n_members = int(counts[one])
        if least <= n_members < 2 * n_parts:
            quotas[:, one] = 0
            for size in [2] * (n_members // 2) + [1] * (n_members % 2):
                quotas[part % n_parts, one] += size
                part += 1
    return quotas


def iterative_stratification(
    indicator: NDArray[Any],
    sizes: Positions,
    *,
    first: Positions | tuple[()] = (),
    quotas: NDArray[np.float64] | None = None,
) -> Positions:
    """Distribute samples with several classes over parts, the rarest class first.

    Parameters
    ----------
    indicator : ndarray of shape (n_rows, n_classes)
        Memberships, 0 or 1.
    sizes : ndarray of shape (n_parts,), int
        How many samples each part takes; they sum to `n_rows`.
    first : sequence of int, default=()
        Samples that the first part takes before all others.
    quotas : ndarray of shape (n_parts, n_classes), default=None
        How many samples of each class each part should have; in proportion to the
        sizes if None.

    Returns
    -------
    parts : ndarray of shape (n_rows,), int
    """
    indicator = indicator.astype(np.float64)
    room = sizes.copy()
    remaining = indicator.sum(axis=0)
    wanted = np.outer(sizes / len(indicator), remaining)
    if quotas is not None:
        wanted = quotas.copy()
    parts = np.full(len(indicator), -1)

    def put(row: int, part: int) -> None:
        parts[row] = part
        room[part] -= 1
        # In place: the quotas of a class may be a view of a column.
        wanted[part] -= indicator[row]

    def deal(rows: Positions, wishes: NDArray[Any]) -> None:
        for row in rows:
            wish = np.where(room > 0, wishes, -np.inf)
            best = np.flatnonzero(wish == wish.max())
            put(row, best[np.argmax(room[best])])

    for row in first:
        put(row, 0)
        remaining -= indicator[row]
    while remaining.any():
        rarest = np.argmin(np.where(remaining > 0, remaining, np.inf))
        rows = np.flatnonzero((parts < 0) & (indicator[:, rarest] > 0))
        deal(rows, wanted[:, rarest])
        remaining -= indicator[rows].sum(axis=0)
    deal(np.flatnonzero(parts < 0), room)
    return parts


def cover_classes(indicator: NDArray[Any], n_kept: int) -> Positions:
    """Choose samples that have each class at least once, the rarest class first.

    Parameters
    ----------
    indicator : ndarray of shape (n_rows, n_classes)
        Memberships, 0 or 1.
    n_kept : int
        How many samples to choose at most.

    Returns
    -------
    places : ndarray of int, ascending
        The first sample of each class that no earlier choice has.
    """
    counts = indicator.sum(axis=0)
    missing = counts > 0
    places: list[np.intp] = []
    for one in np.argsort(counts, kind="stable"):
        if missing[one] and len(places) < n_kept:
            places.append(np.flatnonzero(indicator[:, one])[0])
            missing &= indicator[places[-1]] == 0
    return np.sort(np.array(places, dtype=np.intp))


def stratified_sample(classes: NDArray[np.integer], n_kept: int) -> Positions:
    """Choose samples so that the classes keep their proportions.

    Parameters
    ----------
    classes : ndarray of shape (n_rows,), int
        Class positions.
    n_kept : int
        How many samples to choose.

    Returns
    -------
    places : ndarray of shape (n_kept,), int
        The first samples of each class.
    """
    counts = np.bincount(classes)
    present = np.flatnonzero(counts)
    quota = n_kept * counts / len(classes)
    kept = np.floor(quota).astype(int)
    if n_kept >= len(present):
        kept[present] = np.maximum(kept[present], 1)
    while kept.sum() != n_kept:
        # Largest remainder; where one sample per class is too much, the smallest.
        rest = quota - kept
        if kept.sum() < n_kept:
            kept[np.argmax(np.where(kept < counts, rest, -np.inf))] += 1
        else:
            kept[np.argmin(np.where(kept > 1, rest, np.inf))] -= 1
    places = [np.flatnonzero(classes == one)[: kept[one]] for one in present]
    return np.concatenate(places)


def check_flag(value: Any, name: str) -> None:
    """Raise TypeError unless a parameter is True or False."""
    if not isinstance(value, bool | np.bool_):
        raise TypeError(f"{name} must be True or False; got {value!r}.")
