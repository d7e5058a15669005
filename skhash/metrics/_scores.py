"""Measures of the first k positions of a ranking."""

from functools import partial

from skhash.metrics import _measures
from skhash.metrics._task import RetrievalTask, average_over_queries

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
    """Compute the share of relevant rows among the first k found.

    Codes tie all the time. The value is the expectation over all orders of tied rows,
    in closed form [1]_: of the group that position k cuts, the mean gain counts.

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
    k : int, default=100
        How many positions count, from 1 to the number of rows a query ranks.
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
        Graded gains make this the mean gain of the first k (average cumulative gain).
    average : bool, default=True
        Whether to average over the queries.

    Returns
    -------
    score : float or ndarray of shape (n_queries,)
        In [0, 1], with a matrix of gains up to the largest of them; larger is better.
        With ``average=False`` one value a query that was given, NaN for rows without a
        label.

    Raises
    ------
    TypeError
        If `k` is no int.
    ValueError
        If a value is out of its range, lengths do not fit, `X` holds anything but bits
        for "hamming", or no row has a label.

    References
    ----------
    .. [1] F. McSherry and M. Najork, "Computing information retrieval performance
       measures efficiently in the presence of tied scores", ECIR 2008,
       :doi:`10.1007/978-3-540-78646-7_38`.

    Examples
    --------
    >>> from skhash.metrics import precision_at_k_score
    >>> X = [[0, 0], [0, 0], [0, 1], [1, 1]]
    >>> y = [0, 1, 0, 1]
    >>> precision_at_k_score(X, y, [[0, 0]], [1], k=1)
    0.5
    """
    task = RetrievalTask(X, y, X_query, y_query, metric=metric, relevance=relevance)
    k = task.check_k(k)
    values = task.per_query([partial(_measures.precision_at, k=k)], depth=k)[0]
    return average_over_queries(values) if average else values


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
    """Compute the share of all relevant rows that is among the first k found.

    The value is the expectation over all orders of tied rows [1]_. Queries without a
    relevant row are left out.

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
    k : int or None, default=100
        How many positions count, at least 1. None, and more than there are, mean the
        whole list.
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
        If `k` is no int.
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
    >>> from skhash.metrics import recall_at_k_score
    >>> X = [[0, 0], [0, 0], [0, 1], [1, 1]]
    >>> y = [0, 1, 0, 1]
    >>> recall_at_k_score(X, y, [[0, 0]], [1], k=2)
    0.5
    """
    task = RetrievalTask(X, y, X_query, y_query, metric=metric, relevance=relevance)
    k = task.check_k(k, clip=True)
    values = task.per_query([partial(_measures.recall_at, k=k)], depth=k)[0]
    return average_over_queries(values) if average else values


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
    """Compute the mean over queries of the average precision of the first k found.

    Of one ranking, it is the sum of the precision at each position up to k that holds
    a relevant row, over Z. The value is the expectation over all orders of tied rows,
    in closed form [1]_. Queries without a relevant row are left out.

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
    k : int or None, default=100
        How many positions count, at least 1. None, and more than there are, mean the
        whole list.
    metric : {"hamming", "cosine", "euclidean", "inner_product", "precomputed"}, \
            default="hamming"
        How rows are ranked. Distances other than Hamming are compared in single
        precision. With "precomputed", `X` holds the distances, of shape
        (n_queries, n_index), and `X_query` is None; without `y_query` it is square
        and no row finds itself.
    relevance : {"any"} or array-like of shape (n_queries, n_index), default="any"
        What a found row is worth. "any": 1 for the same label, or for any shared one;
        a matrix of 0 and 1, dense or CSR: `y` and `y_query` must then be None, and
        with precomputed distances a row may find itself.
    normalization : {"min", "hits"}, default="min"
        What Z is. "min": the lesser of k and the number of relevant rows, so that only
        a ranking with all relevant rows in front scores 1. "hits": the number of
        relevant rows found up to k, as some papers on hashing have it; a ranking that
        finds one relevant row and no more scores 1. Only to reproduce their figures.
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
        If `k` is no int.
    ValueError
        If a value is out of its range, lengths do not fit, `X` holds anything but bits
        for "hamming", no row has a label, no query has a relevant row, or gains are
        graded, for which there is :func:`ndcg_at_k_score`.

    References
    ----------
    .. [1] F. McSherry and M. Najork, "Computing information retrieval performance
       measures efficiently in the presence of tied scores", ECIR 2008,
       :doi:`10.1007/978-3-540-78646-7_38`.

    Examples
    --------
    >>> from skhash.metrics import average_precision_at_k_score
    >>> X = [[0, 0], [0, 0], [0, 1], [1, 1]]
    >>> y = [0, 1, 0, 1]
    >>> average_precision_at_k_score(X, y, [[0, 0]], [1], k=2)
    0.375
    """
    task = RetrievalTask(X, y, X_query, y_query, metric=metric, relevance=relevance)
    k = task.check_k(k, clip=True)
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
    measure = partial(_measures.average_precision_at, k=k, normalization=normalization)
    values = task.per_query([measure], depth=k)[0]
    return average_over_queries(values) if average else values


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
    """Compute the normalized discounted cumulative gain of the first k found.

    The gain at position t counts ``1 / log2(1 + t)``; the sum is divided by that of the
    best order. The value is the expectation over all orders of tied rows: each has the
    mean gain of its group [1]_. Queries without a relevant row are left out.

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
    k : int or None, default=100
        How many positions count, at least 1. None, and more than there are, mean the
        whole list.
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
        If `k` is no int.
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
    >>> from skhash.metrics import ndcg_at_k_score
    >>> X = [[0, 0], [0, 0], [0, 1], [1, 1]]
    >>> y = [0, 1, 0, 1]
    >>> ndcg_at_k_score(X, y, [[0, 0]], [1], k=1)
    0.5
    """
    task = RetrievalTask(X, y, X_query, y_query, metric=metric, relevance=relevance)
    k = task.check_k(k, clip=True)
    values = task.per_query([partial(_measures.ndcg_at, k=k)], depth=k)[0]
    return average_over_queries(values) if average else values
