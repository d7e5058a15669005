"""What a user may pass to the hashers with a network, checked."""

import inspect
from numbers import Integral

import scipy.sparse as sp
import torch
from skorch.callbacks import Callback

from skhash.utils._labels import check_partial_labels


def check_layer_sizes(sizes):
    """Raise unless `hidden_layer_sizes` are widths of at least one layer."""
    if sizes and all(isinstance(size, Integral) and size > 0 for size in sizes):
        return
    raise ValueError(
        "hidden_layer_sizes must be a tuple of at least one int, each at least 1; got "
        f"{sizes!r}."
    )


def check_callbacks(callbacks):
    """Raise unless `callbacks` are what skorch takes.

    Parameters
    ----------
    callbacks : sequence or None
        Callbacks, their classes, or pairs of a name and one of these.

    Returns
    -------
    bare : list
        The callbacks without their names.
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


def check_device(device):
    """Return the name of a device if torch can use it here; "auto" finds one."""
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


def check_non_negative(X, remedy):
    """Raise if rows that a softmax decoder is to model have a negative value.

    Parameters
    ----------
    X : {ndarray, CSR} of shape (n_samples, n_features)
        Some rows.
    remedy : str
        A sentence that says what to do.
    """
    smallest = smallest_value(X)
    if smallest < 0:
        raise ValueError(
            "X must be non-negative with reconstruction='softmax', which models rows "
            f"as counts or weights of words; got a value of {smallest:g}. {remedy}"
        )


def smallest_value(X):
    """Return the smallest value of rows, 0 if it is positive."""
    return (X.data if sp.issparse(X) else X).min(initial=0.0)


def all_classes(labels, classes):
    """Return the classes that the chunks of a collection have, None without any.

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
    """
    if classes is not None:
        labels = check_partial_labels(classes, len(classes), name="classes")
    if labels.kind == "single" and labels.n_classes == 1:
        raise ValueError(
            "classes must name all classes that any chunk will have, at least two, "
            "where y of the first chunk does not have them all; got one class, "
            f"{labels.classes.tolist()[0]!r}."
        )
    return labels.classes
