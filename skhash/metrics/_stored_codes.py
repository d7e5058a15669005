"""Measure searches of stored codes that are read slice by slice."""

from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import gen_batches

from skhash.metrics._closed_forms import precision_at
from skhash.metrics._relevance import Relevance, resolve_relevance
from skhash.metrics._tie_groups import HammingIndex, TieGroups

# Bytes of codes that are read at a time.
_BYTES_PER_SLICE = 2**18
# Cells of the histograms of all queries of one pass over the codes: 16 MB.
_CELLS_PER_PASS = 2**20
# Cells that closed forms are computed of at a time, at about 100 bytes per cell.
_BLOCK_CELLS = 2**13


class StoredCodes(Protocol):
    """Codes in memory or in a file.

    Attributes
    ----------
    n_bits : int
        Length of the codes.
    """

    n_bits: int

    @property
    def n_rows(self) -> int:
        """Number of codes."""

    def rows(self, positions: NDArray[np.intp]) -> NDArray[np.uint8]:
        """Return the packed codes at some positions."""


def precision_of_stored_codes(
    codes: StoredCodes, y: Any, queries: NDArray[np.uint8], y_query: Any, *, k: int
) -> NDArray[np.float64]:
    """Compute the tie-aware precision of each query as `precision_at_k_score` does.

    Parameters
    ----------
    codes : StoredCodes
        The codes of the index.
    y : array-like of shape (n_index,) or (n_index, n_classes)
        Their labels.
    queries : ndarray of shape (n_queries, n_bytes), uint8
        Packed codes of the queries.
    y_query : array-like of shape (n_queries,) or (n_queries, n_classes)
        Their labels.
    k : int
        Number of positions that count, at most the number of labeled codes.

    Returns
    -------
    precision : ndarray of shape (n_labeled_queries,)
        In [0, 1].

    Raises
    ------
    ValueError
        If labels are invalid or do not fit each other.
    """
    relevance, query_rows, counted = resolve_relevance(
        "any", y, y_query, codes.n_rows, len(queries)
    )
    queries = queries[query_rows]
    n_distances = codes.n_bits + 1
    values = np.empty(len(queries))
    for queried in gen_batches(len(queries), max(1, _CELLS_PER_PASS // n_distances)):
        counts, gains = _histograms(codes, counted, relevance, queries, queried)
        for part in gen_batches(len(counts), max(1, _BLOCK_CELLS // n_distances)):
            total = gains[part].sum(axis=1)
            groups = TieGroups(counts[part], gains[part], total)
            values[queried][part] = precision_at(groups, k)
    return values


def _histograms(
    codes: StoredCodes,
    counted: NDArray[np.bool_],
    relevance: Relevance,
    queries: NDArray[np.uint8],
    queried: slice,
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return counts and gains of some queries at each distance, 0 to `n_bits`."""
    shape = queried.stop - queried.start, codes.n_bits + 1
    counts, gains = np.zeros(shape, dtype=np.int64), np.zeros(shape)
    n_counted = 0
    rows_per_slice = max(1, _BYTES_PER_SLICE // queries.shape[1])
    for start in range(0, codes.n_rows, rows_per_slice):
        positions = start + np.flatnonzero(counted[start : start + rows_per_slice])
        samples = slice(n_counted, n_counted + len(positions))
        n_counted = samples.stop
        if not len(positions):
            continue
        among = relevance.within(samples)
        index = HammingIndex(codes.rows(positions), codes.n_bits, among)
        n_queries = index.n_queries_per_block(graded_depth=0)
        for part in gen_batches(shape[0], n_queries):
            rows = slice(queried.start + part.start, queried.start + part.stop)
            more_counts, more_gains = index.histograms(queries[rows], rows)
            counts[part] += more_counts
            gains[part] += more_gains
    return counts, gains
