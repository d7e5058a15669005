"""Hold arrays that are immutable, and cheap to append to."""

from __future__ import annotations

from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from skhash._hamming._storage import BufferEnd
from skhash.utils._label_forms import UNLABELED, is_missing
from skhash.utils._labels import concatenate_labels

Self = TypeVar("Self", bound="GrowingArray")

#: From so many values on, strings get room for longer ones.
_MANY = 1024


class GrowingArray:
    """An immutable array that shares its memory with the longer ones made of it.

    Parameters
    ----------
    values : ndarray of shape (n, ...)
        The values; not copied.
    """

    def __init__(self, values: NDArray) -> None:
        self._buffer = values
        self._n = len(values)
        self._end = BufferEnd(self._n)

    def __len__(self) -> int:
        return self._n

    @property
    def values(self) -> NDArray:
        """The values as a read-only array."""
        values = self._buffer[: self._n]
        values.flags.writeable = False
        return values

    def append(self: Self, more: NDArray) -> Self:
        """Return the array and more values.

        The memory is shared where there is room and the type stays; else there is room
        for half as many values again.
        """
        n = self._n + len(more)
        dtype = self._with_room(self._joint_dtype(more))
        buffer, end = self._buffer, self._end
        has_room = n <= len(buffer) and dtype == buffer.dtype
        if not (has_room and end.advance(self._n, len(more))):
            size = max(n, self._n * 3 // 2)
            buffer = np.empty((size, *buffer.shape[1:]), dtype=dtype)
            buffer[: self._n] = self.values
            end = BufferEnd(n)
        buffer[self._n : n] = more
        longer = object.__new__(type(self))
        longer._buffer, longer._n, longer._end = buffer, n, end
        return longer

    def _joint_dtype(self, more: NDArray) -> np.dtype:
        if more.dtype == self._buffer.dtype:
            return more.dtype
        return np.promote_types(self._buffer.dtype, more.dtype)

    def _with_room(self, dtype: np.dtype) -> np.dtype:
        """Return a type for longer strings than needed, if these were too short.

        Else each string that is a bit longer than all before would copy them all.
        """
        old = self._buffer.dtype
        if dtype == old or {dtype.kind, old.kind} != {"U"} or self._n < _MANY:
            return dtype
        return np.dtype(f"U{max(dtype.itemsize, old.itemsize * 3 // 2) // 4}")

    def without(self: Self, positions: NDArray[np.intp]) -> Self:
        """Return the array without the values at `positions`."""
        return type(self)(np.delete(self.values, positions, axis=0))

    def __getstate__(self) -> dict[str, Any]:
        """Drop the spare memory."""
        return {
            "_buffer": np.array(self.values),
            "_n": self._n,
            "_end": BufferEnd(self._n),
        }


class Labels(GrowingArray):
    """The labels of indexed codes.

    Parameters
    ----------
    values : ndarray of shape (n_samples,) or (n_samples, n_classes)
        Labels of any dtype.
    """

    # Whether classes are strings, once it has been asked for; None if there are none.
    _are_texts: bool | None
    _has_looked = False

    def append(self, more: NDArray) -> Labels:
        """Return these labels and more; numbers beside strings stay numbers.

        Raises
        ------
        ValueError
            If the labels are one per sample here, and several there, or classes are
            numbers here, and strings there.
        """
        if not self._n:
            return Labels(np.array(more))
        if self._buffer.shape[1:] != more.shape[1:]:
            raise ValueError(
                "y must have the form of the labels in the index, of shape "
                f"{self.values.shape}; got shape {more.shape}."
            )
        if self._buffer.dtype == more.dtype and more.dtype.kind != "O":
            return super().append(more)
        are_texts = self._joint_kind(more)
        longer = super().append(more)
        longer._are_texts, longer._has_looked = are_texts, True
        return longer

    def _joint_kind(self, more: NDArray) -> bool | None:
        """Return whether classes are strings; raise if they differ in kind."""
        if not self._has_looked:
            self._are_texts, self._has_looked = _are_texts(self.values), True
        held, given = self._are_texts, _are_texts(more)
        if held is given or given is None:
            return held
        if held is not None:
            kinds = ("strings", "numbers")[:: 1 if held else -1]
            raise ValueError(
                f"y must have classes of the kind of those in the index, {kinds[0]}, "
                f"and -1 or None where there is none; got {kinds[1]}."
            )
        return given

    def _joint_dtype(self, more: NDArray) -> np.dtype:
        if more.dtype == self._buffer.dtype:
            return more.dtype
        return concatenate_labels([self._buffer[:0], more[:0]]).dtype


def _are_texts(labels: NDArray) -> bool | None:
    """Return whether classes are strings; None where no sample has a class."""
    if labels.ndim > 1 or not labels.size:
        return None
    if labels.dtype.kind == "U":
        return True
    if labels.dtype.kind != "O":
        has_class = labels != UNLABELED
        if labels.dtype.kind == "f":
            has_class &= ~np.isnan(labels)
        return False if has_class.any() else None
    for label in labels:
        if isinstance(label, str):
            return True
        # The first is what takes no time.
        if label is not None and not is_missing(label) and label != UNLABELED:
            return False
    return None
