"""Keep the bits of a sample independent of the other samples in a batch.

BLAS rounds a matrix product differently for different numbers of rows, and for
different positions of a row among them. If a value equals its threshold up to that
rounding, its bit would depend on the batch. Therefore values carry a bound on their
rounding error, and samples with a bit within the bound are computed again by a product
that adds in the same order for any batch. The other bits are the same by both products.
"""

from collections.abc import Callable
from typing import Self, TypeAlias

import numpy as np
import scipy.sparse as sp
from numpy.typing import ArrayLike, NDArray
from sklearn.utils import gen_batches

from skhash.utils._linalg import row_squares, unit_rows
from skhash.utils._sparse import sparse_product, with_data
from skhash.utils._typing import Rows

Product: TypeAlias = Callable[[Rows, NDArray], NDArray]
Decision: TypeAlias = tuple[NDArray[np.float64], NDArray[np.bool_]]

_EPS = np.finfo(np.float64).eps
_SMALLEST = np.finfo(np.float64).smallest_subnormal

# Limits the indices of dense rows that are multiplied as sparse ones, 4 bytes each.
_ENTRIES_PER_BLOCK = 2**22


class BoundedRows:
    """Values of samples with a bound on their rounding error.

    Parameters
    ----------
    values : {ndarray, CSR} of shape (n_samples, n_columns)
        The values; computed on in double precision.
    product : callable
        Multiplies values by the transpose of a matrix.
    error : ndarray of shape (n_samples, 1) or None, default=None
        Bound per row on the difference of a value to the one that another product
        gives; None for exact values.
    """

    def __init__(
        self,
        values: Rows,
        product: Product,
        error: NDArray | None = None,
    ) -> None:
        if values.dtype != np.float64:
            values = (
                with_data(values, values.data.astype(np.float64))
                if sp.issparse(values)
                else values.astype(np.float64)
            )
        self.values = values
        self.product = product
        self.error = np.zeros((values.shape[0], 1)) if error is None else error

    def _with(self, values: Rows, error: NDArray) -> Self:
        return type(self)(values, self.product, error)

    @property
    def size(self) -> NDArray:
        """Return the largest magnitude in each row, of shape (n_samples, 1)."""
        if sp.issparse(self.values):
            return abs(self.values).max(axis=1).toarray().reshape(-1, 1)
        above = self.values.max(axis=1, keepdims=True)
        return np.maximum(above, -self.values.min(axis=1, keepdims=True))

    def project(self, directions: Rows) -> Self:
        """Return the coordinates along `directions` (n_directions, n_columns)."""
        if directions.dtype != np.float64 and not sp.issparse(self.values):
            directions = directions.astype(np.float64)
        values = self.product(self.values, directions)
        error, underflow = self.error, 0.0
        # Sparse rows are multiplied in the order of columns by both products.
        if not sp.issparse(self.values):
            error = error + _unit(directions.shape[1]) * self.size
            underflow = directions.shape[1] * _SMALLEST
        if error.any():
            error = error * float(abs(directions).sum(axis=1, dtype=np.float64).max())
        return self._with(values, error + underflow)

    def shift(self, offset: ArrayLike) -> Self:
        """Return the values plus `offset`, one number per column."""
        largest = np.abs(offset).max(initial=0)
        error = self.error + _EPS * (self.size + largest)
        return self._with(self.values + offset, error)

    def unit(self) -> Self:
        """Return the rows at unit length."""
        values, lengths = unit_rows(self.values)
        n_columns = self.values.shape[1]
        moved = 2 * np.sqrt(n_columns) * self.error
        lengths = np.maximum(lengths, _SMALLEST)[:, None]
        return self._with(values, moved / lengths + _unit(n_columns))

    def squared_distances(self, points: NDArray) -> Self:
        """Return the squared Euclidean distances to `points` (n_points, n_columns)."""
        points = points.astype(np.float64, copy=False)
        squares = row_squares(self.values)[:, None]
        others = row_squares(points)
        values = -2 * self.product(self.values, points)
        values += squares
        values += others
        reach = np.sqrt(squares) + np.sqrt(others.max())
        moved = np.sqrt(points.shape[1]) * self.error
        error = 4 * moved * reach + moved**2 + 4 * _unit(points.shape[1]) * reach**2
        return self._with(np.maximum(values, 0, out=values), error)

    def map(
        self,
        function: Callable[[NDArray], NDArray],
        *,
        slope: float,
        size: float = 1.0,
    ) -> Self:
        """Apply a function of rows with values up to `size` and slopes up to `slope`.

        Its own result for a row may not depend on other rows.
        """
        error = slope * self.error + size * _unit(self.values.shape[1])
        return self._with(function(self.values), error)

    def has_tie(self, smallest: NDArray[np.intp]) -> NDArray[np.bool_]:
        """Return the rows in which rounding may have decided which are smallest."""
        reach = np.take_along_axis(self.values, smallest, axis=1).max(axis=1)
        reach = reach[:, None] + 2 * self.error
        farther = np.count_nonzero(self.values > reach, axis=1)
        return farther < self.values.shape[1] - smallest.shape[1]

    def take(self, columns: NDArray[np.integer], factors: NDArray) -> Self:
        """Return some columns, each times its factor."""
        error = (self.error + _EPS * self.size) * np.abs(factors).max()
        return self._with(self.values[:, columns] * factors, error)

    def above(self, thresholds: ArrayLike = 0.0) -> Decision:
        """Return the values less thresholds, and the rows with a doubtful sign.

        A difference of finite numbers is above 0 exactly if the first is the larger.
        """
        values = self.values - thresholds
        error = self.error + 4 * _EPS * np.abs(thresholds).max(initial=0)
        # Comparisons with infinity or NaN are false, so that they are in doubt as well.
        doubtful = ~(np.abs(values) > error).all(axis=1)
        return values, doubtful

    def at_most(self, thresholds: NDArray[np.float64]) -> Decision:
        """Return thresholds less the values, above 0 also where both are equal."""
        values, doubtful = self.above(np.nextafter(thresholds, np.inf))
        return np.negative(values, out=values), doubtful


def consistent_values(
    decide: Callable[[BoundedRows], Decision], X: Rows
) -> NDArray[np.float64]:
    """Compute values whose signs do not depend on the other samples in `X`.

    Parameters
    ----------
    decide : callable
        Returns values, (n_samples, n_bits), and which samples have a sign that rounding
        may have decided, (n_samples,).
    X : {ndarray, CSR} of shape (n_samples, n_features)
        The samples.

    Returns
    -------
    values : ndarray of shape (n_samples, n_bits), float64
        Those above 0 are above 0 for each sample alone.
    """
    # Values out of range are in doubt, and therefore consistent.
    with np.errstate(over="ignore", invalid="ignore"):
        values, doubtful = decide(BoundedRows(X, blas_product))
        again = np.flatnonzero(doubtful)
        if again.size:
            values[again] = decide(BoundedRows(X[again], ordered_product))[0]
    return values


def blas_product(X: Rows, directions: NDArray) -> NDArray:
    """Return ``X @ directions.T`` as a dense array, in the fastest order."""
    if sp.issparse(X) and not sp.issparse(directions):
        return sparse_product(X, directions.T)
    product = X @ directions.T
    return product.toarray() if sp.issparse(product) else np.asarray(product)


def ordered_product(X: Rows, directions: NDArray) -> NDArray:
    """Return ``X @ directions.T`` as a dense array, summed in the order of columns.

    SciPy multiplies sparse rows one after another and entry by entry. Dense rows are
    passed to it as sparse rows with all entries.
    """
    if sp.issparse(X):
        return blas_product(X, directions)
    product = np.empty((X.shape[0], directions.shape[0]))
    rows_per_block = max(1, _ENTRIES_PER_BLOCK // X.shape[1])
    for block in gen_batches(X.shape[0], rows_per_block):
        product[block] = blas_product(_all_entries(X[block]), directions)
    return product


def _all_entries(X: NDArray) -> sp.csr_array:
    n_samples, n_columns = X.shape
    indices = np.tile(np.arange(n_columns, dtype=np.int32), n_samples)
    starts = np.arange(0, n_samples * n_columns + 1, n_columns, dtype=np.int32)
    return sp.csr_array((X.ravel(), indices, starts), shape=X.shape)


def _unit(n_terms: int) -> float:
    """Bound the relative difference of two sums of `n_terms` products."""
    return 2 * (n_terms + 2) * _EPS
