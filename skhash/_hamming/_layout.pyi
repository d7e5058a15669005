"""Types of the Cython module; its docstrings are in _layout.pyx."""

import numpy as np
from numpy.typing import NDArray

BLOCK: int
MOST_BYTES: int

def store_rows(
    rows: NDArray[np.uint8], planes: NDArray[np.uint8], start: int
) -> None: ...
def load_rows(
    planes: NDArray[np.uint8], positions: NDArray[np.intp], rows: NDArray[np.uint8]
) -> None: ...
def distinct_codes(
    rows: NDArray[np.uint8], most: int
) -> tuple[NDArray[np.uint32], NDArray[np.uint32]] | None: ...
def rows_by_code(
    codes: NDArray[np.uint32], n_distinct: int
) -> tuple[NDArray[np.uint32], NDArray[np.uint32]]: ...
