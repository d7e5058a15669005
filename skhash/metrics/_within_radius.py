"""Measure the samples within a radius."""

from functools import partial
from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skhash.metrics import _closed_forms
from skhash.metrics._retrieval_task import RetrievalTask, average_over_queries
from skhash.metrics._texts import SHARED, MatrixLike
from skhash.utils._compat import num_samples
from skhash.utils._docstrings import substitute


@substitute(**SHARED)
def precision_within_radius_score(
    X: MatrixLike,
    y: MatrixLike | None,
    X_query: MatrixLike | None = None,
    y_query: MatrixLike | None = None,
    *,
    radius: float = 2,
    empty: float = 0.0,
    metric: str = "hamming",
    relevance: str | MatrixLike = "any",
    average: bool = True,
    packed: bool = False,
    n_bits: int | None = None,
) -> float | NDArray[np.float64]:
    """Compute the fraction of relevant samples among all within a radius.

    Report it together with :func:`empty_ball_rate`: a radius within which few queries
    find anything can look precise.

    Parameters
    ----------
    {X}
    {y}
    {queries}
    {radius}
    empty : float, default=0.0
        The value of a query that finds nothing, in [0, 1], or NaN to leave it out.
    {radius_metric}
    {relevance}
        Graded gains make this the mean gain.
    {average}
    {packed}

    Returns
    -------
    score : float or ndarray of shape (n_queries,)
        In [0, 1], with a matrix of gains up to the largest of them; larger is better.
        With ``average=False`` one value per query that was passed; NaN, which an
        average leaves out, for samples without a label.

    Raises
    ------
    {raises_radius}
    ValueError
        If a value is out of its range, lengths do not fit, `X` holds anything but codes
        for "hamming", no sample has a label, or an average has no query because `empty`
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
    task = RetrievalTask(
        X,
        y,
        X_query,
        y_query,
        metric=metric,
        relevance=relevance,
        packed=packed,
        n_bits=n_bits,
    )
    exact = task.check_radius(radius)
    measure = partial(_closed_forms.precision_within, radius=exact, empty=empty)
    values = task.per_query([measure], radii=(exact,))[0]
    if average and np.isnan(values).all():
        raise ValueError(
            f"No query finds a row within radius={radius}, and empty=nan leaves such "
            "queries out. Take a larger radius, or a number for empty."
        )
    return average_over_queries(values) if average else values


@substitute(**SHARED)
def recall_within_radius_score(
    X: MatrixLike,
    y: MatrixLike | None,
    X_query: MatrixLike | None = None,
    y_query: MatrixLike | None = None,
    *,
    radius: float = 2,
    metric: str = "hamming",
    relevance: str | MatrixLike = "any",
    average: bool = True,
    packed: bool = False,
    n_bits: int | None = None,
) -> float | NDArray[np.float64]:
    """Compute the fraction of all relevant samples that lies within a radius.

    Queries without a relevant sample are left out.

    Parameters
    ----------
    {X}
    {y}
    {queries}
    {radius}
    {radius_metric}
    {relevance}
        Graded gains make this the fraction of all gain.
    {average}
    {packed}

    Returns
    -------
    {nan_without_relevant}

    Raises
    ------
    {raises_radius}
    ValueError
        If a value is out of its range, lengths do not fit, `X` holds anything but codes
        for "hamming", no sample has a label, or no query has a relevant sample.

    Examples
    --------
    >>> from skhash.metrics import recall_within_radius_score
    >>> X = [[0, 0], [0, 0], [0, 1], [1, 1]]
    >>> y = [0, 1, 0, 1]
    >>> recall_within_radius_score(X, y, [[0, 0]], [1], radius=0)
    0.5
    """
    task = RetrievalTask(
        X,
        y,
        X_query,
        y_query,
        metric=metric,
        relevance=relevance,
        packed=packed,
        n_bits=n_bits,
    )
    exact = task.check_radius(radius)
    measure = partial(_closed_forms.recall_within, radius=exact)
    values = task.per_query([measure], radii=(exact,))[0]
    return average_over_queries(values) if average else values


@substitute(**SHARED)
def empty_ball_rate(
    X: MatrixLike,
    y: MatrixLike | None = None,
    X_query: MatrixLike | None = None,
    y_query: MatrixLike | None = None,
    *,
    radius: float = 2,
    metric: str = "hamming",
    packed: bool = False,
    n_bits: int | None = None,
) -> float:
    """Compute the fraction of queries that find nothing within a radius.

    Parameters
    ----------
    {X}
    y : array-like of shape (n_index,) or (n_index, n_classes), default=None
        One class per sample, or an indicator of several; a sample without a label is
        neither a query nor a result. If None, every sample counts.
    {queries}
    {radius}
    {radius_metric}
    {packed}

    Returns
    -------
    rate : float
        In [0, 1], smaller is better.

    Raises
    ------
    {raises_radius}
    ValueError
        If a value is out of its range, lengths do not fit, `X` holds anything but codes
        for "hamming", or no sample has a label.

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
    task = RetrievalTask(
        X,
        y,
        X_query,
        y_query,
        metric=metric,
        relevance="any",
        packed=packed,
        n_bits=n_bits,
    )
    exact = task.check_radius(radius)
    measure = partial(_closed_forms.is_empty_within, radius=exact)
    return average_over_queries(task.per_query([measure], radii=(exact,))[0])


def _check_empty(empty: Any) -> None:
    allowed = "a number in [0, 1] or NaN"
    if not isinstance(empty, Real) or isinstance(empty, bool):
        raise TypeError(f"empty must be {allowed}; got {empty!r}.")
    value = float(empty)
    if not (np.isnan(value) or 0 <= value <= 1):
        raise ValueError(f"empty must be {allowed}; got {empty!r}.")
