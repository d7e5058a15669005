"""Find the nearest codes, or all within a radius, in the way of scikit-learn."""

from __future__ import annotations

from numbers import Integral

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import csr_matrix

from skhash.neighbors._base import HammingNeighborsBase, check_mode
from skhash.utils._compat import Interval
from skhash.utils._docstrings import substitute

TEXTS = {
    "X": """
        X : array-like of shape (n_queries, n_bits or n_bytes), default=None
            Query codes in the form that the index was fitted with. If None, every
            indexed code is a query and is not its own neighbor (by its index: an equal
            code at another index still is).""",
    "subset": """
        mask : ndarray of shape (n_samples_fit,), bool, default=None
            The indexed codes that may be found; all if None.
        indices : array-like of int, default=None
            The same as a list of indices.
        ids : array-like of int or str, default=None
            The same as a list of ids.""",
    "return_ids": """
        return_ids : bool, default=False
            Whether to return ids in place of indices. Both are of the state that the
            search began with: indices may have moved when another thread has removed
            codes, ids have not.""",
    "mode": """
        mode : {"connectivity", "distance"}, default="connectivity"
            Whether edges weigh 1 or the distance in bits.""",
    "graph": """
        graph : csr_matrix of shape (n_queries, n_samples_fit), float64
            Distances of zero are stored; neighbors of a query by (distance, index).""",
}


class KNeighborsMixin(HammingNeighborsBase):
    """Search for the nearest codes."""

    _parameter_constraints: dict = {
        **HammingNeighborsBase._parameter_constraints,
        "n_neighbors": [Interval(Integral, 1, None, closed="left")],
    }

    n_neighbors: int

    @substitute(**TEXTS)
    def kneighbors(
        self,
        X: ArrayLike | None = None,
        n_neighbors: int | None = None,
        return_distance: bool = True,
        *,
        mask: ArrayLike | None = None,
        indices: ArrayLike | None = None,
        ids: ArrayLike | None = None,
        pad: bool = False,
        return_ids: bool = False,
    ) -> tuple[NDArray[np.int32], NDArray] | NDArray:
        """Find the nearest codes of each query.

        Parameters
        ----------
        {X}
        n_neighbors : int, default=None
            Number of neighbors; that of the constructor if None.
        return_distance : bool, default=True
            Whether to return the distances too.
        {subset}
        pad : bool, default=False
            What to do where fewer than `n_neighbors` codes may be found. False: raise.
            True: fill up with the distance ``n_bits_ + 1`` and the index -1; in place
            of ids with -1 (the largest id if they are unsigned) or the empty string.
        {return_ids}

        Returns
        -------
        distances : ndarray of shape (n_queries, n_neighbors), int32
            Differing bits, ascending. Only if `return_distance`.
        indices : ndarray of shape (n_queries, n_neighbors), intp
            Indices of the neighbors, or their ids with `return_ids`; at equal distance
            in ascending order of the indices.

        Raises
        ------
        NotFittedError
            If there is no index yet.
        TypeError
            If `n_neighbors` is not an int, or packed codes are not of dtype uint8.
        ValueError
            If `X` has the wrong length of code or is not binary, `n_neighbors` is not
            from 1 to the number of codes that may be found, `mask`, `indices` or `ids`
            do not fit the index, or it has no ids.
        """
        snapshot = self._snapshot()
        names = snapshot._check_ids() if return_ids else None
        subset = snapshot._check_subset(mask, indices, ids)
        distances, found = snapshot._nearest(X, n_neighbors, subset, pad)
        neighbors = found if names is None else names.take(found)
        return (distances, neighbors) if return_distance else neighbors

    @substitute(**TEXTS)
    def kneighbors_graph(
        self,
        X: ArrayLike | None = None,
        n_neighbors: int | None = None,
        mode: str = "connectivity",
        *,
        mask: ArrayLike | None = None,
        indices: ArrayLike | None = None,
        ids: ArrayLike | None = None,
    ) -> csr_matrix:
        """Return the graph of the nearest codes of each query.

        Parameters
        ----------
        {X}
        n_neighbors : int, default=None
            Number of neighbors; that of the constructor if None.
        {mode}
        {subset}

        Returns
        -------
        {graph}

        Raises
        ------
        NotFittedError, TypeError, ValueError
            As :meth:`kneighbors`; ValueError for a `mode` that is none of these.
        """
        check_mode(mode)
        snapshot = self._snapshot()
        subset = snapshot._check_subset(mask, indices, ids)
        found = snapshot._nearest(X, n_neighbors, subset)
        return snapshot._nearest_graph(*found, mode)

    def _nearest(
        self,
        X: ArrayLike | None,
        n_neighbors: int | None,
        subset: NDArray[np.bool_] | None,
        pad: bool = False,
    ) -> tuple[NDArray[np.int32], NDArray[np.intp]]:
        n_candidates = self.n_samples_fit_ if subset is None else int(subset.sum())
        most = None if pad else n_candidates
        k = self._check_n_neighbors(n_neighbors, most, X is None)
        if k > n_candidates - (X is None):
            return self._padded(X, k, n_candidates, subset)
        index = self._index
        return self._find(index.nearest, index.nearest_others, X, k, subset)

    def _padded(
        self,
        X: ArrayLike | None,
        k: int,
        n_candidates: int,
        subset: NDArray[np.bool_] | None,
    ) -> tuple[NDArray[np.int32], NDArray[np.intp]]:
        """Find all codes of a subset, and fill up to k neighbors."""
        index = self._index
        queries = index.rows() if X is None else self._check_queries(X)
        shape = len(queries), k + (X is None)
        distances = np.full(shape, index.n_bits + 1, dtype=np.int32)
        found = np.full(shape, -1, dtype=np.intp)
        if n_candidates and len(queries):
            distances[:, :n_candidates], found[:, :n_candidates] = index.nearest(
                queries, n_candidates, mask=subset, n_threads=self._n_threads()
            )
        if X is None:
            others = found != np.arange(len(queries))[:, None]
            others[others.all(axis=1), -1] = False  # one column too many
            distances = distances[others].reshape(-1, k)
            found = found[others].reshape(-1, k)
        return distances, found

    def _nearest_graph(
        self, distances: NDArray[np.int32], found: NDArray[np.intp], mode: str
    ) -> csr_matrix:
        n_queries, k = found.shape
        counts = np.full(n_queries, k)
        return self._graph(counts, distances.ravel(), found.ravel(), mode)

    def _check_n_neighbors(
        self, n_neighbors: int | None, n_candidates: int | None, to_self: bool
    ) -> int:
        """Validate the number of neighbors, at most `n_candidates` unless None."""
        if n_neighbors is None:
            n_neighbors = self.n_neighbors
        if not isinstance(n_neighbors, Integral) or isinstance(n_neighbors, bool):
            raise TypeError(
                f"n_neighbors must be an int; got {n_neighbors!r} of type "
                f"{type(n_neighbors).__name__}."
            )
        if n_neighbors < 1:
            raise ValueError(f"n_neighbors must be at least 1; got {n_neighbors}.")
        if n_candidates is not None and n_neighbors > n_candidates - to_self:
            least = "less than" if to_self else "at most"
            raise ValueError(
                f"n_neighbors must be {least} the number of indexed codes that may be "
                f"found; got n_neighbors={n_neighbors}, n_samples={n_candidates}."
            )
        return int(n_neighbors)


class RadiusNeighborsMixin(HammingNeighborsBase):
    """Search for all codes within a radius."""

    _parameter_constraints: dict = {
        **HammingNeighborsBase._parameter_constraints,
        "radius": [Interval(Integral, 0, None, closed="left")],
    }

    radius: int

    @substitute(**TEXTS)
    def radius_neighbors(
        self,
        X: ArrayLike | None = None,
        radius: int | None = None,
        return_distance: bool = True,
        *,
        mask: ArrayLike | None = None,
        indices: ArrayLike | None = None,
        ids: ArrayLike | None = None,
        return_ids: bool = False,
    ) -> tuple[NDArray[np.object_], NDArray[np.object_]] | NDArray[np.object_]:
        """Find all codes within a distance of each query.

        Parameters
        ----------
        {X}
        radius : int, default=None
            Largest distance in bits, inclusive; that of the constructor if None.
        return_distance : bool, default=True
            Whether to return the distances too.
        {subset}
        {return_ids}

        Returns
        -------
        distances : ndarray of shape (n_queries,) of ndarrays, int32
            For each query the distances, ascending. Only if `return_distance`.
        indices : ndarray of shape (n_queries,) of ndarrays, intp
            For each query the indices, or the ids with `return_ids`; at equal distance
            in ascending order of the indices.

        Raises
        ------
        NotFittedError
            If there is no index yet.
        TypeError
            If `radius` is not an int, or packed codes are not of dtype uint8.
        ValueError
            If `X` has the wrong length of code or is not binary, `radius` is negative,
            `mask`, `indices` or `ids` do not fit the index, or it has no ids.
        """
        snapshot = self._snapshot()
        names = snapshot._check_ids() if return_ids else None
        subset = snapshot._check_subset(mask, indices, ids)
        counts, distances, found = snapshot._within(X, radius, subset)
        neighbors = ragged(counts, found if names is None else names.take(found))
        return (ragged(counts, distances), neighbors) if return_distance else neighbors

    @substitute(**TEXTS)
    def radius_neighbors_graph(
        self,
        X: ArrayLike | None = None,
        radius: int | None = None,
        mode: str = "connectivity",
        *,
        mask: ArrayLike | None = None,
        indices: ArrayLike | None = None,
        ids: ArrayLike | None = None,
    ) -> csr_matrix:
        """Return the graph of all codes within a distance of each query.

        Parameters
        ----------
        {X}
        radius : int, default=None
            Largest distance in bits, inclusive; that of the constructor if None.
        {mode}
        {subset}

        Returns
        -------
        {graph}

        Raises
        ------
        NotFittedError, TypeError, ValueError
            As :meth:`radius_neighbors`; ValueError for a `mode` that is none of these.
        """
        check_mode(mode)
        snapshot = self._snapshot()
        subset = snapshot._check_subset(mask, indices, ids)
        return snapshot._graph(*snapshot._within(X, radius, subset), mode)

    def _within(
        self,
        X: ArrayLike | None,
        radius: int | None,
        subset: NDArray[np.bool_] | None = None,
    ) -> tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.intp]]:
        """Return counts, distances and indices of all codes within the radius."""
        limit = self._check_radius(radius)
        index = self._index
        return self._find(index.within, index.within_others, X, limit, subset)

    def _check_radius(self, radius: int | None) -> int:
        """Validate a radius, and cut it to the length of the codes."""
        if radius is None:
            radius = self.radius
        if not isinstance(radius, Integral) or isinstance(radius, bool):
            raise TypeError(
                f"radius must be an int, a number of bits; got {radius!r} of type "
                f"{type(radius).__name__}."
            )
        if radius < 0:
            raise ValueError(f"radius must be at least 0; got {radius}.")
        return min(int(radius), self.n_bits_)


def ragged(counts: NDArray[np.int64], values: NDArray) -> NDArray[np.object_]:
    """Cut values into an object array of arrays, one per query."""
    arrays = np.empty(len(counts), dtype=object)
    end = 0
    for i, count in enumerate(counts.tolist()):
        start, end = end, end + count
        arrays[i] = values[start:end]
    return arrays
