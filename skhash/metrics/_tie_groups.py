"""Group the samples of the index by their distance to each query.

No more than a block of the matrix of distances exists at a time. Hamming distances
are small integers, which compiled code counts. Other distances are partitioned, and
only the nearest are sorted.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skhash._hamming._histogram import (
    count_within_classes,
    planes_of_codes,
    sum_weights,
)
from skhash.metrics._distances import DistanceFunction, Radius
from skhash.metrics._relevance import ClassRelevance, Relevance, as_planes, as_words

# Cells of a block of histograms: closed forms need about 100 bytes per cell.
_BLOCK_CELLS = 2**13
# Pairs whose gains or float distances exist at a time; the latter take up to about 100
# bytes per pair, if all of them are sorted.
_BLOCK_PAIRS = 2**19


@dataclass(frozen=True)
class TieGroups:
    """The samples of the index in groups of equal distance, for a block of queries.

    Attributes
    ----------
    counts : ndarray of shape (n_queries, n_groups), int64
        Samples in each group, nearest group first; empty groups may occur anywhere.
        The groups may end before the index does, but not before the required depth.
    gains : ndarray of shape (n_queries, n_groups), float64
        Sum of the gains in each group.
    total : ndarray of shape (n_queries,), float64
        Sum of the gains over the whole index.
    within_radius : dict of float to tuple of ndarray
        For each radius the number of samples within it, and the sum of their gains.
    ideal : ndarray of shape (n_queries, depth), float64, or None
        The largest gains in descending order; None where all gains are 0 or 1.
    """

    counts: NDArray[np.int64]
    gains: NDArray[np.float64]
    total: NDArray[np.float64]
    within_radius: dict[Any, tuple[NDArray[Any], ...]] = field(default_factory=dict)
    ideal: NDArray[np.float64] | None = None


class HammingIndex:
    """Codes of the index in the form that histograms are counted from.

    Parameters
    ----------
    packed : ndarray of shape (n_index, n_bytes), uint8
        Packed codes.
    n_bits : int
        The length of the codes.
    relevance : ClassRelevance, SetRelevance or MatrixRelevance
        The gains.
    """

    def __init__(self, packed: NDArray[np.uint8], n_bits: int, relevance: Relevance):
        self.n_bits = n_bits
        self.n_rows = len(packed)
        self._relevance = relevance
        if isinstance(relevance, ClassRelevance):
            self._planes, self._starts = planes_of_codes(
                packed, relevance.index, relevance.n_classes
            )
        else:
            self._planes = as_planes(packed)

    def n_queries_per_block(self, *, graded_depth: int) -> int:
        """Return how many queries to take at a time."""
        n_rows = _BLOCK_CELLS // (self.n_bits + 1)
        if graded_depth or not isinstance(self._relevance, ClassRelevance):
            n_rows = min(n_rows, _BLOCK_PAIRS // self.n_rows)
        return max(1, n_rows)

    def histograms(
        self, query: NDArray[np.uint8], rows: slice
    ) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Return the counts and the sums of gains at each distance, 0 to `n_bits`.

        Parameters
        ----------
        query : ndarray of shape (n_rows, n_bytes), uint8
            Packed codes of a block of queries.
        rows : slice
            The positions of these queries.
        """
        words, relevance = as_words(query), self._relevance
        if isinstance(relevance, ClassRelevance):
            classes = np.ascontiguousarray(relevance.query[rows])
            counts, same = count_within_classes(
                self._planes, self._starts, words, classes, self.n_bits
            )
            return counts, same.astype(np.float64)
        weights = np.ascontiguousarray(relevance.block(rows), dtype=np.float64)
        return sum_weights(self._planes, words, weights, self.n_bits)


def hamming_groups(
    index: HammingIndex,
    query: NDArray[np.uint8],
    relevance: Relevance,
    exclude_self: bool,
    radii: tuple[Radius, ...],
    depth: int,
) -> Iterator[tuple[slice, TieGroups]]:
    """Yield blocks of queries and their groups by Hamming distance.

    Parameters
    ----------
    index : HammingIndex
        The codes to search.
    query : ndarray of shape (n_queries, n_bytes), uint8
        Packed codes.
    relevance : ClassRelevance, SetRelevance or MatrixRelevance
        The gains.
    exclude_self : bool
        Whether query i is sample i of the index, and must not find itself.
    radii : tuple of int
        Radii in bits.
    depth : int
        How many of the largest gains are needed, where gains are graded.

    Yields
    ------
    rows : slice
        The queries of the block.
    groups : TieGroups
        One group per distance, 0 to n_bits.
    """
    depth = depth if relevance.graded else 0
    n_rows = index.n_queries_per_block(graded_depth=depth)
    for start in range(0, len(query), n_rows):
        rows = slice(start, min(start + n_rows, len(query)))
        counts, gains = index.histograms(query[rows], rows)
        if exclude_self:
            counts[:, 0] -= 1  # the query itself is at distance 0
            gains[:, 0] -= relevance.gains_of_self(rows)
        within = np.cumsum(counts, axis=1), np.cumsum(gains, axis=1)
        last = index.n_bits
        within_radius = {
            radius: tuple(part[:, min(int(radius), last)] for part in within)
            for radius in radii
        }
        ideal = None
        if depth:
            ideal = _ideal(relevance.block(rows), rows, exclude_self, depth)
        yield rows, TieGroups(counts, gains, gains.sum(axis=1), within_radius, ideal)


def float_groups(
    distances: DistanceFunction,
    n_index: int,
    n_queries: int,
    relevance: Relevance,
    exclude_self: bool,
    radii: tuple[Radius, ...],
    depth: int,
) -> Iterator[tuple[slice, TieGroups]]:
    """Yield blocks of queries and their groups by any distance.

    Parameters
    ----------
    distances : callable
        Returns the distances of a slice of queries to all samples of the index, an
        array that may be written to.
    n_index, n_queries : int
        The number of samples.
    relevance : ClassRelevance, SetRelevance or MatrixRelevance
        The gains.
    exclude_self : bool
        Whether query i is sample i of the index, and must not find itself.
    radii : tuple of float
        Radii in the unit of the distance.
    depth : int
        The number of positions of the ranking that are needed; 0 for radii only.

    Yields
    ------
    rows : slice
        The queries of the block.
    groups : TieGroups
        One group per distance that occurs.
    """
    n_rows = max(1, _BLOCK_PAIRS // n_index)
    for start in range(0, n_queries, n_rows):
        rows = slice(start, min(start + n_rows, n_queries))
        block = distances(rows)
        gains = relevance.block(rows).astype(np.float64)
        places = np.arange(rows.stop - start), np.arange(start, rows.stop)
        if exclude_self:
            block[places] = np.inf
            gains[places] = 0.0
        within_radius: dict[Any, tuple[NDArray[Any], ...]] = {}
        for radius in radii:
            inside = block <= radius
            if exclude_self:  # even within an infinite radius
                inside[places] = False
            hits = np.where(inside, gains, 0).sum(axis=1)
            within_radius[radius] = inside.sum(axis=1), hits
        ideal = None
        if relevance.graded and depth:
            ideal = _largest(gains, depth)
        counts, sums = _nearest_groups(block, gains, depth)
        yield rows, TieGroups(counts, sums, gains.sum(axis=1), within_radius, ideal)


def _nearest_groups(
    distances: NDArray[np.float64], gains: NDArray[np.float64], depth: int
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Group the nearest `depth` samples, and all that tie with the last of them."""
    n_queries = len(distances)
    if not depth:
        return np.zeros((n_queries, 0), dtype=np.int64), np.zeros((n_queries, 0))
    nearest = np.argpartition(distances, depth - 1, axis=1)[:, :depth]
    front = np.take_along_axis(distances, nearest, axis=1)
    order = np.argsort(front, axis=1)
    front = np.take_along_axis(front, order, axis=1)
    nearest = np.take_along_axis(nearest, order, axis=1)

    group = np.zeros(front.shape, dtype=np.intp)
    group[:, 1:] = np.cumsum(front[:, 1:] != front[:, :-1], axis=1)
    last = np.arange(n_queries), group[:, -1].copy()
    group += depth * np.arange(n_queries)[:, None]
    counts = _histogram(group, depth)
    sums = _histogram(group, depth, np.take_along_axis(gains, nearest, axis=1).ravel())

    ties = distances == front[:, -1:]
    counts[last] = ties.sum(axis=1)
    sums[last] = np.where(ties, gains, 0).sum(axis=1)
    return counts, sums


def _histogram(
    cells: NDArray[np.intp], n_cells: int, weights: NDArray[np.float64] | None = None
) -> NDArray[Any]:
    n_rows = len(cells)
    return np.bincount(cells.ravel(), weights, minlength=n_rows * n_cells).reshape(
        n_rows, n_cells
    )


def _ideal(
    gains: NDArray[Any], rows: slice, exclude_self: bool, depth: int
) -> NDArray[np.float64]:
    gains = gains.astype(np.float64)
    if exclude_self:
        gains[np.arange(len(gains)), np.arange(rows.start, rows.stop)] = 0.0
    return _largest(gains, depth)


def _largest(gains: NDArray[np.float64], depth: int) -> NDArray[np.float64]:
    return -np.sort(np.partition(-gains, depth - 1, axis=1)[:, :depth], axis=1)
