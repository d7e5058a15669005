"""Types of the Cython module; its docstrings are in _sparse_product.pyx."""

import numpy as np
from numpy.typing import NDArray

def product_by_rows(
    values: NDArray[np.floating],
    columns: NDArray[np.int32],
    starts: NDArray[np.int64],
    weights: NDArray[np.floating],
    out: NDArray[np.floating],
) -> None: ...
def product_by_blocks(
    values: NDArray[np.float32],
    columns: NDArray[np.int32],
    starts: NDArray[np.int64],
    weights: NDArray[np.float32],
    out: NDArray[np.float32],
) -> None: ...
