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
