"""Score hashers by retrieval in scikit-learn's model selection."""

import re
import warnings
from collections.abc import Callable
from inspect import signature
from typing import Any

import scipy.sparse as sp
from numpy.typing import ArrayLike

from skhash import metrics
from skhash._packed_columns import unpack_columns
from skhash.model_selection._stratification import labeled_rows
from skhash.utils._compat import safe_indexing
from skhash.utils._labels import warn_of_unlabeled

_WITHIN_RADIUS = (
    metrics.precision_within_radius_score,
    metrics.recall_within_radius_score,
)
# From this rate of queries that find nothing on, a score within a radius is dubious.
_MOSTLY_EMPTY = 0.5


class RetrievalScorer:
    """Score estimators that compute codes; see :func:`make_retrieval_scorer`.

    Parameters
    ----------
    function : callable
        A function of :mod:`skhash.metrics` or one like them.
    parameters : dict
        Its keyword arguments.
    """

    def __init__(self, function: Callable[..., Any], parameters: dict[str, Any]):
        self._function = function
        self._parameters = parameters

    def __repr__(self) -> str:
        name = getattr(self._function, "__name__", repr(self._function))
        parts = [f"{key}={value!r}" for key, value in self._parameters.items()]
        return f"make_retrieval_scorer({', '.join([name, *parts])})"

    def __call__(self, estimator: Any, X: Any, y: Any) -> float:
        """Return the score of a fitted estimator.

        Parameters
        ----------
        estimator : estimator
            A fitted hasher, or a Pipeline, ColumnTransformer, FeatureUnion or search
            that contains hashers.
        X : array-like of shape (n_samples, ...)
            Samples to encode; those without a label are left out, with a warning.
        y : array-like of shape (n_samples,) or (n_samples, n_classes)
            Labels.

        Returns
        -------
        score : float

        Raises
        ------
        TypeError
            If `estimator` has no `transform`.
        ValueError
            If no sample has a label, or the measure is not defined.
        """
        if not hasattr(estimator, "transform"):
            raise TypeError(
                "A retrieval scorer needs an estimator with transform, a hasher or a "
                f"Pipeline that ends in one; got {type(estimator).__name__}."
            )
        labels, rows = labeled_rows(X, y)
        warn_of_unlabeled(labels)
        codes = estimator.transform(safe_indexing(X, rows))
        codes = unpack_columns(estimator, codes)
        y = safe_indexing(y.tocsr() if sp.issparse(y) else y, rows)
        if self._function in _WITHIN_RADIUS:
            self._warn_if_mostly_empty(codes, y)
        return self._function(codes, y, **self._parameters)

    def _warn_if_mostly_empty(self, codes: Any, y: ArrayLike) -> None:
        """Warn if most queries find nothing, as in a test fold of few samples."""
        allowed = signature(metrics.empty_ball_rate).parameters
        known = {
            key: self._parameters[key] for key in allowed & self._parameters.keys()
        }
        rate = metrics.empty_ball_rate(codes, y, **known)
        if rate > _MOSTLY_EMPTY:
            warnings.warn(
                f"{100 * rate:.0f} % of the queries find nothing within the radius in "
                f"a test fold of {codes.shape[0]} samples, which decides their score: "
                "a radius that suits the whole collection is too small for a part of "
                "it. Measures such as 'average_precision' do not depend on the size.",
                UserWarning,
                stacklevel=3,
            )


def make_retrieval_scorer(
    measure: str | Callable[..., Any] = "average_precision", **parameters: Any
) -> RetrievalScorer:
    """Make a scorer of leave-one-out retrieval, for `scoring` in scikit-learn's tools.

    The labeled samples of the test fold are encoded by `transform`. Each of them is a
    query, and the others are the database. Packed codes are unpacked.

    Parameters
    ----------
    measure : str or callable, default="average_precision"
        A name: "precision_at_10", "recall_at_10", "average_precision_at_10",
        "ndcg_at_10" with any number from 1 on, "average_precision" or "ndcg" for the
        whole list, "precision_within_2" or "recall_within_2" with any radius in bits.
        Or a function of :mod:`skhash.metrics` or one like them, where larger is better.
    **parameters
        Further arguments of the function, such as ``k=10`` or ``relevance="jaccard"``;
        ``metric="cosine"`` for transformers that return real numbers.

    Returns
    -------
    scorer : callable
        ``scorer(estimator, X, y)`` returns a float. It can be pickled if `measure` can.
        It warns if some samples have no label, or most queries find nothing within a
        radius.

    Raises
    ------
    ValueError
        If the name is unknown, a parameter is part of the name already, or `average` is
        false.
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
    # Cross-validation would turn an error that is raised only there into NaN.
    signature(function).bind("codes", "labels", **named | parameters)
    return RetrievalScorer(function, named | parameters)


def _parse_name(name: str) -> tuple[Callable[..., Any], dict[str, int | None]]:
    """Return the function and the arguments that a name of a measure stands for."""
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
