"""Convert labels of any form to plain arrays, or raise."""

from collections.abc import Iterable, Sequence
from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.validation import check_array

from skhash.utils._compat import is_pandas_na, is_scalar_nan

UNLABELED = -1

# What a missing label becomes where an array or a column is converted to text.
_MISSING_TEXTS = frozenset({"-1", "-1.0", "nan", "NaN", "NaT", "None", "<NA>"})


def fill_masked(y: np.ma.MaskedArray) -> NDArray[Any]:
    """Return a masked array with -1 in place of what is masked."""
    # Unsigned integers, booleans and strings cannot be -1.
    holds_it = y.dtype.kind in "if"
    dtype = y.dtype if holds_it else np.dtype("i8" if y.dtype.kind == "u" else "O")
    return np.ma.MaskedArray(y, dtype=dtype).filled(UNLABELED)


def object_array(values: Sequence[Any]) -> NDArray[np.object_]:
    """Return values as they are in an array of dtype object."""
    array = np.empty(len(values), dtype=object)
    for i, value in enumerate(values):
        array[i] = value
    return array


def not_classes(name: str, got: str) -> ValueError:
    """Return the error for values that are not labels in any form."""
    return ValueError(
        f"{name} must hold one class per sample (an integer, a boolean or a string), "
        f"an indicator matrix of 0 and 1, or rows of class probabilities; got {got}. "
        "Convert lists or sets of tags with sklearn.preprocessing.MultiLabelBinarizer, "
        "and bytes to str."
    )


def has_no_missing_text(labels: Iterable[Any]) -> bool:
    """Return whether no label is what a missing one becomes as text."""
    return _MISSING_TEXTS.isdisjoint(labels)


def check_texts(texts: Iterable[str], name: str) -> None:
    """Raise if a string is what a missing label becomes as text."""
    wrong = sorted(map(str, _MISSING_TEXTS.intersection(texts)))
    if wrong:
        raise ValueError(
            f"{name} holds strings, and the text {wrong[0]!r} among them. Missing "
            "labels of string classes are marked by the number -1 or None in an array "
            "of dtype object, e.g. np.array(['a', -1], dtype=object)."
        )


def is_missing(label: Any) -> bool:
    """Return whether a value means that there is no label: None, NaN or pandas.NA."""
    return label is None or is_scalar_nan(label) or is_pandas_na(label)


def check_objects(
    y: NDArray[np.object_], name: str
) -> tuple[NDArray[Any], NDArray[np.bool_], NDArray[np.bool_]]:
    """Return labels in their natural dtype, which are present, and which are -1."""
    missing = np.array([is_missing(label) for label in y], dtype=bool)
    for label in y[~missing]:
        if not isinstance(label, str | Real | np.bool_):
            raise not_classes(name, f"a sample with {label!r}")
    marked = np.array([isinstance(v, Real) and v == UNLABELED for v in y], dtype=bool)
    labeled = ~(missing | marked)
    given = y[labeled].tolist()
    are_text = {isinstance(label, str) for label in given}
    if len(are_text) > 1:
        raise ValueError(
            f"{name} must hold either strings or numbers as classes (and -1 where "
            "there is none); got a mixture of both."
        )
    if True in are_text:
        check_texts(given, name)
        return y, labeled, marked
    numbers = np.array(given) if given else np.empty(0, dtype=np.int64)
    if numbers.dtype.kind not in "biuf":
        raise not_classes(name, f"a sample with {given[0]!r}")
    if numbers.dtype.kind == "f":
        check_whole_numbers(numbers, name)
    # Booleans and unsigned integers cannot be -1; `labeled` says which are none.
    blank = UNLABELED if numbers.dtype.kind in "if" else 0
    filled = np.full(len(y), blank, dtype=numbers.dtype)
    filled[labeled] = numbers
    return filled, labeled, marked


def check_whole_numbers(y: NDArray[Any], name: str) -> None:
    """Raise if a number is not a class; NaN is allowed."""
    if np.isinf(y).any():
        raise ValueError(f"{name} must hold finite numbers as classes; got infinity.")
    fractional = (y != np.floor(y)) & ~np.isnan(y)
    if fractional.any():
        raise ValueError(
            f"{name} must hold class labels, not continuous values; got "
            f"{y[fractional][0]!r}. Unknown label type: continuous."
        )


def as_indicator(y: NDArray[Any], name: str) -> NDArray[np.float32]:
    """Return a matrix of labels in single precision, NaN where one is missing."""
    if y.dtype.kind == "O" and y.ndim == 2:
        missing = np.array([[is_missing(v) for v in row] for row in y], dtype=bool)
        y = np.where(missing.reshape(y.shape), np.nan, y)
        if all(isinstance(value, Real | np.bool_) for value in y.ravel()):
            y = y.astype(np.float64)
    if y.dtype.kind not in "biuf":
        raise not_classes(name, f"several columns of dtype {y.dtype}")
    if y.ndim == 2 and y.shape[1]:
        with np.errstate(over="ignore"):
            converted = y.astype(np.float32)
        if np.isfinite(converted).all():  # what follows takes longer for a few rows
            return converted
    return check_array(
        y,
        dtype=np.float32,
        input_name=name,
        ensure_min_samples=0,
        ensure_all_finite="allow-nan",
    )
