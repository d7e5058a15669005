"""Validate the arguments of the public functions, and compute one value per query."""

from collections.abc import Callable, Iterator, Sequence
from numbers import Integral, Real
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skhash.metrics._distances import Radius, check_vectors, distance_function
from skhash.metrics._relevance import resolve_relevance
from skhash.metrics._tie_groups import (
    HammingIndex,
    TieGroups,
    float_groups,
    hamming_groups,
)
from skhash.utils._compat import num_samples

#: The depth that k="auto" stands for, unless a query ranks fewer samples.
AUTO_DEPTH = 100

Measure = Callable[[TieGroups], NDArray[np.float64]]


class RetrievalTask:
    """Hold what is searched, by which queries, and what is relevant to them.

    Parameters
    ----------
    X, y, X_query, y_query, metric, relevance, packed, n_bits
        As the public functions describe them.

    Attributes
    ----------
    n_index : int
        The number of samples of the index that count.
    n_candidates : int
        The number of them that each query ranks.
    graded : bool
        Whether some gain is neither 0 nor 1.
    """

    def __init__(
        self,
        X: Any,
        y: Any,
        X_query: Any,
        y_query: Any,
        *,
        metric: str,
        relevance: Any,
        packed: bool = False,
        n_bits: int | None = None,
    ):
        self.metric = metric
        index, query = check_vectors(X, X_query, metric, packed=packed, n_bits=n_bits)
        self._exclude_self = _is_leave_one_out(
            index, query, y, y_query, metric, relevance
        )
        n_index = index.shape[1 if metric == "precomputed" else 0]
        self._n_given = num_samples(index if query is None else query)
        self._relevance, self._query_rows, counted = resolve_relevance(
            relevance, y, y_query, n_index, self._n_given
        )
        self.graded = self._relevance.graded
        self.n_index = int(np.count_nonzero(counted))
        self.n_candidates = self.n_index - self._exclude_self
        if self.n_candidates < 1:
            raise ValueError(
                "y has one labeled row only, so that it has nothing to find but "
                "itself; at least two are needed where there is no X_query."
            )
        if metric == "hamming":
            n_columns = (8 if packed else 1) * index.shape[1]
            n_bits = n_columns if n_bits is None else int(n_bits)
        self._keep_counted(index, query, counted, packed, n_bits)

    def _keep_counted(
        self,
        index: Any,
        query: Any,
        counted: NDArray[np.bool_],
        packed: bool,
        n_bits: int | None,
    ) -> None:
        """Keep the samples that count, in the form that distances are computed from."""
        self._index: Any = index
        self._query: Any = query
        if self.metric == "precomputed":  # its rows are the queries
            self._columns = np.flatnonzero(counted)
            return
        self._index = index if counted.all() else index[counted]
        if query is not None and len(self._query_rows) < query.shape[0]:
            self._query = query[self._query_rows]
        if self.metric == "hamming" and not packed:
            self._index = np.packbits(self._index, axis=1)
            self._query = query if query is None else np.packbits(self._query, axis=1)
        if self._query is None:
            self._query = self._index
        if n_bits is not None:
            self._index = HammingIndex(self._index, n_bits, self._relevance)

    def check_k(self, k: Any, *, clip: bool = False) -> int:
        """Return `k` as a number of positions; raise if it is not allowed.

        Parameters
        ----------
        k : int, "auto" or None
            What the caller passed; None is the whole list, if `clip`.
        clip : bool, default=False
            Whether None and more than all samples mean all samples.

        Returns
        -------
        k : int
            From 1 to `n_candidates`.
        """
        largest = self.n_candidates
        if k is None and clip:
            return largest
        if isinstance(k, str) and k == "auto":
            return min(AUTO_DEPTH, largest)
        allowed = f"an int from 1 to {largest}, the number of rows a query ranks"
        if clip:
            allowed = "an int of at least 1, or None for the whole list"
        if not isinstance(k, Integral) or isinstance(k, bool):
            raise TypeError(f"k must be {allowed}; got {k!r}.")
        n = int(k)
        if n < 1 or (n > largest and not clip):
            raise ValueError(f"k must be {allowed}; got {k}.")
        return min(n, largest)

    def check_radius(self, radius: Any) -> Radius:
        """Return `radius` in a type that compares exactly; raise if it is not allowed.

        Parameters
        ----------
        radius : int or float
            What the caller passed.

        Returns
        -------
        radius : int, numpy.float64 or numpy.longdouble
            An int for "hamming". NumPy would round a Python float to the precision of
            single-precision distances.
        """
        if self.metric == "inner_product":
            raise ValueError(
                "radius has no meaning for metric='inner_product', which is no "
                "distance; use one of 'hamming', 'cosine', 'euclidean', 'precomputed'."
            )
        kind: Any = Real
        words = "a number of at least 0"
        if self.metric == "hamming":
            kind, words = Integral, "an int of at least 0, in bits"
        if not isinstance(radius, kind) or isinstance(radius, bool):
            raise TypeError(f"radius must be {words}; got {radius!r}.")
        if not radius >= 0:
            raise ValueError(f"radius must be {words}; got {radius}.")
        if self.metric == "hamming":
            return int(radius)
        return radius if isinstance(radius, np.longdouble) else np.float64(radius)

    def per_query(
        self,
        measures: Sequence[Measure],
        *,
        depth: int = 0,
        radii: tuple[Radius, ...] = (),
    ) -> NDArray[np.float64]:
        """Compute measures in one pass over the distances.

        Parameters
        ----------
        measures : list of callable
            Each returns one value per query for groups of equal distance.
        depth : int, default=0
            The number of positions of the ranking that they need.
        radii : tuple, default=()
            The radii that they need.

        Returns
        -------
        values : ndarray of shape (len(measures), n_queries)
            One column per query that was passed; NaN for those without a label.
        """
        values = np.full((len(measures), self._n_given), np.nan)
        for rows, groups in self._blocks(depth, radii):
            for line, measure in zip(values, measures):
                line[self._query_rows[rows]] = measure(groups)
        return values

    def _blocks(
        self, depth: int, radii: tuple[Radius, ...]
    ) -> Iterator[tuple[slice, TieGroups]]:
        needs = (self._relevance, self._exclude_self, radii, depth)
        if self.metric == "hamming":
            return hamming_groups(self._index, self._query, *needs)
        distances = (
            self._given_distances
            if self.metric == "precomputed"
            else distance_function(
                self._index, self._query, self.metric, depth=depth, radii=radii
            )
        )
        return float_groups(distances, self.n_index, len(self._query_rows), *needs)

    def _given_distances(self, rows: slice) -> NDArray[np.float64]:
        block = self._index[np.ix_(self._query_rows[rows], self._columns)]
        return block.astype(np.float64, copy=False)


def average_over_queries(values: NDArray[np.float64]) -> float:
    """Average over the queries that have a value.

    Parameters
    ----------
    values : ndarray of shape (n_queries,)
        NaN where a query is left out.

    Returns
    -------
    mean : float

    Raises
    ------
    ValueError
        If no query has a value.
    """
    known = values[~np.isnan(values)]
    if not len(known):
        raise ValueError(
            "No query has a relevant row in the index, so that recall, average "
            "precision and nDCG are not defined: y and y_query share no class, or no "
            "class of y has two rows where there is no X_query."
        )
    return float(known.mean())


def _is_leave_one_out(
    index: Any, query: Any, y: Any, y_query: Any, metric: str, relevance: Any
) -> bool:
    """Return whether the queries are the samples of the index."""
    if metric == "precomputed":
        exclude_self = y_query is None and isinstance(relevance, str)
        if exclude_self and index.shape[0] != index.shape[1]:
            raise ValueError(
                "X must be square for metric='precomputed' without y_query, where each "
                "sample of the index is a query that does not find itself; got shape "
                f"{index.shape}."
            )
        return exclude_self
    if query is None and y_query is not None:
        raise ValueError("y_query must be None where X_query is None.")
    if query is not None and y_query is None and isinstance(relevance, str):
        raise ValueError("y_query must hold the labels of X_query; got None.")
    return query is None
