"""Search in two stages: candidates by Hamming distance, re-ranked by real vectors."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from numbers import Integral
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import ArrayLike, NDArray
from sklearn.base import clone
from sklearn.preprocessing import normalize
from sklearn.utils import check_array, gen_batches
from sklearn.utils.validation import validate_data

from skhash.neighbors._base import check_mode
from skhash.neighbors._contents import SnapshotMixin
from skhash.neighbors._nearest import HammingNearestNeighbors
from skhash.shallow import ITQHasher
from skhash.utils._compat import (
    HasMethods,
    Interval,
    StrOptions,
    fit_context,
    get_feature_names,
)
from skhash.utils._pipelines import is_packed, unpack_columns

__all__ = ["RerankedNearestNeighbors"]

# Pairs of a query and a candidate whose vectors are held at a time.
_PAIRS_PER_BLOCK = 20_000


@dataclass(frozen=True)
class RerankedContents:
    """What has been indexed: one state of the estimator.

    Attributes
    ----------
    hasher : estimator
        The fitted hasher.
    index : HammingNearestNeighbors
        The codes.
    vectors : {ndarray, csr_array, csr_matrix} of shape (n_samples, n_features)
        The vectors.
    feature_names : ndarray of shape (n_features,) or None
        Names of the columns.
    """

    hasher: Any
    index: HammingNearestNeighbors
    vectors: Any
    feature_names: NDArray[np.object_] | None

    @property
    def n_features(self) -> int:
        """Number of columns of `X`."""
        return self.vectors.shape[1]


class RerankedNearestNeighbors(SnapshotMixin):
    """Search for nearest neighbors by real vectors, among candidates found by codes.

    The codes, small enough to scan, give `rerank_factor` candidates per neighbor; the
    distances of the vectors themselves then order these.

    Parameters
    ----------
    hasher : estimator, default=None
        The hasher, which is cloned and fitted; wrap a fitted one in scikit-learn's
        ``FrozenEstimator`` to take it as it is. It may give bits or packed codes, also
        as a step of a Pipeline, ColumnTransformer or FeatureUnion. None is
        ``ITQHasher(64)``.
    n_neighbors : int, default=5
        Number of neighbors in :meth:`kneighbors` by default.
    rerank_factor : int, default=10
        Number of candidates per neighbor.
    metric : {"cosine", "euclidean", "inner_product"}, default="cosine"
        What orders the candidates. The distance is 1 - cos, the Euclidean distance, or
        the inner product with its sign changed.
    n_jobs : int, default=None
        Number of threads that scan the codes, as in :class:`joblib.Parallel`.
    random_state : int, RandomState instance or None, default=None
        Seed of the default hasher. Not used if `hasher` is given.

    Attributes
    ----------
    hasher_ : estimator
        The fitted hasher.
    index_ : HammingNearestNeighbors
        The codes.
    n_samples_fit_ : int
        Number of indexed vectors.
    n_features_in_ : int
        Number of columns of `X`.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the columns, where `X` had names.

    Notes
    -----
    The vectors are kept as they are given (for the cosine, at unit length). A query
    costs the scan of the codes and O(rerank_factor * n_neighbors * n_features) for the
    candidates. Where many samples are nearly as near as the nearest, a larger
    `rerank_factor`, which costs little, finds more of them.

    References
    ----------
    .. [1] H. Jégou, R. Tavenard, M. Douze, L. Amsaleg, "Searching in one billion
       vectors: re-rank with source coding", ICASSP 2011.
       doi:10.1109/ICASSP.2011.5946540

    Examples
    --------
    >>> import numpy as np
    >>> from skhash import RerankedNearestNeighbors
    >>> X = np.random.RandomState(0).randn(500, 16)
    >>> search = RerankedNearestNeighbors(n_neighbors=1, random_state=0).fit(X)
    >>> search.kneighbors(X[:3] + 0.01, return_distance=False).ravel()
    array([0, 1, 2])
    """

    _parameter_constraints: dict = {
        "hasher": [HasMethods(["fit", "transform"]), None],
        "n_neighbors": [Interval(Integral, 1, None, closed="left")],
        "rerank_factor": [Interval(Integral, 1, None, closed="left")],
        "metric": [StrOptions({"cosine", "euclidean", "inner_product"})],
        "n_jobs": [Integral, None],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        hasher: Any = None,
        *,
        n_neighbors: int = 5,
        rerank_factor: int = 10,
        metric: str = "cosine",
        n_jobs: int | None = None,
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        self.hasher = hasher
        self.n_neighbors = n_neighbors
        self.rerank_factor = rerank_factor
        self.metric = metric
        self.n_jobs = n_jobs
        self.random_state = random_state

    @property
    def hasher_(self) -> Any:
        """The fitted hasher."""
        return self._fitted("hasher_").hasher

    @property
    def index_(self) -> HammingNearestNeighbors:
        """The codes."""
        return self._fitted("index_").index

    @property
    def n_samples_fit_(self) -> int:
        """Number of indexed vectors."""
        return self._fitted("n_samples_fit_").vectors.shape[0]

    @fit_context(prefer_skip_nested_validation=False)
    def fit(
        self, X: ArrayLike | sp.spmatrix, y: ArrayLike | None = None
    ) -> RerankedNearestNeighbors:
        """Fit the hasher, and index codes and vectors.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The vectors to search.
        y : array-like of shape (n_samples,) or (n_samples, n_classes), default=None
            Labels for a hasher that learns from them; -1 for an unlabeled sample.

        Returns
        -------
        self : object
            The fitted estimator.
        """
        return self._change(self._indexed, X, y)

    def _indexed(self, X: Any, y: Any) -> RerankedContents:
        names = get_feature_names(X)
        vectors = check_array(
            X,
            accept_sparse="csr",
            dtype=[np.float64, np.float32],
            estimator=self,
            input_name="X",
        )
        if self.hasher is None:
            hasher = ITQHasher(64, random_state=self.random_state)
        else:
            hasher = clone(self.hasher)
        # The hasher gets what came, whose columns may have names.
        codes = hasher.fit(X, y).transform(X)
        packed = is_packed(hasher, codes.shape[1])
        index = HammingNearestNeighbors(packed=packed, n_jobs=self.n_jobs)
        index.fit(codes if packed else unpack_columns(hasher, codes))
        return RerankedContents(hasher, index, self._scaled(vectors), names)

    def kneighbors(
        self,
        X: ArrayLike | sp.spmatrix | None = None,
        n_neighbors: int | None = None,
        return_distance: bool = True,
    ) -> tuple[NDArray[np.float64], NDArray[np.intp]] | NDArray[np.intp]:
        """Find the nearest neighbors of vectors.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_queries, n_features), default=None
            The queries. If None, every indexed vector is a query and is not its own
            neighbor.
        n_neighbors : int, default=None
            Number of neighbors; that of the constructor if None.
        return_distance : bool, default=True
            Whether to return the distances too.

        Returns
        -------
        distances : ndarray of shape (n_queries, n_neighbors), float64
            Ascending. Only if `return_distance`.
        indices : ndarray of shape (n_queries, n_neighbors), intp
            Indices of the neighbors; at equal distance in ascending order.

        Raises
        ------
        NotFittedError
            If there is no index yet.
        TypeError
            If `n_neighbors` is no int.
        ValueError
            If `n_neighbors` is not from 1 to the number of vectors that a query can
            find, or `X` has another number of features.
        """
        distances, indices = self._snapshot()._nearest(X, n_neighbors)
        return (distances, indices) if return_distance else indices

    def kneighbors_graph(
        self,
        X: ArrayLike | sp.spmatrix | None = None,
        n_neighbors: int | None = None,
        mode: str = "connectivity",
    ) -> sp.csr_matrix:
        """Return the graph of the nearest neighbors of vectors.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_queries, n_features), default=None
            The queries; see :meth:`kneighbors`.
        n_neighbors : int, default=None
            Number of neighbors; that of the constructor if None.
        mode : {"connectivity", "distance"}, default="connectivity"
            Whether edges weigh 1 or the distance.

        Returns
        -------
        graph : csr_matrix of shape (n_queries, n_samples_fit), float64
            Distances of zero are stored; neighbors of a query by (distance, index).

        Raises
        ------
        NotFittedError, TypeError, ValueError
            As :meth:`kneighbors`; ValueError for a `mode` that is none of these.
        """
        check_mode(mode)
        snapshot = self._snapshot()
        distances, indices = snapshot._nearest(X, n_neighbors)
        n_queries, k = indices.shape
        data = np.ones(indices.size) if mode == "connectivity" else distances.ravel()
        indptr = np.arange(0, indices.size + 1, k)
        shape = n_queries, snapshot.n_samples_fit_
        return sp.csr_matrix((data, indices.ravel(), indptr), shape=shape)

    # For a snapshot -------------------------------------------------------------------

    def _nearest(
        self, X: Any, n_neighbors: int | None
    ) -> tuple[NDArray[np.float64], NDArray[np.intp]]:
        n_neighbors = self.n_neighbors if n_neighbors is None else n_neighbors
        codes, queries = None, self._contents.vectors
        if X is not None:
            queries = self._check_queries(X)
            codes = self.hasher_.transform(X)
            if not self.index_.packed:
                codes = unpack_columns(self.hasher_, codes)
        n_candidates = self._n_candidates(n_neighbors, X is None)
        candidates = self.index_.kneighbors(codes, n_candidates, return_distance=False)
        candidates = np.sort(candidates, axis=1)
        shape = (queries.shape[0], n_neighbors)
        distances, indices = np.empty(shape), np.empty(shape, dtype=np.intp)
        for rows in gen_batches(shape[0], max(1, _PAIRS_PER_BLOCK // n_candidates)):
            exact = self._pair_distances(queries[rows], candidates[rows])
            order = np.argsort(exact, axis=1, kind="stable")[:, :n_neighbors]
            distances[rows] = np.take_along_axis(exact, order, axis=1)
            indices[rows] = np.take_along_axis(candidates[rows], order, axis=1)
        return distances, indices

    def _n_candidates(self, n_neighbors: int, to_self: bool) -> int:
        """Return the number of candidates, or what the index will refuse."""
        is_int = isinstance(n_neighbors, Integral) and not isinstance(n_neighbors, bool)
        if not is_int or n_neighbors < 1:
            return n_neighbors
        most = max(n_neighbors, self.n_samples_fit_ - to_self)
        return min(n_neighbors * self.rerank_factor, most)

    def _pair_distances(self, queries: Any, candidates: NDArray) -> NDArray[np.float64]:
        """Return the distances of queries to their own candidates.

        Pair by pair, where a matrix product would be faster: there the rounding depends
        on the place in the matrix, so that of two copies of a vector one would be
        nearer.
        """
        found = self._contents.vectors[candidates.ravel()]
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
            # Not by products, of which little is left where vectors are far from zero.
            asked = found = found - asked
        products = product(asked, found).astype(np.float64).reshape(candidates.shape)
        if self.metric == "inner_product":
            return -products
        if self.metric == "cosine":
            return np.clip(1 - products, 0, 2)
        return np.sqrt(products)

    def _check_queries(self, X: Any) -> Any:
        queries = validate_data(
            self,
            X,
            accept_sparse="csr",
            dtype=[np.float64, np.float32],
            reset=False,
        )
        return self._scaled(queries)

    def _scaled(self, vectors: Any) -> Any:
        return normalize(vectors) if self.metric == "cosine" else vectors

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags


def _products_of_sparse_pairs(left: sp.csr_array, right: sp.csr_array) -> NDArray:
    return np.asarray(left.multiply(right).sum(axis=1))
