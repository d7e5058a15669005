"""What splits and label subsets share: labeled rows, and their classes' shares."""

import numpy as np

from skhash.utils._compat import num_samples
from skhash.utils._labels import check_partial_labels


def labeled_rows(X, y):
    """Return the validated labels of `X`, and which rows have one; raise if none."""
    labels = check_partial_labels(y, num_samples(X))
    rows = np.flatnonzero(labels.labeled)
    if not len(rows):
        raise ValueError("y has no labeled row: every row is labeled -1, or y is None.")
    return labels, rows


def one_class_a_row(labels):
    """Return class positions; the likeliest class where rows are distributions."""
    if labels.kind == "single":
        return labels.indices
    return labels.indicator.argmax(axis=1)


def iterative_stratification(indicator, sizes, *, first=()):
    """Deal rows with several labels out to parts, the rarest class first.

    Parameters
    ----------
    indicator : ndarray of shape (n_rows, n_classes), float32
        Memberships, 0 or 1.
    sizes : ndarray of shape (n_parts,), int
        How many rows each part takes; they sum to `n_rows`.
    first : sequence of int, default=()
        Rows that the first part takes before all others.

    Returns
    -------
    parts : ndarray of shape (n_rows,), int
    """
    indicator = indicator.astype(np.float64)
    room = sizes.copy()
    remaining = indicator.sum(axis=0)
    wanted = np.outer(sizes / len(indicator), remaining)
    parts = np.full(len(indicator), -1)

    def deal(rows, wishes):
        for row in rows:
            wish = np.where(room > 0, wishes, -np.inf)
            first = np.flatnonzero(wish == wish.max())
            part = first[np.argmax(room[first])]
            parts[row] = part
            room[part] -= 1
            # In place: `wishes` may be a view of a column.
            wanted[part] -= indicator[row]

    for row in first:
        parts[row] = 0
        room[0] -= 1
        wanted[0] -= indicator[row]
        remaining -= indicator[row]
    while remaining.any():
        rarest = np.argmin(np.where(remaining > 0, remaining, np.inf))
        rows = np.flatnonzero((parts < 0) & (indicator[:, rarest] > 0))
        deal(rows, wanted[:, rarest])
        remaining -= indicator[rows].sum(axis=0)
    deal(np.flatnonzero(parts < 0), room)
    return parts


def one_row_a_class(indicator, n_kept):
    """Choose rows that have each class at least once, the rarest class first.

    Parameters
    ----------
    indicator : ndarray of shape (n_rows, n_classes)
        Memberships, 0 or 1.
    n_kept : int
        How many rows to choose at most.

    Returns
    -------
    places : ndarray of int, ascending
        The first row of each class that no earlier choice has.
    """
    counts = indicator.sum(axis=0)
    missing = counts > 0
    places = []
    for one in np.argsort(counts, kind="stable"):
        if missing[one] and len(places) < n_kept:
            places.append(np.flatnonzero(indicator[:, one])[0])
            missing &= indicator[places[-1]] == 0
    return np.sort(np.array(places, dtype=np.intp))


def check_flag(value, name):
    """Raise TypeError unless a parameter is True or False."""
    if not isinstance(value, bool | np.bool_):
        raise TypeError(f"{name} must be True or False; got {value!r}.")


def proportional(classes, n_kept):
    """Choose some rows so that the classes keep their shares.

    Parameters
    ----------
    classes : ndarray of shape (n_rows,), int
        Class positions.
    n_kept : int
        How many rows to choose.

    Returns
    -------
    places : ndarray of shape (n_kept,), int
        The first rows of each class.
    """
    counts = np.bincount(classes)
    present = np.flatnonzero(counts)
    quota = n_kept * counts / len(classes)
    kept = np.floor(quota).astype(int)
    if n_kept >= len(present):
        kept[present] = np.maximum(kept[present], 1)
    while kept.sum() != n_kept:
        # Largest remainder; where the one-a-class rule took too much, the smallest.
        rest = quota - kept
        if kept.sum() < n_kept:
            kept[np.argmax(np.where(kept < counts, rest, -np.inf))] += 1
        else:
            kept[np.argmin(np.where(kept > 1, rest, np.inf))] -= 1
    places = [np.flatnonzero(classes == one)[: kept[one]] for one in present]
    return np.concatenate(places)
