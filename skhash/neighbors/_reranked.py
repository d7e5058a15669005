"""Search in two stages: candidates by Hamming distance, re-ranked by real vectors."""

from __future__ import annotations

from dataclasses import dataclass, replace
from numbers import Integral, Real
from typing import Any, Literal

import numpy as np
import scipy.sparse as sp
from numpy.typing import ArrayLike, NDArray
from sklearn.base import clone
from sklearn.utils import Tags, check_array

from skhash._packed_columns import is_packed, unpack_columns
from skhash.neighbors._default_hasher import fit_default_hasher
from skhash.neighbors._nearest import HammingNearestNeighbors
from skhash.neighbors._reranked_search import RerankedSearchMixin
from skhash.neighbors._vectors import DenseVectors, SparseVectors, store_vectors
from skhash.utils._compat import (
    HasMethods,
    Interval,
    StrOptions,
    fit_context,
    get_feature_names,
)

__all__ = ["RerankedNearestNeighbors"]


@dataclass(frozen=True)
class RerankedContents:
    """What has been indexed: one state of the estimator.

    Attributes
    ----------
    hasher : estimator
        The fitted hasher.
    index : HammingNearestNeighbors
        The codes, with labels and ids.
    vectors : DenseVectors or SparseVectors
        The vectors.
    n_features : int
        Number of columns of `X`.
    feature_names : ndarray of shape (n_features,) or None
        Names of the columns.
    """

    hasher: Any
    index: HammingNearestNeighbors
    vectors: DenseVectors | SparseVectors
    n_features: int
    feature_names: NDArray[np.object_] | None


class RerankedNearestNeighbors(RerankedSearchMixin):
    """Search for nearest neighbors by real vectors, among candidates found by codes.

    A scan of the codes finds `rerank_factor` candidates per neighbor, which are ordered
    by the distances of the vectors themselves.

    Parameters
    ----------
    hasher : estimator, default=None
        The hasher, which is cloned and fitted; wrap a fitted one in scikit-learn's
        ``FrozenEstimator`` to take it as it is. It may give bits or packed codes, also
        as a step of a Pipeline, ColumnTransformer or FeatureUnion. None chooses
        one, see Notes.
    n_neighbors : int, default=5
        Number of neighbors in :meth:`kneighbors` by default.
    rerank_factor : int, default=10
        Number of candidates per neighbor.
    candidates : {"hamming", "asymmetric"}, default="hamming"
        How :meth:`kneighbors` ranks codes to find candidates: by Hamming distance to
        the code of the query, or by inner product with what `decision_function` of the
        hasher returns for it, see
        :meth:`HammingNearestNeighbors.asymmetric_kneighbors`. The second takes four
        times as long per code and needs fewer candidates. With ``X=None`` the codes
        themselves are the queries.
    metric : {"cosine", "euclidean", "inner_product"}, default="cosine"
        The distance that orders the candidates: 1 - cos, the Euclidean distance, or
        the inner product with its sign changed.
    radius : float, default=0.5
        Largest distance in :meth:`radius_neighbors` by default, inclusive.
    hamming_radius : int, default=None
        Largest distance of a code to that of the query in :meth:`radius_neighbors`, in
        bits, inclusive; a quarter of the bits if None.
    n_jobs : int, default=None
        Number of threads that scan the codes, as in :class:`joblib.Parallel`.
    random_state : int, RandomState instance or None, default=None
        Seed of the default hasher and of its choice. Not used if `hasher` is given.

    Attributes
    ----------
    hasher_ : estimator
        The fitted hasher.
    index_ : HammingNearestNeighbors
        The codes. Change them by the methods of this estimator only.
    labels_ : ndarray of shape (n_samples_fit_,) or (n_samples_fit_, n_classes), or None
        The labels `y` of the indexed vectors; read-only.
    ids_ : ndarray of shape (n_samples_fit_,), int64, uint64 or str, or None
        The ids of the indexed vectors; read-only.
    n_samples_fit_ : int
        Number of indexed vectors.
    n_features_in_ : int
        Number of columns of `X`.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the columns, where `X` had names.

    Notes
    -----
    With ``hasher=None`` the hasher is ``ITQHasher(64)``, ``ITQHasher(128)`` or
    ``RandomProjectionHasher(256)``: the first whose short lists, for held-out samples,
    have a recall of the true neighbors at most 0.01 below the best. At most 20,000
    samples are drawn for that, up to 500 of them as queries; with fewer than 1,000
    samples or more than 2**17 features it is ``ITQHasher(64)``. Principal components
    represent short texts poorly, of which random projections find more neighbors.

    `fit`, `partial_fit` and `remove` replace the whole fitted state by one assignment,
    as those of :class:`HammingNearestNeighbors` do.

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
        "candidates": [StrOptions({"hamming", "asymmetric"})],
        "metric": [StrOptions({"cosine", "euclidean", "inner_product"})],
        "radius": [Interval(Real, None, None, closed="neither")],
        "hamming_radius": [Interval(Integral, 0, None, closed="left"), None],
        "n_jobs": [Integral, None],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        hasher: Any = None,
        *,
        n_neighbors: int = 5,
        rerank_factor: int = 10,
        candidates: Literal["hamming", "asymmetric"] = "hamming",
        metric: str = "cosine",
        radius: float = 0.5,
        hamming_radius: int | None = None,
        n_jobs: int | None = None,
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        self.hasher = hasher
        self.n_neighbors = n_neighbors
        self.rerank_factor = rerank_factor
        self.candidates = candidates
        self.metric = metric
        self.radius = radius
        self.hamming_radius = hamming_radius
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
        return len(self._fitted("n_samples_fit_").vectors)

    @property
    def labels_(self) -> NDArray | None:
        """Labels of the indexed vectors; read-only."""
        return self._fitted("labels_").index.labels_

    @property
    def ids_(self) -> NDArray | None:
        """Ids of the indexed vectors; read-only."""
        return self._fitted("ids_").index.ids_

    @fit_context(prefer_skip_nested_validation=False)
    def fit(
        self,
        X: ArrayLike | sp.spmatrix,
        y: ArrayLike | None = None,
        ids: ArrayLike | None = None,
    ) -> RerankedNearestNeighbors:
        """Fit the hasher, and index codes and vectors.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The vectors to search.
        y : array-like of shape (n_samples,) or (n_samples, n_classes), default=None
            Labels for a hasher that learns from them, and for :meth:`score`; -1 for an
            unlabeled sample.
        ids : array-like of shape (n_samples,), int or str, default=None
            Unique ids of the vectors, by which they can be found, filtered and removed.

        Returns
        -------
        self : object
            The fitted estimator.

        Raises
        ------
        ValueError
            If `X` is invalid, its length is not that of `y` or `ids`, a label could
            mean something else, or an id is no integer or string or occurs twice.
        """
        return self._change(self._indexed, X, y, ids)

    def _indexed(self, X: Any, y: Any, ids: Any) -> RerankedContents:
        names = get_feature_names(X)
        vectors = check_array(
            X,
            accept_sparse="csr",
            dtype=[np.float64, np.float32],
            estimator=self,
            input_name="X",
        )
        # The hasher gets what came, whose columns may have names.
        if self.hasher is None:
            hasher = fit_default_hasher(
                X,
                vectors,
                n_neighbors=int(self.n_neighbors),
                depth=int(self.n_neighbors) * int(self.rerank_factor),
                metric=self.metric,
                random_state=self.random_state,
            )
        else:
            hasher = clone(self.hasher).fit(X, y)
        codes = hasher.transform(X)
        if self.candidates == "asymmetric" and not hasattr(hasher, "decision_function"):
            raise ValueError(
                "candidates='asymmetric' needs a hasher with decision_function, which "
                f"{type(hasher).__name__} lacks; use candidates='hamming'."
            )
        packed = is_packed(hasher, codes.shape[1])
        index = HammingNearestNeighbors(packed=packed, n_jobs=self.n_jobs)
        index.fit(codes if packed else unpack_columns(hasher, codes), y, ids)
        stored = store_vectors(self._scaled(vectors))
        return RerankedContents(hasher, index, stored, vectors.shape[1], names)

    @fit_context(prefer_skip_nested_validation=False)
    def partial_fit(
        self,
        X: ArrayLike | sp.spmatrix,
        y: ArrayLike | None = None,
        ids: ArrayLike | None = None,
    ) -> RerankedNearestNeighbors:
        """Add vectors at the end of the index; the hasher stays as it is.

        The first call is a `fit`.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The vectors to add. They are stored as those in the index are: dense or
            sparse, and of the same dtype.
        y : array-like of shape (n_samples,) or (n_samples, n_classes), default=None
            Their labels; required exactly if the index has labels.
        ids : array-like of shape (n_samples,), int or str, default=None
            Their ids, none of which is in the index; required exactly if the index has
            ids.

        Returns
        -------
        self : object
            The estimator.

        Raises
        ------
        ValueError
            If `X`, `y` or `ids` does not fit what is in the index.
        """
        return self._change(self._extended, X, y, ids)

    def _extended(self, X: Any, y: Any, ids: Any) -> RerankedContents:
        if "_contents" not in self.__dict__:
            return self._indexed(X, y, ids)
        old: RerankedContents = self._contents
        codes, vectors = self._codes_of(X)
        index = old.index._snapshot().partial_fit(codes, y, ids)
        return replace(old, index=index, vectors=old.vectors.append(vectors))

    def remove(
        self, indices: ArrayLike | None = None, *, ids: ArrayLike | None = None
    ) -> RerankedNearestNeighbors:
        """Remove vectors from the index; the others keep their order and move up.

        Parameters
        ----------
        indices : array-like of int, default=None
            Indices of the vectors to remove.
        ids : array-like of int or str, default=None
            The ids of the vectors to remove, in place of `indices`.

        Returns
        -------
        self : object
            The estimator.

        Raises
        ------
        NotFittedError
            If there is no index yet.
        ValueError
            If an index is out of range, an id is not in the index, or not exactly one
            of `indices` and `ids` is given.
        """
        self._snapshot()  # raises if there is no index
        return self._change(self._reduced, indices, ids)

    def _reduced(self, indices: Any, ids: Any) -> RerankedContents:
        old: RerankedContents = self._contents
        removed = np.unique(old.index._check_positions(indices, ids))
        removed = removed.astype(np.intp, copy=False)
        index = old.index._snapshot().remove(removed)
        return replace(old, index=index, vectors=old.vectors.without(removed))

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags
