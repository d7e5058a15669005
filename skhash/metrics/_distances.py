"""Validate what is ranked, and compute blocks of distances that are not bit counts.

Distances are in double precision. Rows that are equal have equal distances to any
other row, wherever they are: products of matrices, whose rounding depends on the place
in the matrix, are rounded to a grid, and Euclidean distances come from differences.
"""

from collections.abc import Callable
from functools import partial
from numbers import Integral
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import ArrayLike, NDArray
from scipy.spatial.distance import cdist
from sklearn.utils import gen_batches
from sklearn.utils.validation import check_array

from skhash.codes import check_bits, check_packed
from skhash.utils._linalg import unit_rows

METRICS = ("hamming", "cosine", "euclidean", "inner_product", "precomputed")

Radius = float | np.floating

DistanceFunction = Callable[[slice], NDArray[np.float64]]

# The step of the grid of cosine distances: 2**-32 is far above the rounding of a
# product, about 1e-15, and rows closer than that are hardly told apart by their cosine.
_COSINE_STEPS = 2.0**32
# The significant bits of an inner product, for the same reason.
_PRODUCT_BITS = 32
# Squared distances below this fraction of the squared lengths are computed again from
# differences: products leave them fewer than ten exact digits.
_CANCELLATION = 1e-5
# Squares of values whose binary exponents are within this neither overflow nor vanish.
_ORDINARY_EXPONENT = 400
# The fraction of pairs from which on computing all distances exactly is faster.
_MOST_EXACT = 0.1
# Differences that exist at a time where single pairs are computed.
_RECOMPUTED = 2**20
# Differences per call of compiled code, which cannot be interrupted: about 0.1 s.
_DIFFERENCES = 2**26
# Pairs of sparse rows that are subtracted at a time.
_SPARSE_PAIRS = 2**14


def check_vectors(
    X: Any,
    X_query: Any,
    metric: str,
    *,
    packed: bool = False,
    n_bits: int | None = None,
) -> tuple[Any, Any]:
    """Validate what is to be ranked.

    Parameters
    ----------
    X, X_query : array-like
        As the public functions describe them.
    metric : str
        One of `METRICS`.
    packed : bool, default=False
        Whether `X` and `X_query` hold packed codes.
    n_bits : int, default=None
        The length of the codes.

    Returns
    -------
    index, query : ndarray or CSR matrix
        `query` is None for leave-one-out and for precomputed distances.
    """
    if metric not in METRICS:
        raise ValueError(f"metric must be one of {METRICS}; got {metric!r}.")
    if not isinstance(packed, bool | np.bool_):
        raise TypeError(f"packed must be True or False; got {packed!r}.")
    if n_bits is not None and (
        not isinstance(n_bits, Integral) or isinstance(n_bits, bool)
    ):
        raise TypeError(
            f"n_bits must be an int of at least 1, or None; got {n_bits!r}."
        )
    if metric == "hamming":
        return _check_codes(X, X_query, bool(packed), n_bits)
    for name, value in (("packed", packed or None), ("n_bits", n_bits)):
        if value is not None:
            raise ValueError(
                f"{name} must keep its default for metric={metric!r}, which compares "
                f"no codes; got {value!r}."
            )
    if metric == "precomputed":
        if X_query is not None:
            raise ValueError(
                "X_query must be None for metric='precomputed', where X holds the "
                "distances of shape (n_queries, n_index)."
            )
        return check_array(X, dtype=(np.float64, np.float32), input_name="X"), None
    dtypes = (np.float64, np.float32)
    index = check_array(X, accept_sparse="csr", dtype=dtypes, input_name="X")
    if X_query is None:
        return index, None
    query = check_array(
        X_query, accept_sparse="csr", dtype=dtypes, input_name="X_query"
    )
    if query.shape[1] != index.shape[1]:
        raise ValueError(
            f"X_query must have {index.shape[1]} columns as X has; got "
            f"{query.shape[1]}."
        )
    return index, query


def _check_codes(
    X: ArrayLike, X_query: ArrayLike | None, packed: bool, n_bits: int | None
) -> tuple[NDArray[np.uint8], NDArray[np.uint8] | None]:
    check = check_packed if packed else check_bits
    n_bits = None if n_bits is None else int(n_bits)  # sums of 8-bit ints overflow
    index = check(X, n_bits=n_bits, name="X")
    if not len(index):
        raise ValueError("X must have at least one row; got 0.")
    if X_query is None:
        return index, None
    length = (8 if packed else 1) * index.shape[1] if n_bits is None else n_bits
    return index, check(X_query, n_bits=length, name="X_query")


def distance_function(
    index: Any,
    query: Any,
    metric: str,
    *,
    depth: int,
    radii: tuple[Radius, ...] = (),
) -> DistanceFunction:
    """Return the function that computes blocks of distances.

    Parameters
    ----------
    index, query : ndarray or CSR matrix
        Rows; `query` may be the same object as `index`.
    metric : {"cosine", "euclidean", "inner_product"}
        The sign of the inner product is changed, so that small is near.
    depth : int
        The number of positions of the ranking that are needed.
    radii : tuple of float, default=()
        The radii that are needed.

    Returns
    -------
    distances : callable
        Takes a slice of queries; returns an ndarray of shape (n_rows, n_index),
        float64, that may be written to. Beyond the depth and all radii, distances may
        be rounded further.
    """
    if metric == "euclidean":
        exponent = _extreme_exponent(index, query)
        if exponent:
            index, query = _scaled(index, -exponent), _scaled(query, -exponent)
        radius = np.ldexp(max(radii, default=0), -exponent)
        return partial(_rescaled, _euclidean(index, query, depth, radius), exponent)
    same = query is index
    index = index.astype(np.float64)
    query = index if same else query.astype(np.float64)
    if metric == "cosine":
        index = unit_rows(index)[0]
        query = index if same else unit_rows(query)[0]

    def distances(rows: slice) -> NDArray[np.float64]:
        product = query[rows] @ index.T
        if sp.issparse(product):
            product = product.toarray()
        if metric == "cosine":
            np.subtract(1.0, product, out=product)
            np.rint(product * _COSINE_STEPS, out=product)
            return product / _COSINE_STEPS
        fraction, exponent = np.frexp(-product)
        fraction = np.rint(np.ldexp(fraction, _PRODUCT_BITS))
        return np.ldexp(fraction, exponent - _PRODUCT_BITS)

    return distances


def _extreme_exponent(index: Any, query: Any) -> int:
    """Return the binary exponent of the values if squares could overflow, or 0."""
    largest = max(
        float(abs(X.data if sp.issparse(X) else X).max(initial=0))
        for X in (index, query)
    )
    exponent = int(np.frexp(largest)[1])
    return exponent if abs(exponent) > _ORDINARY_EXPONENT else 0


def _scaled(X: Any, exponent: int) -> Any:
    """Return rows times a power of two, which rounds nothing."""
    X = X.astype(np.float64)
    if sp.issparse(X):
        X.data = np.ldexp(X.data, exponent)
        return X
    return np.ldexp(X, exponent)


def _rescaled(
    distances: DistanceFunction, exponent: int, rows: slice
) -> NDArray[np.float64]:
    block = distances(rows)
    return np.ldexp(block, exponent, out=block) if exponent else block


def _euclidean(index: Any, query: Any, depth: int, radius: Radius) -> DistanceFunction:
    if sp.issparse(index) or sp.issparse(query):
        return _euclidean_of_sparse(index, query)
    if depth > index.shape[0] * _MOST_EXACT:
        return partial(_all_euclidean, index.astype(np.float64), query)
    return ScreenedEuclidean(index, query, depth, radius)


def _all_euclidean(
    index: NDArray[np.float64], query: NDArray[Any], rows: slice
) -> NDArray[np.float64]:
    """Return the distances of some queries to all rows of the index."""
    asked = query[rows].astype(np.float64)
    block = np.empty((len(asked), len(index)))
    step = max(1, _DIFFERENCES // max(1, asked.size))
    for columns in gen_batches(len(index), step):
        block[:, columns] = cdist(asked, index[columns])
    return block


class ScreenedEuclidean:
    """Compute Euclidean distances from differences where they matter.

    Products of matrices are several times faster than differences, but lose small
    distances between rows far from the origin. So they only tell which pairs may be
    among the nearest or within a radius, with a margin for their rounding error.

    Parameters
    ----------
    index, query : ndarray of shape (n_rows, n_features)
        Rows.
    depth : int
        The number of positions of the ranking that are needed.
    radius : float
        The largest radius that is needed.
    """

    def __init__(
        self, index: NDArray[Any], query: NDArray[Any], depth: int, radius: Radius
    ):
        self._index = index.astype(np.float64)
        self._query = query
        # One more than needed: the query itself may be among them.
        self._n_nearest = min(depth + 1, len(index)) if depth else 0
        # A square that overflows is the limit of a radius that holds everything.
        self._radius = np.float64(radius)
        self._center = self._index.mean(axis=0)
        self._centered = self._index - self._center
        self._norms = np.square(self._centered).sum(axis=1)

    def __call__(self, rows: slice) -> NDArray[np.float64]:
        """Return the distances of some queries to all rows of the index."""
        asked = self._query[rows].astype(np.float64)
        centered = asked - self._center
        norms = np.square(centered).sum(axis=1)
        with np.errstate(invalid="ignore", over="ignore"):
            squares = norms[:, None] + self._norms - 2.0 * centered @ self._centered.T
            near = squares <= self._limits(squares, norms)[:, None]
        if near.mean() > _MOST_EXACT or not np.isfinite(squares).all():
            return _all_euclidean(self._index, self._query, rows)
        block = np.sqrt(np.maximum(squares, 0, out=squares), out=squares)
        places = np.nonzero(near)
        step = max(1, _RECOMPUTED // asked.shape[1])
        for start in range(0, len(places[0]), step):
            q, i = (part[start : start + step] for part in places)
            block[q, i] = np.sqrt(np.square(asked[q] - self._index[i]).sum(axis=1))
        return block

    def _limits(
        self, squares: NDArray[np.float64], norms: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Return for each query the square up to which a distance may matter."""
        precision = np.finfo(np.float64)
        # At least twice the bound of the rounding errors of the sums and products.
        relative = 4 * (self._index.shape[1] + 8) * precision.eps
        margins = relative * (norms + self._norms.max()) + precision.tiny
        with np.errstate(over="ignore"):
            result = self._radius**2 * (1 + relative) + margins
        if self._n_nearest:
            last = self._n_nearest - 1
            kth = np.partition(squares, last, axis=1)[:, last]
            result = np.maximum(result, kth + 2 * margins)
        return result


def _euclidean_of_sparse(index: Any, query: Any) -> DistanceFunction:
    index = sp.csr_array(index, dtype=np.float64)
    query = sp.csr_array(query, dtype=np.float64)
    index_norms, query_norms = _squared_norms(index), _squared_norms(query)

    def distances(rows: slice) -> NDArray[np.float64]:
        asked = query[rows]
        lengths = query_norms[rows, None] + index_norms
        squares = lengths - 2.0 * (asked @ index.T).toarray()
        # Negated, so that it finds NaN too, which is left where lengths overflow.
        places = np.nonzero(~(squares >= _CANCELLATION * lengths))
        for start in range(0, len(places[0]), _SPARSE_PAIRS):
            q, i = (part[start : start + _SPARSE_PAIRS] for part in places)
            squares[q, i] = _squared_norms(asked[q] - index[i])
        return np.sqrt(squares)

    return distances


def _squared_norms(X: Any) -> NDArray[np.float64]:
    return np.asarray(X.multiply(X).sum(axis=1), dtype=np.float64).ravel()
