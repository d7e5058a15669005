"""Two-stage search: a short list by Hamming distance, re-ranked by real vectors."""

from functools import partial
from numbers import Integral

import numpy as np
import scipy.sparse as sp
from sklearn.base import BaseEstimator, clone
from sklearn.preprocessing import normalize
from sklearn.utils import gen_batches
from sklearn.utils.validation import check_is_fitted, validate_data

from skhash.neighbors._nearest import HammingNearestNeighbors
from skhash.shallow import ITQHasher
from skhash.utils._compat import HasMethods, Interval, StrOptions, fit_context
from skhash.utils._pipelines import is_packed, unpack_columns

__all__ = ["RerankedNearestNeighbors"]

# Pairs of a query and a candidate whose vectors are held at a time.
_PAIRS_PER_BLOCK = 20_000


class RerankedNearestNeighbors(BaseEstimator):
    """Nearest neighbors by real vectors among a short list found by codes.

    The codes, small enough to scan, give `rerank_factor` candidates for each neighbor
    wanted; the distances of the vectors themselves then put these in order.

    Parameters
    ----------
    hasher : estimator, default=None
        The hasher, which is cloned and fitted; wrap a fitted one in scikit-learn's
        ``FrozenEstimator`` to take it as it is. None is ``ITQHasher(64)``.
    n_neighbors : int, default=5
        The number of neighbors wanted.
    rerank_factor : int, default=10
        The number of candidates for each neighbor.
    metric : {"cosine", "euclidean", "inner_product"}, default="cosine"
        What orders the candidates. The distance is 1 - cos, the Euclidean distance, or
        the inner product with its sign changed.
    n_jobs : int, default=None
        The number of threads that scan the codes.

    Attributes
    ----------
    hasher_ : estimator
        The fitted hasher.
    index_ : HammingNearestNeighbors
        The codes.
    n_samples_fit_ : int
        The number of rows in the index.
    n_features_in_ : int
        The number of features seen in fit.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Their names, where `X` had some.

    Notes
    -----
    The vectors are kept as they are given (for the cosine, at unit length). A query
    costs the scan of the codes and O(rerank_factor * n_neighbors * n_features) for the
    candidates. In a large and crowded collection the short list fills up with rows that
    are nearly as near as the nearest; a larger `rerank_factor`, which costs little, is
    the remedy.

    References
    ----------
    .. [1] H. Jégou, R. Tavenard, M. Douze, L. Amsaleg, "Searching in one billion
       vectors: re-rank with source coding", ICASSP 2011.
       doi:10.1109/ICASSP.2011.5946540

    Examples
    --------
    >>> import numpy as np
    >>> from skhash import ITQHasher, RerankedNearestNeighbors
    >>> X = np.random.RandomState(0).randn(500, 16)
    >>> search = RerankedNearestNeighbors(ITQHasher(16, random_state=0), n_neighbors=1)
    >>> search.fit(X).kneighbors(X[:3] + 0.01, return_distance=False).ravel()
    array([0, 1, 2])
    """

    _parameter_constraints: dict = {
        "hasher": [HasMethods(["fit", "transform"]), None],
        "n_neighbors": [Interval(Integral, 1, None, closed="left")],
        "rerank_factor": [Interval(Integral, 1, None, closed="left")],
        "metric": [StrOptions({"cosine", "euclidean", "inner_product"})],
        "n_jobs": [Integral, None],
    }

    def __init__(
        self,
        hasher=None,
        *,
        n_neighbors=5,
        rerank_factor=10,
        metric="cosine",
        n_jobs=None,
    ):
        self.hasher = hasher
        self.n_neighbors = n_neighbors
        self.rerank_factor = rerank_factor
        self.metric = metric
        self.n_jobs = n_jobs

    @fit_context(prefer_skip_nested_validation=False)
    def fit(self, X, y=None):
        """Learn the codes of rows, and keep the rows.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The rows to search.
        y : array-like of shape (n_samples,) or (n_samples, n_classes), default=None
            Labels for a hasher that learns from some; -1 where there is none.

        Returns
        -------
        self : object
            The fitted estimator.
        """
        vectors = self._check_vectors(X, reset=True)
        hasher = ITQHasher(64) if self.hasher is None else clone(self.hasher)
        # The hasher gets what came, whose columns may have names.
        self.hasher_ = hasher.fit(X, y)
        codes = self.hasher_.transform(X)
        packed = is_packed(self.hasher_, codes.shape[1])
        self.index_ = HammingNearestNeighbors(packed=packed, n_jobs=self.n_jobs)
        self.index_.fit(codes if packed else unpack_columns(self.hasher_, codes))
        self._vectors = vectors
        self.n_samples_fit_ = vectors.shape[0]
        return self

    def kneighbors(self, X=None, n_neighbors=None, return_distance=True):
        """Find the nearest neighbors of rows.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_queries, n_features), default=None
            The queries. If None, every row of the index is one, and does not find
            itself.
        n_neighbors : int, default=None
            The number of neighbors, if not `n_neighbors` of the constructor.
        return_distance : bool, default=True
            Whether to return the distances.

        Returns
        -------
        distances : ndarray of shape (n_queries, n_neighbors)
            Ascending; only if `return_distance`.
        indices : ndarray of shape (n_queries, n_neighbors), intp
            Positions in the index; of equal distances the lower first.

        Raises
        ------
        ValueError
            If `n_neighbors` is not from 1 to the number of rows a query can find.
        """
        check_is_fitted(self)
        n_neighbors = self.n_neighbors if n_neighbors is None else n_neighbors
        n_reachable = self.n_samples_fit_ - (X is None)
        n_candidates = n_neighbors
        is_int = isinstance(n_neighbors, Integral) and not isinstance(n_neighbors, bool)
        if is_int and n_neighbors > 0:
            # What is no number, or out of range, is for the index to refuse.
            longest = max(n_neighbors, n_reachable)
            n_candidates = min(n_neighbors * self.rerank_factor, longest)
        codes, queries = None, self._vectors
        if X is not None:
            queries = self._check_vectors(X, reset=False)
            codes = self.hasher_.transform(X)
            if not self.index_.packed:
                codes = unpack_columns(self.hasher_, codes)
        candidates = self.index_.kneighbors(codes, n_candidates, return_distance=False)
        candidates = np.sort(candidates, axis=1)
        shape = (queries.shape[0], n_neighbors)
        distances, indices = np.empty(shape), np.empty(shape, dtype=np.intp)
        for rows in gen_batches(shape[0], max(1, _PAIRS_PER_BLOCK // n_candidates)):
            exact = self._pair_distances(queries[rows], candidates[rows])
            order = np.argsort(exact, axis=1, kind="stable")[:, :n_neighbors]
            distances[rows] = np.take_along_axis(exact, order, axis=1)
            indices[rows] = np.take_along_axis(candidates[rows], order, axis=1)
        return (distances, indices) if return_distance else indices

    def _pair_distances(self, queries, candidates):
        """Return the distances of queries to their own candidates.

        Pair by pair, where a matrix product would be faster: there the rounding depends
        on the place in the matrix, and of two copies of a row one would be nearer.
        """
        found = self._vectors[candidates.ravel()]
        if sp.issparse(found):
            queries = sp.csr_array(queries)
            asked = queries[np.repeat(np.arange(queries.shape[0]), candidates.shape[1])]
            product = _products_of_sparse_pairs
        else:
            queries = queries.toarray() if sp.issparse(queries) else queries
            asked = queries[:, None]
            found = found.reshape(*candidates.shape, -1)
            product = partial(np.einsum, "ijk,ijk->ij")
        if self.metric == "euclidean":
            # Not by products, of which little is left where rows are far from zero.
            asked = found = found - asked
        products = product(asked, found).astype(np.float64).reshape(candidates.shape)
        if self.metric == "inner_product":
            return -products
        if self.metric == "cosine":
            return np.clip(1 - products, 0, 2)
        return np.sqrt(products)

    def _check_vectors(self, X, *, reset):
        X = validate_data(
            self, X, accept_sparse="csr", dtype=[np.float64, np.float32], reset=reset
        )
        return normalize(X) if self.metric == "cosine" else X

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags


def _products_of_sparse_pairs(left, right):
    return np.asarray(left.multiply(right).sum(axis=1))
