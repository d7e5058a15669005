"""Partial labels: what a user may pass as `y`, in one internal form.

A row without a label carries -1, as in scikit-learn's semi-supervised module. Accepted
are one label a row (integers, or an object array of strings and -1), an indicator
matrix of several labels a row, and rows of class probabilities; in the last two a row
of all -1 has no label.
"""

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from sklearn.utils.validation import check_array, column_or_1d

from skhash.utils._compat import is_pandas_na, is_scalar_nan

UNLABELED = -1


@dataclass(frozen=True)
class PartialLabels:
    """Validated labels of a collection, some of them missing.

    Attributes
    ----------
    kind : {"none", "single", "multilabel", "soft"}
        What a row carries: nothing, one class, a set of classes, or a distribution.
    labeled : ndarray of shape (n_samples,), bool
        Which rows have a label.
    classes : ndarray of shape (n_classes,) or None
        The sorted classes; column numbers for an indicator; None if `kind` is "none".
    indices : ndarray of shape (n_samples,), int64, or None
        The position in `classes`, -1 without a label; only if `kind` is "single".
    indicator : ndarray of shape (n_samples, n_classes), float32, or None
        Memberships or probabilities, zeros without a label; only if `kind` is
        "multilabel" or "soft".
    """

    kind: str
    labeled: np.ndarray
    classes: np.ndarray | None = None
    indices: np.ndarray | None = None
    indicator: np.ndarray | None = None

    @property
    def n_classes(self):
        """The number of classes, 0 without any label."""
        return 0 if self.classes is None else len(self.classes)

    def targets(self, rows=slice(None)):
        """Return class memberships of some rows.

        Parameters
        ----------
        rows : slice or ndarray of int, default=slice(None)
            The rows wanted.

        Returns
        -------
        targets : ndarray of shape (len(rows), n_classes), float32
            One-hot rows for a single label; zeros without a label.
        """
        if self.indicator is not None:
            return self.indicator[rows]
        positions = (
            np.full(len(self.labeled), UNLABELED)[rows]
            if self.indices is None
            else self.indices[rows]
        )
        targets = np.zeros((len(positions), self.n_classes), dtype=np.float32)
        known = np.flatnonzero(positions >= 0)
        targets[known, positions[known]] = 1.0
        return targets

    def aligned(self, classes):
        """Return the class memberships of all rows in the order of some classes.

        Parameters
        ----------
        classes : ndarray of shape (n_classes,) or None
            Sorted classes, None for no class.

        Returns
        -------
        targets : ndarray of shape (n_samples, n_classes), float32

        Raises
        ------
        ValueError
            If a label is not among `classes`.
        """
        n_classes = 0 if classes is None else len(classes)
        aligned = np.zeros((len(self.labeled), n_classes), dtype=np.float32)
        if self.n_classes:
            known = [] if classes is None else np.asarray(classes).tolist()
            unknown = np.setdiff1d(self.classes, known).tolist()
            if unknown:
                raise ValueError(
                    "y must only have the classes known from the start, "
                    f"{known}; got {unknown[0]!r} too."
                )
            aligned[:, np.searchsorted(classes, self.classes)] = self.targets()
        return aligned


def check_partial_labels(y, n_samples, *, name="y"):
    """Validate labels and bring them to their internal form.

    Parameters
    ----------
    y : array-like of shape (n_samples,) or (n_samples, n_classes), or None
        Labels as the module describes them. None and all -1 mean the same: no label.
    n_samples : int
        The number of rows that `y` must have.
    name : str, default="y"
        What to call the labels in error messages.

    Returns
    -------
    labels : PartialLabels

    Raises
    ------
    ValueError
        If the number of rows is wrong, a value is missing (NaN) or continuous, an
        array of strings marks missing labels by the text "-1", or an indicator holds
        anything but 0, 1 and rows of -1.
    """
    if y is None:
        return PartialLabels("none", np.zeros(n_samples, dtype=bool))
    y = as_array(y)
    if y.ndim == 2:
        labels = _check_rows_of_labels(y, name)
    else:
        labels = _check_one_label_a_row(y, name)
    if len(labels.labeled) != n_samples:
        raise ValueError(
            f"{name} must have one label a row (-1 where there is none), {n_samples} "
            f"as X has rows; got {len(labels.labeled)}."
        )
    if not labels.labeled.any():
        return PartialLabels("none", labels.labeled)
    return labels


def as_array(y):
    """Return labels as an array; a sparse indicator becomes a dense one.

    Parameters
    ----------
    y : array-like or sparse matrix of shape (n_samples,) or (n_samples, n_classes)
        The labels.

    Returns
    -------
    y : ndarray
    """
    return y.toarray() if sp.issparse(y) else np.asarray(y)


def concatenate_labels(parts):
    """Return the labels of several collections one after another.

    Numbers beside strings stay numbers, whereas NumPy would spell them out.

    Parameters
    ----------
    parts : sequence of ndarray
        Labels.

    Returns
    -------
    y : ndarray
    """
    kinds = {part.dtype.kind for part in parts}
    if len(kinds) > 1 and kinds & set("USO"):
        parts = [part.astype(object) for part in parts]
    return np.concatenate(parts)


def require_two_classes(labels, *, name="y", or_none=True):
    """Raise if there are labels, but all of one class: nothing to tell apart.

    Parameters
    ----------
    labels : PartialLabels
        What :func:`check_partial_labels` gave.
    name : str, default="y"
        What to call the labels in the error message.
    or_none : bool, default=True
        Whether no label at all would do as well.

    Raises
    ------
    ValueError
        If exactly one class is labeled.
    """
    if labels.kind == "single" and labels.n_classes == 1:
        only = labels.classes.tolist()[0]
        none, remedy = "", ""
        if or_none:
            none = ", or none at all"
            remedy = f", or pass {name}=None to learn without labels"
        raise ValueError(
            f"{name} must have labels of at least two classes{none}; got one class, "
            f"{only!r}. Label some rows of another class{remedy}."
        )


def _check_one_label_a_row(y, name):
    y = column_or_1d(y, warn=True)
    if y.dtype.kind in "US":
        if np.isin(y, np.array(["-1"], dtype=y.dtype)).any():
            raise _text_for_a_number(y, name)
        labeled = np.ones(len(y), dtype=bool)
    elif y.dtype.kind == "O":
        labeled = _check_object_labels(y, name)
    elif y.dtype.kind in "biuf":
        if y.dtype.kind == "f":
            _check_whole_numbers(y, name)
        labeled = y != UNLABELED
    else:
        raise ValueError(
            f"{name} must hold integers, or strings and -1 in an array of dtype "
            f"object; got dtype {y.dtype}."
        )
    classes, positions = np.unique(y[labeled], return_inverse=True)
    indices = np.full(len(y), UNLABELED, dtype=np.int64)
    indices[labeled] = positions
    return PartialLabels("single", labeled, classes, indices)


def _text_for_a_number(y, name):
    return ValueError(
        f"{name} holds strings, and the text '-1' among them. Missing labels of string "
        "classes are marked by the number -1 in an array of dtype object, e.g. "
        f"np.array(['a', -1], dtype=object); got dtype {y.dtype}."
    )


def _check_object_labels(y, name):
    """Return which of an object array's labels are given; refuse None, NaN and NA."""
    for label in y:
        if label is None or is_scalar_nan(label) or is_pandas_na(label):
            raise ValueError(
                f"{name} must mark missing labels by -1; got {label!r} as a label."
            )
        if isinstance(label, str) and label == "-1":
            raise _text_for_a_number(y, name)
    labeled = np.array(
        [isinstance(label, str) or label != UNLABELED for label in y], dtype=bool
    )
    if len({isinstance(label, str) for label in y[labeled]}) > 1:
        raise ValueError(
            f"{name} must hold either strings or numbers as classes (and -1 where "
            "there is none); got a mixture of both."
        )
    return labeled


def _check_whole_numbers(y, name):
    if not np.isfinite(y).all():
        raise ValueError(
            f"{name} must mark missing labels by -1; got NaN or infinity among the "
            "labels."
        )
    if np.any(y != np.floor(y)):
        raise ValueError(
            f"{name} must hold class labels, not continuous values; got "
            f"{y[y != np.floor(y)][0]!r}. Unknown label type: continuous."
        )


def _check_rows_of_labels(y, name):
    if y.shape[1] == 1:
        return _check_one_label_a_row(y, name)
    y = check_array(y, dtype=np.float32, input_name=name, ensure_min_samples=0)
    labeled = ~(y == UNLABELED).all(axis=1)
    rows = y[labeled]
    if rows.size and (rows.min() < 0 or rows.max() > 1):
        wrong = rows[(rows < 0) | (rows > 1)]
        raise ValueError(
            f"{name} with several columns must be an indicator of 0 and 1 or rows of "
            "class probabilities, where a row without labels is all -1; got a row "
            f"with {wrong[0]:g}."
        )
    soft = bool(np.any((rows > 0) & (rows < 1)))
    if soft and not np.allclose(rows.sum(axis=1), 1.0, atol=1e-3):
        sums = rows.sum(axis=1)
        raise ValueError(
            f"{name} holds class probabilities, so that every labeled row must sum to "
            f"1; got a row that sums to {sums[np.abs(sums - 1).argmax()]:g}."
        )
    indicator = np.where(labeled[:, None], y, np.float32(0))
    return PartialLabels(
        "soft" if soft else "multilabel",
        labeled,
        np.arange(y.shape[1]),
        indicator=indicator,
    )
