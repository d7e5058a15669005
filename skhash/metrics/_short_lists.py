"""Measure how many true neighbors codes put on a short list, on held-out queries."""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from skhash.metrics._at_k import recall_at_k_score
from skhash.utils._linalg import unit_rows
from skhash.utils._typing import Rows

# One of so many samples is held out as a query, up to the largest number of queries.
_SAMPLES_PER_QUERY = 10
_MAX_QUERIES = 500


@dataclass(frozen=True)
class ShortListTask:
    """Samples to search, held-out queries, and the true neighbors of these.

    Attributes
    ----------
    X : {ndarray, CSR} of shape (n_samples, n_features)
        The samples to learn from and to search.
    queries : {ndarray, CSR} of shape (n_queries, n_features)
        The queries, none of which is in `X`.
    relevance : ndarray of shape (n_queries, n_samples), float32
        1 for the true neighbors of a query, else 0.
    depth : int
        Length of the short list.
    """

    X: Rows
    queries: Rows
    relevance: NDArray[np.float32]
    depth: int

    @classmethod
    def draw(
        cls,
        X: Rows,
        *,
        max_samples: int,
        n_neighbors: int,
        depth: int,
        random_state: np.random.RandomState,
        metric: str = "cosine",
    ) -> Self:
        """Draw samples and queries, and find the true neighbors.

        Parameters
        ----------
        X : {ndarray, CSR} of shape (n_samples, n_features)
            At least two samples.
        max_samples : int
            Largest number of samples to draw, queries included.
        n_neighbors : int
            Number of true neighbors per query, fewer if there are fewer samples.
        depth : int
            Length of the short list, the same.
        random_state : RandomState instance
            Draws the samples.
        metric : {"cosine", "euclidean", "inner_product"}, default="cosine"
            What makes true neighbors.

        Returns
        -------
        task : ShortListTask
            The task.
        """
        order = random_state.permutation(X.shape[0])[:max_samples]
        n_queries = min(_MAX_QUERIES, max(1, len(order) // _SAMPLES_PER_QUERY))
        queries, samples = X[order[:n_queries]], X[np.sort(order[n_queries:])]
        with np.errstate(over="ignore", invalid="ignore"):
            similarities = _similarities(queries, samples, metric)
        n_neighbors = min(n_neighbors, samples.shape[0])
        nearest = np.argpartition(-similarities, n_neighbors - 1, axis=1)
        relevance = np.zeros(similarities.shape, dtype=np.float32)
        np.put_along_axis(relevance, nearest[:, :n_neighbors], 1, axis=1)
        return cls(samples, queries, relevance, min(depth, samples.shape[0]))

    def recall(self, hasher: Any) -> float:
        """Return the recall of true neighbors on the short list of a fitted hasher.

        Parameters
        ----------
        hasher : estimator
            Its `transform` returns bits.

        Returns
        -------
        recall : float
            In [0, 1]; ties of the distance count by expectation.
        """
        recall = recall_at_k_score(
            hasher.transform(self.X),
            None,
            hasher.transform(self.queries),
            None,
            k=self.depth,
            relevance=self.relevance,
        )
        return float(recall)


def _similarities(queries: Rows, samples: Rows, metric: str) -> NDArray:
    """Return numbers (n_queries, n_samples), larger for nearer samples of a query."""
    if metric == "cosine":
        queries, samples = unit_rows(queries)[0], unit_rows(samples)[0]
    products = queries @ samples.T
    products = products.toarray() if sp.issparse(products) else np.asarray(products)
    if metric == "euclidean":
        squares = samples.multiply(samples) if sp.issparse(samples) else samples**2
        products = products - np.asarray(squares.sum(axis=1)).ravel() / 2
    return products
