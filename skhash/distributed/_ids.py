"""Look up the ids of codes in shards."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from skhash.distributed._shards import Shard, ShardedCodes
from skhash.neighbors._ids import check_ids, check_known, check_unique

#: Ids of a shard that are compared at a time.
_IDS_PER_SLICE = 1 << 20


class ShardedIds:
    """The ids of sharded codes, shard by shard as they are stored.

    Ids in ascending order are found by bisection; other ids take a pass over all.

    Parameters
    ----------
    codes : ShardedCodes
        The codes, each shard of which has ids.
    """

    def __init__(self, codes: ShardedCodes) -> None:
        self._codes = codes

    def __len__(self) -> int:
        return self._codes.n_rows

    @property
    def values(self) -> NDArray:
        """All ids, a new array."""
        if not len(self):
            return np.empty(0, dtype=np.int64)
        return np.concatenate([ids_of(shard) for shard in self._codes.shards])

    def take(self, positions: NDArray[np.intp]) -> NDArray:
        """Return the ids at positions; for -1 what stands for no id."""
        flat = positions.ravel()
        dtypes = [ids_of(shard).dtype for shard in self._codes.shards]
        dtype = np.result_type(*dtypes) if dtypes else np.dtype(np.int64)
        none: Any = "" if dtype.kind == "U" else np.array(-1).astype(dtype)
        ids = np.full(len(flat), none, dtype=dtype)
        known = np.flatnonzero(flat >= 0)
        for number, places in self._codes.split(flat[known]):
            local = flat[known[places]] - self._codes.starts[number]
            ids[known[places]] = ids_of(self._codes.shards[number])[local]
        return ids.reshape(positions.shape)

    def positions(self, ids: NDArray) -> NDArray[np.intp]:
        """Return the positions of ids, -1 for unknown ids."""
        positions = np.full(len(ids), -1, dtype=np.intp)
        order = np.argsort(ids, kind="stable")
        wanted = ids[order]
        for shard, start in self._codes.placed():
            held = ids_of(shard)
            if (held.dtype.kind == "U") != (wanted.dtype.kind == "U"):
                continue
            if shard.has_ascending_ids:
                _bisect(held, wanted, order, positions, start)
                continue
            for first in range(0, len(held), _IDS_PER_SLICE):
                some = held[first : first + _IDS_PER_SLICE]
                _scan(some, wanted, order, positions, start + first)
        return positions

    def check_positions(self, ids: ArrayLike) -> NDArray[np.intp]:
        """Return the positions of ids; raise ValueError if one is unknown."""
        checked = check_ids(ids)
        return check_known(checked, self.positions(checked))

    def check_new(self, ids: NDArray) -> None:
        """Raise ValueError if an id is in the index, occurs twice, or is of a new type.

        Parameters
        ----------
        ids : ndarray of shape (n_ids,), int64, uint64 or str
            What `check_ids` returned.
        """
        check_unique(np.sort(ids))
        if not len(self) or not len(ids):
            return
        held = ids_of(self._codes.shards[0]).dtype
        if held.kind != ids.dtype.kind:
            raise ValueError(
                f"ids must be of the type of those in the index, {held}; got "
                f"{ids.dtype}."
            )
        positions = self.positions(ids)
        if positions.max() >= 0:
            repeated = ids[positions >= 0][0].item()
            raise ValueError(f"ids must be unique; {repeated!r} is in the index.")


def ids_of(shard: Shard) -> NDArray:
    """Return the ids of a shard that has some."""
    held: Any = shard.ids
    return held


def _bisect(
    held: NDArray,
    wanted: NDArray,
    order: NDArray[np.intp],
    positions: NDArray[np.intp],
    start: int,
) -> None:
    """Set the positions of those wanted ids that are among ascending ones.

    Parameters
    ----------
    held : ndarray of shape (n_held,)
        Stored ids, those at the positions from `start` on.
    wanted : ndarray of shape (n_ids,)
        Sorted ids.
    order : ndarray of shape (n_ids,), intp
        Their places in `positions`.
    positions : ndarray of shape (n_ids,), intp
        Changed in place.
    start : int
        The position of the first stored id.
    """
    first = wanted.searchsorted(held[0])
    last = wanted.searchsorted(held[-1], side="right")
    places = held.searchsorted(wanted[first:last])
    found = held.take(places, mode="clip") == wanted[first:last]
    positions[order[np.arange(first, last)[found]]] = start + places[found]


def _scan(
    held: NDArray,
    wanted: NDArray,
    order: NDArray[np.intp],
    positions: NDArray[np.intp],
    start: int,
) -> None:
    """Set the positions of those wanted ids that are among any; see `_bisect`."""
    places = np.minimum(wanted.searchsorted(held), len(wanted) - 1)
    for local in np.flatnonzero(wanted[places] == held) if len(wanted) else ():
        same = slice(
            wanted.searchsorted(held[local]),
            wanted.searchsorted(held[local], side="right"),
        )
        positions[order[same]] = start + local
