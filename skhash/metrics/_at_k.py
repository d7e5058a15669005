"""Measure the first k positions of a ranking."""

from functools import partial
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from skhash.metrics import _closed_forms
from skhash.metrics._retrieval_task import RetrievalTask, average_over_queries
from skhash.metrics._texts import SHARED, MatrixLike
from skhash.utils._docstrings import substitute

NORMALIZATIONS = ("min", "hits")


@substitute(**SHARED)
def precision_at_k_score(
    X: MatrixLike,
    y: MatrixLike | None,
    X_query: MatrixLike | None = None,
    y_query: MatrixLike | None = None,
    *,
    k: int | Literal["auto"] = "auto",
    metric: str = "hamming",
    relevance: str | MatrixLike = "any",
    average: bool = True,
    packed: bool = False,
    n_bits: int | None = None,
) -> float | NDArray[np.float64]:
    """Compute the fraction of relevant samples among the first k results.

    Codes repeat, and their distances tie. The value is the expectation over all orders
    of tied samples, in closed form [1]_: of the group that position k cuts, the mean
    gain counts.

    Parameters
    ----------
    {X}
    {y}
    {queries}
    k : int or "auto", default="auto"
        The number of positions that count, from 1 to the number of samples that a query
        ranks. "auto" is 100, or all samples where there are fewer.
    {metric}
    {relevance}
        Graded gains make this the mean gain of the first k (average cumulative gain).
    {average}
    {packed}

    Returns
    -------
    score : float or ndarray of shape (n_queries,)
        In [0, 1], with a matrix of gains up to the largest of them; larger is better.
        With ``average=False`` one value per query that was passed, NaN for samples
        without a label.

    Raises
    ------
    {raises_k}
    ValueError
        If a value is out of its range, lengths do not fit, `X` holds anything but codes
        for "hamming", or no sample has a label.

    References
    ----------
    {ties}

    Examples
    --------
    >>> from skhash.metrics import precision_at_k_score
    >>> X = [[0, 0], [0, 0], [0, 1], [1, 1]]
    >>> y = [0, 1, 0, 1]
    >>> precision_at_k_score(X, y, [[0, 0]], [1], k=1)
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
    depth = task.check_k(k)
    measure = partial(_closed_forms.precision_at, k=depth)
    values = task.per_query([measure], depth=depth)[0]
    return average_over_queries(values) if average else values


@substitute(**SHARED)
def recall_at_k_score(
    X: MatrixLike,
    y: MatrixLike | None,
    X_query: MatrixLike | None = None,
    y_query: MatrixLike | None = None,
    *,
    k: int | None = 100,
    metric: str = "hamming",
    relevance: str | MatrixLike = "any",
    average: bool = True,
    packed: bool = False,
    n_bits: int | None = None,
) -> float | NDArray[np.float64]:
    """Compute the fraction of all relevant samples that is among the first k results.

    The value is the expectation over all orders of tied samples [1]_. Queries without a
    relevant sample are left out.

    Parameters
    ----------
    {X}
    {y}
    {queries}
    {k}
    {metric}
    {relevance}
        Graded gains make this the fraction of all gain.
    {average}
    {packed}

    Returns
    -------
    {nan_without_relevant}

    Raises
    ------
    {raises_k}
    ValueError
        If a value is out of its range, lengths do not fit, `X` holds anything but codes
        for "hamming", no sample has a label, or no query has a relevant sample.

    References
    ----------
    {ties}

    Examples
    --------
    >>> from skhash.metrics import recall_at_k_score
    >>> X = [[0, 0], [0, 0], [0, 1], [1, 1]]
    >>> y = [0, 1, 0, 1]
    >>> recall_at_k_score(X, y, [[0, 0]], [1], k=2)
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
    depth = task.check_k(k, clip=True)
    measure = partial(_closed_forms.recall_at, k=depth)
    values = task.per_query([measure], depth=depth)[0]
    return average_over_queries(values) if average else values


@substitute(**SHARED)
def average_precision_at_k_score(
    X: MatrixLike,
    y: MatrixLike | None,
    X_query: MatrixLike | None = None,
    y_query: MatrixLike | None = None,
    *,
    k: int | None = 100,
    metric: str = "hamming",
    relevance: str | MatrixLike = "any",
    normalization: str = "min",
    average: bool = True,
    packed: bool = False,
    n_bits: int | None = None,
) -> float | NDArray[np.float64]:
    """Compute the mean over queries of the average precision of the first k results.

    For one ranking, it is the sum of the precision at each position up to k that holds
    a relevant sample, over Z. The value is the expectation over all orders of tied
    samples, in closed form [1]_. Queries without a relevant sample are left out.

    Parameters
    ----------
    {X}
    {y}
    {queries}
    {k}
    {metric}
    relevance : {"any"} or array-like of shape (n_queries, n_index), default="any"
        The gain of a result. "any": 1 for the same class, or for any shared one; a
        matrix of 0 and 1, dense or CSR: `y` and `y_query` must then be None, and with
        precomputed distances a sample may find itself.
    normalization : {"min", "hits"}, default="min"
        What Z is. "min": the lesser of k and the number of relevant samples, so that
        only a ranking with all relevant samples in front scores 1. "hits": the number
        of relevant samples up to k, as in some papers on hashing; a ranking that finds
        one relevant sample and no more scores 1. Only to reproduce their figures.
    {average}
    {packed}

    Returns
    -------
    {nan_without_relevant}

    Raises
    ------
    {raises_k}
    ValueError
        If a value is out of its range, lengths do not fit, `X` holds anything but codes
        for "hamming", no sample has a label, no query has a relevant sample, or gains
        are graded, for which there is :func:`ndcg_at_k_score`.

    References
    ----------
    {ties}

    Examples
    --------
    >>> from skhash.metrics import average_precision_at_k_score
    >>> X = [[0, 0], [0, 0], [0, 1], [1, 1]]
    >>> y = [0, 1, 0, 1]
    >>> average_precision_at_k_score(X, y, [[0, 0]], [1], k=2)
    0.375
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
    depth = task.check_k(k, clip=True)
    if normalization not in NORMALIZATIONS:
        raise ValueError(
            f"normalization must be one of {NORMALIZATIONS}; got {normalization!r}."
        )
    if task.graded:
        raise ValueError(
            "relevance must be 'any' or a matrix of 0 and 1 for average precision, "
            "which counts relevant rows; got graded gains, for which there is "
            "ndcg_at_k_score."
        )
    measure = partial(
        _closed_forms.average_precision_at, k=depth, normalization=normalization
    )
    values = task.per_query([measure], depth=depth)[0]
    return average_over_queries(values) if average else values


@substitute(**SHARED)
def ndcg_at_k_score(
    X: MatrixLike,
    y: MatrixLike | None,
    X_query: MatrixLike | None = None,
    y_query: MatrixLike | None = None,
    *,
    k: int | None = 100,
    metric: str = "hamming",
    relevance: str | MatrixLike = "any",
    average: bool = True,
    packed: bool = False,
    n_bits: int | None = None,
) -> float | NDArray[np.float64]:
    """Compute the normalized discounted cumulative gain of the first k results.

    The gain at position t counts ``1 / log2(1 + t)``; the sum is divided by that of the
    best order. The value is the expectation over all orders of tied samples: each has
    the mean gain of its group [1]_. Queries without a relevant sample are left out.

    Parameters
    ----------
    {X}
    {y}
    {queries}
    {k}
    {metric}
    {relevance}
    {average}
    {packed}

    Returns
    -------
    {nan_without_relevant}

    Raises
    ------
    {raises_k}
    ValueError
        If a value is out of its range, lengths do not fit, `X` holds anything but codes
        for "hamming", no sample has a label, or no query has a relevant sample.

    References
    ----------
    {ties}

    Examples
    --------
    >>> from skhash.metrics import ndcg_at_k_score
    >>> X = [[0, 0], [0, 0], [0, 1], [1, 1]]
    >>> y = [0, 1, 0, 1]
    >>> ndcg_at_k_score(X, y, [[0, 0]], [1], k=1)
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
    depth = task.check_k(k, clip=True)
    measure = partial(_closed_forms.ndcg_at, k=depth)
    values = task.per_query([measure], depth=depth)[0]
    return average_over_queries(values) if average else values
