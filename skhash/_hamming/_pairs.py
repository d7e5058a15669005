"""Find all pairs of codes within a radius, of one set or between two.

Equal codes are found first: the join runs on distinct codes, and pairs of codes become
pairs of rows at the end. ``join.h`` explains how the join works; here is the choice
between blocks of bits and a scan, and the split between threads.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from skhash._hamming import _threads
from skhash._hamming._layout import rows_by_code
from skhash._hamming._search import (
    JoinRun,
    JoinTask,
    PairBuckets,
    StopFlag,
    first_equal_codes,
    simd_name,
    sorted_pairs,
)
from skhash._hamming._storage import BlockedCodes, DistinctCodes, Positions, Rows

if TYPE_CHECKING:
    from skhash._hamming._index import CodeIndex

Words = NDArray[np.uint64]
Indices = NDArray[np.int32] | NDArray[np.int64]
Pairs = tuple[Indices, Indices, NDArray[np.int32]]

#: Nanoseconds for the choice between blocks and a scan: to compare a byte of two codes
#: by the kernels, a word of two codes in a small group, and to sort a code by a block.
SCAN_BYTE = 0.006
GROUP_WORD = 1.5
SORT_CODE = 40.0
#: Groups of more codes are scanned (SCANNED_GROUP in ``join.h``), which takes this many
#: times as long per pair as a large scan.
SCANNED_GROUP = 256
SCANNED_GROUP_COST = 2.0
#: Codes from which the size of the groups is estimated.
SAMPLE = 2048
#: Row ranges per thread of a join without blocks: their lengths differ.
RANGES_PER_THREAD = 16
#: Positions that are unpacked at a time.
POSITIONS_AT_A_TIME = 1 << 16
#: No limit to the pairs that are collected.
UNLIMITED = 2**62


class CodeSet(NamedTuple):
    """The distinct codes of a set, and its rows.

    Attributes
    ----------
    words : ndarray of shape (n_codes, n_words), uint64
        Distinct codes, padded with zero bytes to whole words, in the order of their
        first row.
    n_rows : int
        Number of rows.
    starts, rows : ndarray of uint32, or None
        The rows of each code, as the indptr and the indices of a CSR matrix. None if
        row i is code i.
    """

    words: Words
    n_rows: int
    starts: NDArray[np.uint32] | None = None
    rows: NDArray[np.uint32] | None = None

    @classmethod
    def from_words(cls, words: Words) -> CodeSet:
        """Return the distinct codes among codes."""
        first_equal, n_copies = first_equal_codes(words, StopFlag())
        if not n_copies:
            return cls(words, len(words))
        is_first = first_equal == np.arange(len(words), dtype=np.uint32)
        numbers = np.cumsum(is_first, dtype=np.uint32) - np.uint32(1)
        codes = numbers[first_equal]
        starts, rows = rows_by_code(codes, len(words) - n_copies)
        return cls(words[is_first], len(words), starts, rows)

    def lists(self) -> tuple[NDArray[np.uint32], NDArray[np.uint32]]:
        """Return the starts and the rows in any case."""
        if self.starts is None or self.rows is None:
            rows = np.arange(self.n_rows + 1, dtype=np.uint32)
            return rows, rows[:-1]
        return self.starts, self.rows

    @property
    def code_of_row(self) -> NDArray[np.intp]:
        """The number of the code of each row."""
        starts, rows = self.lists()
        codes = np.empty(self.n_rows, dtype=np.intp)
        codes[rows] = np.repeat(np.arange(len(self.words)), np.diff(starts))
        return codes


def block_masks(n_bits: int, n_blocks: int, n_words: int) -> Words:
    """Cut a code into blocks of bits, and return a mask per block.

    Parameters
    ----------
    n_bits : int
        Length of the codes.
    n_blocks : int
        Number of blocks, at most `n_bits`.
    n_words : int
        Words of 64 bits per code.

    Returns
    -------
    masks : ndarray of shape (n_blocks, n_words), uint64
    """
    edges = [b * n_bits // n_blocks for b in range(n_blocks + 1)]
    bits = np.zeros((n_blocks, n_bits), dtype=np.uint8)
    for b, (first, last) in enumerate(pairwise(edges)):
        bits[b, first:last] = 1
    packed = np.packbits(bits, axis=1)
    masks = np.zeros((n_blocks, 8 * n_words), dtype=np.uint8)
    masks[:, : packed.shape[1]] = packed
    return masks.view(np.uint64)


def _equal_fraction(words: Words, mask: Words) -> float:
    """Estimate the fraction of pairs of codes that agree in a block."""
    n = len(words)
    masked = words & mask
    used = np.flatnonzero(mask)
    keys = np.ascontiguousarray(masked[:, used]).view(f"V{8 * len(used)}").ravel()
    sizes = np.unique(keys, return_counts=True)[1]
    n_bits = int(np.bitwise_count(mask).sum())
    fraction = float((sizes * (sizes - 1)).sum()) / max(1, n * (n - 1))
    return max(fraction, 0.5 ** min(n_bits, 64))


def choose_masks(words: Words, n_bits: int, radius: int) -> Words | None:
    """Choose the blocks of bits for a join, or None where a scan is faster.

    Parameters
    ----------
    words : ndarray of shape (n_codes, n_words), uint64
        All codes to join.
    n_bits : int
        Length of the codes.
    radius : int
        Largest distance in bits.
    """
    n_blocks, n = radius + 1, len(words)
    if n_blocks > n_bits:
        return None
    n_words = words.shape[1]
    scan_cost = n * n / 2 * SCAN_BYTE * 8 * n_words
    cost = n_blocks * n * SORT_CODE
    if cost >= scan_cost:
        return None
    masks = block_masks(n_bits, n_blocks, n_words)
    sample = words[np.linspace(0, n - 1, min(n, SAMPLE)).astype(np.intp)]
    for mask in masks:
        fraction = _equal_fraction(sample, mask)
        if fraction * n > SCANNED_GROUP:
            cost += fraction * scan_cost * SCANNED_GROUP_COST
        else:
            cost += fraction * n * n / 2 * GROUP_WORD * n_words
        if cost >= scan_cost:
            return None
    return masks


class PairJoin:
    """All pairs of rows within a radius.

    Parameters
    ----------
    left : CodeSet
        One set.
    right : CodeSet or None
        The other. None: pairs (i, j) of the one set, with i < j.
    n_bits : int
        Length of the codes.
    radius : int
        Largest distance in bits, inclusive.
    n_threads : int, default=1
        Number of threads; no more than there are processors are used.
    simd : str, default=None
        Name of the instruction set; that of `simd_name` if None.
    blocks : {"auto", True, False}, default="auto"
        Whether to group codes by blocks of bits; "auto" estimates what is faster.
    """

    def __init__(
        self,
        left: CodeSet,
        right: CodeSet | None,
        n_bits: int,
        radius: int,
        *,
        n_threads: int = 1,
        simd: str | None = None,
        blocks: bool | str = "auto",
    ) -> None:
        self.n_threads = min(n_threads, _threads.MOST_THREADS)
        words, starts, rows, split = left.words, left.starts, left.rows, 0
        other = left if right is None else right
        if right is not None:
            split = len(words)
            words = np.concatenate([words, right.words])
            if starts is not None or right.starts is not None:
                ends, more = right.lists()
                starts, rows = left.lists()
                starts = np.concatenate([starts, ends[1:] + starts[-1]])
                rows = np.concatenate([rows, more])
        self._masks = None
        if blocks == "auto":
            self._masks = choose_masks(words, n_bits, radius)
        elif blocks and radius < n_bits:
            self._masks = block_masks(n_bits, radius + 1, words.shape[1])
        self._n_parts = len(words) if self._masks is None else len(self._masks)
        self.shape = left.n_rows, other.n_rows, radius
        self._task = JoinTask(
            words,
            (n_bits + 7) // 8,
            radius,
            self._masks,
            left.n_rows,
            other.n_rows,
            simd or simd_name(),
            split=split,
            starts=starts,
            rows=rows,
        )

    @property
    def _dtype(self) -> type[np.int32] | type[np.int64]:
        return np.int32 if max(self.shape[:2]) <= 2**31 - 1 else np.int64

    def _ranges(self) -> list[tuple[int, int]]:
        """Cut the join into parts for the threads."""
        if self.n_threads == 1:
            return [(0, self._n_parts)]
        n_ranges = self._n_parts
        if self._masks is None:
            n_ranges = RANGES_PER_THREAD * self.n_threads
        slices = _threads.even_slices(self._n_parts, n_ranges, 1)
        return [(s.start, s.stop) for s in slices]

    def count(self) -> int:
        """Return the number of pairs."""
        stop = StopFlag()

        def count(first: int, last: int) -> int:
            return JoinRun(self._task, first, last).count(stop)

        calls = [partial(count, *ends) for ends in self._ranges()]
        equal = JoinRun(self._task, 0, 0, True).count(stop)
        return equal + sum(_threads.run(calls, self.n_threads, stop.set))

    def arrays(self) -> Pairs:
        """Return all pairs, sorted by (i, j).

        Returns
        -------
        i, j : ndarray of shape (n_pairs,), int32 or (for more rows) int64
            Rows of the left and of the right set.
        distances : ndarray of shape (n_pairs,), int32
        """
        stop = StopFlag()

        def collect(first: int, last: int, equal: bool) -> PairBuckets:
            buckets = PairBuckets(*self.shape)
            run = JoinRun(self._task, first, last, equal)
            run.collect(buckets, UNLIMITED, stop)
            return buckets

        calls = [partial(collect, 0, 0, True)]
        calls += [partial(collect, *ends, False) for ends in self._ranges()]
        sets = _threads.run(calls, self.n_threads, stop.set)
        return sorted_pairs(sets, self._dtype)

    def chunks(self, size: int) -> Iterator[Pairs]:
        """Yield all pairs in chunks of `size`, or somewhat more.

        Each is sorted by (i, j); their order depends on the blocks.
        """
        buckets = PairBuckets(*self.shape)
        for part in ((0, self._n_parts, False), (0, 0, True)):
            run = JoinRun(self._task, *part)
            while run.collect(buckets, size, StopFlag()):
                yield sorted_pairs([buckets], self._dtype)
        if len(buckets):
            yield sorted_pairs([buckets], self._dtype)


def code_words(codes: CodeIndex | BlockedCodes, positions: Positions) -> Words:
    """Return the codes at positions, padded with zero bytes to whole words."""
    rows = codes.rows(positions[:1])
    n_bytes = rows.shape[1]
    words = np.zeros((len(positions), -(-n_bytes // 8)), dtype=np.uint64)
    octets = words.view(np.uint8)[:, :n_bytes]
    for first in range(0, len(positions), POSITIONS_AT_A_TIME):
        some = slice(first, first + POSITIONS_AT_A_TIME)
        octets[some] = codes.rows(positions[some])
    return words


def code_set(index: CodeIndex, members: Positions | None = None) -> CodeSet:
    """Return the distinct codes of an index, or of some positions in it.

    Parameters
    ----------
    index : CodeIndex
        The index.
    members : ndarray of shape (n_members,), intp, default=None
        Positions, ascending; they become the rows. None: all.

    Returns
    -------
    codes : CodeSet
        At least one code is needed.
    """
    head = index.head
    if members is None and index.tail is None and isinstance(head, DistinctCodes):
        distinct = head.distinct
        words = code_words(distinct, np.arange(distinct.n_rows))
        return CodeSet(words, head.n_rows, *head.row_lists)
    if members is None:
        members = np.arange(index.n_rows)
    return CodeSet.from_words(code_words(index, members))


def query_set(queries: Rows) -> CodeSet:
    """Return the distinct codes among packed codes, at least one."""
    words = np.zeros((len(queries), -(-queries.shape[1] // 8)), dtype=np.uint64)
    words.view(np.uint8)[:, : queries.shape[1]] = queries
    return CodeSet.from_words(words)


def distinct_pairs(
    index: CodeIndex, radius: int, *, n_threads: int = 1, simd: str | None = None
) -> tuple[CodeSet, Pairs]:
    """Return the distinct codes of an index, and the pairs of them within a radius.

    Groups and connected components need no more: rows with equal codes belong together,
    and their pairs are never listed.

    Returns
    -------
    codes : CodeSet
        The distinct codes and their rows.
    pairs : tuple of ndarray
        (i, j, distances) as of :meth:`PairJoin.arrays`, of distinct codes.
    """
    codes = code_set(index)
    alone = CodeSet(codes.words, len(codes.words))
    join = PairJoin(alone, None, index.n_bits, radius, n_threads=n_threads, simd=simd)
    return codes, join.arrays()
