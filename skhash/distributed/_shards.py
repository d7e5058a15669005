"""Hold codes in shards, and search them with joblib."""

from __future__ import annotations

import mmap
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import reduce
from itertools import groupby
from operator import itemgetter
from typing import Any, NamedTuple

import numpy as np
from joblib import Parallel, delayed
from joblib.parallel import get_active_backend
from numpy.typing import NDArray

from skhash._hamming import _merge, _threads
from skhash._hamming._index import OWN_QUERIES, CodeIndex
from skhash._hamming._parts import Nearest, Within
from skhash._hamming._storage import BlockedCodes, Mask, Positions, Rows
from skhash.distributed._files import ShardFile, is_ascending


class Shard:
    """Codes of a range of positions, in memory or in a file. Immutable.

    Pickled, a shard in a file is its path: a process that searches it maps the file.

    Parameters
    ----------
    codes : CodeIndex or None
        The codes, if they are in memory.
    ids : ndarray of shape (n_rows,) or None
        Their ids, if they are in memory.
    file : ShardFile, default=None
        The file that holds both.
    """

    def __init__(
        self,
        codes: CodeIndex | None,
        ids: NDArray | None,
        file: ShardFile | None = None,
    ) -> None:
        self._codes, self._ids, self.file = codes, ids, file
        self._has_ascending_ids: bool | None = None

    @property
    def n_rows(self) -> int:
        """Number of codes."""
        return self.codes.n_rows if self.file is None else self.file.n_rows

    @property
    def codes(self) -> CodeIndex:
        """The codes; those of a file are mapped, not read."""
        if self._codes is None:
            self.open()
        held: Any = self._codes
        return held

    @property
    def ids(self) -> NDArray | None:
        """The ids; those of a file are mapped, not read."""
        if self._codes is None:
            self.open()
        return self._ids

    @property
    def has_ascending_ids(self) -> bool:
        """Whether the ids are in ascending order."""
        ids = self.ids
        if self._has_ascending_ids is None:
            self._has_ascending_ids = ids is not None and is_ascending(ids)
        return self._has_ascending_ids

    def open(self) -> None:
        """Map the file, which may be deleted afterwards."""
        if self.file is not None and self._codes is None:
            planes, self._ids, self._has_ascending_ids = self.file.map()
            self._codes = _index_of_planes(planes, self.file.n_rows, self.file.n_bits)

    def release(self) -> None:
        """Give back the memory of pages that have been read from the file."""
        if self.file is None or self._codes is None:
            return
        head: Any = self._codes.head
        mapped = getattr(head._planes, "_mmap", None)
        if mapped is not None and hasattr(mmap, "MADV_DONTNEED"):
            with suppress(OSError, ValueError):
                mapped.madvise(mmap.MADV_DONTNEED)

    def __getstate__(self) -> dict[str, Any]:
        """Leave out what a file holds."""
        if self.file is None:
            return self.__dict__
        return {**self.__dict__, "_codes": None, "_ids": None}


def _index_of_planes(planes: NDArray[np.uint8], n_rows: int, n_bits: int) -> CodeIndex:
    """Return an index of codes that are stored in the layout of the kernels."""
    index = CodeIndex.__new__(CodeIndex)
    head = BlockedCodes.from_planes(planes, n_rows, (n_bits + 7) // 8)
    settings = {"n_bits": n_bits, "algorithm": "brute", "max_memory": 0.0}
    index.__setstate__({**settings, "head": head, "tail": None})
    return index


class Task(NamedTuple):
    """A search of one shard.

    Attributes
    ----------
    shard : Shard
        The codes.
    start : int
        Position of its first code.
    method : {"nearest", "within"}
        A method of `CodeIndex`.
    queries : ndarray of shape (n_queries, n_bytes), uint8
        Packed codes.
    limit : int
        The number of neighbors, or the radius in bits.
    options : dict
        Further arguments of the method.
    """

    shard: Shard
    start: int
    method: str
    queries: Rows
    limit: int
    options: dict[str, Any]


def search_shard(task: Task) -> tuple:
    """Search one shard; return positions within the whole index."""
    codes = task.shard.codes
    search: Callable[..., tuple] = getattr(codes, task.method)
    *found, positions = search(task.queries, task.limit, **task.options)
    task.shard.release()
    return *found, positions + task.start


def run(function: Callable, calls: list[tuple], n_jobs: int) -> Iterator[Any]:
    """Call a function with each of several tuples of arguments, by joblib.

    In threads, unless :func:`joblib.parallel_config` names another backend; without
    them where none can be started.

    Yields
    ------
    result : object
        The results in the order of the calls, as they arrive where the backend can do
        that.
    """
    n_done = 0
    results = _run_parallel(function, calls, n_jobs)
    try:
        for result in results:
            n_done += 1
            yield result
    except RuntimeError as error:
        if "start new thread" not in str(error):
            raise
        for arguments in calls[n_done:]:
            yield function(*arguments)
    finally:
        results.close()


def _run_parallel(function: Callable, calls: list[tuple], n_jobs: int) -> Any:
    how: dict[str, Any] = {"n_jobs": _useful_jobs(n_jobs), "prefer": "threads"}
    try:
        parallel = Parallel(return_as="generator", **how)
    except ValueError:  # not supported by the backend
        parallel = Parallel(**how)
    yield from parallel(delayed(function)(*arguments) for arguments in calls)


def _useful_jobs(n_jobs: int) -> int:
    """Return no more jobs than processors if they are threads of this process."""
    backend, _ = get_active_backend(prefer="threads")
    is_here = getattr(backend, "supports_sharedmem", False)
    return min(n_jobs, _threads.MOST_THREADS) if is_here else n_jobs


class ShardedCodes:
    """Packed codes in shards, searched like a `CodeIndex`. Immutable.

    Parameters
    ----------
    shards : tuple of Shard
        The shards; empty ones are left out.
    n_bits : int
        Length of the codes.
    """

    def __init__(self, shards: tuple[Shard, ...], n_bits: int) -> None:
        self.shards = tuple(shard for shard in shards if shard.n_rows)
        self.n_bits = n_bits
        sizes = [shard.n_rows for shard in self.shards]
        #: Position of the first code of each shard, and their number at the end.
        self.starts = np.concatenate([[0], np.cumsum(sizes, dtype=np.intp)])
        self.starts = self.starts.astype(np.intp)

    @property
    def n_rows(self) -> int:
        """Number of codes."""
        return int(self.starts[-1])

    def placed(self) -> list[tuple[Shard, int]]:
        """Return every shard with the position of its first code."""
        return list(zip(self.shards, self.starts.tolist()))

    def split(self, positions: Positions) -> Iterator[tuple[int, NDArray[np.intp]]]:
        """Yield the number of each shard with the places of its ones in `positions`."""
        shards = self.starts.searchsorted(positions, side="right") - 1
        order = np.argsort(shards, kind="stable")
        edges = np.searchsorted(shards[order], np.arange(len(self.shards) + 1))
        for number in range(len(self.shards)):
            places = order[edges[number] : edges[number + 1]]
            if len(places):
                yield number, places

    def rows(self, positions: Positions | None = None) -> Rows:
        """Return packed codes, all by default."""
        if positions is None:
            positions = np.arange(self.n_rows)
        rows = np.empty((len(positions), (self.n_bits + 7) // 8), dtype=np.uint8)
        for number, places in self.split(positions):
            shard = self.shards[number]
            rows[places] = shard.codes.rows(positions[places] - self.starts[number])
            shard.release()
        return rows

    # Search ---------------------------------------------------------------------------

    def nearest(
        self,
        queries: Rows,
        k: int,
        *,
        mask: Mask | None = None,
        n_threads: int = 1,
        weighted: bool = False,
    ) -> Nearest:
        """Find the nearest codes of each query; see :meth:`CodeIndex.nearest`.

        `n_threads` is the number of shards that are searched at a time.
        """
        tasks = []
        for shard, start in self.placed():
            own, n_found = _own_mask(mask, start, shard.n_rows)
            if n_found:
                how = {"mask": own, "weighted": weighted}
                limit = min(k, n_found)
                tasks.append(Task(shard, start, "nearest", queries, limit, how))

        def merge(a: Nearest, b: Nearest) -> Nearest:
            n_columns = min(k, a[0].shape[1] + b[0].shape[1])
            return _merge.merge_nearest(*a, *b, n_columns)

        distances, positions = _search(tasks, merge, n_threads)
        return distances, positions

    def within(
        self,
        queries: Rows,
        radius: int,
        *,
        mask: Mask | None = None,
        n_threads: int = 1,
    ) -> Within:
        """Find all codes within a radius; see :meth:`CodeIndex.within`."""
        tasks = []
        for shard, start in self.placed():
            own, n_found = _own_mask(mask, start, shard.n_rows)
            if n_found:
                how = {"mask": own}
                tasks.append(Task(shard, start, "within", queries, radius, how))
        if not tasks:
            none = np.zeros(len(queries), dtype=np.int64)
            return none, np.empty(0, dtype=np.int32), np.empty(0, dtype=np.intp)
        counts, distances, positions = _search(
            tasks, lambda a, b: _merge.merge_within(*a, *b), n_threads
        )
        return counts, distances, positions

    def nearest_others(self, k: int, **how: Any) -> Nearest:
        """Find the nearest codes of each code, itself (by position) excluded."""
        found = [
            _merge.drop_self_nearest(*self.nearest(rows, k + 1, **how), start)
            for start, rows in self.own_rows()
        ]
        distances, positions = (np.concatenate(arrays) for arrays in zip(*found))
        return distances, positions

    def within_others(self, radius: int, **how: Any) -> Within:
        """Find all codes within a radius of each code, but not itself."""
        found = [
            _merge.drop_self_within(*self.within(rows, radius, **how), start)
            for start, rows in self.own_rows()
        ]
        counts, distances, positions = (np.concatenate(parts) for parts in zip(*found))
        return counts, distances, positions

    def own_rows(self, size: int = OWN_QUERIES) -> Iterator[tuple[int, Rows]]:
        """Yield all codes in slices, each with the position of its first one."""
        for first in range(0, self.n_rows, size):
            own = np.arange(first, min(self.n_rows, first + size))
            yield first, self.rows(own)


def _own_mask(mask: Mask | None, start: int, n_rows: int) -> tuple[Mask | None, int]:
    """Return the part of a mask for a shard, and how many codes it leaves."""
    if mask is None:
        return None, n_rows
    own = mask[start : start + n_rows]
    return own, int(np.count_nonzero(own))


def _search(tasks: list[Task], merge: Callable[[Any, Any], Any], n_jobs: int) -> Any:
    """Search shards for slices of the queries, and merge the results of each slice.

    Queries are cut where there are fewer shards than jobs.
    """
    n_slices = -(-_useful_jobs(n_jobs) // len(tasks))
    slices = _threads.even_slices(len(tasks[0].queries), n_slices, 4) or [slice(0, 0)]
    calls = [(t._replace(queries=t.queries[s]),) for s in slices for t in tasks]
    numbers = [number for number in range(len(slices)) for _ in tasks]
    results = zip(numbers, run(search_shard, calls, n_jobs))
    merged = [
        reduce(merge, map(itemgetter(1), group))
        for _, group in groupby(results, itemgetter(0))
    ]
    if len(merged) == 1:
        return merged[0]
    return tuple(np.concatenate(arrays) for arrays in zip(*merged))
