"""Index packed codes: find the nearest of a query, or all within a radius.

Rows lie in one or two parts: the *head*, as it was fitted, and where the head cannot
grow (distinct codes, a memory map, an array of the user) a *tail* of what was added
since. Every search runs on both and merges by (distance, index); a search by several
threads on ranges of a part is merged the same way.
"""

from typing import Any

import numpy as np

from skhash._hamming import _merge
from skhash._hamming._multi_index import MultiIndex, TableCache
from skhash._hamming._pairs import PairJoin, code_set
from skhash._hamming._parts import Nearest, NearestSearch, Part, Within, WithinSearch
from skhash._hamming._search import neighbors_of_pairs
from skhash._hamming._storage import (
    BlockedCodes,
    DistinctCodes,
    ExternalCodes,
    Mask,
    Positions,
    Rows,
    Storage,
)

#: Repeated codes are not looked for in an index of fewer codes.
LEAST_REPEATED = 1024
#: A subset of less than this fraction of the rows is copied out and searched by itself;
#: of an array of the user, which may not fit into memory, less than the second.
SMALL_SUBSET = 1 / 8
SMALL_EXTERNAL_SUBSET = 1 / 128
#: Queries at a time where every code of the index is one.
OWN_QUERIES = 1 << 16


class CodeIndex:
    """Packed codes, ready to be searched. Immutable: changes give another index.

    Parameters
    ----------
    rows : ndarray of shape (n_rows, n_bytes), uint8
        Packed codes; in C order if `copy`.
    n_bits : int
        Length of the codes.
    algorithm : {"auto", "brute", "multi_index"}, default="auto"
        See :class:`skhash.neighbors.HammingNearestNeighbors`.
    copy : bool, default=True
        False: keep `rows` and search them in place.
    max_memory : float, default=1.0
        Memory that ``algorithm="auto"`` may spend on tables, as a multiple of that of
        the packed codes.
    """

    def __init__(
        self,
        rows: Rows,
        n_bits: int,
        *,
        algorithm: str = "auto",
        copy: bool = True,
        max_memory: float = 1.0,
    ) -> None:
        self.n_bits = n_bits
        self.algorithm = algorithm
        self.max_memory = max_memory
        head: Storage | None = None
        if not copy:
            head = ExternalCodes(rows)
        elif algorithm == "auto" and len(rows) >= LEAST_REPEATED:
            head = DistinctCodes.if_repeated(rows)
        self._set_storage(BlockedCodes(rows) if head is None else head, None)

    def _set_storage(
        self,
        head: Storage,
        tail: BlockedCodes | None,
        tables: TableCache | None = None,
    ) -> None:
        self.head = head
        self.tail = tail
        self._parts_of_all: list[Part] | None = None
        self._shape: MultiIndex | None = None
        self._tables = TableCache() if tables is None else tables
        if self.algorithm == "multi_index" and self._tables.multi_index is None:
            self._build_tables()

    def _with(
        self,
        head: Storage,
        tail: BlockedCodes | None,
        tables: TableCache | None = None,
    ) -> "CodeIndex":
        """Return an index with the same settings and other codes."""
        other = object.__new__(CodeIndex)
        other.n_bits, other.algorithm = self.n_bits, self.algorithm
        other.max_memory = self.max_memory
        other._set_storage(head, tail, tables)
        return other

    def __getstate__(self) -> dict:
        """Leave out what can be built again."""
        state = self.__dict__.copy()
        for name in ("_parts_of_all", "_shape", "_tables"):
            del state[name]
        return state

    def __setstate__(self, state: dict) -> None:
        """Build the tables again if they were asked for."""
        self.__dict__.update(state)
        self._set_storage(self.head, self.tail)

    @property
    def n_rows(self) -> int:
        """Number of codes."""
        return self.head.n_rows + (self.tail.n_rows if self.tail else 0)

    @property
    def nbytes(self) -> int:
        """Memory of the index without tables, in bytes."""
        return self.head.nbytes + (self.tail.nbytes if self.tail else 0)

    def rows(self, positions: Positions | None = None) -> Rows:
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

    def append(self, rows: Rows) -> "CodeIndex":
        """Return the index with codes added at the end.

        Codes and tables are shared; they are built anew when the index has doubled.
        """
        head, tail = self.head, self.tail
        if not len(rows):
            return self
        if isinstance(head, BlockedCodes) and head.can_grow:
            head = head.append(rows)
        else:
            tail = BlockedCodes(rows) if tail is None else tail.append(rows)
        if isinstance(head, DistinctCodes) and tail and tail.n_rows > head.n_rows:
            everything = self._with(head, tail, self._tables).rows()
            return self._rebuilt(everything)
        tables: TableCache | None = self._tables
        built = self._tables.multi_index
        outgrown = built is not None and self._scanned(head).n_rows > 2 * built.n_codes
        if outgrown or (built is None and self.algorithm == "multi_index"):
            tables = None
        return self._with(head, tail, tables)

    def without(self, positions: Positions) -> "CodeIndex":
        """Return the index without some codes; the others keep their order.

        Parameters
        ----------
        positions : ndarray of int
            Distinct positions, ascending; not all of them.

        Returns
        -------
        index : CodeIndex
            Built anew, except that an array of the user stays where it is.
        """
        if not isinstance(self.head, ExternalCodes):
            return self._rebuilt(self.rows(_others(self.n_rows, positions)))
        n_head = self.head.n_rows
        split = np.searchsorted(positions, n_head)
        head, tail = self.head.without(positions[:split]), self.tail
        if tail is not None and split < len(positions):
            kept = _others(tail.n_rows, positions[split:] - n_head)
            tail = BlockedCodes(tail.rows(kept)) if len(kept) else None
        return self._with(head, tail)

    def _rebuilt(self, rows: Rows) -> "CodeIndex":
        return CodeIndex(
            rows, self.n_bits, algorithm=self.algorithm, max_memory=self.max_memory
        )

    @staticmethod
    def _scanned(head: Storage) -> BlockedCodes | ExternalCodes:
        """Return the codes of a head that a scan reads."""
        return head.distinct if isinstance(head, DistinctCodes) else head

    def _build_tables(self) -> None:
        codes = self._scanned(self.head)
        # Tables number codes by position, and a scan of an array with gaps by place.
        if self._tables.multi_index is None and not codes.has_gaps:
            multi_index = MultiIndex(codes, self.n_bits)
            if multi_index.n_codes:
                multi_index.build(codes)
                self._tables.multi_index = multi_index

    def _tables_for(self, radius: int | None, n_queries: int) -> MultiIndex | None:
        """Return the tables if this search should use them, else None.

        With ``algorithm="auto"`` they are built when the scans that they would have
        saved so far, this search's included, cost as much as building them: that costs
        at most twice as much as the best choice, whatever is searched later. While one
        thread builds them, others scan.
        """
        cache = self._tables
        if self.algorithm == "auto":
            if radius is None or isinstance(self.head, ExternalCodes):
                return None
            if self._shape is None:
                self._shape = MultiIndex(self._scanned(self.head), self.n_bits)
            if not self._shape.is_cheaper_than_scan(radius):
                return None
            bound = self.max_memory * self.n_rows * self.head.n_bytes
            if cache.multi_index is None and self._shape.nbytes <= bound:
                cache.accumulated_cost += n_queries
                if cache.accumulated_cost >= self._shape.build_cost:
                    cache.mutex.run_if_free(self._build_tables)
        built = cache.multi_index
        # A longer snapshot may have built them.
        if built is None or built.n_codes > self._scanned(self.head).n_rows:
            return None
        return built

    def _parts(self, mask: Mask | None, built: MultiIndex | None) -> list[Part]:
        """List what to search: by tables where there are some, else by scanning."""
        if mask is None and built is None and self._parts_of_all is not None:
            return self._parts_of_all
        n_head = self.head.n_rows
        head_mask = None if mask is None else mask[:n_head]
        target = self.head.target(head_mask)
        whole = Part(target, 0, target.n_codes, 0, n_head, self.head)
        parts = [whole]
        if built is not None:
            by_tables = self.head.target(
                head_mask, tables=built.tables, most_work=built.scan_lookups
            )
            n_rows = n_head
            if not isinstance(self.head, DistinctCodes):
                n_rows = min(n_head, built.n_codes)
            parts = [Part(by_tables, 0, built.n_codes, 0, n_rows, self.head)]
            if built.n_codes < target.n_codes:
                parts.append(whole._replace(first=built.n_codes))
        if self.tail is not None:
            target = self.tail.target(None if mask is None else mask[n_head:])
            n_tail = target.n_codes
            parts.append(Part(target, 0, n_tail, n_head, n_tail, self.tail))
        if mask is None and built is None:
            self._parts_of_all = parts
        return parts

    def _small_subset(
        self, mask: Mask | None
    ) -> tuple["CodeIndex", Positions] | tuple[None, None]:
        """Return the rows of a small mask as an index of their own, and their indices.

        (None, None) where the mask is better tested hit by hit.
        """
        external = isinstance(self.head, ExternalCodes)
        fraction = SMALL_EXTERNAL_SUBSET if external else SMALL_SUBSET
        if mask is None or np.count_nonzero(mask) >= fraction * len(mask):
            return None, None
        members = np.flatnonzero(mask)
        rows = self.rows(members)
        return CodeIndex(rows, self.n_bits, algorithm="brute"), members

    def nearest(
        self,
        queries: Rows,
        k: int,
        *,
        mask: Mask | None = None,
        n_threads: int = 1,
        simd: str | None = None,
        weighted: bool = False,
    ) -> Nearest:
        """Find the nearest codes of each query.

        Parameters
        ----------
        queries : ndarray of shape (n_queries, n_bytes), uint8, C order
            Packed codes; if `weighted`, 8 weights per byte (`SearchTarget.nearest`).
        k : int
            Number of neighbors, at most that of the codes that may be found.
        mask : ndarray of shape (n_rows,), bool, default=None
            The codes that may be found; None for all.
        n_threads : int, default=1
            Number of threads; no more than there are processors are used.
        simd : str, default=None
            Name of the instruction set; that of `simd_name` if None.

        Returns
        -------
        distances : ndarray of shape (n_queries, k), int32
            Ascending.
        indices : ndarray of shape (n_queries, k), intp
            At equal distance ascending.
        """
        subset, members = self._small_subset(mask)
        if subset is not None and members is not None:
            how: Any = {"simd": simd, "weighted": weighted}
            distances, indices = subset.nearest(queries, k, n_threads=n_threads, **how)
            return distances, members[indices]
        built = None if weighted else self._tables_for(None, len(queries))
        parts = self._parts(mask, built)
        search = NearestSearch(parts, built is not None, simd, weighted)
        return search.run(queries, k, n_threads)

    def within(
        self,
        queries: Rows,
        radius: int,
        *,
        mask: Mask | None = None,
        n_threads: int = 1,
        simd: str | None = None,
    ) -> Within:
        """Find all codes within a radius of each query.

        Parameters
        ----------
        queries : ndarray of shape (n_queries, n_bytes), uint8, C order
            Packed codes.
        radius : int
            Largest distance in bits, inclusive.
        mask, n_threads, simd
            See :meth:`nearest`.

        Returns
        -------
        counts : ndarray of shape (n_queries,), int64
            Numbers of neighbors.
        distances : ndarray of shape (counts.sum(),), int32
            For one query after the other, ascending.
        indices : ndarray of shape (counts.sum(),), intp
            At equal distance ascending.
        """
        if mask is not None and not mask.any():
            none = np.zeros(len(queries), dtype=np.int64)
            return none, np.empty(0, dtype=np.int32), np.empty(0, dtype=np.intp)
        subset, members = self._small_subset(mask)
        if subset is not None and members is not None:
            counts, distances, indices = subset.within(
                queries, radius, n_threads=n_threads, simd=simd
            )
            return counts, distances, members[indices]
        built = self._tables_for(radius, len(queries))
        search = WithinSearch(self._parts(mask, built), built is not None, simd)
        return search.run(queries, radius, n_threads)

    def nearest_others(self, k: int, **how: Any) -> Nearest:
        """Find the nearest codes of each code of the index, itself (by index) excluded.

        See :meth:`nearest`.
        """
        found = [
            _merge.drop_self_nearest(
                *self.nearest(self.rows(own), k + 1, **how), int(own[0])
            )
            for own in self.own_positions()
        ]
        distances, indices = (np.concatenate(arrays) for arrays in zip(*found))
        return distances, indices

    def within_others(self, radius: int, **how: Any) -> Within:
        """Find all codes within a radius of each code of the index, but not itself.

        See :meth:`within`. A join, unless there is a mask or the codes are external.
        """
        if how.get("mask") is None and not isinstance(self.head, ExternalCodes):
            how.pop("mask", None)
            pairs = PairJoin(code_set(self), None, self.n_bits, radius, **how).arrays()
            return neighbors_of_pairs(*pairs, self.n_rows)
        found = [
            _merge.drop_self_within(
                *self.within(self.rows(own), radius, **how), int(own[0])
            )
            for own in self.own_positions()
        ]
        counts, distances, indices = (np.concatenate(arrays) for arrays in zip(*found))
        return counts, distances, indices

    def own_positions(self) -> list[Positions]:
        """Return all positions in slices, so that few rows are unpacked at a time."""
        return [
            np.arange(first, min(self.n_rows, first + OWN_QUERIES))
            for first in range(0, self.n_rows, OWN_QUERIES)
        ]


def _others(n: int, positions: Positions) -> Positions:
    """Return the integers below n that are not among `positions`."""
    kept = np.ones(n, dtype=bool)
    kept[positions] = False
    return np.flatnonzero(kept)
