"""Several measures from one pass over the distances."""

from functools import partial
from numbers import Number

import numpy as np

from skhash.metrics import _measures
from skhash.metrics._task import RetrievalTask, average_over_queries


def retrieval_report(
    X,
    y,
    X_query=None,
    y_query=None,
    *,
    k=(10, 100, 1000),
    radius=None,
    metric="hamming",
    relevance="any",
):
    """Compute all measures at several depths and radii at once.

    The distances are the cost, and they are worked out once.

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
    k : int, None or tuple of them, default=(10, 100, 1000)
        How many positions count, each from 1 to the number of rows a query ranks. None
        is the whole list, and gives average precision and nDCG only.
    radius : int, float or tuple of them, default=None
        Radii, inclusive, at least 0: whole bits for "hamming", else in the unit of the
        distance. If None, (0, 1, 2) for "hamming" and none otherwise.
    metric : {"hamming", "cosine", "euclidean", "inner_product", "precomputed"}, \
            default="hamming"
        How rows are ranked. Distances other than Hamming are compared in single
        precision. With "precomputed", `X` holds the distances, of shape
        (n_queries, n_index), and `X_query` is None; without `y_query` it is square
        and no row finds itself.
    relevance : {"any", "jaccard"} or array-like of shape (n_queries, n_index), \
            default="any"
        What a found row is worth. "any": 1 for the same label, or for any shared one;
        "jaccard": the shared labels over the labels of both, in [0, 1]; a matrix
        of gains of at least 0, dense or CSR: `y` and `y_query` must then be None, and
        with precomputed distances a row may find itself.
        Where gains are graded, there is no average precision.

    Returns
    -------
    report : dict of str to float
        For each k "precision_at_10", "recall_at_10", "average_precision_at_10",
        "ndcg_at_10", or "average_precision" and "ndcg" for the whole list; for each
        radius "precision_within_2", "recall_within_2", "empty_balls_within_2" (a
        share), where an empty ball has precision 0; further "n_index" and
        "n_queries", the judged rows, and "fraction_without_relevant", the share of the
        queries that have no relevant row and that only precision counts.

    Raises
    ------
    TypeError
        If a `k` is no int, or a `radius` no number, or no int for "hamming".
    ValueError
        If a value is out of its range, lengths do not fit, `X` holds anything but bits
        for "hamming", no row has a label, or no query has a relevant row.

    References
    ----------
    .. [1] F. McSherry and M. Najork, "Computing information retrieval performance
       measures efficiently in the presence of tied scores", ECIR 2008,
       :doi:`10.1007/978-3-540-78646-7_38`.

    Examples
    --------
    >>> from skhash.metrics import retrieval_report
    >>> X = [[0, 0], [0, 0], [0, 1], [1, 1]]
    >>> report = retrieval_report(X, [0, 1, 0, 1], [[0, 0]], [1], k=2, radius=0)
    >>> report["average_precision_at_2"], report["recall_within_0"]
    (0.375, 0.5)
    """
    task = RetrievalTask(X, y, X_query, y_query, metric=metric, relevance=relevance)
    if radius is None:
        radius = (0, 1, 2) if metric == "hamming" else ()
    depths = [task.check_k(depth, clip=depth is None) for depth in _as_tuple(k)]
    radii = tuple(task.check_radius(one) for one in _as_tuple(radius))
    measures = {}
    for depth, given in zip(depths, _as_tuple(k)):
        measures |= _measures_at(depth, given is None, task.graded)
    for one in radii:
        measures |= _measures_within(one)
    measures["fraction_without_relevant"] = _measures.lacks_relevant
    values = task.per_query(
        list(measures.values()), depth=max(depths, default=0), radii=radii
    )
    report = {
        name: average_over_queries(value) for name, value in zip(measures, values)
    }
    report["n_queries"] = float(np.sum(~np.isnan(values[-1])))
    report["n_index"] = float(task.n_index)
    return report


def _measures_at(k, whole, graded):
    at = "" if whole else f"_at_{k}"
    measures = {f"ndcg{at}": partial(_measures.ndcg_at, k=k)}
    if not graded:
        measures[f"average_precision{at}"] = partial(
            _measures.average_precision_at, k=k
        )
    if not whole:
        measures[f"precision{at}"] = partial(_measures.precision_at, k=k)
        measures[f"recall{at}"] = partial(_measures.recall_at, k=k)
    return measures


def _measures_within(radius):
    name = f"within_{radius}"
    return {
        f"precision_{name}": partial(_measures.precision_within, radius=radius),
        f"recall_{name}": partial(_measures.recall_within, radius=radius),
        f"empty_balls_{name}": partial(_measures.is_empty_within, radius=radius),
    }


def _as_tuple(value):
    return (value,) if value is None or isinstance(value, Number | str) else value
