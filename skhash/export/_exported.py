"""Search in an engine that codes were exported to, and verify what it finds."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from numbers import Integral
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from skhash.export._source import DistinctCodes, Source
from skhash.neighbors import HammingNearestNeighbors


@dataclass(frozen=True)
class Verification:
    """Agreement of the neighbors that an engine finds with those of exact search.

    Attributes
    ----------
    n_queries, n_neighbors : int
        Size of the comparison.
    recall : float
        Fraction, in [0, 1], of the exact neighbors (of those at equal distance, the
        first in the index) that the engine returned. Below 1 for an exact engine, too,
        where it breaks ties in another way.
    overlap : float
        Fraction, in [0, 1], of the neighbors that are right up to ties: distinct
        samples that are not farther than the farthest exact neighbor.
    distance_agreement : float
        Fraction, in [0, 1], of the neighbors whose distance, as reported by the engine,
        is that of the exact neighbor of the same rank.
    n_incomplete_queries : int
        Number of queries with a neighbor that is wrong or missing, ties aside: the
        distances of what was found are not those of the exact neighbors.
    """

    n_queries: int
    n_neighbors: int
    recall: float
    overlap: float
    distance_agreement: float
    n_incomplete_queries: int

    @property
    def is_exact(self) -> bool:
        """Whether all neighbors and distances are right, ties aside."""
        return self.overlap == 1 and self.distance_agreement == 1


class Exported(ABC):
    """Base class of all exports: codes in another search engine.

    Parameters
    ----------
    source : Source
        The codes.
    distinct : bool
        Whether the engine gets each distinct code once. Its keys are then the numbers
        of the codes, and what it finds is expanded to samples.
    """

    def __init__(self, source: Source, *, distinct: bool):
        self._source = source
        self._distinct = DistinctCodes(source.codes) if distinct else None

    @property
    def n_bits(self) -> int:
        """Length of the codes."""
        return self._source.n_bits

    @property
    def ids(self) -> NDArray:
        """Identifiers of the codes, (n_samples,), int64 or str."""
        return self._source.ids

    @property
    def distinct(self) -> bool:
        """Whether the engine has each distinct code once."""
        return self._distinct is not None

    @property
    def _stored_codes(self) -> NDArray[np.uint8]:
        return self._source.codes if self._distinct is None else self._distinct.codes

    @property
    def _stored_keys(self) -> NDArray[np.int64]:
        if self._distinct is None:
            return self._source.keys
        return np.arange(len(self._distinct.codes))

    @abstractmethod
    def _search(
        self, queries: NDArray[np.uint8], n_neighbors: int
    ) -> tuple[NDArray, NDArray]:
        """Return distances and stored keys of the nearest codes; -1 for none."""

    def kneighbors(
        self, queries: ArrayLike, n_neighbors: int = 5
    ) -> tuple[NDArray[np.int32], NDArray]:
        """Find the nearest codes of each query by the engine.

        Parameters
        ----------
        queries : array-like of shape (n_queries, n_bits or n_bytes)
            Codes in the form that the exported index takes; packed codes if an array
            was exported.
        n_neighbors : int, default=5
            Number of neighbors.

        Returns
        -------
        distances : ndarray of shape (n_queries, n_neighbors), int32
            Differing bits, ascending; -1 where the engine found too few.
        ids : ndarray of shape (n_queries, n_neighbors), int64 or object
            Identifiers; -1, or None for strings, where the engine found too few. The
            order at equal distance is that of the engine.
        """
        packed = self._source.packed(queries)
        distances, positions = self._nearest(packed, n_neighbors)
        ids = self._source.ids
        if ids.dtype.kind == "U":
            ids = ids.astype(object)
        found = ids[positions]
        found[positions < 0] = None if ids.dtype.kind == "O" else -1
        return distances, found

    def _nearest(
        self, packed: NDArray[np.uint8], n_neighbors: Any
    ) -> tuple[NDArray[np.int32], NDArray[np.intp]]:
        """Return distances and positions of samples, -1 for none."""
        n_samples = len(self._source.codes)
        is_int = isinstance(n_neighbors, Integral) and not isinstance(n_neighbors, bool)
        if not is_int or not 1 <= n_neighbors <= n_samples:
            raise ValueError(
                f"n_neighbors must be an int from 1 to {n_samples}, the number of "
                f"codes; got {n_neighbors!r}."
            )
        k = int(n_neighbors)
        distances, keys = self._search(packed, min(k, len(self._stored_codes)))
        if self._distinct is not None:
            return self._distinct.nearest_samples(distances, keys, k)
        if self._source.ids.dtype.kind == "U":
            return distances.astype(np.int32), keys.astype(np.intp)
        return distances.astype(np.int32), self._source.positions(keys)

    def verify(self, queries: ArrayLike, n_neighbors: int = 10) -> Verification:
        """Compare the neighbors of the engine with those of exact search.

        Graph and cell indexes lose neighbors without a word; this counts them.

        Parameters
        ----------
        queries : array-like of shape (n_queries, n_bits or n_bytes)
            Codes in the form that :meth:`kneighbors` takes, at least one.
        n_neighbors : int, default=10
            Number of neighbors.

        Returns
        -------
        verification : Verification
        """
        packed = self._source.packed(queries)
        if not len(packed):
            raise ValueError("queries must have at least one code; got 0.")
        distances, found = self._nearest(packed, n_neighbors)
        codes = self._source.codes
        exact = HammingNearestNeighbors(packed=True).fit(codes)
        true_distances, true_found = exact.kneighbors(packed, n_neighbors)
        differing = codes[found] ^ packed[:, None]
        own = np.bitwise_count(differing).sum(axis=2, dtype=np.int64)
        is_right = (found >= 0) & (own <= true_distances[:, -1:])
        is_right &= ~_is_repeated(found)
        own_sorted = np.sort(np.where(is_right, own, self.n_bits + 1), axis=1)
        hits = [len(np.intersect1d(*pair)) for pair in zip(found, true_found)]
        return Verification(
            n_queries=len(packed),
            n_neighbors=int(n_neighbors),
            recall=float(np.mean(hits) / n_neighbors),
            overlap=float(is_right.mean()),
            distance_agreement=float((distances == true_distances).mean()),
            n_incomplete_queries=int((own_sorted != true_distances).any(axis=1).sum()),
        )


def _is_repeated(found: NDArray[np.intp]) -> NDArray[np.bool_]:
    """Return which neighbors occur earlier among those of the same query."""
    order = np.argsort(found, axis=1, kind="stable")
    ordered = np.take_along_axis(found, order, axis=1)
    repeated = np.zeros(found.shape, dtype=bool)
    is_same = ordered[:, 1:] == ordered[:, :-1]
    np.put_along_axis(repeated, order[:, 1:], is_same, axis=1)
    return repeated
