"""Validate partial labels, and bring them to one internal form.

Three forms of `y` are accepted: one class per sample (whole numbers, booleans or
strings), an indicator matrix of several classes per sample, and rows of class
probabilities. A sample without a label carries -1, None, NaN or ``pandas.NA``; in a
matrix its whole row does. Ambiguous values raise.
"""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import scipy.sparse as sp
from numpy.typing import ArrayLike, NDArray
from sklearn.utils.validation import column_or_1d

from skhash.utils._label_forms import (
    UNLABELED,
    as_indicator,
    check_objects,
    check_texts,
    check_whole_numbers,
    fill_masked,
    not_classes,
    object_array,
)

__all__ = [
    "UNLABELED",
    "PartialLabels",
    "as_array",
    "check_partial_labels",
    "concatenate_labels",
    "require_two_classes",
    "warn_of_unlabeled",
]


@dataclass(frozen=True)
class PartialLabels:
    """Validated labels of a collection, some of them missing.

    Attributes
    ----------
    kind : {"none", "single", "multilabel", "soft"}
        What a labeled sample has: nothing, one class, a set of classes, or a
        distribution over the classes.
    labeled : ndarray of shape (n_samples,), bool
        Which samples have a label.
    classes : ndarray of shape (n_classes,) or None
        The sorted classes; column numbers for an indicator; None if `kind` is "none".
    indices : ndarray of shape (n_samples,), int64, or None
        The position in `classes`, -1 without a label; only if `kind` is "single".
    indicator : ndarray of shape (n_samples, n_classes), float32, or None
        Memberships or probabilities, zeros without a label; only if `kind` is
        "multilabel" or "soft".
    """

    kind: Literal["none", "single", "multilabel", "soft"]
    labeled: NDArray[np.bool_]
    classes: NDArray[Any] | None = None
    indices: NDArray[np.int64] | None = None
    indicator: NDArray[np.float32] | None = None

    @property
    def n_classes(self) -> int:
        """The number of classes, 0 without any label."""
        return 0 if self.classes is None else len(self.classes)

    def targets(
        self, rows: slice | NDArray[np.intp] = slice(None)
    ) -> NDArray[np.float32]:
        """Return class memberships.

        Parameters
        ----------
        rows : slice or ndarray of int, default=slice(None)
            The samples wanted.

        Returns
        -------
        targets : ndarray of shape (len(rows), n_classes), float32
            One-hot rows for one class per sample; zeros without a label.
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

    def aligned(self, classes: ArrayLike | None) -> NDArray[np.float32]:
        """Return the class memberships of all samples in the order of given classes.

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
        columns = np.array([]) if classes is None else np.asarray(classes)
        aligned = np.zeros((len(self.labeled), len(columns)), dtype=np.float32)
        if self.classes is not None:
            known = columns.tolist()
            unknown = np.setdiff1d(self.classes, known).tolist()
            if unknown:
                raise ValueError(
                    "y must only have the classes known from the start, "
                    f"{known}; got {unknown[0]!r} too."
                )
            aligned[:, np.searchsorted(columns, self.classes)] = self.targets()
        return aligned


def check_partial_labels(
    y: ArrayLike | None, n_samples: int, *, name: str = "y", chunk: bool = False
) -> PartialLabels:
    """Validate labels, and bring them to their internal form.

    Parameters
    ----------
    y : array-like of shape (n_samples,) or (n_samples, n_classes), or None
        Labels as the module describes them. None and all -1 mean the same: no label.
    n_samples : int
        The number of samples.
    name : str, default="y"
        What to call the labels in error messages.
    chunk : bool, default=False
        Whether `y` belongs to a chunk of a larger collection. Then 1 and -1 as its
        only values mean one class and no label; otherwise they raise.

    Returns
    -------
    labels : PartialLabels

    Raises
    ------
    ValueError
        If the number of labels is wrong, 1 and -1 could be two classes, a value is no
        class, or an indicator holds anything but 0, 1 and rows of -1.
    """
    if y is None:
        return PartialLabels("none", np.zeros(n_samples, dtype=bool))
    y = as_array(y, name=name)
    if y.ndim == 2 and y.shape[1] != 1:
        labels = _check_rows_of_labels(y, name, chunk)
    else:
        labels = _check_one_class_per_sample(y, name, chunk)
    if len(labels.labeled) != n_samples:
        raise ValueError(
            f"{name} must have one label per sample (-1 where there is none), "
            f"{n_samples} as there are rows; got {len(labels.labeled)}."
        )
    if not labels.labeled.any():
        return PartialLabels("none", labels.labeled)
    return labels


def as_array(y: Any, *, name: str = "y") -> NDArray[Any]:
    """Return labels as an array.

    A sparse indicator becomes a dense one, masked labels become -1, and numbers beside
    strings stay numbers, which NumPy would convert to text.

    Parameters
    ----------
    y : array-like or sparse matrix of shape (n_samples,) or (n_samples, n_classes)
        The labels.
    name : str, default="y"
        What to call the labels in error messages.

    Returns
    -------
    y : ndarray

    Raises
    ------
    ValueError
        If the samples have lists of different lengths.
    """
    if sp.issparse(y):
        return y.toarray()
    if isinstance(y, np.ma.MaskedArray):
        return fill_masked(y)
    if isinstance(y, list | tuple):
        are_text = {isinstance(label, str) for label in y}
        if len(are_text) > 1:
            y = object_array(y)
    try:
        y = np.asarray(y)
    except ValueError as error:
        raise not_classes(name, "lists of different lengths") from error
    return y.astype(object) if y.dtype.kind == "T" else y


def concatenate_labels(parts: Sequence[NDArray[Any]]) -> NDArray[Any]:
    """Return the labels of several collections one after another.

    Numbers beside strings stay numbers, which NumPy would convert to text.

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


def require_two_classes(
    labels: PartialLabels, *, name: str = "y", or_none: bool = True
) -> None:
    """Raise if all labels are of one class.

    Parameters
    ----------
    labels : PartialLabels
        What :func:`check_partial_labels` returned.
    name : str, default="y"
        What to call the labels in the error message.
    or_none : bool, default=True
        Whether no label at all would be allowed as well.

    Raises
    ------
    ValueError
        If exactly one class is labeled.
    """
    if labels.kind == "single" and labels.classes is not None and labels.n_classes == 1:
        only = labels.classes.tolist()[0]
        none, remedy = "", ""
        if or_none:
            none = ", or none at all"
            remedy = f", or pass {name}=None to learn without labels"
        raise ValueError(
            f"{name} must have labels of at least two classes{none}; got one class, "
            f"{only!r}. Label some rows of another class{remedy}."
        )


def warn_of_unlabeled(labels: PartialLabels, *, name: str = "y") -> None:
    """Warn if samples that are to be scored have no label.

    The splitters of :mod:`skhash.model_selection` put none into a test fold; others
    split -1 like a class.

    Parameters
    ----------
    labels : PartialLabels
        What :func:`check_partial_labels` returned for the samples to score.
    name : str, default="y"
        What to call the labels in the warning.
    """
    n_unlabeled = int(np.count_nonzero(~labels.labeled))
    if n_unlabeled:
        warnings.warn(
            f"{name} has no label for {n_unlabeled} of {len(labels.labeled)} samples, "
            "which the score leaves out. In cross-validation this means that -1 was "
            "split like a class, and that unlabeled samples are missing from training: "
            "pass cv=skhash.model_selection.SemiSupervisedKFold().",
            UserWarning,
            stacklevel=3,
        )


def _check_one_class_per_sample(
    y: NDArray[Any], name: str, chunk: bool
) -> PartialLabels:
    if y.dtype.kind not in "biufUO":
        raise not_classes(name, f"dtype {y.dtype}")
    if y.ndim != 1:  # its checks take longer than those of a few labels
        y = column_or_1d(y, warn=True)
    marked = np.zeros(len(y), dtype=bool)  # by -1, not by a missing value
    if y.dtype.kind == "U":
        check_texts(np.unique(y), name)
        labeled = np.ones(len(y), dtype=bool)
    elif y.dtype.kind == "O":
        y, labeled, marked = check_objects(y, name)
    else:
        marked = y == UNLABELED
        labeled = ~marked
        if y.dtype.kind == "f":
            check_whole_numbers(y, name)
            labeled &= ~np.isnan(y)
    classes, indices = _encode(y, labeled)
    if not chunk and marked.any():
        refuse_signed_classes(classes, name)
    return PartialLabels("single", labeled, classes, indices)


def _encode(
    y: NDArray[Any], labeled: NDArray[np.bool_]
) -> tuple[NDArray[Any], NDArray[np.int64]]:
    """Return the sorted classes, and the position of each label among them."""
    if y.dtype.kind in "iu" and len(y) and y.min() >= UNLABELED and y.max() <= len(y):
        # By a table, which needs no sort and less memory; -1 is its last entry.
        present = np.zeros(int(y.max()) + 2, dtype=bool)
        present[y] = True
        positions = np.full(len(present), UNLABELED, dtype=np.int64)
        classes = np.flatnonzero(present[:-1])
        positions[classes] = np.arange(len(classes))
        return classes.astype(y.dtype), positions[y]
    classes, found = np.unique(y[labeled], return_inverse=True)
    indices = np.full(len(y), UNLABELED, dtype=np.int64)
    indices[labeled] = found
    return classes, indices


def refuse_signed_classes(classes: NDArray[Any], name: str) -> None:
    """Raise if 1 is the only class where -1 marks samples without a label.

    Parameters
    ----------
    classes : ndarray of shape (n_classes,)
        The classes that occur beside -1.
    name : str
        What to call the labels in the error message.

    Raises
    ------
    ValueError
        If -1 and 1 may be two classes.
    """
    if len(classes) == 1 and not isinstance(classes[0], str) and classes[0] == 1:
        raise ValueError(
            f"{name} must not have 1 and -1 as its only values, which may be two "
            "classes, or one class and samples without a label; got just these. Write "
            "two classes as 0 and 1. If there is one class only, mark samples without "
            "a label by NaN or None, not by -1."
        )


def _check_rows_of_labels(y: NDArray[Any], name: str, chunk: bool) -> PartialLabels:
    y = as_indicator(y, name)
    marked = (y == UNLABELED).all(axis=1)
    labeled = ~(marked | np.isnan(y).all(axis=1))
    rows = y[labeled]
    if np.isnan(rows).any():
        raise ValueError(
            f"{name} contains NaN in rows that have labels too; a row without labels "
            "is all NaN or all -1."
        )
    if rows.size and (rows.min() < 0 or rows.max() > 1):
        wrong = rows[(rows < 0) | (rows > 1)]
        raise ValueError(
            f"{name} with several columns must be an indicator of 0 and 1 or rows of "
            "class probabilities, where a row without labels is all -1; got a row "
            f"with {wrong[0]:g}."
        )
    if not chunk and marked.any() and rows.size and rows.min() == 1:
        raise ValueError(
            f"{name} must not have rows of all 1 and of all -1 only, which may be an "
            "indicator written with -1 in place of 0. Write it with 0 and 1."
        )
    soft = bool(np.any((rows > 0) & (rows < 1)))
    if soft and not np.allclose(rows.sum(axis=1), 1.0, atol=1e-3):
        sums = rows.sum(axis=1)
        raise ValueError(
            f"{name} holds class probabilities, so that every labeled row must sum to "
            f"1; got a row that sums to {sums[np.abs(sums - 1).argmax()]:g}."
        )
    return PartialLabels(
        "soft" if soft else "multilabel",
        labeled,
        np.arange(y.shape[1]),
        indicator=np.where(labeled[:, None], y, np.float32(0)),
    )
