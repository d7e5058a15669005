"""Multiply sparse rows by dense weights, fast for one row and for many."""

from functools import partial

import numpy as np
from numpy.typing import NDArray

from skhash._hamming._threads import even_slices, run
from skhash.utils._sparse_product import product_by_blocks, product_by_rows
from skhash.utils._typing import Rows

# With fewer outputs, the weights of a product by rows stay in the cache.
_MIN_OUTPUTS = 128
# Entries per column from which the weights of a block of outputs are copied.
_MIN_ENTRIES_PER_COLUMN = 2
# Fewer rows copy the weights more often, and more ones leave no work for threads.
_ROWS_PER_TILE = 4096
_MIN_ROWS_PER_THREAD = 256


def sparse_product(X: Rows, weights: NDArray, n_threads: int = 1) -> NDArray:
    """Return ``X @ weights`` as a dense array.

    The entries of a row are added in their order, without fused operations: a row of
    the result depends on that row alone, and is the same on all processors. The same as
    by SciPy, in less time: there are no copies of weights in another memory layout or
    precision for a few rows.

    Parameters
    ----------
    X : CSR of shape (n_samples, n_features), float32 or float64
        The rows.
    weights : ndarray of shape (n_features, n_outputs), float32 or float64
        The weights, in any memory layout.
    n_threads : int, default=1
        Number of threads for many rows.

    Returns
    -------
    product : ndarray of shape (n_samples, n_outputs)
        In double precision if `X` or `weights` are, else in single precision.
    """
    values = X.data
    if weights.dtype == np.float64 and values.dtype != np.float64:
        values = values.astype(np.float64)
    columns = X.indices.astype(np.int32, copy=False)
    starts = X.indptr.astype(np.int64, copy=False)
    if not weights.flags.c_contiguous:
        if len(columns) < len(weights):
            _check_columns(columns, len(weights))
            weights, columns = weights[columns], np.arange(len(columns), dtype=np.int32)
        weights = np.ascontiguousarray(weights)
    out = np.empty((X.shape[0], weights.shape[1]), dtype=values.dtype)
    size = _ROWS_PER_TILE
    if n_threads > 1:
        size = max(_MIN_ROWS_PER_THREAD, min(size, -(-len(out) // n_threads)))
    if len(out) <= size:
        _write_product(values, columns, starts, weights, out)
        return out
    product = partial(_write_slice, values, columns, starts, weights, out)
    slices = even_slices(len(out), -(-len(out) // size), 1)
    # A product of so few rows takes too little time to be stopped.
    run([partial(product, part) for part in slices], n_threads, lambda: None)
    return out


def with_data(X: Rows, data: NDArray) -> Rows:
    """Return CSR rows with other values at the same positions, which are shared."""
    # The constructors of SciPy check the positions, which takes as long as a product.
    rows = object.__new__(type(X))
    rows.__dict__ = vars(X) | {"data": data}
    return rows


def plain_rows(X: Rows) -> Rows:
    """Return CSR rows without repeated, unsorted or zero entries, maybe themselves.

    Norms and logarithms need each value in one piece, and training must not depend on
    whether zeros are stored.
    """
    if X.has_canonical_format and X.data.all():
        return X
    X = X.copy()
    X.sum_duplicates()
    X.eliminate_zeros()
    return X


def _check_columns(columns: NDArray[np.int32], n_columns: int) -> None:
    if len(columns) and not 0 <= columns.min() <= columns.max() < n_columns:
        raise ValueError(
            f"Samples have entries in columns {columns.min()} to {columns.max()}, and "
            f"{n_columns} features."
        )


def _write_slice(
    values: NDArray,
    columns: NDArray[np.int32],
    starts: NDArray[np.int64],
    weights: NDArray,
    out: NDArray,
    part: slice,
) -> None:
    bounds = starts[part.start : part.stop + 1]
    entries = slice(bounds[0], bounds[-1])
    _write_product(
        values[entries], columns[entries], bounds - bounds[0], weights, out[part]
    )


def _write_product(
    values: NDArray,
    columns: NDArray[np.int32],
    starts: NDArray[np.int64],
    weights: NDArray,
    out: NDArray,
) -> None:
    is_dense = len(columns) >= _MIN_ENTRIES_PER_COLUMN * len(weights)
    function = (
        product_by_blocks
        if is_dense and values.dtype == np.float32 and weights.shape[1] >= _MIN_OUTPUTS
        else product_by_rows
    )
    function(values, columns, starts, weights, out)
