"""Which row is relevant to which: labels or a given matrix, block by block."""

import numpy as np
import scipy.sparse as sp
from sklearn.utils.validation import check_array

from skhash.metrics._words import count_bits, to_words
from skhash.utils._labels import as_array, check_partial_labels, concatenate_labels

RELEVANCES = ("any", "jaccard")


class ClassRelevance:
    """Relevant is what carries the same class.

    Parameters
    ----------
    query : ndarray of shape (n_queries,), int64
        Class positions.
    index : ndarray of shape (n_index,), int64
        Class positions.
    """

    graded = False

    def __init__(self, query, index):
        self.query = query
        self.index = index
        self._order = np.argsort(index, kind="stable")
        self._starts = np.searchsorted(
            index, np.arange(index.max() + 2), sorter=self._order
        )

    def rows_of(self, label):
        """Return the rows of the index that carry a class."""
        if label + 1 >= len(self._starts):
            return self._order[:0]
        return self._order[self._starts[label] : self._starts[label + 1]]

    def block(self, rows, columns):
        """Return the gains of some index rows for some queries."""
        return self.query[rows, None] == self.index[columns]

    def own(self, rows):
        """Return the gain of the index row that is the query itself."""
        return np.ones(rows.stop - rows.start)


class SetRelevance:
    """Relevant is what shares a class; the gain is 1 or the Jaccard similarity.

    Parameters
    ----------
    query : ndarray of shape (n_queries, n_classes), float32
        Indicators.
    index : ndarray of shape (n_index, n_classes), float32
        Indicators.
    graded : bool
        Whether the gain is the Jaccard similarity.
    """

    def __init__(self, query, index, graded):
        self._query, self._index = to_words(query), to_words(index)
        self.graded = graded
        self._query_sizes = query.sum(axis=1)
        self._index_sizes = index.sum(axis=1)

    def block(self, rows, columns):
        """Return the gains of some index rows for some queries."""
        shared = count_bits(np.bitwise_and, self._query[rows], self._index[columns], 0)
        if not self.graded:
            return shared > 0
        union = self._query_sizes[rows, None] + self._index_sizes[columns] - shared
        return shared / np.maximum(union, 1)

    def own(self, rows):
        """Return the gain of the index row that is the query itself."""
        return (self._query_sizes[rows] > 0).astype(np.float64)


class MatrixRelevance:
    """Gains that the caller worked out.

    Parameters
    ----------
    gains : ndarray or CSR matrix of shape (n_queries, n_index)
        Gains, not negative.
    """

    def __init__(self, gains):
        self._sparse = sp.issparse(gains)
        self._gains = gains
        values = gains.data if self._sparse else gains
        self.graded = not bool(np.all((values == 0) | (values == 1)))

    def block(self, rows, columns):
        """Return the gains of some index rows for some queries."""
        if self._sparse:
            gains = self._gains[rows][:, columns].toarray()
        else:
            gains = self._gains[rows, columns]
        return gains if self.graded else gains > 0

    def own(self, rows):
        """Return the gain of the index row that is the query itself."""
        return self._gains.diagonal()[rows].astype(np.float64)


def resolve_relevance(relevance, y, y_query, n_index, n_queries):
    """Turn labels, or a matrix of gains, into a relevance and the rows it judges.

    Parameters
    ----------
    relevance : {"any", "jaccard"} or array-like of shape (n_queries, n_index)
        As the public functions describe it.
    y, y_query : array-like or None
        Labels of the index and of the queries; `y_query` is None for leave-one-out.
    n_index, n_queries : int
        The number of rows that were given; equal for leave-one-out.

    Returns
    -------
    relevance : ClassRelevance, SetRelevance or MatrixRelevance
        Over judged rows only.
    query_rows, index_rows : ndarray of int
        Which of the given rows are judged.
    """
    if not isinstance(relevance, str):
        if y is not None or y_query is not None:
            raise ValueError(
                "y and y_query must be None where relevance is a matrix of gains, "
                "which takes their place."
            )
        gains = _check_gains(relevance, n_queries, n_index)
        return MatrixRelevance(gains), np.arange(n_queries), np.arange(n_index)
    if relevance not in RELEVANCES:
        raise ValueError(
            f"relevance must be one of {RELEVANCES} or a matrix of gains of shape "
            f"(n_queries, n_index); got {relevance!r}."
        )
    index, query = _encode_together(y, y_query, n_index, n_queries)
    index_rows = np.flatnonzero(index[1])
    query_rows = np.flatnonzero(query[1])
    for name, rows in (("y", index_rows), ("y_query", query_rows)):
        if not len(rows):
            raise ValueError(
                f"{name} has no labeled row, so that there is nothing to measure: "
                "rows labeled -1 are neither asked nor found."
            )
    query_labels, index_labels = query[0][query_rows], index[0][index_rows]
    if query_labels.ndim == 1:
        return ClassRelevance(query_labels, index_labels), query_rows, index_rows
    graded = relevance == "jaccard"
    sets = SetRelevance(query_labels, index_labels, graded)
    return sets, query_rows, index_rows


def _check_gains(gains, n_queries, n_index):
    gains = check_array(
        gains,
        accept_sparse="csr",
        dtype=(np.float64, np.float32),
        input_name="relevance",
    )
    if gains.shape != (n_queries, n_index):
        raise ValueError(
            "relevance must be 'any', 'jaccard' or a matrix of gains of shape "
            f"(n_queries, n_index) = {(n_queries, n_index)}; got shape {gains.shape}."
        )
    values = gains.data if sp.issparse(gains) else gains
    if values.size and values.min() < 0:
        raise ValueError(
            f"relevance must hold gains of at least 0; got {values.min():g}."
        )
    return gains


def _encode_together(y, y_query, n_index, n_queries):
    """Encode the labels of index and queries by the same classes.

    Returns, for the index and for the queries, the encoded labels and which rows have
    one.
    """
    if y is None:
        raise ValueError("y must hold the labels of X; got None.")
    alone = y_query is None
    parts = [_as_labels(y, n_index, "y")]
    if not alone:
        parts.append(_as_labels(y_query, n_queries, "y_query"))
        if parts[0].shape[1:] != parts[1].shape[1:]:
            raise ValueError(
                "y and y_query must have labels of the same form, one a row or an "
                f"indicator over the same classes; got the shapes {parts[0].shape} and "
                f"{parts[1].shape}."
            )
    name = "y" if alone else "y together with y_query"
    labels = check_partial_labels(
        concatenate_labels(parts), sum(map(len, parts)), name=name
    )
    if labels.kind == "soft":
        raise ValueError(
            f"{name} must hold classes, not class probabilities. For graded relevance "
            "pass relevance='jaccard' with an indicator, or a matrix of gains."
        )
    encoded = labels.indices if labels.kind == "single" else labels.indicator
    if encoded is None:  # no label at all
        encoded = np.full(len(labels.labeled), -1)
    index = encoded[:n_index], labels.labeled[:n_index]
    if alone:
        return index, index
    return index, (encoded[n_index:], labels.labeled[n_index:])


def _as_labels(y, n_samples, name):
    y = as_array(y)
    if y.ndim == 2 and y.shape[1] == 1:
        y = y.ravel()
    check_partial_labels(y, n_samples, name=name)
    return y
