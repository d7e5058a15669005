"""How an index holds its codes: as planes, as somebody else's rows, or once each.

All three have `n_rows`, `rows(positions)` (packed codes out again) and
`source(n_bits, mask, **options)` (what the C core searches).
"""

import numpy as np

from skhash._hamming._search import (
    BLOCK,
    SearchTarget,
    distinct_codes,
    load_rows,
    rows_by_code,
    store_rows,
)

#: Memory that kernels read begins at a multiple of this: else every load of a vector
#: of 64 bytes touches two cache lines.
ALIGNMENT = 64


def aligned_zeros(n):
    """Return n zero bytes at an aligned address."""
    memory = np.zeros(n + ALIGNMENT, dtype=np.uint8)
    start = -memory.ctypes.data % ALIGNMENT
    return memory[start : start + n]


def mask_words(mask):
    """Turn a boolean mask into bits, lowest first, in words of 64."""
    words = np.zeros(-(-len(mask) // BLOCK), dtype="<u8")
    packed = np.packbits(mask, bitorder="little")
    words.view(np.uint8)[: len(packed)] = packed
    return words.astype(np.uint64, copy=False)


class BlockedCodes:
    """Codes in the layout that the kernels read (see ``kernel.h``); it can grow.

    Parameters
    ----------
    rows : ndarray of shape (n_rows, n_bytes), uint8, C order
        Packed codes; copied.
    """

    def __init__(self, rows):
        self.n_bytes = rows.shape[1]
        self.n_rows = 0
        self._planes = aligned_zeros(self._size(len(rows)))
        self.append(rows)

    def _size(self, n_rows):
        return -(-n_rows // BLOCK) * BLOCK * self.n_bytes

    @property
    def nbytes(self):
        """Memory in use, in bytes."""
        return self._planes.nbytes

    def append(self, rows):
        """Add codes; half as much memory again where there is no room."""
        needed = self._size(self.n_rows + len(rows))
        if needed > len(self._planes) or not self._planes.flags.writeable:
            grown = aligned_zeros(max(needed, self._size(self.n_rows * 3 // 2)))
            used = self._size(self.n_rows)
            grown[:used] = self._planes[:used]
            self._planes = grown
        store_rows(rows, self._planes, self.n_rows)
        self.n_rows += len(rows)

    def rows(self, positions):
        """Return the packed codes at `positions`."""
        rows = np.empty((len(positions), self.n_bytes), dtype=np.uint8)
        load_rows(self._planes, np.ascontiguousarray(positions, dtype=np.intp), rows)
        return rows

    def source(self, n_bits, mask=None, **options):
        """Return the codes, or those of the mask, for the C core."""
        allowed = None if mask is None else mask_words(mask)
        return SearchTarget(
            self._planes, self.n_rows, self.n_bytes, n_bits, allowed=allowed, **options
        )

    def __getstate__(self):
        """Leave the spare memory behind."""
        state = self.__dict__.copy()
        state["_planes"] = np.array(self._planes[: self._size(self.n_rows)])
        return state

    def __setstate__(self, state):
        """Align again, but leave a memory map where it is."""
        planes = state["_planes"]
        if not isinstance(planes, np.memmap):
            state["_planes"] = aligned_zeros(len(planes))
            state["_planes"][:] = planes
        self.__dict__.update(state)


class ExternalCodes:
    """Packed codes as they are, a memory map for example.

    Every search turns them into planes, one tile after the other.
    """

    def __init__(self, rows):
        self._rows = rows
        self.n_rows, self.n_bytes = rows.shape

    nbytes = 0

    def rows(self, positions):
        """Return the packed codes at `positions`."""
        return self._rows[positions]

    def source(self, n_bits, mask=None, **options):
        """Return the codes, or those of the mask, for the C core."""
        allowed = None if mask is None else mask_words(mask)
        return SearchTarget(
            self._rows, self.n_rows, self.n_bytes, n_bits, allowed=allowed, **options
        )


class DistinctCodes:
    """Every distinct code once, with the list of its rows.

    Parameters
    ----------
    codes : ndarray of shape (n_rows,), uint32
        The number of each row's code, in the order of first appearance.
    distinct : ndarray of shape (n_distinct, n_bytes), uint8
        The distinct codes.
    """

    def __init__(self, codes, distinct):
        self.n_rows = len(codes)
        self.n_bytes = distinct.shape[1]
        self.distinct = BlockedCodes(distinct)
        self._starts, self._lists = rows_by_code(codes, len(distinct))

    @classmethod
    def where_it_pays(cls, rows):
        """Return the codes in this form, or None where a scan of all rows is as good.

        It pays up to one distinct code in four rows. And the lists of rows should not
        take more memory than they save, 1.1 times that of the codes altogether; for
        short codes that is waived where at most one in twenty is distinct.
        """
        n_rows, n_bytes = rows.shape
        share = min(1 / 4, max(1 / 20, (1.1 * n_bytes - 4) / (n_bytes + 4)))
        if not cls._has_equal_pairs(rows, share):
            return None
        numbers = distinct_codes(rows, int(n_rows * share))
        if numbers is None:
            return None
        codes, first_rows = numbers
        return cls(codes, rows[first_rows])

    @staticmethod
    def _has_equal_pairs(rows, share):
        """Whether at most that share of the rows may be distinct, from a sample.

        Then two rows are equal with a probability of at least 1 / (share * n), so a
        sample of 8 sqrt(n) rows has at least 32 * (1 / share - 1) >= 96 equal pairs in
        expectation. A third of that must be there.
        """
        n = len(rows)
        sample = np.random.default_rng(0).integers(0, n, 8 * int(n**0.5))
        sample = rows[np.unique(sample)]
        keys = np.ascontiguousarray(sample).view(f"V{rows.shape[1]}").ravel()
        sizes = np.unique(keys, return_counts=True)[1]
        return (sizes * (sizes - 1)).sum() / 2 > 32 * (1 / share - 1) / 3

    @property
    def nbytes(self):
        """Memory in use, in bytes."""
        return self.distinct.nbytes + self._starts.nbytes + self._lists.nbytes

    def rows(self, positions):
        """Return the packed codes at `positions`."""
        codes = np.empty(self.n_rows, dtype=np.intp)
        codes[self._lists] = np.repeat(
            np.arange(self.distinct.n_rows), np.diff(self._starts)
        )
        return self.distinct.rows(codes[positions])

    def source(self, n_bits, mask=None, **options):
        """Return the codes, or those of rows in the mask, for the C core."""
        starts, lists, codes_mask = self._starts, self._lists, None
        if mask is not None:
            kept = mask[lists]
            before = np.zeros(len(lists) + 1, dtype=np.uint32)
            np.cumsum(kept, out=before[1:], dtype=np.uint32)
            starts, lists = before[starts], lists[kept]
            codes_mask = np.diff(starts) > 0
        return self.distinct.source(
            n_bits, codes_mask, starts=starts, rows=lists, **options
        )
