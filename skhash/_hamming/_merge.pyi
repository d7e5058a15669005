"""Types of the Cython module; its docstrings are in _merge.pyx."""

import numpy as np
from numpy.typing import NDArray

def merge_nearest(
    d: NDArray[np.int32],
    i: NDArray[np.intp],
    e: NDArray[np.int32],
    j: NDArray[np.intp],
    k: int,
) -> tuple[NDArray[np.int32], NDArray[np.intp]]: ...
def merge_within(
    n: NDArray[np.int64],
    d: NDArray[np.int32],
    i: NDArray[np.intp],
    o: NDArray[np.int64],
    e: NDArray[np.int32],
    j: NDArray[np.intp],
) -> tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.intp]]: ...
def drop_self_nearest(
    d: NDArray[np.int32], i: NDArray[np.intp], first: int
) -> tuple[NDArray[np.int32], NDArray[np.intp]]: ...
def drop_self_within(
    n: NDArray[np.int64], d: NDArray[np.int32], i: NDArray[np.intp], first: int
) -> tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.intp]]: ...
