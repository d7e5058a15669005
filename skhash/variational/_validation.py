"""Validate the parameters and the data of hashers with a network."""

import inspect
from collections.abc import Sequence
from numbers import Integral
from typing import Any

import scipy.sparse as sp
import torch
from numpy.typing import ArrayLike, NDArray
from sklearn.base import clone
from skorch.callbacks import Callback

from skhash.utils._compat import num_samples
from skhash.utils._labels import PartialLabels, check_partial_labels
from skhash.utils._scaling import Rows


def check_layer_sizes(sizes: tuple[int, ...]) -> None:
    """Raise unless `hidden_layer_sizes` are widths of at least one layer."""
    if sizes and all(isinstance(size, Integral) and size > 0 for size in sizes):
        return
    raise ValueError(
        "hidden_layer_sizes must be a tuple of at least one int, each at least 1; got "
        f"{sizes!r}."
    )


def check_callbacks(callbacks: Sequence[Any] | None) -> list[Any]:
    """Raise unless `callbacks` are skorch callbacks.

    Parameters
    ----------
    callbacks : sequence or None
        Callbacks, their classes, or pairs of a name and one of these.

    Returns
    -------
    bare : list
        The callbacks without their names.

    Raises
    ------
    TypeError
        If one is not a skorch callback.
    """
    bare = [each[-1] if isinstance(each, tuple) else each for each in callbacks or ()]
    for each in bare:
        kind = each if inspect.isclass(each) else type(each)
        if not issubclass(kind, Callback):
            raise TypeError(
                "callbacks must be skorch callbacks, or pairs of a name and one; got "
                f"{each!r} of type {type(each).__name__}."
            )
    return bare


def check_device(device: str) -> str:
    """Return the name of a device that torch can use; "auto" chooses one."""
    if device == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    try:
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        raise ValueError(
            "device must be 'auto' or name a device that torch can use here, such as "
            f"'cpu'; got {device!r}. {error}"
        ) from error
    return device


def check_non_negative(X: Rows, remedy: str) -> None:
    """Raise if samples for a softmax decoder have a negative value.

    Parameters
    ----------
    X : {ndarray, CSR} of shape (n_samples, n_features)
        Samples.
    remedy : str
        A sentence of advice for the error message.
    """
    smallest = smallest_value(X)
    if smallest < 0:
        raise ValueError(
            "X must be non-negative with reconstruction='softmax', which models "
            f"samples as counts or weights of words; got a value of {smallest:g}. "
            f"{remedy}"
        )


def smallest_value(X: Rows) -> float:
    """Return the smallest value of samples, 0 if it is positive."""
    return (X.data if sp.issparse(X) else X).min(initial=0.0)


def check_label_form(labels: PartialLabels, multilabel: bool) -> None:
    """Raise if labels have another form than in the first call.

    Parameters
    ----------
    labels : PartialLabels
        The labels of this call.
    multilabel : bool
        Whether samples had several labels in the first call.
    """
    if labels.kind != "none" and (labels.kind == "multilabel") != multilabel:
        forms = (
            "one class per sample",
            "an indicator matrix of several classes per sample",
        )
        raise ValueError(
            f"y must hold {forms[multilabel]}, as in the first call; got "
            f"{forms[not multilabel]}."
        )


def check_chunk_classes(
    labels: PartialLabels, classes: ArrayLike | None
) -> NDArray | None:
    """Return the classes of all chunks of a collection, None without any.

    Parameters
    ----------
    labels : PartialLabels
        The labels of the first chunk.
    classes : array-like of shape (n_classes,) or None
        The classes that the user names; -1 is none.

    Returns
    -------
    classes : ndarray of shape (n_classes,) or None
        Sorted.

    Raises
    ------
    ValueError
        If only one class is known.
    """
    if classes is not None:
        labels = check_partial_labels(classes, num_samples(classes), name="classes")
    if labels.classes is not None and labels.kind == "single" and labels.n_classes == 1:
        raise ValueError(
            "classes must name all classes that any chunk will have, at least two, "
            "where y of the first chunk does not have them all; got one class, "
            f"{labels.classes.tolist()[0]!r}."
        )
    return labels.classes


def collaborator(given: Any, default_type: type[Any]) -> Any:
    """Return a copy of a given collaborator, a default one for "auto", or None."""
    if given is None:
        return None
    return default_type() if isinstance(given, str) else clone(given)
