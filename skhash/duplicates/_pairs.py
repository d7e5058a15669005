"""Find pairs of distinct codes within a radius."""

from typing import Any, NamedTuple, cast

import numpy as np
from joblib import effective_n_jobs
from numpy.typing import ArrayLike, NDArray

from skhash._hamming._pairs import CodeSet, PairJoin
from skhash._hamming._search import StopFlag, first_equal_codes, release_freed_memory
from skhash.codes import check_bits, check_packed
from skhash.neighbors import HammingNearestNeighbors
from skhash.utils._interrupts import interruptible

Packed = NDArray[np.uint8]
Words = NDArray[np.uint64]
Indices = NDArray[np.intp]

_ROWS_PER_BLOCK = 1 << 16
_MANY_ROWS = 1 << 17


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
        chosen = self.distance <= radius
        return self if chosen.all() else self.take(chosen)

    def take(self, chosen: NDArray) -> "Pairs":
        """Return some pairs, by a mask or by positions."""
        return Pairs(self.i[chosen], self.j[chosen], self.distance[chosen])

    def sorted(self) -> "Pairs":
        """Return the pairs in the order of (i, j)."""
        return self.take(interruptible(np.lexsort, (self.j, self.i)))


def numbers_of(mask: NDArray[np.bool_], dtype: Any) -> NDArray[Any]:
    """Return the number of true entries up to each one, minus 1."""
    numbers = mask.astype(dtype)
    # In place: a sum of booleans would convert a copy of all.
    np.cumsum(numbers, out=numbers)
    numbers -= 1
    return numbers


class DistinctRows(NamedTuple):
    """The distinct codes of a collection, in the order of their first rows.

    Takes memory for rows that equal an earlier one only; most collections have few.

    Attributes
    ----------
    n_rows : int
        Number of rows.
    copies : ndarray of shape (n_copies,), int32 or int64
        The rows that equal an earlier one, ascending.
    code_of_copy : ndarray of shape (n_copies,), int32 or int64
        Their codes.
    """

    n_rows: int
    copies: NDArray[np.integer]
    code_of_copy: NDArray[np.integer]

    @property
    def n_codes(self) -> int:
        """Number of distinct codes."""
        return self.n_rows - len(self.copies)

    @property
    def first(self) -> NDArray[np.integer]:
        """The first row of each code, made anew."""
        return self.first_rows(np.arange(self.n_codes, dtype=self.copies.dtype))

    def first_rows(self, codes: NDArray[np.integer]) -> NDArray[np.integer]:
        """Return the first rows of some codes, by their numbers."""
        # Before a copy are as many codes as rows that are not copies.
        n_before = self.copies - np.arange(len(self.copies), dtype=self.copies.dtype)
        n_copies = np.searchsorted(n_before, codes, side="right")
        return codes + n_copies.astype(codes.dtype)

    def distinct(self, packed: Packed) -> Packed:
        """Return the code of each first row."""
        codes = np.empty((self.n_codes, packed.shape[1]), dtype=np.uint8)
        is_first, end = self._is_first(), 0
        # In blocks, since a mask becomes an array of positions.
        for start in range(0, self.n_rows, _ROWS_PER_BLOCK):
            block = slice(start, start + _ROWS_PER_BLOCK)
            kept = packed[block][is_first[block]]
            codes[end : end + len(kept)] = kept
            end += len(kept)
        return codes

    @property
    def code_of_row(self) -> NDArray[np.integer]:
        """The code of each row, made anew."""
        codes = numbers_of(self._is_first(), self.copies.dtype)
        codes[self.copies] = self.code_of_copy
        return codes

    def extended(
        self, new: "DistinctRows", number: NDArray[np.integer]
    ) -> "DistinctRows":
        """Return these rows and more.

        Parameters
        ----------
        new : DistinctRows
            The rows to add.
        number : ndarray of shape (new.n_codes,), int
            Their codes: below `n_codes` where a row of this collection has it.
        """
        codes = number[new.code_of_row]
        is_copy = codes < self.n_codes
        is_copy[new.copies] = True
        copies = np.flatnonzero(is_copy)
        return DistinctRows(
            self.n_rows + new.n_rows,
            np.concatenate([self.copies, self.n_rows + copies]),
            np.concatenate([self.code_of_copy, codes[copies]]),
        )

    def _is_first(self) -> NDArray[np.bool_]:
        is_first = np.ones(self.n_rows, dtype=bool)
        is_first[self.copies] = False
        return is_first


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
        return rows, int(n_bits or 8 * rows.shape[1])
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
    n = len(rows)
    narrow: Any = np.int32 if n < 2**31 else np.int64
    first_equal, n_copies = first_equal_codes(code_words(rows), StopFlag())
    if not n_copies:
        none = np.empty(0, dtype=narrow)
        return DistinctRows(n, none, none)
    is_copy = first_equal != np.arange(n, dtype=first_equal.dtype)
    copies = np.flatnonzero(is_copy).astype(narrow)
    number = numbers_of(~is_copy, narrow)
    return DistinctRows(n, copies, number[first_equal[copies]])


def code_words(rows: Packed) -> Words:
    """Return packed codes as whole words of 64 bits, padded with zero bytes."""
    n_rows, n_bytes = rows.shape
    if n_bytes % 8 == 0 and rows.flags.c_contiguous and rows.ctypes.data % 8 == 0:
        return rows.view(np.uint64)
    words = np.zeros((n_rows, -(-n_bytes // 8)), dtype=np.uint64)
    words.view(np.uint8)[:, :n_bytes] = rows
    return words


def code_index(
    codes: Packed, n_bits: int, n_jobs: int | None
) -> HammingNearestNeighbors:
    """Return an index of distinct packed codes."""
    index = HammingNearestNeighbors(packed=True, n_bits=n_bits, n_jobs=n_jobs)
    return index.fit(codes)


def self_pairs(codes: Packed, n_bits: int, radius: int, n_jobs: int | None) -> Pairs:
    """Return the pairs i < j of distinct packed codes within a radius.

    Joins the codes where they are, while an index would hold two copies of them.
    """
    words = code_words(codes)
    n_threads = effective_n_jobs(n_jobs)
    alone = CodeSet(words, len(words))
    join = PairJoin(alone, None, n_bits, radius, n_threads=n_threads)
    pairs = Pairs(*join.arrays())
    release_memory(len(words))
    return pairs


def release_memory(n_rows: int) -> None:
    """Give freed memory back to the system after work on many rows.

    It takes as long as to number thousands of rows.
    """
    if n_rows >= _MANY_ROWS:
        release_freed_memory()


def cross_pairs(index: HammingNearestNeighbors, radius: int, queries: Packed) -> Pairs:
    """Return the pairs (query, code of the index) within a radius."""
    return Pairs(*cast(tuple, index.radius_pairs(radius, queries)))


def joined(parts: list[Pairs]) -> Pairs:
    """Return the pairs of several sets one after another."""
    return Pairs(*(np.concatenate(each) for each in zip(*parts)))
