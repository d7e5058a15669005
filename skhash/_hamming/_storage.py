"""Store the codes of an index: as planes, as rows of an array, or each code once.

All three are immutable and have `n_rows`, `rows(positions)` (packed codes out again)
and `target(mask, **options)` (what the C core searches).
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from skhash._hamming._layout import (
    BLOCK,
    distinct_codes,
    load_rows,
    rows_by_code,
    store_rows,
)
from skhash._hamming._search import SearchTarget

#: Memory that kernels read begins at a multiple of this: otherwise every load of a
#: vector of 64 bytes touches two cache lines.
ALIGNMENT = 64
#: Positions that are looked up at a time, each with 300 bytes of temporary memory.
POSITIONS_PER_SLICE = 1 << 11

Rows = NDArray[np.uint8]
Positions = NDArray[np.intp]
Mask = NDArray[np.bool_]


def aligned_zeros(n: int) -> NDArray[np.uint8]:
    """Return n zero bytes at an aligned address."""
    memory = np.zeros(n + ALIGNMENT, dtype=np.uint8)
    start = -memory.ctypes.data % ALIGNMENT
    return memory[start : start + n]


def mask_words(mask: Mask) -> NDArray[np.uint64]:
    """Turn a boolean mask into bits, lowest first, in words of 64."""
    words = np.zeros(-(-len(mask) // BLOCK), dtype="<u8")
    packed = np.packbits(mask, bitorder="little")
    words.view(np.uint8)[: len(packed)] = packed
    return words.astype(np.uint64, copy=False)


class BufferEnd:
    """Let one of the arrays that share a buffer grow into its spare memory.

    An array that grows leaves the shorter ones as they are, as long as nothing else is
    written behind them. So the room behind a position can be taken only once: an array
    that finds it taken, by another one or by an attempt that failed, copies the buffer.
    """

    def __init__(self, position: int) -> None:
        self._free_from = {position}

    def advance(self, position: int, n_more: int) -> bool:
        """Take room behind `position`; False if that is not the end any more."""
        try:
            self._free_from.remove(position)  # atomic: one of several threads succeeds
        except KeyError:
            return False
        self._free_from.add(position + n_more)
        return True


class BlockedCodes:
    """Codes in the layout that the kernels read (see ``kernel.h``).

    Parameters
    ----------
    rows : ndarray of shape (n_rows, n_bytes), uint8
        Packed codes; copied.
    """

    has_gaps = False

    def __init__(self, rows: Rows) -> None:
        self.n_rows, self.n_bytes = rows.shape
        self._planes = aligned_zeros(self._size(self.n_rows))
        self._end = BufferEnd(self.n_rows)
        store_rows(rows, self._planes, 0)

    @classmethod
    def from_planes(
        cls, planes: NDArray[np.uint8], n_rows: int, n_bytes: int
    ) -> "BlockedCodes":
        """Return codes that have this layout already, in a file for example.

        Parameters
        ----------
        planes : ndarray of shape (ceil(n_rows / 64) * 64 * n_bytes,), uint8
            What `planes` of other codes returned; not copied.
        n_rows, n_bytes : int
            Number of codes, and of bytes per code.
        """
        codes = object.__new__(cls)
        codes.n_rows, codes.n_bytes = n_rows, n_bytes
        if planes.shape != (codes._size(n_rows),):
            raise ValueError(
                f"planes of {n_rows} codes must have shape ({codes._size(n_rows)},); "
                f"got {planes.shape}."
            )
        codes._planes, codes._end = planes, BufferEnd(n_rows)
        return codes

    @property
    def planes(self) -> NDArray[np.uint8]:
        """The codes in the layout that the kernels read; not a copy."""
        return self._planes[: self._size(self.n_rows)]

    def _size(self, n_rows: int) -> int:
        return -(-n_rows // BLOCK) * BLOCK * self.n_bytes

    @property
    def nbytes(self) -> int:
        """Memory in use, in bytes."""
        return self._planes.nbytes

    @property
    def can_grow(self) -> bool:
        """Whether codes can be appended without reading a memory map."""
        return self._planes.flags.writeable

    def append(self, rows: Rows) -> "BlockedCodes":
        """Return these codes and more.

        The memory is shared where there is room; else it is half as much again.
        """
        n_rows = self.n_rows + len(rows)
        planes, end = self._planes, self._end
        has_room = self._size(n_rows) <= len(planes)
        if not (has_room and end.advance(self.n_rows, len(rows))):
            planes = aligned_zeros(
                max(self._size(n_rows), self._size(self.n_rows * 3 // 2))
            )
            used = self._size(self.n_rows)
            planes[:used] = self._planes[:used]
            end = BufferEnd(n_rows)
        store_rows(rows, planes, self.n_rows)
        longer = object.__new__(BlockedCodes)
        longer.n_rows, longer.n_bytes = n_rows, self.n_bytes
        longer._planes, longer._end = planes, end
        return longer

    def rows(self, positions: Positions) -> Rows:
        """Return the packed codes at `positions`."""
        rows = np.empty((len(positions), self.n_bytes), dtype=np.uint8)
        load_rows(self._planes, np.ascontiguousarray(positions, dtype=np.intp), rows)
        return rows

    def target(self, mask: Mask | None = None, **options: Any) -> SearchTarget:
        """Return the codes, or those of the mask, for the C core."""
        allowed = None if mask is None else mask_words(mask)
        return SearchTarget(
            self._planes, self.n_rows, self.n_bytes, allowed=allowed, **options
        )

    def __getstate__(self) -> dict:
        """Drop the spare memory."""
        state = self.__dict__.copy()
        state["_planes"] = np.array(self._planes[: self._size(self.n_rows)])
        state["_end"] = BufferEnd(self.n_rows)
        return state

    def __setstate__(self, state: dict) -> None:
        """Align again, but leave a memory map where it is."""
        planes = state["_planes"]
        if not isinstance(planes, np.memmap):
            state["_planes"] = aligned_zeros(len(planes))
            state["_planes"][:] = planes
        self.__dict__.update(state)


class ExternalCodes:
    """Packed codes in an array of the user, a memory map for example.

    They are never copied as a whole: every search turns them into planes, one tile
    after the other, and rows that are removed stay, as zeros in a bit mask.

    Parameters
    ----------
    rows : ndarray of shape (n_stored, n_bytes), uint8
        Packed codes; any strides.
    kept : ndarray of shape (ceil(n_stored / 64),), uint64, default=None
        One bit per stored row, the lowest first; None keeps all.
    """

    nbytes = 0

    def __init__(self, rows: Rows, kept: NDArray[np.uint64] | None = None) -> None:
        self._rows = rows
        self._kept = kept
        self.n_rows, self.n_bytes = rows.shape
        if kept is not None:
            counts = np.bitwise_count(kept)
            #: Kept rows in the words before each.
            self._n_before = np.zeros(len(kept) + 1, dtype=np.uint32)
            np.cumsum(counts, out=self._n_before[1:])
            self.n_rows = int(self._n_before[-1])

    @property
    def has_gaps(self) -> bool:
        """Whether codes of the array have been removed from the index."""
        return self._kept is not None

    def without(self, positions: Positions) -> "ExternalCodes":
        """Return the codes without those at `positions`."""
        if self._kept is None:
            kept = mask_words(np.ones(len(self._rows), dtype=bool))
        else:
            kept = self._kept.copy()
        for some in _slices(positions):
            stored = self._stored_positions(some)
            bits = np.uint64(1) << (stored % BLOCK).astype(np.uint64)
            np.bitwise_and.at(kept, stored // BLOCK, ~bits)
        return ExternalCodes(self._rows, kept)

    def _stored_positions(self, positions: Positions) -> Positions:
        """Return where in the array the kept rows at `positions` are stored."""
        if self._kept is None:
            return positions
        words = np.searchsorted(self._n_before, positions, side="right") - 1
        nth = positions - self._n_before[words]
        octets = self._kept[words].astype("<u8").view(np.uint8).reshape(-1, 8)
        bits = np.unpackbits(octets, axis=1, bitorder="little")
        counts = bits.cumsum(axis=1, dtype=np.uint8)
        return words * BLOCK + (counts > nth[:, None]).argmax(axis=1)

    def positions(self, stored: Positions) -> Positions:
        """Return which of the kept rows those at places in the array are; -1 for -1."""
        if self._kept is None:
            return stored
        words, bits = np.divmod(stored, BLOCK)
        lower = (np.uint64(1) << bits.astype(np.uint64)) - np.uint64(1)
        within = np.bitwise_count(self._kept[words] & lower)
        return np.where(stored < 0, -1, self._n_before[words] + within.astype(np.intp))

    def rows(self, positions: Positions) -> Rows:
        """Return the packed codes at `positions`."""
        rows = np.empty((len(positions), self.n_bytes), dtype=np.uint8)
        start = 0
        for some in _slices(positions):
            rows[start : start + len(some)] = self._rows[self._stored_positions(some)]
            start += len(some)
        return rows

    def target(self, mask: Mask | None = None, **options: Any) -> SearchTarget:
        """Return the codes, or those of the mask, for the C core.

        Results are places in the array; see :meth:`positions`.
        """
        allowed = self._kept
        if mask is not None and self._kept is not None:
            octets = self._kept.astype("<u8").view(np.uint8)
            n_stored = len(self._rows)
            stored_mask = np.unpackbits(octets, bitorder="little", count=n_stored)
            stored_mask[stored_mask.view(bool)] = mask
            allowed = mask_words(stored_mask.view(bool))
        elif mask is not None:
            allowed = mask_words(mask)
        return SearchTarget(self._rows, *self._rows.shape, allowed=allowed, **options)


class DistinctCodes:
    """Store every distinct code once, with the list of its rows.

    Parameters
    ----------
    codes : ndarray of shape (n_rows,), uint32
        The number of each row's code, in the order of first appearance.
    distinct : ndarray of shape (n_distinct, n_bytes), uint8
        The distinct codes.
    """

    def __init__(self, codes: NDArray[np.uint32], distinct: Rows) -> None:
        self.n_rows = len(codes)
        self.n_bytes = distinct.shape[1]
        self.distinct = BlockedCodes(distinct)
        self._starts, self._rows = rows_by_code(codes, len(distinct))

    @classmethod
    def if_repeated(cls, rows: Rows) -> "DistinctCodes | None":
        """Return codes in this storage, or None where a scan of all rows is as good.

        It is faster up to one distinct code in four rows. And the lists of rows should
        not take more memory than they save, 1.1 times that of the codes altogether; for
        short codes that is waived where at most one in twenty is distinct.
        """
        n_rows, n_bytes = rows.shape
        fraction = min(1 / 4, max(1 / 20, (1.1 * n_bytes - 4) / (n_bytes + 4)))
        if not cls._has_equal_pairs(rows, fraction):
            return None
        numbers = distinct_codes(rows, int(n_rows * fraction))
        if numbers is None:
            return None
        codes, first_rows = numbers
        return cls(codes, rows[first_rows])

    @staticmethod
    def _has_equal_pairs(rows: Rows, fraction: float) -> bool:
        """Estimate from a sample whether at most that fraction of rows may be distinct.

        If so, two rows are equal with a probability of at least 1 / (fraction * n), so
        a sample of 8 sqrt(n) rows has at least 32 * (1 / fraction - 1) >= 96 equal
        pairs in expectation. A third of that must be there.
        """
        n = len(rows)
        drawn = np.random.default_rng(0).integers(0, n, 8 * int(n**0.5))
        sample = rows[np.unique(drawn)]
        keys = np.ascontiguousarray(sample).view(f"V{rows.shape[1]}").ravel()
        sizes = np.unique(keys, return_counts=True)[1]
        return bool((sizes * (sizes - 1)).sum() / 2 > 32 * (1 / fraction - 1) / 3)

    @property
    def nbytes(self) -> int:
        """Memory in use, in bytes."""
        return self.distinct.nbytes + self._starts.nbytes + self._rows.nbytes

    @property
    def row_lists(self) -> tuple[NDArray[np.uint32], NDArray[np.uint32]]:
        """The rows of each distinct code, as the indptr and indices of a CSR matrix."""
        return self._starts, self._rows

    def rows(self, positions: Positions) -> Rows:
        """Return the packed codes at `positions`."""
        codes = np.empty(self.n_rows, dtype=np.intp)
        codes[self._rows] = np.repeat(
            np.arange(self.distinct.n_rows), np.diff(self._starts)
        )
        return self.distinct.rows(codes[positions])

    def target(self, mask: Mask | None = None, **options: Any) -> SearchTarget:
        """Return the codes, or those of rows in the mask, for the C core."""
        starts, rows, codes_mask = self._starts, self._rows, None
        if mask is not None:
            kept = mask[rows]
            before = np.zeros(len(rows) + 1, dtype=np.uint32)
            np.cumsum(kept, out=before[1:], dtype=np.uint32)
            starts, rows = before[starts], rows[kept]
            codes_mask = np.diff(starts) > 0
        return self.distinct.target(codes_mask, starts=starts, rows=rows, **options)


Storage = BlockedCodes | ExternalCodes | DistinctCodes


def _slices(positions: Positions) -> list[Positions]:
    n = len(positions)
    return [
        positions[start : start + POSITIONS_PER_SLICE]
        for start in range(0, n, POSITIONS_PER_SLICE)
    ]
