"""Types of the Cython module; its docstrings are in _search.pyx."""

import numpy as np
from numpy.typing import NDArray

BLOCK: int
MOST_BYTES: int
MOST_WIDTH: int

def simd_names() -> list[str]: ...
def simd_name() -> str: ...

class Tables:
    n_codes: int
    nbytes: int
    def __init__(
        self, words: NDArray[np.uint64], n_tables: int, width: int, spacing: int
    ) -> None: ...

class StopFlag:
    def set(self) -> None: ...

class SearchTarget:
    n_codes: int
    def __init__(
        self,
        codes: NDArray[np.uint8],
        n_codes: int,
        n_bytes: int,
        *,
        allowed: NDArray[np.uint64] | None = None,
        starts: NDArray[np.uint32] | None = None,
        rows: NDArray[np.uint32] | None = None,
        tables: Tables | None = None,
        most_work: int = 0,
    ) -> None: ...
    def nearest(
        self,
        queries: NDArray[np.uint8],
        distances: NDArray[np.int32],
        indices: NDArray[np.intp],
        first: int,
        last: int,
        offset: int,
        simd: str,
        stop: StopFlag,
        weighted: bool = False,
    ) -> None: ...
    def within(
        self,
        queries: NDArray[np.uint8],
        bound: int,
        first: int,
        last: int,
        offset: int,
        simd: str,
        stop: StopFlag,
    ) -> tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.intp]]: ...

def first_equal_codes(
    words: NDArray[np.uint64], stop: StopFlag
) -> tuple[NDArray[np.uint32], int]: ...

class PairBuckets:
    shape: tuple[int, int, int]
    def __init__(self, n_left: int, n_right: int, radius: int) -> None: ...
    def __len__(self) -> int: ...

def release_freed_memory() -> None: ...
def sorted_pairs(
    sets: list[PairBuckets], dtype: type[np.int32] | type[np.int64]
) -> tuple[
    NDArray[np.int32] | NDArray[np.int64],
    NDArray[np.int32] | NDArray[np.int64],
    NDArray[np.int32],
]: ...

class JoinTask:
    shape: tuple[int, int, int]
    def __init__(
        self,
        words: NDArray[np.uint64],
        n_bytes: int,
        radius: int,
        masks: NDArray[np.uint64] | None,
        n_left: int,
        n_right: int,
        simd: str,
        split: int = 0,
        starts: NDArray[np.uint32] | None = None,
        rows: NDArray[np.uint32] | None = None,
    ) -> None: ...

class JoinRun:
    def __init__(
        self, task: JoinTask, first: int, last: int, equal: bool = False
    ) -> None: ...
    def count(self, stop: StopFlag) -> int: ...
    def collect(self, out: PairBuckets, limit: int, stop: StopFlag) -> bool: ...

def neighbors_of_pairs(
    i: NDArray[np.int32] | NDArray[np.int64],
    j: NDArray[np.int32] | NDArray[np.int64],
    d: NDArray[np.int32],
    n_rows: int,
) -> tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.intp]]: ...
