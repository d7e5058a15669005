"""Decide which samples are relevant to which query: labels or a matrix of gains."""

import copy
from typing import Any, Protocol, Self

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from sklearn.utils.validation import check_array

from skhash._hamming._histogram import count_shared, planes_of_codes
from skhash.utils._labels import (
    UNLABELED,
    PartialLabels,
    as_array,
    check_partial_labels,
    refuse_signed_classes,
)

RELEVANCES = ("any", "jaccard")


class Relevance(Protocol):
    """The gains of pairs of a query and a sample of the index.

    Attributes
    ----------
    graded : bool
        Whether some gain is neither 0 nor 1.
    """

    graded: bool

    def block(self, rows: slice) -> NDArray[Any]:
        """Return the gains of all samples of the index for some queries."""

    def gains_of_self(self, rows: slice) -> NDArray[np.float64]:
        """Return the gain of the sample that is the query itself."""

    def within(self, samples: slice) -> Self:
        """Return the gains of some samples of the index only."""


class ClassRelevance:
    """Call relevant what has the class of the query.

    Parameters
    ----------
    query : ndarray of shape (n_queries,), int64
        Positions of classes; -1 for a class that no sample of the index has.
    index : ndarray of shape (n_index,), int64
        Positions of classes.
    n_classes : int
        The number of classes of the index.
    """

    graded = False

    def __init__(
        self, query: NDArray[np.int64], index: NDArray[np.int64], n_classes: int
    ):
        self.query = query
        self.index = index
        self.n_classes = n_classes

    def block(self, rows: slice) -> NDArray[np.bool_]:
        """Return the gains of all samples of the index for some queries."""
        return self.query[rows, None] == self.index

    def gains_of_self(self, rows: slice) -> NDArray[np.float64]:
        """Return the gain of the sample that is the query itself."""
        return np.ones(rows.stop - rows.start)

    def within(self, samples: slice) -> Self:
        """Return the gains of some samples of the index only."""
        return type(self)(self.query, self.index[samples], self.n_classes)


class SetRelevance:
    """Call relevant what shares a class; the gain is 1 or the Jaccard similarity.

    Parameters
    ----------
    query : ndarray of shape (n_queries, n_classes), float32
        Indicators.
    index : ndarray of shape (n_index, n_classes), float32
        Indicators.
    graded : bool
        Whether the gain is the Jaccard similarity.
    """

    def __init__(
        self, query: NDArray[np.float32], index: NDArray[np.float32], graded: bool
    ):
        self.graded = graded
        self._query, self._index = as_words(_pack(query)), as_planes(_pack(index))
        self._query_sizes = query.sum(axis=1)
        self._index_sizes = index.sum(axis=1)

    def block(self, rows: slice) -> NDArray[Any]:
        """Return the gains of all samples of the index for some queries."""
        shared = count_shared(self._index, self._query[rows])
        if not self.graded:
            return shared > 0
        union = self._query_sizes[rows, None] + self._index_sizes - shared
        return shared / np.maximum(union, 1)

    def gains_of_self(self, rows: slice) -> NDArray[np.float64]:
        """Return the gain of the sample that is the query itself."""
        return (self._query_sizes[rows] > 0).astype(np.float64)

    def within(self, samples: slice) -> Self:
        """Return the gains of some samples of the index only."""
        some = copy.copy(self)
        some._index = np.ascontiguousarray(self._index[:, samples])
        some._index_sizes = self._index_sizes[samples]
        return some


class MatrixRelevance:
    """Look the gains up in a matrix that the caller passed.

    Parameters
    ----------
    gains : ndarray or CSR matrix of shape (n_queries, n_index)
        Gains, not negative.
    """

    def __init__(self, gains: Any):
        self._gains = gains
        values = gains.data if sp.issparse(gains) else gains
        self.graded = not bool(np.all((values == 0) | (values == 1)))

    def block(self, rows: slice) -> NDArray[Any]:
        """Return the gains of all samples of the index for some queries."""
        gains = self._gains[rows]
        gains = gains.toarray() if sp.issparse(gains) else gains
        return gains if self.graded else gains > 0

    def gains_of_self(self, rows: slice) -> NDArray[np.float64]:
        """Return the gain of the sample that is the query itself."""
        return self._gains.diagonal()[rows].astype(np.float64)

    def within(self, samples: slice) -> Self:
        """Return the gains of some samples of the index only."""
        return type(self)(self._gains[:, samples])


def as_words(packed: NDArray[np.uint8]) -> NDArray[np.uint64]:
    """Return packed codes as rows of 64-bit words, padded by zeros."""
    n_rows, n_bytes = packed.shape
    padded = np.zeros((n_rows, -(-n_bytes // 8) * 8), dtype=np.uint8)
    padded[:, :n_bytes] = packed
    return padded.view(np.uint64)


def as_planes(packed: NDArray[np.uint8]) -> NDArray[np.uint64]:
    """Return packed codes as planes of 64-bit words, in their order."""
    return planes_of_codes(packed, np.zeros(len(packed), dtype=np.int64), 1)[0]


def _pack(indicator: NDArray[np.float32]) -> NDArray[np.uint8]:
    return np.packbits(indicator > 0, axis=1)


def resolve_relevance(
    relevance: Any, y: Any, y_query: Any, n_index: int, n_queries: int
) -> tuple[Relevance, NDArray[np.intp], NDArray[np.bool_]]:
    """Turn labels, or a matrix of gains, into a relevance of labeled samples.

    Parameters
    ----------
    relevance : {"any", "jaccard"} or array-like of shape (n_queries, n_index)
        As the public functions describe it.
    y, y_query : array-like or None
        Labels of the index and of the queries; `y_query` is None for leave-one-out.
    n_index, n_queries : int
        The number of samples that were passed; equal for leave-one-out.

    Returns
    -------
    relevance : ClassRelevance, SetRelevance or MatrixRelevance
        Of the samples that count.
    query_rows : ndarray of int
        The queries that count.
    counted : ndarray of shape (n_index,), bool
        Which samples of the index count.
    """
    if not isinstance(relevance, str):
        if y is not None or y_query is not None:
            raise ValueError(
                "y and y_query must be None where relevance is a matrix of gains, "
                "which takes their place."
            )
        gains = _check_gains(relevance, n_queries, n_index)
        return MatrixRelevance(gains), np.arange(n_queries), np.ones(n_index, bool)
    if relevance not in RELEVANCES:
        raise ValueError(
            f"relevance must be one of {RELEVANCES} or a matrix of gains of shape "
            f"(n_queries, n_index); got {relevance!r}."
        )
    index, query = _check_labels(y, y_query, n_index, n_queries)
    for name, labels in (("y", index), ("y_query", query)):
        if not labels.labeled.any():
            raise ValueError(
                f"{name} has no labeled row, so that there is nothing to measure: "
                "samples labeled -1 are neither queries nor results."
            )
    counted, query_rows = index.labeled, np.flatnonzero(query.labeled)
    if index.indices is not None and query.indices is not None:
        asked = query.indices[query_rows]
        if query is not index:
            asked = _positions_among(index.classes, query.classes)[asked]
        searched = index.indices if counted.all() else index.indices[counted]
        return ClassRelevance(asked, searched, index.n_classes), query_rows, counted
    sets = SetRelevance(
        query.targets(query_rows),
        index.targets(np.flatnonzero(counted)),
        relevance == "jaccard",
    )
    return sets, query_rows, counted


def _positions_among(classes: Any, labels: Any) -> NDArray[np.int64]:
    """Return the position of each label among the classes, -1 for those not there."""
    places = {label: place for place, label in enumerate(classes.tolist())}
    return np.array([places.get(label, UNLABELED) for label in labels.tolist()])


def _check_gains(gains: Any, n_queries: int, n_index: int) -> Any:
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


def _check_labels(
    y: Any, y_query: Any, n_index: int, n_queries: int
) -> tuple[PartialLabels, PartialLabels]:
    """Validate the labels of index and queries, alone and together."""
    if y is None:
        raise ValueError("y must hold the labels of X; got None.")
    if y_query is None:
        index = query = _check_classes(as_array(y), n_index, "y", chunk=False)
        return index, query
    y, y_query = as_array(y), as_array(y_query, name="y_query")
    index = _check_classes(y, n_index, "y")
    query = _check_classes(y_query, n_queries, "y_query")
    widths = [part.shape[1:] if part.shape[1:] != (1,) else () for part in (y, y_query)]
    if widths[0] != widths[1]:
        raise ValueError(
            "y and y_query must have labels of the same form, one class per sample or "
            f"an indicator over the same classes; got the shapes {y.shape} and "
            f"{y_query.shape}."
        )
    if index.kind == query.kind == "single":
        _check_together(index, query)
    return index, query


def _check_classes(
    y: NDArray[Any], n_samples: int, name: str, *, chunk: bool = True
) -> PartialLabels:
    labels = check_partial_labels(y, n_samples, name=name, chunk=chunk)
    if labels.kind == "soft":
        raise ValueError(
            f"{name} must hold classes, not class probabilities. For graded relevance "
            "pass relevance='jaccard' with an indicator, or a matrix of gains."
        )
    return labels


def _check_together(index: PartialLabels, query: PartialLabels) -> None:
    """Raise if the classes of index and queries do not fit each other."""
    parts = [part.classes for part in (index, query) if part.classes is not None]
    classes = [label for part in parts for label in part.tolist()]
    name = "y together with y_query"
    if len({isinstance(label, str) for label in classes}) > 1:
        raise ValueError(
            f"{name} must hold either strings or numbers as classes; got a mixture of "
            "both."
        )
    if not (index.labeled.all() and query.labeled.all()):
        refuse_signed_classes(np.unique(np.array(classes, dtype=object)), name)
