"""Hold the unique ids of indexed codes, and look them up."""

from __future__ import annotations

from numbers import Integral
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from skhash._hamming._storage import BufferEnd
from skhash.neighbors._growing import GrowingArray
from skhash.utils._interrupts import interruptible
from skhash.utils._labels import as_array

#: Ids that are looked up in a dict until they are sorted with the others: at least so
#: many, and at most this fraction of the sorted ones.
LEAST_RECENT = 1024
RECENT_FRACTION = 1 / 8
#: From so many ids on, looking them up takes long enough for an interrupt to wait.
_MANY_IDS = 1 << 16


def check_ids(ids: ArrayLike, name: str = "ids") -> NDArray:
    """Validate ids, which may occur twice.

    Parameters
    ----------
    ids : array-like of shape (n_ids,)
        Integers or strings.
    name : str, default="ids"
        The name of the parameter in error messages.

    Returns
    -------
    ids : ndarray of shape (n_ids,), int64, uint64 or str
        A copy.

    Raises
    ------
    ValueError
        If there are several dimensions, or an id is not a string or an integer of 64
        bits.
    """
    values = as_array(ids, name=name)
    if values.ndim != 1:
        raise ValueError(
            f"{name} must be one-dimensional, one id per code; got shape "
            f"{values.shape}."
        )
    if not values.size:
        return np.empty(0, dtype=np.int64)
    if values.dtype.kind == "O":
        values = _of_one_type(values)
    if values.dtype.kind == "U":
        return np.array(values)
    if values.dtype.kind not in "iu":
        raise ValueError(
            f"{name} must be integers of at most 64 bits, or strings, all of one kind; "
            f"got dtype {values.dtype}."
        )
    return values.astype(np.uint64 if values.dtype == np.uint64 else np.int64)


def _of_one_type(values: NDArray[np.object_]) -> NDArray:
    """Return objects as strings or integers where all are; else as they are."""
    if all(isinstance(value, str) for value in values):
        return values.astype(str)
    if all(
        isinstance(each, Integral) and not isinstance(each, bool) for each in values
    ):
        return np.array([int(value) for value in values])
    return values


class Ids:
    """Unique ids; immutable, and cheap to append to and to look up.

    The ids up to some position are looked up by binary search in their sorted order,
    the recent ones behind it in a dict, which longer `Ids` share.

    Parameters
    ----------
    values : ndarray of shape (n_ids,), int64, uint64 or str
        What :func:`check_ids` returned.

    Raises
    ------
    ValueError
        If an id occurs twice.
    """

    _array: GrowingArray
    _order: Any
    _recent: Recent

    def __init__(self, values: NDArray) -> None:
        self.__setstate__({"values": values})
        self._sort()
        check_unique(values[self._order])

    def __len__(self) -> int:
        return len(self._array)

    @property
    def values(self) -> NDArray:
        """The ids as a read-only array."""
        return self._array.values

    @property
    def padding(self) -> Any:
        """What stands for no id: -1, the largest of unsigned ids, or an empty text."""
        dtype = self._array._buffer.dtype
        return "" if dtype.kind == "U" else np.array(-1).astype(dtype)

    def take(self, indices: NDArray[np.intp]) -> NDArray:
        """Return the ids at `indices`; `padding` for -1."""
        if not len(self):
            return np.full(indices.shape, self.padding)
        ids = self.values[indices]
        ids[indices < 0] = self.padding
        return ids

    # Looking up -----------------------------------------------------------------------

    def _sort(self) -> None:
        """Sort all ids."""
        values = self.values
        if (values[1:] > values[:-1]).all():
            self._order = np.arange(len(values))
        elif len(values) < _MANY_IDS:
            self._order = np.argsort(values, kind="stable")
        else:
            self._order = interruptible(np.argsort, values, kind="stable")

    def positions(self, ids: NDArray) -> NDArray[np.intp]:
        """Return the positions of ids, -1 for unknown ids.

        Parameters
        ----------
        ids : ndarray of shape (n_ids,), int64, uint64 or str
            What :func:`check_ids` returned.
        """
        if self._order is None:
            self._sort()
        values, order = self.values, self._order
        if (ids.dtype.kind == "U") != (values.dtype.kind == "U"):
            return np.full(len(ids), -1, dtype=np.intp)
        if len(order):
            # A cast that changes an id is found out by the comparison.
            wanted = ids.astype(values.dtype, copy=False)
            places = _places(values[: len(order)], order, wanted)
            positions = order.take(places, mode="clip")
            positions[values.take(positions) != ids] = -1
        else:
            positions = np.full(len(ids), -1, dtype=np.intp)
        n = len(values)
        if len(order) < n:
            for i, id_ in enumerate(ids.tolist()):
                position = self._recent.position(id_)
                if 0 <= position < n:  # longer ids may have put others behind
                    positions[i] = position
        return positions

    def check_positions(self, ids: ArrayLike) -> NDArray[np.intp]:
        """Return the positions of ids; raise ValueError if one is unknown."""
        checked = check_ids(ids)
        return check_known(checked, self.positions(checked))

    # Changes --------------------------------------------------------------------------

    def append(self, more: NDArray) -> Ids:
        """Return these ids and more.

        Parameters
        ----------
        more : ndarray of shape (n_ids,), int64, uint64 or str
            What :func:`check_ids` returned.

        Raises
        ------
        ValueError
            If an id occurs twice, or the types of the ids differ.
        """
        n = len(self)
        if not n:
            return Ids(more)
        positions = self.positions(more)
        if positions.max(initial=-1) >= 0:
            raise _repeated(more[positions >= 0][0], "in the index")
        if len(more) > 1:
            check_unique(np.sort(more))
        array = self._array
        if array._buffer.dtype.kind != more.dtype.kind:
            array, more = _of_common_type(array, more)
        longer = object.__new__(Ids)
        longer._array = array.append(more)
        n_recent = n + len(more) - len(self._order)
        if n_recent > max(LEAST_RECENT, RECENT_FRACTION * len(self._order)):
            longer._order = _merged(longer.values, self._order)
            longer._recent = Recent(len(longer))
        else:
            longer._order = self._order
            longer._recent = self._recent_before(n, len(more))
            longer._recent.add(more.tolist(), n)
        return longer

    def _recent_before(self, n: int, n_more: int) -> Recent:
        """Return the recent ids, with room behind all n ids, or else a copy of them."""
        if self._recent.reserve(n, n_more):
            return self._recent
        recent = Recent(n + n_more)
        n_sorted = len(self._order)
        recent.add(self.values[n_sorted:].tolist(), n_sorted)
        return recent

    def without(self, positions: NDArray[np.intp]) -> Ids:
        """Return the ids without those at `positions`; the others keep their order."""
        if self._order is None:
            self._sort()
        order = _merged(self.values, self._order)
        kept = np.ones(len(self), dtype=bool)
        kept[positions] = False
        shorter = object.__new__(Ids)
        shorter._array = GrowingArray(self.values[kept])
        shorter._order = (np.cumsum(kept) - 1)[order[kept[order]]]
        shorter._recent = Recent(len(shorter))
        return shorter

    def __getstate__(self) -> dict[str, Any]:
        """Leave out what can be built again."""
        return {"values": np.array(self.values)}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Leave the sorting to the first use."""
        self._array = GrowingArray(state["values"])
        self._order = None
        self._recent = Recent(len(self._array))


class Recent:
    """Positions of ids that were added since the others were sorted.

    Shared by `Ids` of several lengths: the dict only gets ids and positions behind the
    longest of them, and only one can add there.

    Parameters
    ----------
    end : int
        The position of the next id.
    """

    def __init__(self, end: int) -> None:
        self._positions: dict[int | str, int] = {}
        self._end = BufferEnd(end)

    def position(self, id_: int | str) -> int:
        """Return the position of an id, -1 for none."""
        return self._positions.get(id_, -1)

    def reserve(self, position: int, n_more: int) -> bool:
        """Take room for more ids behind `position`; False if others have."""
        return self._end.advance(position, n_more)

    def add(self, ids: list, first: int) -> None:
        """Add ids at the positions from `first` on, for which there is room."""
        self._positions.update(zip(ids, range(first, first + len(ids))))


def check_unique(ids: NDArray) -> None:
    """Raise ValueError if an id occurs twice in sorted ids."""
    repeated = ids[1:] == ids[:-1]
    if repeated.any():
        raise _repeated(ids[1:][repeated][0], "twice among those given")


def check_known(ids: NDArray, positions: NDArray[np.intp]) -> NDArray[np.intp]:
    """Return the positions of ids; raise ValueError if one is -1."""
    unknown = positions < 0
    if unknown.any():
        raise ValueError(
            f"ids must be in the index; got {ids[unknown][0].item()!r}, which is not."
        )
    return positions


def _repeated(id_: Any, where: str) -> ValueError:
    return ValueError(f"ids must be unique; {id_.item()!r} is {where}.")


def _merged(values: NDArray, order: NDArray[np.intp]) -> NDArray[np.intp]:
    """Return the sorted order of all values, given that of the first ones."""
    n_sorted = len(order)
    if n_sorted == len(values):
        return order
    new = n_sorted + np.argsort(values[n_sorted:], kind="stable")
    places = values[:n_sorted].searchsorted(values[new], sorter=order)
    return np.insert(order, places, new)


def _places(values: NDArray, order: NDArray, wanted: NDArray) -> NDArray[np.intp]:
    """Return where the wanted ids are, or would be, in the sorted order of values."""
    if len(wanted) < _MANY_IDS:
        return values.searchsorted(wanted, sorter=order)
    return interruptible(np.searchsorted, values, wanted, sorter=order)


def _of_common_type(array: GrowingArray, more: NDArray) -> tuple[GrowingArray, NDArray]:
    """Return signed and unsigned integers as unsigned ones."""
    values = array.values
    if "U" in (values.dtype.kind, more.dtype.kind):
        has, got = (
            "strings" if ids.dtype.kind == "U" else "integers" for ids in (values, more)
        )
        raise ValueError(f"ids must be {has}, as those in the index are; got {got}.")
    signed, unsigned = (more, values) if more.dtype.kind == "i" else (values, more)
    if signed.min(initial=0) < 0:
        raise ValueError(
            "ids must be from -2**63 to 2**63 - 1, or from 0 to 2**64 - 1; got "
            f"{signed.min()} beside ids of dtype {unsigned.dtype}."
        )
    if array.values.dtype.kind == "i":
        array = GrowingArray(values.astype(np.uint64))
    return array, more.astype(np.uint64)
