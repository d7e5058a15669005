"""Find all pairs of codes within a radius, shard by shard."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from skhash._hamming._pairs import (
    CodeSet,
    PairJoin,
    Pairs,
    code_set,
    query_set,
)
from skhash._hamming._storage import Rows
from skhash.distributed._shards import Shard, ShardedCodes, run


class Side(NamedTuple):
    """The codes of one side of a join: queries, or some codes of a shard.

    Attributes
    ----------
    source : Shard or ndarray of shape (n_queries, n_bytes), uint8
        The shard, or packed queries.
    start : int
        Position of the first code.
    members : ndarray of int, or None
        Positions within the shard; None for all.
    """

    source: Shard | Rows
    start: int
    members: NDArray[np.intp] | None = None

    def codes(self) -> CodeSet:
        """Return the distinct codes."""
        if isinstance(self.source, Shard):
            codes = code_set(self.source.codes, self.members)
            self.source.release()
            return codes
        return query_set(self.source)

    def placed(self, rows: NDArray) -> NDArray:
        """Return positions within the whole index for rows of the join."""
        local = rows if self.members is None else self.members[rows]
        return local + np.int64(self.start)


def join_of(left: Side, right: Side | None, n_bits: int, radius: int) -> PairJoin:
    """Return the join of two sides, or of one with itself."""
    other = None if right is None else right.codes()
    return PairJoin(left.codes(), other, n_bits, radius)


def joined(left: Side, right: Side | None, n_bits: int, radius: int) -> Pairs:
    """Return all pairs of two sides."""
    return placed(join_of(left, right, n_bits, radius).arrays(), left, right)


def counted(left: Side, right: Side | None, n_bits: int, radius: int) -> int:
    """Return the number of pairs of two sides."""
    return join_of(left, right, n_bits, radius).count()


def placed(pairs: Pairs, left: Side, right: Side | None) -> Pairs:
    """Replace rows of a join by positions within the whole index."""
    i, j, distances = pairs
    return left.placed(i), (right or left).placed(j), distances


class ShardedPairJoin:
    """All pairs of codes within a radius: one join per pair of shards.

    Parameters
    ----------
    codes : ShardedCodes
        The codes.
    queries : ndarray of shape (n_queries, n_bytes), uint8, or None
        Packed queries; None for pairs of the codes themselves.
    members : ndarray of int, ascending, or None
        The positions that may be in a pair; None for all.
    radius : int
        Largest distance in bits, inclusive.
    n_jobs : int
        Number of joins at a time.
    """

    def __init__(
        self,
        codes: ShardedCodes,
        queries: Rows | None,
        members: NDArray[np.intp] | None,
        radius: int,
        n_jobs: int,
    ) -> None:
        sides = _sides(codes, members)
        self._n_jobs = n_jobs
        self._how = codes.n_bits, radius
        self._sides: list[tuple[Side, Side | None]] = []
        if queries is not None:
            self._sides = [(Side(queries, 0), side) for side in sides]
        else:
            for number, side in enumerate(sides):
                self._sides.append((side, None))
                self._sides += [(side, other) for other in sides[number + 1 :]]
        most = max(codes.n_rows, 0 if queries is None else len(queries))
        self._dtype: Any = np.int32 if most <= 2**31 - 1 else np.int64

    def count(self) -> int:
        """Return the number of pairs."""
        calls = [(*sides, *self._how) for sides in self._sides]
        return sum(run(counted, calls, self._n_jobs))

    def arrays(self) -> Pairs:
        """Return all pairs, sorted by (i, j)."""
        calls = [(*sides, *self._how) for sides in self._sides]
        found = list(run(joined, calls, self._n_jobs))
        i, j, distances = (np.concatenate(arrays) for arrays in zip(*found))
        order = np.lexsort((j, i))
        return (
            i[order].astype(self._dtype, copy=False),
            j[order].astype(self._dtype, copy=False),
            distances[order],
        )

    def chunks(self, size: int) -> Iterator[Pairs]:
        """Yield all pairs in chunks of `size`, or somewhat more."""
        for left, right in self._sides:
            for chunk in join_of(left, right, *self._how).chunks(size):
                i, j, distances = placed(chunk, left, right)
                yield (
                    i.astype(self._dtype, copy=False),
                    j.astype(self._dtype, copy=False),
                    distances,
                )


def _sides(codes: ShardedCodes, members: NDArray[np.intp] | None) -> list[Side]:
    if members is None:
        return [Side(shard, start) for shard, start in codes.placed()]
    return [
        Side(
            codes.shards[number],
            int(codes.starts[number]),
            members[places] - codes.starts[number],
        )
        for number, places in codes.split(members)
    ]
