"""Validate the labels and ids of samples that are added to an index."""

from __future__ import annotations

from types import NoneType
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.utils.validation import check_consistent_length

from skhash.neighbors._ids import check_ids
from skhash.utils._compat import num_samples
from skhash.utils._label_forms import check_objects, has_no_missing_text
from skhash.utils._labels import as_array, check_partial_labels

#: Labels that are checked one by one.
_FEW = 64
#: Sums of probabilities that are 1 for certain; others are compared more exactly.
_SURELY_ONE = 9e-4
_PLAIN_TYPES = frozenset({str, int, float, NoneType})


def check_labels(y: ArrayLike, X: ArrayLike) -> NDArray:
    """Return the labels of samples or of a chunk of them, as they came but validated.

    Parameters
    ----------
    y : array-like of shape (n_samples,) or (n_samples, n_classes)
        Labels.
    X : array-like of shape (n_samples, n_features)
        The samples.

    Returns
    -------
    labels : ndarray of shape (n_samples,) or (n_samples, n_classes)
        Maybe not a copy.

    Raises
    ------
    ValueError
        If the number of labels is wrong, or one could mean something else.
    """
    labels = as_array(y)
    if labels.ndim == 2 and labels.shape[1] == 1:
        labels = labels.ravel()
    if labels.ndim == 0 or len(labels) != num_samples(X):
        check_consistent_length(X, labels)
    if not _are_plain(labels):
        if labels.ndim == 1 and labels.dtype.kind == "O":
            check_objects(labels, "y")
        else:
            check_partial_labels(labels, len(labels), chunk=True)
    return labels


def _are_plain(labels: NDArray) -> bool:
    """Return whether labels are of a form that needs no further check.

    The general way takes longer than adding a code to an index. False decides nothing.
    """
    if not len(labels) or (labels.ndim == 1 and labels.dtype.kind in "biu"):
        return True
    if labels.ndim == 2 and labels.dtype.kind in "biuf" and labels.size:
        return _are_memberships(labels)
    if labels.ndim != 1 or labels.dtype.kind not in "UOf" or len(labels) > _FEW:
        return False
    values = labels.tolist()
    if labels.dtype.kind == "f":
        return all(value != value or value.is_integer() for value in values)
    return _are_plain_objects(values)


def _are_plain_objects(labels: list[Any]) -> bool:
    """Return whether objects are classes of one kind, beside None, NaN or -1."""
    types = {type(label) for label in labels}
    if float in types and any(x == x for x in labels if type(x) is float):
        return False
    if int in types:  # -1 beside strings, or classes of 64 bits
        numbers = [label for label in labels if type(label) is int]
        least, most = (-1, -1) if str in types else (-(2**63), 2**63 - 1)
        if min(numbers) < least or max(numbers) > most:
            return False
    return types <= _PLAIN_TYPES and has_no_missing_text(labels)


def _are_memberships(labels: NDArray) -> bool:
    """Return whether all rows are an indicator's, or probabilities that sum to 1."""
    if not (labels.min() >= 0 and labels.max() <= 1):
        return False
    return (
        labels.dtype.kind != "f"
        or bool((np.abs(labels.sum(axis=1) - 1) < _SURELY_ONE).all())
        or bool(((labels == 0) | (labels == 1)).all())
    )


def check_ids_of(ids: ArrayLike, X: ArrayLike) -> NDArray:
    """Validate the ids of samples; return a copy."""
    checked = check_ids(ids)
    n_samples = num_samples(X)
    if len(checked) != n_samples:
        raise ValueError(
            f"ids must be one per code, {n_samples} as there are rows; got "
            f"{len(checked)}."
        )
    return checked


def check_presence(name: str, plural: str, given: Any, held: Any) -> None:
    """Raise unless something is given exactly if the index holds it."""
    if (given is None) != (held is None):
        has, got = ("none", "some") if held is None else ("some", "none")
        raise ValueError(
            f"{name} must be given if and only if the index has {plural}; the index "
            f"has {has}, got {got}."
        )
