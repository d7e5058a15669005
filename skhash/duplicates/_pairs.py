"""Find pairs of distinct codes within a radius."""

from typing import Any, NamedTuple, cast

import numpy as np
from numpy.typing import ArrayLike, NDArray

from skhash.codes import check_bits, check_packed
from skhash.neighbors import HammingNearestNeighbors

Packed = NDArray[np.uint8]
Indices = NDArray[np.intp]


class Pairs(NamedTuple):
    """Pairs of rows and their distances.

    Attributes
    ----------
    i, j : ndarray of shape (n_pairs,), int
        Indices of the two rows.
    distance : ndarray of shape (n_pairs,), int32
        Differing bits.
    """

    i: NDArray[np.integer]
    j: NDArray[np.integer]
    distance: NDArray[np.int32]

    def within(self, radius: int) -> "Pairs":
        """Return the pairs with a distance of at most `radius`."""
        return self.take(self.distance <= radius)

    def take(self, chosen: NDArray) -> "Pairs":
        """Return some pairs, by a mask or by positions."""
        return Pairs(self.i[chosen], self.j[chosen], self.distance[chosen])

    def sorted(self) -> "Pairs":
        """Return the pairs in the order of (i, j)."""
        return self.take(np.lexsort((self.j, self.i)))


class DistinctRows(NamedTuple):
    """The distinct codes of a collection, in the order of their first rows.

    Attributes
    ----------
    codes : ndarray of shape (n_codes, n_bytes), uint8
        The distinct codes.
    first : ndarray of shape (n_codes,), int32 or int64
        The first row of each code.
    code_of_row : ndarray of shape (n_rows,), int32 or int64
        The code of each row.
    """

    codes: Packed
    first: NDArray[np.integer]
    code_of_row: NDArray[np.integer]


def check_codes(
    X: ArrayLike, *, packed: bool, n_bits: int | None, name: str = "X"
) -> tuple[Packed, int]:
    """Validate at least one code.

    Parameters
    ----------
    X : array-like of shape (n_samples, n_bits or n_bytes)
        Bits, or packed codes if `packed`.
    packed : bool
        Whether codes are packed.
    n_bits : int or None
        Length of the codes; that of `X` if None.
    name : str, default="X"
        The name of `X` in error messages.

    Returns
    -------
    rows : ndarray of shape (n_samples, n_bytes), uint8
        Packed codes.
    n_bits : int
        Length of the codes.
    """
    if packed:
        rows = check_packed(X, n_bits=n_bits, name=name, min_samples=1)
        return rows, n_bits or 8 * rows.shape[1]
    bits = check_bits(X, n_bits=n_bits, name=name, min_samples=1)
    return np.packbits(bits, axis=1), bits.shape[1]


def check_radius(radius: int, n_bits: int, name: str = "radius") -> int:
    """Raise unless a radius is an int below the number of bits."""
    if not isinstance(radius, int | np.integer) or isinstance(radius, bool):
        raise TypeError(f"{name} must be an int, a number of bits; got {radius!r}.")
    if not 0 <= radius < n_bits:
        raise ValueError(
            f"{name} must be from 0 to {n_bits - 1} for codes of {n_bits} bits; got "
            f"{radius}."
        )
    return int(radius)


def distinct_rows(rows: Packed) -> DistinctRows:
    """Group equal rows, in time proportional to a sort."""
    narrow: Any = np.int32 if len(rows) < 2**31 else np.int64
    keys = np.ascontiguousarray(rows)
    n_bytes = rows.shape[1]
    kind = f"u{n_bytes}" if n_bytes in (1, 2, 4, 8) else f"V{n_bytes}"
    order = np.argsort(keys.view(kind).ravel(), kind="stable").astype(narrow)
    ordered = rows[order]
    is_start = np.ones(len(rows), dtype=bool)
    is_start[1:] = (ordered[1:] != ordered[:-1]).any(axis=1)
    del ordered
    # The sort is stable, so that a run of equal codes starts with the first row.
    starts = order[is_start]
    by_first = np.argsort(starts)
    number = np.empty(len(starts), dtype=narrow)
    number[by_first] = np.arange(len(starts), dtype=narrow)
    code_of_row = np.empty(len(rows), dtype=narrow)
    code_of_row[order] = number[np.cumsum(is_start, dtype=narrow) - 1]
    first = starts[by_first]
    return DistinctRows(rows[first], first, code_of_row)


def code_index(
    codes: Packed, n_bits: int, n_jobs: int | None
) -> HammingNearestNeighbors:
    """Return an index of distinct packed codes."""
    index = HammingNearestNeighbors(packed=True, n_bits=n_bits, n_jobs=n_jobs)
    return index.fit(codes)


def self_pairs(index: HammingNearestNeighbors, radius: int) -> Pairs:
    """Return the pairs i < j of the codes of an index within a radius."""
    return Pairs(*cast(tuple, index.radius_pairs(radius)))


def cross_pairs(index: HammingNearestNeighbors, radius: int, queries: Packed) -> Pairs:
    """Return the pairs (query, code of the index) within a radius."""
    return Pairs(*cast(tuple, index.radius_pairs(radius, queries)))


def joined(parts: list[Pairs]) -> Pairs:
    """Return the pairs of several sets one after another."""
    return Pairs(*(np.concatenate(each) for each in zip(*parts)))
