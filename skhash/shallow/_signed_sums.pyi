"""Types of the Cython module; its docstrings are in _signed_sums.pyx."""

import numpy as np
from numpy.typing import NDArray

def signed_sums(
    values: NDArray[np.floating],
    columns: NDArray[np.integer],
    indptr: NDArray[np.integer],
    starts: NDArray[np.uint64],
    sums: NDArray[np.float64],
) -> None: ...
