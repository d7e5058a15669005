"""Evaluate codes on training samples: by halves of samples, or by class posteriors."""

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from skhash.utils._rows import row_blocks
from skhash.utils._scaling import Rows

# The similarity of so many samples that are found first is compared.
_N_FOUND = 100
_QUERIES_PER_BLOCK = 256
_CLASS_WEIGHTS = (0.4, 0.5, 0.6, 0.7)
# By class posteriors, so many queries are evaluated at most.
_MAX_QUERIES = 1000


def split_halves(X: Rows, random_state: np.random.RandomState) -> tuple[Rows, Rows]:
    """Split the features of each sample into two halves at random.

    Parameters
    ----------
    X : {ndarray, CSR} of shape (n_samples, n_features)
        Samples.
    random_state : RandomState
        Draws the halves: of sparse rows, of the values of each; of dense rows, of the
        features, the same for all.

    Returns
    -------
    first, second : {ndarray, CSR} of shape (n_samples, n_features)
        Values of the other half are absent from sparse samples. In dense samples they
        are 0 if no feature is negative, and else the mean of the feature.
    """
    if not sp.issparse(X):
        is_first = random_state.permutation(X.shape[1]) < (X.shape[1] + 1) // 2
        neutral = np.zeros(X.shape[1]) if X.min() >= 0 else X.mean(axis=0)
        neutral = neutral.astype(X.dtype)
        return np.where(is_first, X, neutral), np.where(is_first, neutral, X)
    sizes = np.diff(X.indptr)
    row = np.repeat(np.arange(X.shape[0]), sizes)
    order = np.lexsort((random_state.random_sample(X.nnz), row))
    rank = np.empty(X.nnz, dtype=np.intp)
    rank[order] = np.arange(X.nnz) - np.repeat(X.indptr[:-1], sizes)
    is_first = rank < (np.repeat(sizes, sizes) + 1) // 2
    halves = []
    for kept in (is_first, ~is_first):
        half = X.copy()
        half.data = np.where(kept, X.data, 0).astype(X.dtype)
        half.eliminate_zeros()
        halves.append(half)
    return halves[0], halves[1]


def found_similarity(
    database: NDArray[np.bool_],
    queries: NDArray[np.bool_],
    vectors: Rows,
    query_vectors: Rows,
    random_state: np.random.RandomState,
) -> NDArray[np.float64]:
    """Return how similar the samples are that codes find first.

    Parameters
    ----------
    database : ndarray of shape (n_samples, n_bits), bool
        The codes to search.
    queries : ndarray of shape (n_queries, n_bits), bool
        Codes of the first samples of the database, or of halves of these.
    vectors : {ndarray, CSR} of shape (n_samples, n_features)
        Vectors of the samples of the database.
    query_vectors : {ndarray, CSR} of shape (n_queries, n_features)
        Vectors of the queries.
    random_state : RandomState
        Breaks ties.

    Returns
    -------
    similarities : ndarray of shape (n_queries,)
        The mean inner product with the 100 samples that are found first, the sample
        itself excluded.
    """
    signs = np.where(database, np.float32(1), np.float32(-1))
    n_found = min(_N_FOUND, len(signs) - 1)
    found = []
    for block in row_blocks(len(queries), _QUERIES_PER_BLOCK):
        # Products are integers of one parity: less than 1 orders equal distances only.
        order = -(np.where(queries[block], np.float32(1), np.float32(-1)) @ signs.T)
        order += random_state.random_sample(order.shape).astype(np.float32)
        positions = np.arange(block.start, block.start + len(order))
        order[np.arange(len(order)), positions] = np.inf
        nearest = np.argpartition(order, n_found - 1, axis=1)[:, :n_found]
        products = query_vectors[block] @ vectors.T
        products = products.toarray() if sp.issparse(products) else products
        found.append(np.take_along_axis(products, nearest, axis=1).mean(axis=1))
    return np.concatenate(found)


def class_weights(labeled_fraction: float) -> list[float]:
    """Return the weights of the class in further bits to choose from, in order.

    Posteriors that were learned from few labels agree with the network, which was
    trained by them, more than with the classes: they would give the class too much
    weight. The largest weight is 0.4 for 1 % of the labels, 0.6 for 10 % and 0.7 for
    all, with which no more errors were made on any data measured (docs/quality.md).

    Parameters
    ----------
    labeled_fraction : float
        The fraction of the training samples that has labels, in [0, 1].

    Returns
    -------
    weights : list of float
    """
    largest = 0.6 + 0.2 * np.log10(10 * max(labeled_fraction, 0.001))
    return [w for w in _CLASS_WEIGHTS if w <= max(round(largest, 1), _CLASS_WEIGHTS[0])]


@dataclass(frozen=True)
class ClassEvidence:
    """Evaluate codes of training samples by their class posteriors.

    Parameters
    ----------
    posteriors : ndarray of shape (n_samples, n_classes), float32
        The class posteriors of the samples, in random order.
    random_state : RandomState
        Breaks ties.
    labeled_fraction : float, default=1.0
        The fraction of the training samples that has labels.
    """

    posteriors: NDArray[np.float32]
    random_state: np.random.RandomState
    labeled_fraction: float = 1.0

    def error(self, codes: NDArray[np.bool_]) -> float:
        """Return the expected fraction of other classes among what codes find.

        Parameters
        ----------
        codes : ndarray of shape (n_samples, n_bits), bool
            The codes of the samples. Of these, 1,000 are queries.

        Returns
        -------
        error : float
            The mean probability that a query and one of the 100 samples that it finds
            first differ in class.
        """
        queries = slice(_MAX_QUERIES)
        same = found_similarity(
            codes,
            codes[queries],
            self.posteriors,
            self.posteriors[queries],
            self.random_state,
        )
        return 1 - float(same.mean())
