"""Retrieval measures as scorers of scikit-learn's model selection."""

import re
from inspect import signature

import scipy.sparse as sp

from skhash import metrics
from skhash.model_selection._stratification import labeled_rows
from skhash.utils._compat import safe_indexing
from skhash.utils._pipelines import unpack_columns


class RetrievalScorer:
    """A scorer for estimators that give codes; see :func:`make_retrieval_scorer`."""

    def __init__(self, function, parameters):
        self._function = function
        self._parameters = parameters

    def __repr__(self):
        parts = [self._function.__name__]
        parts += [f"{name}={value!r}" for name, value in self._parameters.items()]
        return f"make_retrieval_scorer({', '.join(parts)})"

    def __call__(self, estimator, X, y):
        """Return the score of a fitted estimator.

        Parameters
        ----------
        estimator : estimator
            A fitted hasher, or a Pipeline that ends in one.
        X : array-like of shape (n_samples, ...)
            Rows to encode; those without label are left out.
        y : array-like of shape (n_samples,) or (n_samples, n_classes)
            Labels.

        Returns
        -------
        score : float
        """
        if not hasattr(estimator, "transform"):
            raise TypeError(
                "A retrieval scorer needs an estimator with transform, a hasher or a "
                f"Pipeline that ends in one; got {type(estimator).__name__}."
            )
        _, rows = labeled_rows(X, y)
        codes = estimator.transform(safe_indexing(X, rows))
        codes = unpack_columns(estimator, codes)
        y = y.tocsr() if sp.issparse(y) else y
        return self._function(codes, safe_indexing(y, rows), **self._parameters)


def make_retrieval_scorer(measure="average_precision", **parameters):
    """Make a scorer of leave-one-out retrieval, for `scoring=` in scikit-learn's tools.

    The labeled rows of the test fold are encoded by `transform`; each in turn is the
    query, the others are what is searched. Packed codes are unpacked.

    Parameters
    ----------
    measure : str or callable, default="average_precision"
        A name: "precision_at_10", "recall_at_10", "average_precision_at_10",
        "ndcg_at_10" with any number from 1 on, "average_precision" or "ndcg" for the
        whole list, "precision_within_2" or "recall_within_2" with any radius in bits.
        Or a function of :mod:`skhash.metrics` or one like them, where larger is better.
    **parameters
        Further arguments of the function, such as ``k=10`` or ``relevance="jaccard"``;
        ``metric="cosine"`` for transformers that give real numbers.

    Returns
    -------
    scorer : callable
        ``scorer(estimator, X, y)`` gives a float. It can be pickled if `measure` can.

    Raises
    ------
    ValueError
        If the name is unknown, a parameter is given by the name already, or `average`
        is false.
    TypeError
        If `measure` is neither a string nor callable, or does not take the arguments.

    Examples
    --------
    >>> from sklearn.preprocessing import Binarizer
    >>> from skhash.model_selection import make_retrieval_scorer
    >>> scorer = make_retrieval_scorer("precision_at_1")
    >>> X, y = [[-1, 0.3], [-2, 0.7], [1, 0.5], [1, 0.1]], [0, 0, 1, 1]
    >>> scorer(Binarizer().fit(X), X, y)
    1.0
    """
    if not isinstance(measure, str) and not callable(measure):
        raise TypeError(f"measure must be a name or a function; got {measure!r}.")
    function, named = (measure, {}) if callable(measure) else _parse_name(measure)
    twice = sorted(set(named) & set(parameters))
    if twice:
        raise ValueError(
            f"{twice[0]} must be given once: measure={measure!r} says it already."
        )
    if not parameters.get("average", True):
        raise ValueError("average must be True, for a score is one number; got False.")
    # Cross-validation would make NaN of an argument that is refused only there.
    signature(function).bind("codes", "labels", **named | parameters)
    return RetrievalScorer(function, named | parameters)


def _parse_name(name):
    """Return the function and the arguments that the name of a measure stands for."""
    if name in ("average_precision", "ndcg"):
        return getattr(metrics, f"{name}_at_k_score"), {"k": None}
    found = re.fullmatch(
        r"(precision|recall|average_precision|ndcg)_at_([1-9]\d*)", name
    )
    if found:
        return getattr(metrics, f"{found[1]}_at_k_score"), {"k": int(found[2])}
    found = re.fullmatch(r"(precision|recall)_within_(\d+)", name)
    if found:
        function = getattr(metrics, f"{found[1]}_within_radius_score")
        return function, {"radius": int(found[2])}
    raise ValueError(
        "measure must be 'average_precision' or 'ndcg', alone or with '_at_K', "
        "'precision_at_K', 'recall_at_K', 'precision_within_R' or 'recall_within_R'; "
        f"got {name!r}."
    )
