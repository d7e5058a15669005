"""Validate what is ranked, and compute blocks of distances that are no bit counts.

Distances are in double precision. Rows that are equal have equal distances to any
other row, wherever they are: products of matrices, whose rounding depends on the place
in the matrix, are rounded to a grid, and Euclidean distances come from differences.
"""

from collections.abc import Callable
from numbers import Integral
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import ArrayLike, NDArray
from scipy.spatial.distance import cdist
from sklearn.preprocessing import normalize
from sklearn.utils import gen_batches
from sklearn.utils.validation import check_array

from skhash.codes import check_bits, check_packed

METRICS = ("hamming", "cosine", "euclidean", "inner_product", "precomputed")

DistanceFunction = Callable[[slice], NDArray[np.float64]]

# The step of the grid of cosine distances: 2**-32 is far above the rounding of a
# product, about 1e-15, and rows closer than that are hardly told apart by their cosine.
_COSINE_STEPS = 2.0**32
# The significant bits of an inner product, for the same reason.
_PRODUCT_BITS = 32
# Squared distances below this fraction of the squared lengths are computed again from
# differences: products leave them fewer than ten exact digits.
_CANCELLATION = 1e-5
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


def distance_function(index: Any, query: Any, metric: str) -> DistanceFunction:
    """Return the function that computes blocks of distances.

    Parameters
    ----------
    index, query : ndarray or CSR matrix
        Rows; `query` may be the same object as `index`.
    metric : {"cosine", "euclidean", "inner_product"}
        The sign of the inner product is changed, so that small is near.

    Returns
    -------
    distances : callable
        Takes a slice of queries; returns an ndarray of shape (n_rows, n_index),
        float64, that may be written to.
    """
    if metric == "euclidean":
        if sp.issparse(index) or sp.issparse(query):
            return _euclidean_of_sparse(index, query)
        return _euclidean_of_dense(index, query)
    same = query is index
    index = index.astype(np.float64)
    query = index if same else query.astype(np.float64)
    if metric == "cosine":
        index = normalize(index)
        query = index if same else normalize(query)

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


def _euclidean_of_dense(index: NDArray[Any], query: NDArray[Any]) -> DistanceFunction:
    index = np.ascontiguousarray(index, dtype=np.float64)

    def distances(rows: slice) -> NDArray[np.float64]:
        asked = query[rows].astype(np.float64)
        block = np.empty((len(asked), len(index)))
        step = max(1, _DIFFERENCES // max(1, asked.size))
        for columns in gen_batches(len(index), step):
            block[:, columns] = cdist(asked, index[columns])
        return block

    return distances


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
