"""Measures of all that lies within a radius."""

from functools import partial
from numbers import Real

import numpy as np

from skhash.metrics import _measures
from skhash.metrics._task import RetrievalTask, average_over_queries
from skhash.utils._compat import num_samples


def precision_within_radius_score(
    X,
    y,
    X_query=None,
    y_query=None,
    *,
    radius=2,
    empty=0.0,
    metric="hamming",
    relevance="any",
    average=True,
):
    """Compute the share of relevant rows among all within a radius.

    Quote it with :func:`empty_ball_rate`: a radius that is seldom reached can look
    precise.

    Parameters
    ----------
    X : array-like of shape (n_index, n_bits)
        What is searched: the bits, 0 or 1, of the rows of the index; vectors (dense
        or CSR) or distances with another `metric`.
    y : array-like of shape (n_index,) or (n_index, n_classes)
        One label a row, or an indicator of several. Only judged rows count: a row
        labeled -1, or all -1 in an indicator, is neither a query nor a result.
    X_query : array-like of shape (n_queries, n_bits), default=None
        The queries, in the form of `X`. If None, every row of `X` is one and does not
        find itself, whereas it finds its copies.
    y_query : array-like of shape (n_queries,) or (n_queries, n_classes), default=None
        The labels of `X_query`, in the form of `y`.
    radius : int or float, default=2
        The radius, inclusive, at least 0: whole bits for "hamming", else in the unit of
        the distance.
    empty : float, default=0.0
        The value of a query that finds nothing, in [0, 1], or NaN to leave it out.
    metric : {"hamming", "cosine", "euclidean", "precomputed"}, default="hamming"
        The distance; see :func:`precision_at_k_score`.
    relevance : {"any", "jaccard"} or array-like of shape (n_queries, n_index), \
            default="any"
        What a found row is worth. "any": 1 for the same label, or for any shared one;
        "jaccard": the shared labels over the labels of both, in [0, 1]; a matrix
        of gains of at least 0, dense or CSR: `y` and `y_query` must then be None, and
        with precomputed distances a row may find itself.
        Graded gains make this the mean gain.
    average : bool, default=True
        Whether to average over the queries.

    Returns
    -------
    score : float or ndarray of shape (n_queries,)
        In [0, 1], with a matrix of gains up to the largest of them; larger is better.
        With ``average=False`` one value a query that was given; NaN, which an average
        leaves out, for rows without a label.

    Raises
    ------
    TypeError
        If `radius` is no number, or no int for "hamming".
    ValueError
        If a value is out of its range, lengths do not fit, `X` holds anything but bits
        for "hamming", no row has a label, or an average has no query because `empty`
        leaves all of them out.

    Examples
    --------
    >>> from skhash.metrics import precision_within_radius_score
    >>> X = [[0, 0], [0, 0], [0, 1], [1, 1]]
    >>> y = [0, 1, 0, 1]
    >>> precision_within_radius_score(X, y, [[0, 0]], [1], radius=0)
    0.5
    """
    _check_empty(empty)
    task = RetrievalTask(X, y, X_query, y_query, metric=metric, relevance=relevance)
    radius = task.check_radius(radius)
    measure = partial(_measures.precision_within, radius=radius, empty=empty)
    values = task.per_query([measure], radii=(radius,))[0]
    if average and np.isnan(values).all():
        raise ValueError(
            f"No query finds a row within radius={radius}, and empty=nan leaves such "
            "queries out. Take a larger radius, or a number for empty."
        )
    return average_over_queries(values) if average else values


def recall_within_radius_score(
    X,
    y,
    X_query=None,
    y_query=None,
    *,
    radius=2,
    metric="hamming",
    relevance="any",
    average=True,
):
    """Compute the share of all relevant rows that lies within a radius.

    Queries without a relevant row are left out.

    Parameters
    ----------
    X : array-like of shape (n_index, n_bits)
        What is searched: the bits, 0 or 1, of the rows of the index; vectors (dense
        or CSR) or distances with another `metric`.
    y : array-like of shape (n_index,) or (n_index, n_classes)
        One label a row, or an indicator of several. Only judged rows count: a row
        labeled -1, or all -1 in an indicator, is neither a query nor a result.
    X_query : array-like of shape (n_queries, n_bits), default=None
        The queries, in the form of `X`. If None, every row of `X` is one and does not
        find itself, whereas it finds its copies.
    y_query : array-like of shape (n_queries,) or (n_queries, n_classes), default=None
        The labels of `X_query`, in the form of `y`.
    radius : int or float, default=2
        The radius, inclusive, at least 0: whole bits for "hamming", else in the unit of
        the distance.
    metric : {"hamming", "cosine", "euclidean", "precomputed"}, default="hamming"
        The distance; see :func:`precision_at_k_score`.
    relevance : {"any", "jaccard"} or array-like of shape (n_queries, n_index), \
            default="any"
        What a found row is worth. "any": 1 for the same label, or for any shared one;
        "jaccard": the shared labels over the labels of both, in [0, 1]; a matrix
        of gains of at least 0, dense or CSR: `y` and `y_query` must then be None, and
        with precomputed distances a row may find itself.
        Graded gains make this the share of all gain.
    average : bool, default=True
        Whether to average over the queries.

    Returns
    -------
    score : float or ndarray of shape (n_queries,)
        In [0, 1], larger is better. With ``average=False`` one value a query that was
        given; NaN, which an average leaves out, for rows without a label and for
        queries without a relevant row.

    Raises
    ------
    TypeError
        If `radius` is no number, or no int for "hamming".
    ValueError
        If a value is out of its range, lengths do not fit, `X` holds anything but bits
        for "hamming", no row has a label, or no query has a relevant row.

    Examples
    --------
    >>> from skhash.metrics import recall_within_radius_score
    >>> X = [[0, 0], [0, 0], [0, 1], [1, 1]]
    >>> y = [0, 1, 0, 1]
    >>> recall_within_radius_score(X, y, [[0, 0]], [1], radius=0)
    0.5
    """
    task = RetrievalTask(X, y, X_query, y_query, metric=metric, relevance=relevance)
    radius = task.check_radius(radius)
    measure = partial(_measures.recall_within, radius=radius)
    values = task.per_query([measure], radii=(radius,))[0]
    return average_over_queries(values) if average else values


def empty_ball_rate(
    X, y=None, X_query=None, y_query=None, *, radius=2, metric="hamming"
):
    """Compute the share of queries that find nothing within a radius.

    Parameters
    ----------
    X : array-like of shape (n_index, n_bits)
        What is searched: the bits, 0 or 1, of the rows of the index; vectors (dense
        or CSR) or distances with another `metric`.
    y : array-like of shape (n_index,) or (n_index, n_classes), default=None
        One label a row, or an indicator of several. Only judged rows count: a row
        labeled -1, or all -1 in an indicator, is neither a query nor a result. If
        None, every row counts.
    X_query : array-like of shape (n_queries, n_bits), default=None
        The queries, in the form of `X`. If None, every row of `X` is one and does not
        find itself, whereas it finds its copies.
    y_query : array-like of shape (n_queries,) or (n_queries, n_classes), default=None
        The labels of `X_query`, in the form of `y`; None where `y` is None.
    radius : int or float, default=2
        The radius, inclusive, at least 0: whole bits for "hamming", else in the unit of
        the distance.
    metric : {"hamming", "cosine", "euclidean", "precomputed"}, default="hamming"
        The distance; see :func:`precision_at_k_score`.

    Returns
    -------
    share : float
        In [0, 1], smaller is better.

    Raises
    ------
    TypeError
        If `radius` is no number, or no int for "hamming".
    ValueError
        If a value is out of its range, lengths do not fit, `X` holds anything but bits
        for "hamming", or no row has a label.

    Examples
    --------
    >>> from skhash.metrics import empty_ball_rate
    >>> X = [[0, 0], [0, 0], [0, 1], [1, 1]]
    >>> empty_ball_rate(X, radius=0)
    0.5
    """
    if y is None and y_query is None:
        n_queries, n_index = num_samples(X), num_samples(X)
        if metric == "precomputed":
            n_index = np.shape(X)[1]
        y = np.zeros(n_index, dtype=np.int64)
        if X_query is not None or n_index != n_queries:
            n_queries = n_queries if X_query is None else num_samples(X_query)
            y_query = np.zeros(n_queries, dtype=np.int64)
    task = RetrievalTask(X, y, X_query, y_query, metric=metric, relevance="any")
    radius = task.check_radius(radius)
    measure = partial(_measures.is_empty_within, radius=radius)
    return average_over_queries(task.per_query([measure], radii=(radius,))[0])


def _check_empty(empty):
    allowed = "a number in [0, 1] or NaN"
    if not isinstance(empty, Real) or isinstance(empty, bool):
        raise TypeError(f"empty must be {allowed}; got {empty!r}.")
    if not (np.isnan(empty) or 0 <= empty <= 1):
        raise ValueError(f"empty must be {allowed}; got {empty!r}.")
