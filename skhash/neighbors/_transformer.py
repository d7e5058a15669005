"""Compute the graph of neighbors as a step of a pipeline."""

from __future__ import annotations

import warnings

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import csr_matrix
from sklearn.base import ClassNamePrefixFeaturesOutMixin, TransformerMixin

from skhash.neighbors._base import PARAMETERS, HammingNeighborsBase
from skhash.neighbors._mixins import KNeighborsMixin, RadiusNeighborsMixin
from skhash.utils._compat import StrOptions, fit_context, num_samples
from skhash.utils._docstrings import substitute

TEXTS = PARAMETERS | {
    "mode": """
        mode : {"distance", "connectivity"}, default="distance"
            Whether edges weigh the distance in bits, or 1.""",
}


class _GraphTransformer(
    ClassNamePrefixFeaturesOutMixin, TransformerMixin, HammingNeighborsBase
):
    """Index codes, and return one feature per indexed code."""

    _parameter_constraints: dict = {
        **HammingNeighborsBase._parameter_constraints,
        "mode": [StrOptions({"distance", "connectivity"})],
    }

    mode: str

    @property
    def _n_features_out(self) -> int:
        return self.n_samples_fit_

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: ArrayLike, y: object = None) -> _GraphTransformer:
        """Index codes.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_bits or n_bytes)
            Codes: bits, or packed codes with ``packed=True``.
        y : Ignored

        Returns
        -------
        self : object
            The fitted transformer.
        """
        return self._change(self._indexed, X)


@substitute(**TEXTS)
class HammingNeighborsTransformer(_GraphTransformer, KNeighborsMixin):
    """Transform codes into the graph of their nearest neighbors in an index.

    The API of :class:`sklearn.neighbors.KNeighborsTransformer` for codes: a step before
    estimators that take a sparse graph with ``metric="precomputed"``.

    Parameters
    ----------
    n_neighbors : int, default=5
        Number of neighbors of each code. With ``mode="distance"`` one more is given,
        since each indexed code is its own neighbor.
    {mode}
    {packed}
    {n_bits}
    {algorithm}
    {max_memory}
    {copy}
    {n_jobs}

    Attributes
    ----------
    {attributes}

    See Also
    --------
    HammingNearestNeighbors : The search itself.
    HammingRadiusNeighborsTransformer : All neighbors within a radius.

    Notes
    -----
    If all indexed codes are transformed at once and in their order, each is among its
    own neighbors, even if more than `n_neighbors` are equal. Any other codes are plain
    queries, for which equal codes with the lowest indices come first.

    Examples
    --------
    >>> import numpy as np
    >>> from skhash.neighbors import HammingNeighborsTransformer
    >>> codes = np.array([[0, 0, 0], [0, 1, 1], [1, 1, 1]])
    >>> HammingNeighborsTransformer(n_neighbors=1).fit_transform(codes).toarray()
    array([[0., 2., 0.],
           [0., 0., 1.],
           [0., 1., 0.]])
    """

    _parameter_constraints: dict = {
        **_GraphTransformer._parameter_constraints,
        **KNeighborsMixin._parameter_constraints,
    }

    def __init__(
        self,
        n_neighbors: int = 5,
        *,
        mode: str = "distance",
        packed: bool = False,
        n_bits: int | None = None,
        algorithm: str = "auto",
        max_memory: float = 1.0,
        copy: bool = True,
        n_jobs: int | None = None,
    ) -> None:
        self.n_neighbors = n_neighbors
        self.mode = mode
        self.packed = packed
        self.n_bits = n_bits
        self.algorithm = algorithm
        self.max_memory = max_memory
        self.copy = copy
        self.n_jobs = n_jobs

    def transform(self, X: ArrayLike) -> csr_matrix:
        """Return the graph of the nearest indexed codes of each query.

        Parameters
        ----------
        X : array-like of shape (n_queries, n_bits or n_bytes)
            Query codes.

        Returns
        -------
        graph : csr_matrix of shape (n_queries, n_samples_fit), float64
            Distances of zero are stored; neighbors of a query by (distance, index).

        Raises
        ------
        NotFittedError, TypeError, ValueError
            As :meth:`kneighbors`.

        Warns
        -----
        UserWarning
            If all neighbors of a code are equal to it, so that the graph may leave out
            other equal codes and whatever is near.
        """
        snapshot = self._snapshot()
        n_neighbors = int(snapshot.n_neighbors) + (snapshot.mode == "distance")
        distances, found = snapshot._nearest(X, n_neighbors, None)
        if snapshot._are_indexed_codes(X):
            _include_self(distances, found)
        n_cut_off = np.count_nonzero(distances[:, -1] == 0)
        if n_cut_off and found.shape[1] < snapshot.n_samples_fit_:
            warnings.warn(
                f"All {found.shape[1]} neighbors of {n_cut_off} of {len(found)} codes "
                "are equal to them: the graph leaves out what lies beyond. Use a "
                f"larger n_neighbors than {snapshot.n_neighbors}, or "
                "HammingRadiusNeighborsTransformer.",
                UserWarning,
                stacklevel=2,
            )
        return snapshot._nearest_graph(distances, found, snapshot.mode)

    def _are_indexed_codes(self, X: ArrayLike) -> bool:
        """Return whether these are all indexed codes, in their order."""
        if num_samples(X) != self.n_samples_fit_:
            return False
        rows = self._check_queries(X)
        return all(
            np.array_equal(rows[own], self._index.rows(own))
            for own in self._index.own_positions()
        )


@substitute(**TEXTS)
class HammingRadiusNeighborsTransformer(_GraphTransformer, RadiusNeighborsMixin):
    """Transform codes into the graph of all codes of an index within a radius.

    The API of :class:`sklearn.neighbors.RadiusNeighborsTransformer` for codes: a step
    before estimators that take a sparse graph with ``metric="precomputed"``, such as
    :class:`sklearn.cluster.DBSCAN` with an `eps` of at most `radius`.

    Parameters
    ----------
    radius : int, default=2
        Largest distance of a neighbor in bits, inclusive.
    {mode}
    {packed}
    {n_bits}
    {algorithm}
    {max_memory}
    {copy}
    {n_jobs}

    Attributes
    ----------
    {attributes}

    See Also
    --------
    HammingNearestNeighbors : The search itself.
    HammingNeighborsTransformer : A fixed number of neighbors.

    Examples
    --------
    >>> import numpy as np
    >>> from skhash.neighbors import HammingRadiusNeighborsTransformer
    >>> codes = np.array([[0, 0, 0], [0, 1, 1], [1, 1, 1]])
    >>> graph = HammingRadiusNeighborsTransformer(radius=1).fit_transform(codes)
    >>> graph.indices, graph.data
    (array([0, 1, 2, 2, 1], dtype=int32), array([0., 0., 1., 0., 1.]))
    """

    _parameter_constraints: dict = {
        **_GraphTransformer._parameter_constraints,
        **RadiusNeighborsMixin._parameter_constraints,
    }

    def __init__(
        self,
        radius: int = 2,
        *,
        mode: str = "distance",
        packed: bool = False,
        n_bits: int | None = None,
        algorithm: str = "auto",
        max_memory: float = 1.0,
        copy: bool = True,
        n_jobs: int | None = None,
    ) -> None:
        self.radius = radius
        self.mode = mode
        self.packed = packed
        self.n_bits = n_bits
        self.algorithm = algorithm
        self.max_memory = max_memory
        self.copy = copy
        self.n_jobs = n_jobs

    def transform(self, X: ArrayLike) -> csr_matrix:
        """Return the graph of all indexed codes within the radius of each query.

        Parameters
        ----------
        X : array-like of shape (n_queries, n_bits or n_bytes)
            Query codes.

        Returns
        -------
        graph : csr_matrix of shape (n_queries, n_samples_fit), float64
            Distances of zero are stored; neighbors of a query by (distance, index).

        Raises
        ------
        NotFittedError, TypeError, ValueError
            As :meth:`radius_neighbors`.
        """
        snapshot = self._snapshot()
        return snapshot._graph(*snapshot._within(X, None), snapshot.mode)


def _include_self(distances: NDArray[np.int32], found: NDArray[np.intp]) -> None:
    """Replace the last neighbor where query i does not have index i among its own.

    Then all neighbors are equal codes of lower indices, so the order stays.
    """
    own = np.arange(len(found))
    without = ~(found == own[:, None]).any(axis=1)
    distances[without, -1] = 0
    found[without, -1] = own[without]
