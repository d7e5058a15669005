"""Types of the Cython module; its docstrings are in _histogram.pyx."""

import numpy as np
from numpy.typing import NDArray

def counter_names() -> list[str]: ...
def planes_of_codes(
    rows: NDArray[np.uint8], classes: NDArray[np.int64], n_classes: int
) -> tuple[NDArray[np.uint64], NDArray[np.int64]]: ...
def count_within_classes(
    planes: NDArray[np.uint64],
    starts: NDArray[np.int64],
    queries: NDArray[np.uint64],
    classes: NDArray[np.int64],
    n_bits: int,
    counter: str | None = None,
) -> tuple[NDArray[np.int64], NDArray[np.int64]]: ...
def sum_weights(
    planes: NDArray[np.uint64],
    queries: NDArray[np.uint64],
    weights: NDArray[np.float64],
    n_bits: int,
    counter: str | None = None,
) -> tuple[NDArray[np.int64], NDArray[np.float64]]: ...
def count_shared(
    planes: NDArray[np.uint64],
    queries: NDArray[np.uint64],
    counter: str | None = None,
) -> NDArray[np.uint32]: ...
