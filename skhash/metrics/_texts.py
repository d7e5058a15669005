"""Texts of parameters that several functions share; see `substitute`."""

from typing import Any

from numpy.typing import ArrayLike

# Sparse matrices are no ArrayLike, and SciPy has no types.
MatrixLike = ArrayLike | Any

X = """
X : array-like of shape (n_index, n_bits) or (n_index, n_bytes)
    The database: codes, as bits 0 or 1 or packed; with another `metric` vectors,
    dense or CSR, or distances.
"""

Y = """
y : array-like of shape (n_index,) or (n_index, n_classes)
    One class per sample, or an indicator of several. A sample labeled -1, None or
    NaN, or all -1 in an indicator, is neither a query nor a result.
"""

QUERIES = """
X_query : array-like of shape (n_queries, n_bits) or (n_queries, n_bytes), \
        default=None
    The queries, in the form of `X`. If None, every sample of `X` is a query, which
    does not find itself, but finds its copies.
y_query : array-like of shape (n_queries,) or (n_queries, n_classes), default=None
    The labels of `X_query`, in the form of `y`.
"""

K = """
k : int or None, default=100
    The number of positions that count, at least 1. None, or more than there are,
    stands for the whole list.
"""

METRIC = """
metric : {"hamming", "cosine", "euclidean", "inner_product", "precomputed"}, \
        default="hamming"
    How samples are ranked. Cosine distances and inner products are rounded to about
    ten digits, so that equal rows tie. With "precomputed", `X` holds the distances,
    of shape (n_queries, n_index), and `X_query` is None; without `y_query` it is
    square, and no sample finds itself.
"""

RADIUS = """
radius : int or float, default=2
    The radius, inclusive, at least 0: an int, in bits, for "hamming", else in the unit
    of the distance.
"""

RADIUS_METRIC = """
metric : {"hamming", "cosine", "euclidean", "precomputed"}, default="hamming"
    The distance; see :func:`precision_at_k_score`.
"""

RELEVANCE = """
relevance : {"any", "jaccard"} or array-like of shape (n_queries, n_index), \
        default="any"
    The gain of a result. "any": 1 for the same class, or for any shared one;
    "jaccard": the number of shared classes over the number of classes of both, in
    [0, 1]; a matrix of gains of at least 0, dense or CSR: `y` and `y_query` must then
    be None, and with precomputed distances a sample may find itself.
"""

AVERAGE = """
average : bool, default=True
    Whether to average over the queries.
"""

PACKED = """
packed : bool, default=False
    Whether `X` and `X_query` are packed codes, uint8 in the order of
    :func:`numpy.packbits`.
n_bits : int, default=None
    The length of the codes. If None, the number of columns of bits, or 8 times the
    number of bytes of packed codes.
"""

NAN_WITHOUT_RELEVANT = """
score : float or ndarray of shape (n_queries,)
    In [0, 1], larger is better. With ``average=False`` one value per query that was
    passed; NaN, which an average leaves out, for samples without a label and for
    queries without a relevant sample.
"""

RAISES_K = """
TypeError
    If `k` is not an int, or packed codes are not of dtype uint8.
"""

RAISES_RADIUS = """
TypeError
    If `radius` is not a number (for "hamming": an int), or packed codes are not of
    dtype uint8.
"""

TIES = """
.. [1] F. McSherry and M. Najork, "Computing information retrieval performance
   measures efficiently in the presence of tied scores", ECIR 2008,
   :doi:`10.1007/978-3-540-78646-7_38`.
"""

SHARED = {
    "X": X,
    "y": Y,
    "queries": QUERIES,
    "k": K,
    "metric": METRIC,
    "radius": RADIUS,
    "radius_metric": RADIUS_METRIC,
    "relevance": RELEVANCE,
    "average": AVERAGE,
    "packed": PACKED,
    "nan_without_relevant": NAN_WITHOUT_RELEVANT,
    "raises_k": RAISES_K,
    "raises_radius": RAISES_RADIUS,
    "ties": TIES,
}
