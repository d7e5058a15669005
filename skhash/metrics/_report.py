"""Compute several measures in one pass over the distances."""

from collections.abc import Iterable
from functools import partial
from numbers import Number
from typing import Any, Literal

import numpy as np

from skhash.metrics import _closed_forms
from skhash.metrics._distances import Radius
from skhash.metrics._retrieval_task import (
    Measure,
    RetrievalTask,
    average_over_queries,
)
from skhash.metrics._texts import SHARED, MatrixLike
from skhash.utils._docstrings import substitute

#: The depths that k="auto" stands for, as far as a query ranks so many samples.
AUTO_DEPTHS = (10, 100, 1000)


@substitute(**SHARED)
def retrieval_report(
    X: MatrixLike,
    y: MatrixLike | None,
    X_query: MatrixLike | None = None,
    y_query: MatrixLike | None = None,
    *,
    k: int | Iterable[int | None] | Literal["auto"] | None = "auto",
    radius: float | Iterable[float] | None = None,
    metric: str = "hamming",
    relevance: str | MatrixLike = "any",
    packed: bool = False,
    n_bits: int | None = None,
) -> dict[str, float]:
    """Compute all measures at several depths and radii at once.

    The distances take most of the time, and they are computed once.

    Parameters
    ----------
    {X}
    {y}
    {queries}
    k : int, None, tuple of them or "auto", default="auto"
        The numbers of positions that count, each from 1 to the number of samples that a
        query ranks. None is the whole list, and gives average precision and nDCG only.
        "auto" is those of 10, 100 and 1000 that are allowed, or else all samples.
    radius : int, float or tuple of them, default=None
        Radii, inclusive, at least 0: ints, in bits, for "hamming", else in the unit of
        the distance. If None, (0, 1, 2) for "hamming" and none otherwise.
    {metric}
    {relevance}
        Where gains are graded, there is no average precision.
    {packed}

    Returns
    -------
    report : dict of str to float
        For each k "precision_at_10", "recall_at_10", "average_precision_at_10",
        "ndcg_at_10", or "average_precision" and "ndcg" for the whole list; for each
        radius "precision_within_2", "recall_within_2", "empty_balls_within_2" (a
        rate), where a query that finds nothing has precision 0; further "n_index" and
        "n_queries", the numbers of samples that count, and "fraction_without_relevant",
        the fraction of queries without a relevant sample, which only precision counts.

    Raises
    ------
    TypeError
        If a `k` is not an int, a `radius` is not a number (for "hamming": an int), or
        packed codes are not of dtype uint8.
    ValueError
        If a value is out of its range, lengths do not fit, `X` holds anything but codes
        for "hamming", no sample has a label, or no query has a relevant sample.

    References
    ----------
    {ties}

    Examples
    --------
    >>> from skhash.metrics import retrieval_report
    >>> X = [[0, 0], [0, 0], [0, 1], [1, 1]]
    >>> report = retrieval_report(X, [0, 1, 0, 1], [[0, 0]], [1], k=2, radius=0)
    >>> report["average_precision_at_2"], report["recall_within_0"]
    (0.375, 0.5)
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
    if radius is None:
        radius = (0, 1, 2) if metric == "hamming" else ()
    given = _auto_depths(task) if isinstance(k, str) and k == "auto" else _as_tuple(k)
    depths = [task.check_k(depth, clip=depth is None) for depth in given]
    radii = {one: task.check_radius(one) for one in _as_tuple(radius)}
    measures: dict[str, Measure] = {}
    for depth, asked in zip(depths, given):
        measures |= _measures_at(depth, asked is None, task.graded)
    for one, exact in radii.items():
        measures |= _measures_within(f"within_{one}", exact)
    measures["fraction_without_relevant"] = _closed_forms.lacks_relevant
    values = task.per_query(
        list(measures.values()),
        depth=max(depths, default=0),
        radii=tuple(radii.values()),
    )
    report = {
        name: average_over_queries(value) for name, value in zip(measures, values)
    }
    report["n_queries"] = float(np.sum(~np.isnan(values[-1])))
    report["n_index"] = float(task.n_index)
    return report


def _auto_depths(task: RetrievalTask) -> tuple[int, ...]:
    allowed = tuple(depth for depth in AUTO_DEPTHS if depth <= task.n_candidates)
    return allowed or (task.n_candidates,)


def _measures_at(k: int, whole: bool, graded: bool) -> dict[str, Measure]:
    at = "" if whole else f"_at_{k}"
    measures: dict[str, Measure] = {f"ndcg{at}": partial(_closed_forms.ndcg_at, k=k)}
    if not graded:
        measures[f"average_precision{at}"] = partial(
            _closed_forms.average_precision_at, k=k
        )
    if not whole:
        measures[f"precision{at}"] = partial(_closed_forms.precision_at, k=k)
        measures[f"recall{at}"] = partial(_closed_forms.recall_at, k=k)
    return measures


def _measures_within(name: str, radius: Radius) -> dict[str, Measure]:
    return {
        f"precision_{name}": partial(_closed_forms.precision_within, radius=radius),
        f"recall_{name}": partial(_closed_forms.recall_within, radius=radius),
        f"empty_balls_{name}": partial(_closed_forms.is_empty_within, radius=radius),
    }


def _as_tuple(value: Any) -> tuple[Any, ...]:
    single = value is None or isinstance(value, Number | str)
    return (value,) if single else tuple(value)
