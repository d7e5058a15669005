"""Find all pairs of codes within a radius: joins of an index with itself or queries."""

from __future__ import annotations

from collections.abc import Iterator
from numbers import Integral
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from skhash._hamming._pairs import PairJoin, code_set, query_set
from skhash.neighbors._mixins import TEXTS, RadiusNeighborsMixin
from skhash.utils._docstrings import substitute

Indices = NDArray[np.int32] | NDArray[np.int64]
Pairs = tuple[Indices, Indices, NDArray[np.int32]]

PAIR_TEXTS = {
    "subset": TEXTS["subset"],
    "radius": """
        radius : int, default=None
            Largest distance in bits, inclusive; that of the constructor if None.""",
    "X": """
        X : array-like of shape (n_queries, n_bits or n_bytes), default=None
            Query codes in the form that the index was fitted with. If None, pairs of
            indexed codes, each once.""",
}


class RadiusPairsMixin(RadiusNeighborsMixin):
    """Search for all pairs of codes within a radius."""

    @substitute(**PAIR_TEXTS)
    def radius_pairs(
        self,
        radius: int | None = None,
        X: ArrayLike | None = None,
        *,
        count_only: bool = False,
        mask: ArrayLike | None = None,
        indices: ArrayLike | None = None,
        ids: ArrayLike | None = None,
    ) -> Pairs | int:
        """Find all pairs of codes within a distance of each other.

        No pair is compared twice, and for a small radius only codes that agree in a
        part of their bits. Equal codes count as one until their pairs are listed.

        Parameters
        ----------
        {radius}
        {X}
        count_only : bool, default=False
            Whether to return the number of pairs instead of listing them.
        {subset}

        Returns
        -------
        i : ndarray of shape (n_pairs,), int32
            Index of the first code of each pair, ascending: of a query or, if `X` is
            None, of an indexed code. int64 for more than 2**31 - 1 codes.
        j : ndarray of shape (n_pairs,), int32
            Index of the second, indexed code; ascending for equal `i`, and above `i` if
            `X` is None.
        distances : ndarray of shape (n_pairs,), int32
            Differing bits.
        n_pairs : int
            Only this, with ``count_only=True``.

        Raises
        ------
        NotFittedError
            If there is no index yet.
        TypeError
            If `radius` is not an int, or packed codes are not of dtype uint8.
        ValueError
            If `X` has the wrong length of code or is not binary, `radius` is negative,
            or `mask`, `indices` or `ids` do not fit the index.

        Notes
        -----
        Codes that differ in at most r bits agree in one of r + 1 blocks of bits
        (the pigeonhole principle, as in multi-index hashing [1]_). Codes are sorted by
        each block and those that agree are compared. Where that takes longer, all codes
        are scanned. The codes are copied, also those of a memory map; sorting takes 16
        bytes per code and thread, and a pair at most 16 bytes, results included.

        References
        ----------
        .. [1] M. Norouzi, A. Punjani and D. J. Fleet, "Fast exact search in Hamming
           space with multi-index hashing", IEEE TPAMI 36 (2014), 1107-1119,
           doi:10.1109/TPAMI.2013.231.

        Examples
        --------
        >>> import numpy as np
        >>> from skhash.neighbors import HammingNearestNeighbors
        >>> codes = np.array([[0, 0, 0], [0, 1, 1], [1, 1, 1], [0, 1, 1]])
        >>> i, j, distances = HammingNearestNeighbors().fit(codes).radius_pairs(1)
        >>> list(zip(i.tolist(), j.tolist(), distances.tolist()))
        [(1, 2, 1), (1, 3, 0), (2, 3, 1)]
        """
        join, members = self._snapshot()._pair_join(radius, X, mask, indices, ids)
        if count_only:
            return 0 if join is None else join.count()
        if join is None:
            empty = np.empty(0, dtype=np.int32)
            return empty, empty.copy(), empty.copy()
        return _placed(join.arrays(), members, X is None)

    @substitute(**PAIR_TEXTS)
    def iter_radius_pairs(
        self,
        radius: int | None = None,
        X: ArrayLike | None = None,
        *,
        chunk_size: int = 1_000_000,
        mask: ArrayLike | None = None,
        indices: ArrayLike | None = None,
        ids: ArrayLike | None = None,
    ) -> Iterator[Pairs]:
        """Yield all pairs of codes within a distance, in chunks of bounded memory.

        Parameters
        ----------
        {radius}
        {X}
        chunk_size : int, default=1_000_000
            Number of pairs after which a chunk ends, at the latest after the pairs of
            one more code. The last chunk may be shorter.
        {subset}

        Yields
        ------
        i, j, distances : ndarray
            As of :meth:`radius_pairs`. Each chunk is sorted by (i, j); the order of the
            chunks is not specified. Together they hold every pair once.

        Raises
        ------
        NotFittedError, TypeError, ValueError
            As :meth:`radius_pairs`; ValueError for a `chunk_size` below 1.

        Notes
        -----
        Runs on the calling thread, on the index as it is when the iterator is made.
        """
        if not isinstance(chunk_size, Integral) or chunk_size < 1:
            raise ValueError(f"chunk_size must be an int from 1; got {chunk_size!r}.")
        join, members = self._snapshot()._pair_join(radius, X, mask, indices, ids)
        if join is None:
            return iter(())
        chunks = join.chunks(int(chunk_size))
        return (_placed(chunk, members, X is None) for chunk in chunks)

    def _pair_join(
        self,
        radius: int | None,
        X: ArrayLike | None,
        mask: ArrayLike | None,
        indices: ArrayLike | None,
        ids: ArrayLike | None,
    ) -> tuple[Any, NDArray[np.intp] | None]:
        """Return the join (None: there is nothing to pair) and the rows it is of.

        The join has the methods of `PairJoin`.
        """
        limit = self._check_radius(radius)
        subset = self._check_subset(mask, indices, ids)
        members = None if subset is None else np.flatnonzero(subset)
        queries = None if X is None else self._check_queries(X)
        nothing = not (self.n_samples_fit_ if members is None else len(members))
        if nothing or (queries is not None and not len(queries)):
            return None, members
        own = code_set(self._index, members)
        left, right = (own, None) if queries is None else (query_set(queries), own)
        n_threads = self._n_threads()
        join = PairJoin(left, right, self.n_bits_, limit, n_threads=n_threads)
        return join, members


def _placed(pairs: Pairs, members: NDArray[np.intp] | None, to_self: bool) -> Pairs:
    """Replace positions among the members by indices."""
    if members is None:
        return pairs
    i, j, distances = pairs
    placed: Any = members.astype(i.dtype)
    return placed[i] if to_self else i, placed[j], distances
