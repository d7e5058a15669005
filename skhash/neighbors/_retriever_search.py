"""Search with an encoder and an index: the queries of a retriever."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from numpy.typing import ArrayLike, NDArray
from scipy.sparse import csr_matrix

from skhash._packed_columns import unpack_columns
from skhash.neighbors._contents import SnapshotMixin
from skhash.neighbors._mixins import TEXTS as SHARED
from skhash.neighbors._nearest import HammingNearestNeighbors
from skhash.utils._docstrings import substitute

TEXTS = {
    **SHARED,
    "X": """
        X : sequence or array-like of shape (n_queries, ...), default=None
            Queries: what the encoder takes, for example texts. If None, every indexed
            sample is a query and is not its own neighbor.""",
    "new": """
        y : array-like of shape (n_samples,) or (n_samples, n_classes), default=None
            Their labels; required exactly if the index has labels.
        ids : array-like of shape (n_samples,), int or str, default=None
            Their ids, none of which is in the index; required exactly if the index has
            ids.""",
}


@dataclass(frozen=True)
class RetrieverContents:
    """What has been fitted and indexed: one state of the retriever.

    Attributes
    ----------
    encoder : estimator
        The fitted encoder.
    index : HammingNearestNeighbors or RerankedNearestNeighbors
        The fitted index.
    """

    encoder: Any
    index: Any

    @property
    def n_features(self) -> int:
        """Number of columns of `X`, where the encoder counts them."""
        return self.encoder.n_features_in_

    @property
    def feature_names(self) -> NDArray | None:
        """Names of the columns, where `X` had names."""
        return getattr(self.encoder, "feature_names_in_", None)

    def encoded(self, X: Any) -> Any:
        """Return samples in the form that the index takes."""
        codes = self.encoder.transform(X)
        if isinstance(self.index, HammingNearestNeighbors) and not self.index.packed:
            return unpack_columns(self.encoder, codes)
        return codes


class RetrieverSearchMixin(SnapshotMixin):
    """Queries of raw samples, which are encoded first."""

    @substitute(**TEXTS)
    def kneighbors(
        self,
        X: Any = None,
        n_neighbors: int | None = None,
        return_distance: bool = True,
        *,
        mask: ArrayLike | None = None,
        indices: ArrayLike | None = None,
        ids: ArrayLike | None = None,
        pad: bool = False,
        return_ids: bool = False,
    ) -> tuple[NDArray, NDArray] | NDArray:
        """Find the nearest indexed samples of each query.

        Parameters
        ----------
        {X}
        n_neighbors : int, default=None
            Number of neighbors; that of the index if None.
        return_distance : bool, default=True
            Whether to return the distances too.
        {subset}
        pad : bool, default=False
            What to do where fewer than `n_neighbors` samples may be found: raise, or
            fill up. See the index.
        {return_ids}

        Returns
        -------
        distances : ndarray of shape (n_queries, n_neighbors), int32 or float64
            Distances as the index measures them, ascending. Only if `return_distance`.
        indices : ndarray of shape (n_queries, n_neighbors), intp
            Indices of the neighbors, or their ids with `return_ids`; at equal distance
            in ascending order of the indices.

        Raises
        ------
        NotFittedError, TypeError, ValueError
            As :meth:`HammingNearestNeighbors.kneighbors`.
        """
        index, codes = self._asked(X)
        return index.kneighbors(
            codes,
            n_neighbors,
            return_distance,
            mask=mask,
            indices=indices,
            ids=ids,
            pad=pad,
            return_ids=return_ids,
        )

    @substitute(**TEXTS)
    def kneighbors_graph(
        self,
        X: Any = None,
        n_neighbors: int | None = None,
        mode: str = "connectivity",
        *,
        mask: ArrayLike | None = None,
        indices: ArrayLike | None = None,
        ids: ArrayLike | None = None,
    ) -> csr_matrix:
        """Return the graph of the nearest indexed samples of each query.

        Parameters
        ----------
        {X}
        n_neighbors : int, default=None
            Number of neighbors; that of the index if None.
        {mode}
        {subset}

        Returns
        -------
        {graph}

        Raises
        ------
        NotFittedError, TypeError, ValueError
            As :meth:`HammingNearestNeighbors.kneighbors_graph`.
        """
        index, codes = self._asked(X)
        how = {"mask": mask, "indices": indices, "ids": ids}
        return index.kneighbors_graph(codes, n_neighbors, mode, **how)

    @substitute(**TEXTS)
    def radius_neighbors(
        self,
        X: Any = None,
        radius: float | None = None,
        return_distance: bool = True,
        *,
        mask: ArrayLike | None = None,
        indices: ArrayLike | None = None,
        ids: ArrayLike | None = None,
        return_ids: bool = False,
    ) -> tuple[NDArray, NDArray] | NDArray:
        """Find all indexed samples within a distance of each query.

        Parameters
        ----------
        {X}
        radius : int or float, default=None
            Largest distance, inclusive, in bits or as the index measures it; that of
            the index if None.
        return_distance : bool, default=True
            Whether to return the distances too.
        {subset}
        {return_ids}

        Returns
        -------
        distances : ndarray of shape (n_queries,) of ndarrays, int32 or float64
            For each query the distances, ascending. Only if `return_distance`.
        indices : ndarray of shape (n_queries,) of ndarrays, intp
            For each query the indices, or the ids with `return_ids`; at equal distance
            in ascending order of the indices.

        Raises
        ------
        NotFittedError, TypeError, ValueError
            As :meth:`HammingNearestNeighbors.radius_neighbors`.
        """
        index, codes = self._asked(X)
        return index.radius_neighbors(
            codes,
            radius,
            return_distance,
            mask=mask,
            indices=indices,
            ids=ids,
            return_ids=return_ids,
        )

    def _asked(self, X: Any) -> tuple[Any, Any]:
        """Return the index as it is now, and queries in the form that it takes."""
        contents: RetrieverContents = self._snapshot()._contents
        return contents.index, None if X is None else contents.encoded(X)
