"""The public measures."""

from functools import partial
from numbers import Real

import numpy as np

from skhash.metrics import _measures
from skhash.metrics._evaluation import Evaluation, average_over_queries

NORMALIZATIONS = ("min", "hits")


def precision_at_k_score(
    X,
    y,
    X_query=None,
    y_query=None,
    *,
    k=100,
    metric="hamming",
    relevance="any",
    average=True,
):
    evaluation = Evaluation(X, y, X_query, y_query, metric=metric, relevance=relevance)
    k = evaluation.check_k(k)
    return _score(evaluation, partial(_measures.precision_at, k=k), average, depth=k)


def recall_at_k_score(
    X,
    y,
    X_query=None,
    y_query=None,
    *,
    k=100,
    metric="hamming",
    relevance="any",
    average=True,
):
    evaluation = Evaluation(X, y, X_query, y_query, metric=metric, relevance=relevance)
    k = evaluation.check_k(k, clip=True)
    return _score(evaluation, partial(_measures.recall_at, k=k), average, depth=k)


def average_precision_at_k_score(
    X,
    y,
    X_query=None,
    y_query=None,
    *,
    k=100,
    metric="hamming",
    relevance="any",
    normalization="min",
    average=True,
):
    evaluation = Evaluation(X, y, X_query, y_query, metric=metric, relevance=relevance)
    k = evaluation.check_k(k, clip=True)
    if normalization not in NORMALIZATIONS:
        raise ValueError(
            f"normalization must be one of {NORMALIZATIONS}; got {normalization!r}."
        )
    if evaluation.graded:
        raise ValueError(
            "relevance must be 'any' or a matrix of 0 and 1 for average precision, "
            "which counts relevant rows; got graded gains, for which there is "
            "ndcg_at_k_score."
        )
    measure = partial(_measures.average_precision_at, k=k, normalization=normalization)
    return _score(evaluation, measure, average, depth=k)


def ndcg_at_k_score(
    X,
    y,
    X_query=None,
    y_query=None,
    *,
    k=100,
    metric="hamming",
    relevance="any",
    average=True,
):
    evaluation = Evaluation(X, y, X_query, y_query, metric=metric, relevance=relevance)
    k = evaluation.check_k(k, clip=True)
    return _score(evaluation, partial(_measures.ndcg_at, k=k), average, depth=k)


def _score(evaluation, measure, average, *, depth=0, radii=()):
    values = evaluation.per_query([measure], depth=depth, radii=radii)[0]
    return average_over_queries(values) if average else values
