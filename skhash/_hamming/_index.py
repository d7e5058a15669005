"""The searchable collection of codes behind the estimators.

Rows lie in one or two parts: the *head*, as it was fitted, and where the head cannot
grow (distinct codes, somebody else's memory) a *tail* of what was added later. Every
search runs on both and merges by (distance, index); a search by several threads on
stretches of a part is merged the same way.
"""

import threading
from functools import partial, reduce

import numpy as np

from skhash._hamming import _merge, _search
from skhash._hamming._multi_index import MultiIndex
from skhash._hamming._storage import BlockedCodes, DistinctCodes, ExternalCodes
from skhash._hamming._threads import even_slices, run

#: Threads do not pay below so many distances: starting them takes as long.
THREAD_WORK = 1 << 23
#: The share of the large stretches in a scan by several threads.
LARGE_STRETCHES = 0.85
#: Repeated codes are not looked for in an index of fewer codes.
LEAST_REPEATED = 1024
#: A subset of less than this share of the rows is copied out and searched by itself.
SMALL_SUBSET = 1 / 8


class CodeIndex:
    """Packed codes, ready to be searched.

    Parameters
    ----------
    rows : ndarray of shape (n_rows, n_bytes), uint8, C order
    n_bits : int
    algorithm : {"auto", "brute", "multi_index"}
    copy : bool
        False: keep `rows` and search them in place.
    """

    def __init__(self, rows, n_bits, *, algorithm="auto", copy=True):
        self.n_bits = n_bits
        self.algorithm = algorithm
        self._hold(rows, copy)

    def _hold(self, rows, copy=True):
        """Make these rows the contents of the index."""
        self.head = self.tail = None
        if not copy:
            self.head = ExternalCodes(rows)
        elif self.algorithm == "auto" and len(rows) >= LEAST_REPEATED:
            self.head = DistinctCodes.where_it_pays(rows)
        if self.head is None:
            self.head = BlockedCodes(rows)
        self._reset_tables()

    # Tables ---------------------------------------------------------------------------

    def _reset_tables(self):
        self._lock = threading.Lock()
        self._accumulated_cost = 0.0
        self._shape = self._multi_index = None
        if self.algorithm == "multi_index":
            self._build_tables()

    def _searched(self):
        """Return the part of the head that a scan reads."""
        return self.head.distinct if isinstance(self.head, DistinctCodes) else self.head

    def _build_tables(self):
        codes = self._searched()
        multi_index = MultiIndex(codes, self.n_bits)
        if multi_index.n_codes:
            multi_index.build(codes)
            self._shape = self._multi_index = multi_index

    def _tables_for(self, radius, n_queries):
        """Return the tables if this search should use them, else None.

        With ``algorithm="auto"`` they are built when the scans that they would have
        saved so far, this search's included, cost as much as building them: whatever
        comes later, that is at most twice the cost of the best choice.
        """
        if self.algorithm == "brute":
            return None
        if self.algorithm == "multi_index":
            return self._multi_index
        if radius is None or isinstance(self.head, ExternalCodes):
            return None
        with self._lock:
            if self._shape is None:
                self._shape = MultiIndex(self._searched(), self.n_bits)
            if not self._shape.is_cheaper_than_scan(radius):
                return None
            if self._multi_index is None:
                self._accumulated_cost += n_queries
                if self._accumulated_cost < self._shape.build_cost:
                    return None
                self._build_tables()
            return self._multi_index

    def __getstate__(self):
        """Leave out what can be made again."""
        state = self.__dict__.copy()
        for name in ("_lock", "_accumulated_cost", "_shape", "_multi_index"):
            del state[name]
        return state

    def __setstate__(self, state):
        """Make the tables again if they were asked for."""
        self.__dict__.update(state)
        self._reset_tables()

    # Contents -------------------------------------------------------------------------

    @property
    def n_rows(self):
        """Number of codes."""
        return self.head.n_rows + (self.tail.n_rows if self.tail else 0)

    @property
    def nbytes(self):
        """Memory of the index without tables, in bytes."""
        return self.head.nbytes + (self.tail.nbytes if self.tail else 0)

    def rows(self, positions=None):
        """Return packed codes, all by default."""
        if positions is None:
            positions = np.arange(self.n_rows)
        if self.tail is None:
            return self.head.rows(positions)
        in_tail = positions >= self.head.n_rows
        rows = np.empty((len(positions), self.head.n_bytes), dtype=np.uint8)
        rows[~in_tail] = self.head.rows(positions[~in_tail])
        rows[in_tail] = self.tail.rows(positions[in_tail] - self.head.n_rows)
        return rows

    def append(self, rows):
        """Add codes at the end. Rebuilds only when the index has doubled."""
        if isinstance(self.head, BlockedCodes):
            self.head.append(rows)
        elif self.tail is None:
            self.tail = BlockedCodes(rows)
        else:
            self.tail.append(rows)
        if isinstance(self.head, DistinctCodes) and self.tail.n_rows > self.head.n_rows:
            self._hold(self.rows())
        elif self._multi_index is not None:
            if self._searched().n_rows > 2 * self._multi_index.n_codes:
                self._build_tables()
        elif self.algorithm == "multi_index":
            self._build_tables()
        else:
            self._shape = None

    def keep(self, mask):
        """Keep the rows of the mask only, in their order; a rebuild."""
        self._hold(self.rows(np.flatnonzero(mask)))

    # Search ---------------------------------------------------------------------------

    def _parts(self, mask, tables):
        """List what to search: (source, first, last, offset, n_rows).

        A source with tables answers from them for all positions it has; codes behind
        the tables, and the tail, are scanned.
        """
        n_head = self.head.n_rows
        head_mask = None if mask is None else mask[:n_head]
        source = self.head.source(self.n_bits, head_mask)
        parts = [(source, 0, source.n_codes, 0, n_head)]
        if tables is not None:
            by_tables = self.head.source(
                self.n_bits,
                head_mask,
                tables=tables.tables,
                most_work=tables.scan_lookups,
            )
            n_rows = min(n_head, tables.n_codes)
            if isinstance(self.head, DistinctCodes):
                n_rows = n_head
            parts = [(by_tables, 0, tables.n_codes, 0, n_rows)]
            if tables.n_codes < source.n_codes:
                parts.append((source, tables.n_codes, source.n_codes, 0, n_head))
        if self.tail is not None:
            tail_mask = None if mask is None else mask[n_head:]
            source = self.tail.source(self.n_bits, tail_mask)
            parts.append((source, 0, source.n_codes, n_head, source.n_codes))
        return parts

    def _plan(self, n_queries, parts, tables, n_threads):
        """Cut a search into slices of the queries and stretches of the index.

        Threads get queries of their own while there are enough of them, else
        stretches of the index: a large one each, and a small one for whoever is first
        to be done, since a thread wakes up late by a part of the time of a scan.
        """
        n_codes = sum(last - first for _, first, last, _, _ in parts)
        little = tables is None and n_queries * n_codes < THREAD_WORK
        if n_threads == 1 or n_queries == 0 or little:
            return [slice(0, n_queries)], parts
        if tables is not None or n_queries >= 4 * n_threads:
            n_slices = n_threads if n_queries < 64 * n_threads else 4 * n_threads
            return even_slices(n_queries, n_slices, 4), parts
        stretches = [
            (source, first + start, first + stop, offset, n_rows)
            for source, first, last, offset, n_rows in parts
            for start, stop in self._stretches(last - first, n_threads)
        ]
        return [slice(0, n_queries)], stretches

    @staticmethod
    def _stretches(n_codes, n_threads):
        """Cut a scan into a large stretch and a small one for each thread."""
        large = int(LARGE_STRETCHES * n_codes) // _search.BLOCK * _search.BLOCK
        return [
            (first + s.start, first + s.stop)
            for first, n in ((0, large), (large, n_codes - large))
            for s in even_slices(n, n_threads, _search.BLOCK)
        ]

    def _small_subset(self, mask):
        """Return the rows of a small mask as an index of their own, and their indices.

        (None, None) where the mask is better tested hit by hit.
        """
        if mask is None or np.count_nonzero(mask) >= SMALL_SUBSET * len(mask):
            return None, None
        members = np.flatnonzero(mask)
        rows = self.rows(members)
        return CodeIndex(rows, self.n_bits, algorithm="brute"), members

    def nearest(self, queries, k, *, mask=None, n_threads=1, simd=None):
        """Return distances and indices of the k nearest codes of each query.

        The mask must leave k codes.
        """
        subset, members = self._small_subset(mask)
        if subset is not None:
            distances, indices = subset.nearest(
                queries, k, n_threads=n_threads, simd=simd
            )
            return distances, members[indices]

        def search(part, queries):
            source, first, last, offset, n_rows, simd = part
            shape = len(queries), min(k, n_rows)
            distances = np.empty(shape, dtype=np.int32)
            indices = np.empty(shape, dtype=np.intp)
            source.nearest(queries, distances, indices, first, last, offset, simd)
            return distances, indices

        def merge(a, b):
            return _merge.merge_nearest(*a, *b, min(k, a[0].shape[1] + b[0].shape[1]))

        tables = self._tables_for(None, len(queries))
        return self._search(queries, mask, tables, n_threads, simd, search, merge)

    def within(self, queries, radius, *, mask=None, n_threads=1, simd=None):
        """Return counts a query, and distances and indices of all codes within."""
        subset, members = self._small_subset(mask)
        if subset is not None and not len(members):
            none = np.zeros(len(queries), dtype=np.int64)
            return none, np.empty(0, dtype=np.int32), members
        if subset is not None:
            counts, distances, indices = subset.within(
                queries, radius, n_threads=n_threads, simd=simd
            )
            return counts, distances, members[indices]

        def search(part, queries):
            source, first, last, offset, _, simd = part
            return source.within(queries, radius + 1, first, last, offset, simd)

        def merge(a, b):
            return _merge.merge_within(*a, *b)

        tables = self._tables_for(radius, len(queries))
        return self._search(queries, mask, tables, n_threads, simd, search, merge)

    def _search(self, queries, mask, tables, n_threads, simd, search, merge):
        """Search all parts for all queries, and put the results together."""
        simd = simd or _search.simd_name()
        parts = self._parts(mask, tables)
        slices, parts = self._plan(len(queries), parts, tables, n_threads)
        calls = [
            partial(search, (*part, simd), queries[s]) for s in slices for part in parts
        ]
        results = run(calls, n_threads)
        merged = [
            reduce(merge, results[i : i + len(parts)])
            for i in range(0, len(results), len(parts))
        ]
        if len(merged) == 1:
            return merged[0]
        return tuple(np.concatenate(arrays) for arrays in zip(*merged))
