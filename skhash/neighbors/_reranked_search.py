"""Search codes for candidates, and order these by the distances of real vectors."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import ArrayLike, NDArray
from sklearn.utils import gen_batches
from sklearn.utils.validation import validate_data

from skhash._packed_columns import unpack_columns
from skhash.metrics._relevance import resolve_relevance
from skhash.neighbors._base import check_mode
from skhash.neighbors._contents import SnapshotMixin
from skhash.neighbors._mixins import TEXTS as SHARED
from skhash.neighbors._mixins import ragged
from skhash.neighbors._pair_distances import pair_distances
from skhash.utils._compat import num_samples
from skhash.utils._docstrings import substitute
from skhash.utils._labels import as_array, check_partial_labels, warn_of_unlabeled
from skhash.utils._linalg import unit_rows

# Pairs of a query and a candidate whose vectors are held at a time.
_PAIRS_PER_BLOCK = 20_000

TEXTS = {
    **SHARED,
    "X": """
        X : {array-like, sparse matrix} of shape (n_queries, n_features), default=None
            The queries. If None, every indexed vector is a query and is not its own
            neighbor.""",
}


class RerankedSearchMixin(SnapshotMixin):
    """Search in two stages."""

    n_neighbors: int
    rerank_factor: int
    candidates: str
    radius: float
    hamming_radius: int | None
    metric: str

    @substitute(**TEXTS)
    def kneighbors(
        self,
        X: ArrayLike | sp.spmatrix | None = None,
        n_neighbors: int | None = None,
        return_distance: bool = True,
        *,
        mask: ArrayLike | None = None,
        indices: ArrayLike | None = None,
        ids: ArrayLike | None = None,
        pad: bool = False,
        return_ids: bool = False,
    ) -> tuple[NDArray[np.float64], NDArray] | NDArray:
        """Find the nearest neighbors of vectors.

        Parameters
        ----------
        {X}
        n_neighbors : int, default=None
            Number of neighbors; that of the constructor if None.
        return_distance : bool, default=True
            Whether to return the distances too.
        {subset}
        pad : bool, default=False
            What to do where fewer than `n_neighbors` vectors may be found. False:
            raise. True: fill up with an infinite distance and the index -1; in place
            of ids with -1 (the largest id if they are unsigned) or the empty string.
        {return_ids}

        Returns
        -------
        distances : ndarray of shape (n_queries, n_neighbors), float64
            Ascending. Only if `return_distance`.
        indices : ndarray of shape (n_queries, n_neighbors), intp
            Indices of the neighbors, or their ids with `return_ids`; at equal distance
            in ascending order of the indices.

        Raises
        ------
        NotFittedError
            If there is no index yet.
        TypeError
            If `n_neighbors` is not an int.
        ValueError
            If `n_neighbors` is not from 1 to the number of vectors that a query can
            find, `X` has another number of features, `mask`, `indices` or `ids` do not
            fit the index, or it has no ids.
        """
        snapshot = self._snapshot()
        index = snapshot._contents.index
        names = index._check_ids() if return_ids else None
        subset = index._check_subset(mask, indices, ids)
        distances, found = snapshot._nearest(X, n_neighbors, subset, pad)
        neighbors = found if names is None else names.take(found)
        return (distances, neighbors) if return_distance else neighbors

    @substitute(**TEXTS)
    def kneighbors_graph(
        self,
        X: ArrayLike | sp.spmatrix | None = None,
        n_neighbors: int | None = None,
        mode: str = "connectivity",
        *,
        mask: ArrayLike | None = None,
        indices: ArrayLike | None = None,
        ids: ArrayLike | None = None,
    ) -> sp.csr_matrix:
        """Return the graph of the nearest neighbors of vectors.

        Parameters
        ----------
        {X}
        n_neighbors : int, default=None
            Number of neighbors; that of the constructor if None.
        mode : {"connectivity", "distance"}, default="connectivity"
            Whether edges weigh 1 or the distance.
        {subset}

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
        index = snapshot._contents.index
        subset = index._check_subset(mask, indices, ids)
        distances, found = snapshot._nearest(X, n_neighbors, subset)
        n_queries, k = found.shape
        data = np.ones(found.size) if mode == "connectivity" else distances.ravel()
        indptr = np.arange(0, found.size + 1, k)
        shape = n_queries, index.n_samples_fit_
        return sp.csr_matrix((data, found.ravel(), indptr), shape=shape)

    @substitute(**TEXTS)
    def radius_neighbors(
        self,
        X: ArrayLike | sp.spmatrix | None = None,
        radius: float | None = None,
        return_distance: bool = True,
        *,
        mask: ArrayLike | None = None,
        indices: ArrayLike | None = None,
        ids: ArrayLike | None = None,
        return_ids: bool = False,
    ) -> tuple[NDArray[np.object_], NDArray[np.object_]] | NDArray[np.object_]:
        """Find the vectors within a distance, among those whose codes are near.

        Parameters
        ----------
        {X}
        radius : float, default=None
            Largest distance by `metric`, inclusive; that of the constructor if None.
        return_distance : bool, default=True
            Whether to return the distances too.
        {subset}
        {return_ids}

        Returns
        -------
        distances : ndarray of shape (n_queries,) of ndarrays, float64
            For each query the distances, ascending. Only if `return_distance`.
        indices : ndarray of shape (n_queries,) of ndarrays, intp
            For each query the indices, or the ids with `return_ids`; at equal distance
            in ascending order of the indices.

        Raises
        ------
        NotFittedError
            If there is no index yet.
        TypeError
            If `radius` is not a number.
        ValueError
            If `X` has another number of features, `mask`, `indices` or `ids` do not
            fit the index, or it has no ids.

        Notes
        -----
        Vectors within `radius` whose codes differ in more than `hamming_radius` bits
        are not found.
        """
        snapshot = self._snapshot()
        index = snapshot._contents.index
        names = index._check_ids() if return_ids else None
        subset = index._check_subset(mask, indices, ids)
        counts, distances, found = snapshot._within(X, radius, subset)
        neighbors = ragged(counts, found if names is None else names.take(found))
        return (ragged(counts, distances), neighbors) if return_distance else neighbors

    def score(self, X: ArrayLike | sp.spmatrix, y: ArrayLike) -> float:
        """Return the mean precision among the `n_neighbors` nearest vectors.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_queries, n_features)
            The queries.
        y : array-like of shape (n_queries,) or (n_queries, n_classes)
            Their labels; -1 is not a class.

        Returns
        -------
        precision : float
            In [0, 1]: the fraction of indexed vectors with a label of the query, among
            the nearest ones that have a label.

        Raises
        ------
        ValueError
            If no indexed vector has a label.
        """
        snapshot = self._snapshot()
        index = snapshot._contents.index
        labels, n_labeled = index._check_labeled()
        n_queries = num_samples(X)
        warn_of_unlabeled(check_partial_labels(y, n_queries, chunk=True))
        relevance, query_rows, counted = resolve_relevance(
            "any", labels, as_array(y), index.n_samples_fit_, n_queries
        )
        k = min(snapshot.n_neighbors, n_labeled)
        found = snapshot._nearest(X, k, counted)[1][query_rows]
        places = (np.cumsum(counted) - 1)[found]
        n_relevant = 0
        for rows in gen_batches(len(places), 256):
            gains = relevance.block(rows)
            n_relevant += np.take_along_axis(gains, places[rows], axis=1).sum()
        return float(n_relevant / places.size)

    # For a snapshot -------------------------------------------------------------------

    def _nearest(
        self,
        X: Any,
        n_neighbors: int | None,
        subset: NDArray[np.bool_] | None,
        pad: bool = False,
    ) -> tuple[NDArray[np.float64], NDArray[np.intp]]:
        n_neighbors = self.n_neighbors if n_neighbors is None else n_neighbors
        n_candidates = self._n_candidates(n_neighbors, X is None, subset)
        if X is None or self.candidates == "hamming":
            codes, queries = self._codes_of(X)
            candidates = self._contents.index.kneighbors(
                codes, n_candidates, return_distance=False, mask=subset, pad=pad
            )
        else:
            queries = self._check_queries(X)
            candidates = self._asymmetric_candidates(X, n_candidates, subset, pad)
        candidates = np.sort(candidates, axis=1)
        shape, vectors = (queries.shape[0], n_neighbors), self._contents.vectors.matrix
        distances, indices = np.empty(shape), np.empty(shape, dtype=np.intp)
        for rows in gen_batches(shape[0], max(1, _PAIRS_PER_BLOCK // n_candidates)):
            exact = pair_distances(
                queries[rows], candidates[rows], vectors, self.metric
            )
            order = np.argsort(exact, axis=1, kind="stable")[:, :n_neighbors]
            distances[rows] = np.take_along_axis(exact, order, axis=1)
            indices[rows] = np.take_along_axis(candidates[rows], order, axis=1)
        return distances, indices

    def _asymmetric_candidates(
        self, X: Any, n_candidates: int, subset: NDArray[np.bool_] | None, pad: bool
    ) -> NDArray[np.intp]:
        """Return the codes of largest inner product, and -1 for what `pad` adds."""
        values = self._contents.hasher.decision_function(X)
        n = len(self._contents.vectors) if subset is None else np.count_nonzero(subset)
        n_missing = max(0, n_candidates - int(n)) if pad else 0
        found = np.empty((len(values), 0), dtype=np.intp)
        if n_missing < n_candidates:
            found = self._contents.index.asymmetric_kneighbors(
                values, n_candidates - n_missing, False, mask=subset
            )
        return np.pad(found, ((0, 0), (0, n_missing)), constant_values=-1)

    def _within(
        self, X: Any, radius: float | None, subset: NDArray[np.bool_] | None
    ) -> tuple[NDArray[np.intp], NDArray[np.float64], NDArray[np.intp]]:
        """Return counts, distances and indices of what is found within the radius."""
        radius = self.radius if radius is None else radius
        if not isinstance(radius, Real) or isinstance(radius, bool):
            raise TypeError(
                f"radius must be a number; got {radius!r} of type "
                f"{type(radius).__name__}."
            )
        codes, queries = self._codes_of(X)
        index, vectors = self._contents.index, self._contents.vectors.matrix
        bits = (
            index.n_bits_ // 4 if self.hamming_radius is None else self.hamming_radius
        )
        found = index.radius_neighbors(codes, bits, return_distance=False, mask=subset)
        distances = [np.empty(0)]
        neighbors = [np.empty(0, dtype=np.intp)]
        for i, candidates in enumerate(found):
            candidates = np.sort(candidates)
            exact = pair_distances(
                queries[i : i + 1], candidates[None], vectors, self.metric
            )[0]
            order = np.argsort(exact, kind="stable")
            order = order[: np.count_nonzero(exact <= radius)]
            distances.append(exact[order])
            neighbors.append(candidates[order])
        counts = np.array([len(each) for each in neighbors[1:]], dtype=np.intp)
        return counts, np.concatenate(distances), np.concatenate(neighbors)

    def _codes_of(self, X: Any) -> tuple[Any, Any]:
        """Return codes and vectors of queries; all vectors, and no codes, for None."""
        contents = self._contents
        if X is None:
            return None, contents.vectors.matrix
        queries = self._check_queries(X)
        codes = contents.hasher.transform(X)
        if not contents.index.packed:
            codes = unpack_columns(contents.hasher, codes)
        return codes, queries

    def _n_candidates(
        self, n_neighbors: int, to_self: bool, subset: NDArray[np.bool_] | None
    ) -> int:
        """Return the number of candidates, or a number that the index rejects."""
        is_int = isinstance(n_neighbors, Integral) and not isinstance(n_neighbors, bool)
        if not is_int or n_neighbors < 1:
            return n_neighbors
        n = len(self._contents.vectors) if subset is None else np.count_nonzero(subset)
        k = int(n_neighbors)  # 8-bit ints overflow
        return min(k * int(self.rerank_factor), max(k, int(n) - to_self))

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
        return unit_rows(vectors)[0] if self.metric == "cosine" else vectors
