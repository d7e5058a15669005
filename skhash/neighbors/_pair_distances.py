"""Compute the distances of queries to candidates of their own."""

from functools import partial
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from skhash.utils._linalg import unit_rows

# Products within this factor of the smallest normal number have lost digits.
_ROUNDING = 1e-7
# Values that are held at a time where products are computed again.
_RECOMPUTED = 2**20


def pair_distances(
    queries: Any, candidates: NDArray[np.intp], vectors: Any, metric: str
) -> NDArray[np.float64]:
    """Return the distances of queries to their own candidates; inf for -1.

    Pair by pair, where a matrix product would be faster: there the rounding depends
    on the place in the matrix, so that of two copies of a vector one would be
    nearer.

    Parameters
    ----------
    queries : {ndarray, CSR} of shape (n_queries, n_features)
        The queries; at unit length for the cosine.
    candidates : ndarray of shape (n_queries, n_candidates), intp
        Rows of `vectors`; -1 for none.
    vectors : {ndarray, CSR} of shape (n_vectors, n_features)
        The vectors; at unit length for the cosine.
    metric : {"cosine", "euclidean", "inner_product"}
        The distance.

    Returns
    -------
    distances : ndarray of shape (n_queries, n_candidates), float64
        Infinity for -1.
    """
    missing = candidates < 0
    if missing.all():
        return np.full(candidates.shape, np.inf)
    found = vectors[candidates.ravel()]
    rows = queries
    if sp.issparse(found):
        queries = sp.csr_array(queries)
        asked = queries[np.repeat(np.arange(queries.shape[0]), candidates.shape[1])]
        product = _products_of_sparse_pairs
    else:
        queries = queries.toarray() if sp.issparse(queries) else queries
        asked = queries[:, None]
        found = found.reshape(*candidates.shape, -1)
        product = partial(np.einsum, "ijk,ijk->ij")
    if metric == "euclidean":
        # Not by products, of which little is left where vectors are far from zero.
        asked = found = found - asked
    with np.errstate(over="ignore", invalid="ignore"):
        products = product(asked, found)
    smallest = float(np.finfo(products.dtype).smallest_normal) / _ROUNDING
    products = products.astype(np.float64).reshape(candidates.shape)
    if metric == "inner_product":
        distances = -products
    elif metric == "cosine":
        distances = np.clip(1 - products, 0, 2)
    else:
        distances = np.sqrt(products)
    if metric != "cosine":
        size = np.abs(products)
        extreme = ~np.isfinite(size)
        # A product may be 0; a distance of what differs may not.
        small = size < smallest
        extreme |= small if metric == "euclidean" else small.all()
        _recompute(distances, rows, candidates, vectors, metric, extreme & ~missing)
    distances[missing] = np.inf
    return distances


def _recompute(
    distances: NDArray,
    queries: Any,
    candidates: NDArray,
    vectors: Any,
    metric: str,
    pairs: NDArray,
) -> None:
    """Write the distances of pairs whose products overflow or vanish."""
    places = np.nonzero(pairs)
    step = max(1, _RECOMPUTED // queries.shape[1])
    for start in range(0, len(places[0]), step):
        q, c = (part[start : start + step] for part in places)
        left = _as_doubles(queries[q])
        right = _as_doubles(vectors[candidates[q, c]])
        if metric == "euclidean":
            distances[q, c] = unit_rows(left - right)[1]
        else:
            (left, lengths), (right, others) = unit_rows(left), unit_rows(right)
            with np.errstate(over="ignore"):
                cosines = np.einsum("ij,ij->i", left, right)
                distances[q, c] = -(cosines * lengths) * others


def _as_doubles(rows: Any) -> NDArray[np.float64]:
    dense = rows.toarray() if sp.issparse(rows) else rows
    return dense.astype(np.float64)


def _products_of_sparse_pairs(left: sp.csr_array, right: sp.csr_array) -> NDArray:
    return np.asarray(left.multiply(right).sum(axis=1))
