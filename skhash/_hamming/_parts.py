"""Search the parts of an index, on several threads, and merge the results."""

from functools import partial, reduce
from typing import Any, Generic, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from skhash._hamming import _merge, _threads
from skhash._hamming._search import BLOCK, SearchTarget, StopFlag, simd_name
from skhash._hamming._storage import ExternalCodes, Rows, Storage

Nearest = tuple[NDArray[np.int32], NDArray[np.intp]]
Within = tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.intp]]
Result = TypeVar("Result", Nearest, Within)

#: Threads do not pay below so many distances: starting them takes as long.
THREAD_WORK = 1 << 23
#: Bit-sliced kernels make tables per slice of the queries, which cost as 30 of them.
LARGE_SLICE = 256
#: The fraction of a scan by several threads that is cut into large ranges.
LARGE_RANGES = 0.85


class Part(NamedTuple):
    """A range of codes to search.

    Attributes
    ----------
    target : SearchTarget
        The codes.
    first, last : int
        The range within the target.
    offset : int
        Index of the first code of the storage within the whole index.
    n_rows : int
        Number of rows that may be found, at most.
    storage : Storage
        Where the codes come from.
    """

    target: SearchTarget
    first: int
    last: int
    offset: int
    n_rows: int
    storage: Storage

    def placed(self, indices: NDArray[np.intp]) -> NDArray[np.intp]:
        """Return indices within the whole index from those that the C core found."""
        if isinstance(self.storage, ExternalCodes):
            return self.storage.positions(indices)
        return indices


def plan(
    n_queries: int, parts: list[Part], by_tables: bool, n_threads: int
) -> tuple[list[slice], list[Part]]:
    """Cut a search into slices of the queries and ranges of the codes.

    Threads get queries of their own while there are enough of them, else ranges of the
    codes: a large one each, then a small one each, of which a thread that wakes up late
    takes fewer.

    Parameters
    ----------
    n_queries : int
        Number of queries.
    parts : list of Part
        What to search for each of them.
    by_tables : bool
        Whether a part is searched by tables.
    n_threads : int
        Number of threads.

    Returns
    -------
    slices : list of slice
        Slices of the queries.
    parts : list of Part
        What to search for each slice.
    """
    n_codes = sum(part.last - part.first for part in parts)
    little = not by_tables and n_queries * n_codes < THREAD_WORK
    if n_threads == 1 or n_queries == 0 or little:
        return [slice(0, n_queries)], parts
    if by_tables or n_queries >= 4 * n_threads:
        per_thread = max(1, min(4, n_queries // (LARGE_SLICE * n_threads)))
        if by_tables and n_queries >= 64 * n_threads:
            per_thread = 4
        return _threads.even_slices(n_queries, per_thread * n_threads, 4), parts
    ranges = [
        part._replace(first=part.first + start, last=part.first + stop)
        for part in parts
        for start, stop in _ranges(part.last - part.first, n_threads)
    ]
    return [slice(0, n_queries)], ranges


def _ranges(n_codes: int, n_threads: int) -> list[tuple[int, int]]:
    """Cut a scan into a large range and a small one per thread."""
    large = int(LARGE_RANGES * n_codes) // BLOCK * BLOCK
    return [
        (first + s.start, first + s.stop)
        for first, n in ((0, large), (large, n_codes - large))
        for s in _threads.even_slices(n, n_threads, BLOCK)
    ]


class _Search(Generic[Result]):
    """Search all parts of an index.

    Parameters
    ----------
    parts : list of Part
        What to search.
    by_tables : bool
        Whether one of the parts has tables.
    simd : str or None
        Name of the instruction set; that of `simd_name` if None.
    weighted : bool, default=False
        Whether queries are weights (of the nearest only).
    """

    def __init__(
        self,
        parts: list[Part],
        by_tables: bool,
        simd: str | None,
        weighted: bool = False,
    ) -> None:
        self._weighted = weighted
        self._parts = parts
        self._by_tables = by_tables
        self._simd = simd or simd_name()
        self._stop = StopFlag()

    def run(self, queries: Rows, limit: int, n_threads: int) -> Result:
        """Search for all queries, and merge the results.

        Parameters
        ----------
        queries : ndarray of shape (n_queries, n_bytes), uint8, C order
            Packed codes.
        limit : int
            The number of neighbors, or the radius in bits.
        n_threads : int
            Number of threads; no more than there are processors are used.
        """
        n_threads = min(n_threads, _threads.MOST_THREADS)
        if n_threads == 1 and len(self._parts) == 1:  # what follows takes microseconds
            return self._search(self._parts[0], queries, limit)
        slices, parts = plan(len(queries), self._parts, self._by_tables, n_threads)
        calls = [
            partial(self._search, part, queries[s], limit)
            for s in slices
            for part in parts
        ]
        results = _threads.run(calls, n_threads, self._stop.set)
        merge = partial(self._merge, limit)
        merged = [
            reduce(merge, results[i : i + len(parts)])
            for i in range(0, len(results), len(parts))
        ]
        if len(merged) == 1:
            return merged[0]
        concatenated: Any = tuple(np.concatenate(arrays) for arrays in zip(*merged))
        return concatenated

    def _search(self, part: Part, queries: Rows, limit: int) -> Result:
        raise NotImplementedError

    def _merge(self, limit: int, a: Result, b: Result) -> Result:
        raise NotImplementedError


class NearestSearch(_Search[Nearest]):
    """Search for the nearest codes; the limit is their number."""

    def _search(self, part: Part, queries: Rows, limit: int) -> Nearest:
        shape = len(queries), min(limit, part.n_rows)
        distances = np.empty(shape, dtype=np.int32)
        indices = np.empty(shape, dtype=np.intp)
        target, first, last, offset = part[:4]
        how = offset, self._simd, self._stop, self._weighted
        target.nearest(queries, distances, indices, first, last, *how)
        return distances, part.placed(indices)

    def _merge(self, limit: int, a: Nearest, b: Nearest) -> Nearest:
        n_columns = min(limit, a[0].shape[1] + b[0].shape[1])
        return _merge.merge_nearest(*a, *b, n_columns)


class WithinSearch(_Search[Within]):
    """Search for all codes within a radius; the limit is the radius in bits."""

    def _search(self, part: Part, queries: Rows, limit: int) -> Within:
        target, first, last, offset = part[:4]
        counts, distances, indices = target.within(
            queries, limit + 1, first, last, offset, self._simd, self._stop
        )
        return counts, distances, part.placed(indices)

    def _merge(self, limit: int, a: Within, b: Within) -> Within:
        return _merge.merge_within(*a, *b)
