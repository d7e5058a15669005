"""From the arguments of the public functions to one value a query."""

from numbers import Integral, Real

import numpy as np

from skhash.metrics._relevance import resolve_relevance
from skhash.metrics._tie_groups import (
    check_vectors,
    distance_function,
    float_groups,
    hamming_groups,
)
from skhash.utils._compat import num_samples


class RetrievalTask:
    """A validated question: what is searched, by which queries, and what is relevant.

    Parameters
    ----------
    X, y, X_query, y_query, metric, relevance
        As the public functions describe them.

    Attributes
    ----------
    n_index : int
        How many rows of the index are judged.
    n_candidates : int
        How many of them each query ranks.
    graded : bool
        Whether some gain is neither 0 nor 1.
    """

    def __init__(self, X, y, X_query, y_query, *, metric, relevance):
        self.metric = metric
        index, query = check_vectors(X, X_query, metric)
        self._own = _is_leave_one_out(index, query, y, y_query, metric, relevance)
        n_index = index.shape[1 if metric == "precomputed" else 0]
        n_queries = num_samples(index if query is None else query)
        self._relevance, query_rows, index_rows = resolve_relevance(
            relevance, y, y_query, n_index, n_queries
        )
        self.graded = self._relevance.graded
        self._n_given = n_queries
        self._query_rows, self._index_rows = query_rows, index_rows
        self.n_index = len(index_rows)
        self.n_candidates = self.n_index - self._own
        if self.n_candidates < 1:
            raise ValueError(
                "y has one labeled row only, so that it has nothing to find but "
                "itself; at least two are needed where there is no X_query."
            )
        self._query = query if query is None else _take(query, query_rows)
        # The rows of precomputed distances are the queries.
        self._index = index if metric == "precomputed" else _take(index, index_rows)

    def check_k(self, k, *, name="k", clip=False):
        """Return `k` as a number of positions; raise if it is not allowed.

        Parameters
        ----------
        k : int or None
            What the caller gave; None is the whole list, if `clip`.
        name : str, default="k"
            What to call it.
        clip : bool, default=False
            Whether None and more than all rows mean all rows.
        """
        largest = self.n_candidates
        if k is None and clip:
            return largest
        allowed = f"an int from 1 to {largest}, the number of rows a query ranks"
        if clip:
            allowed = "an int of at least 1, or None for the whole list"
        if not isinstance(k, Integral) or isinstance(k, bool):
            raise TypeError(f"{name} must be {allowed}; got {k!r}.")
        if k < 1 or (k > largest and not clip):
            raise ValueError(f"{name} must be {allowed}; got {k}.")
        return min(int(k), largest)

    def check_radius(self, radius):
        """Return `radius` if it fits the metric; raise otherwise."""
        if self.metric == "inner_product":
            raise ValueError(
                "radius has no meaning for metric='inner_product', which is no "
                "distance; use one of 'hamming', 'cosine', 'euclidean', 'precomputed'."
            )
        kind, words = Real, "a number of at least 0"
        if self.metric == "hamming":
            kind, words = Integral, "an int of at least 0, in bits"
        if not isinstance(radius, kind) or isinstance(radius, bool):
            raise TypeError(f"radius must be {words}; got {radius!r}.")
        if not radius >= 0:
            raise ValueError(f"radius must be {words}; got {radius}.")
        return radius

    def per_query(self, measures, *, depth=0, radii=()):
        """Work out measures in one pass over the distances.

        Parameters
        ----------
        measures : list of callable
            Each gives, for groups of equal distance, one value a query.
        depth : int, default=0
            How many positions of the ranking they need.
        radii : tuple, default=()
            Which radii they need.

        Returns
        -------
        values : ndarray of shape (len(measures), n_queries)
            One column a query that was given; NaN for those without label.
        """
        values = np.full((len(measures), self._n_given), np.nan)
        for rows, groups in self._blocks(depth, tuple(radii)):
            for line, measure in zip(values, measures):
                line[self._query_rows[rows]] = measure(groups)
        return values

    def _blocks(self, depth, radii):
        query = self._index if self._query is None else self._query
        own = self._own
        if self.metric == "hamming":
            return hamming_groups(
                self._index, query, self._relevance, own, radii, depth
            )
        if self.metric == "precomputed":

            def distances(rows):
                given = self._query_rows[rows]
                return self._index[np.ix_(given, self._index_rows)]

        else:
            distances = distance_function(self._index, query, self.metric)
        return float_groups(
            distances,
            self.n_index,
            len(self._query_rows),
            self._relevance,
            own,
            radii,
            depth,
        )


def average_over_queries(values):
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


def _is_leave_one_out(index, query, y, y_query, metric, relevance):
    """Return whether the queries are the rows of the index."""
    if metric == "precomputed":
        own = y_query is None and isinstance(relevance, str)
        if own and index.shape[0] != index.shape[1]:
            raise ValueError(
                "X must be square for metric='precomputed' without y_query, where each "
                "row of the index is a query and not found by itself; got shape "
                f"{index.shape}."
            )
        return own
    if query is None and y_query is not None:
        raise ValueError("y_query must be None where X_query is None.")
    if query is not None and y_query is None and isinstance(relevance, str):
        raise ValueError("y_query must hold the labels of X_query; got None.")
    return query is None


def _take(X, rows):
    return X if len(rows) == X.shape[0] else X[rows]
