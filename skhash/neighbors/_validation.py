"""Validate the labels and ids of samples that are added to an index."""

from __future__ import annotations

from typing import Any

from numpy.typing import ArrayLike, NDArray
from sklearn.utils.validation import check_consistent_length

from skhash.neighbors._ids import check_ids
from skhash.utils._compat import num_samples
from skhash.utils._label_forms import check_objects, check_texts
from skhash.utils._labels import as_array, check_partial_labels

#: Strings that are checked one by one.
_FEW = 64


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
    # What needs no sort, for few labels are often added to many.
    if labels.ndim == 1 and labels.dtype.kind == "U" and len(labels) <= _FEW:
        check_texts(labels, "y")
    elif labels.ndim == 1 and labels.dtype.kind == "O":
        check_objects(labels, "y")
    elif len(labels) and (labels.ndim > 1 or labels.dtype.kind not in "biu"):
        check_partial_labels(labels, len(labels), chunk=True)
    return labels


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
