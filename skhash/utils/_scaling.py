"""Scale samples for an encoder and for the decoder that reconstructs them."""

import math
from typing import Protocol

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from scipy.special import softmax
from sklearn.preprocessing import normalize
from sklearn.utils.sparsefuncs import mean_variance_axis

from skhash.utils._compat import (
    inplace_csr_row_normalize_l1,
    inplace_csr_row_normalize_l2,
)
from skhash.utils._rows import row_blocks
from skhash.utils._sparse import with_data
from skhash.utils._typing import Rows

# Squares of numbers of this magnitude neither overflow nor underflow in single
# precision, with room for sums.
_MAX_EXPONENT = 40
# The variance of a constant feature is at most this fraction of its squared mean.
_ROUNDING = 1e-28
# Rows of smaller values have squares that vanish.
_SMALLEST_VALUE = {
    dtype: math.sqrt(np.finfo(dtype).tiny) / np.finfo(dtype).eps
    for dtype in (np.float32, np.float64)
}


class Scaler(Protocol):
    """The interface of the scalers of this module."""

    def rescale(self, X: Rows) -> Rows:
        """Return samples whose squares can be computed in single precision."""

    def scale(self, X: Rows) -> Rows:
        """Return the input of the encoder."""

    def targets(self, X: Rows) -> Rows:
        """Return the targets of the decoder."""

    def mean_target(self, X: Rows) -> NDArray[np.float32]:
        """Return the decoder output, before its softmax, of the mean target."""

    def weight_scale(self, n_features: int) -> float:
        """Return the standard deviation of initial weights of the first layer."""

    def inverse(self, rows: NDArray) -> NDArray:
        """Return decoder outputs in the units of the samples."""


class NormScaler:
    """Scale non-negative rows to unit length, and to unit sum for the decoder.

    Sparse rows stay sparse. A row of zeros stays zero.

    Parameters
    ----------
    X : {ndarray, CSR} of shape (n_samples, n_features)
        The training samples.
    """

    def __init__(self, X: Rows):
        self.factor = ordinary_factor(X)

    def rescale(self, X: Rows) -> Rows:
        """Return samples whose squares can be computed in single precision."""
        # In double precision, as the factor may be too large for single precision.
        return X if self.factor == 1 else X * np.float64(self.factor)

    def scale(self, X: Rows) -> Rows:
        """Scale rows to Euclidean length 1."""
        return unit_length(self.rescale(X))

    def targets(self, X: Rows) -> Rows:
        """Scale rows to sum 1."""
        return _normalized(self.rescale(X), "l1", copy=True)

    def mean_target(self, X: Rows) -> NDArray[np.float32]:
        """Return the log frequency of each feature."""
        total = np.zeros(X.shape[1])
        for block in row_blocks(X.shape[0]):
            total += np.asarray(self.targets(X[block]).sum(axis=0)).ravel()
        return np.log(total / X.shape[0] + 1e-6).astype(np.float32)

    def weight_scale(self, n_features: int) -> float:
        """Return the standard deviation of initial weights of the first layer."""
        return 0.05

    def inverse(self, rows: NDArray) -> NDArray:
        """Return decoder outputs as distributions over the features: their softmax."""
        return softmax(rows, axis=1)


class GlobalStandardScaler:
    """Center features, and divide all of them by one number.

    The number is the root of their mean variance. A common scale keeps the features
    that vary most in front, as with the components of an embedding. Features in
    different units are for the user to standardize.

    Parameters
    ----------
    X : {ndarray, CSR} of shape (n_samples, n_features)
        The training samples. Sparse rows become dense one batch at a time.
    """

    def __init__(self, X: Rows):
        self.factor = ordinary_factor(X)
        mean, variance = mean_variance(self.rescale(X))
        self.mean = mean.astype(np.float32)
        # Constant features may have a variance by rounding, which must not become the
        # scale; without any variance, a division by zero would give NaN.
        variance[variance <= _ROUNDING * np.square(mean)] = 0
        self.deviation = np.float32(np.sqrt(variance.mean()) or 1)

    def rescale(self, X: Rows) -> Rows:
        """Return samples whose squares can be computed in single precision."""
        # In double precision, as the factor may be too large for single precision.
        return X if self.factor == 1 else X * np.float64(self.factor)

    def scale(self, X: Rows) -> NDArray[np.float32]:
        """Center and scale rows."""
        X = self.rescale(X)
        dense = X.toarray() if sp.issparse(X) else X
        return ((dense - self.mean) / self.deviation).astype(np.float32, copy=False)

    def targets(self, X: Rows) -> NDArray[np.float32]:
        """Center and scale rows."""
        return self.scale(X)

    def mean_target(self, X: Rows) -> NDArray[np.float32]:
        """Return zeros: the mean of centered features."""
        return np.zeros(X.shape[1], dtype=np.float32)

    def weight_scale(self, n_features: int) -> float:
        """Return the standard deviation of initial weights of the first layer."""
        return n_features**-0.5

    def inverse(self, rows: NDArray) -> NDArray:
        """Return decoder outputs in the original units of the features."""
        restored = rows * self.deviation + self.mean
        return restored if self.factor == 1 else restored / self.factor


def ordinary_factor(X: Rows) -> float:
    """Return a factor that brings samples to an ordinary magnitude.

    Parameters
    ----------
    X : {ndarray, CSR} of shape (n_samples, n_features)
        Samples.

    Returns
    -------
    factor : float
        1 where squares of the largest value can be computed in single precision; else
        the power of two that brings it near 1, so that nothing is rounded.
    """
    values = X.data if sp.issparse(X) else X
    largest = max(values.max(initial=0.0), -values.min(initial=0.0))
    exponent = math.frexp(largest)[1]
    if largest == 0 or abs(exponent) <= _MAX_EXPONENT:
        return 1.0
    # The reciprocal of a subnormal number would overflow.
    return math.ldexp(1.0, min(-exponent, 1023))


def mean_variance(X: Rows) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the mean and the variance of each feature of CSR or dense rows."""
    if sp.issparse(X):
        return mean_variance_axis(X, axis=0)
    return X.mean(axis=0, dtype=np.float64), X.var(axis=0, dtype=np.float64)


def unit_length(X: Rows, *, copy: bool = True) -> Rows:
    """Scale CSR or dense rows to Euclidean length 1, in place unless `copy`."""
    return _normalized(X, "l2", copy=copy)


def _normalized(X: Rows, norm: str, *, copy: bool) -> Rows:
    # scikit-learn's normalize on sparse rows spends most of its time on validation.
    if not sp.issparse(X):
        X = _without_tiny_rows(X, copy=copy)
        return normalize(X, norm=norm, copy=copy)
    X = with_data(X, X.data.copy()) if copy else X
    _enlarge_tiny_rows(X)
    if norm == "l1":
        inplace_csr_row_normalize_l1(X)
    else:
        inplace_csr_row_normalize_l2(X)
    return X


def _without_tiny_rows(X: NDArray, *, copy: bool) -> NDArray:
    """Divide rows that scikit-learn would take for zeros by their largest value."""
    largest = np.maximum(X.max(axis=1), -X.min(axis=1)).astype(np.float64)
    tiny = np.flatnonzero((largest > 0) & (largest < 10 * np.finfo(X.dtype).eps))
    if len(tiny):
        X = X.copy() if copy else X
        X[tiny] = X[tiny].astype(np.float64) / largest[tiny, None]
    return X


def _enlarge_tiny_rows(X: sp.csr_array | sp.csr_matrix) -> None:
    """Divide rows whose squares would vanish by their largest value, in place."""
    values = np.abs(X.data)
    smallest = _SMALLEST_VALUE[X.data.dtype.type]
    if not values.min(initial=1.0) < smallest:
        return
    filled = np.flatnonzero(np.diff(X.indptr))
    largest = np.maximum.reduceat(values, X.indptr[filled]).astype(np.float64)
    for row, most in zip(filled, largest):
        if 0 < most < smallest:
            entries = slice(X.indptr[row], X.indptr[row + 1])
            X.data[entries] = X.data[entries].astype(np.float64) / most
