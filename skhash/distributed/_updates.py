"""Change a sharded index: fit, append, merge, remove and compact."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from skhash.codes import check_bits, check_packed
from skhash.distributed._contents import Piece, ShardedContents, Writer, empty
from skhash.distributed._files import ShardFolder
from skhash.neighbors._base import MOST_CODES, HammingNeighborsBase
from skhash.neighbors._validation import check_ids_of, check_presence
from skhash.utils._compat import fit_context, get_feature_names
from skhash.utils._docstrings import substitute

Self = TypeVar("Self", bound="UpdateMixin")

TEXTS = {
    "X": """
        X : array-like of shape (n_samples, n_bits or n_bytes)
            Codes: bits, or packed codes with ``packed=True``.""",
    "ids": """
        ids : array-like of shape (n_samples,), int or str, default=None
            Unique ids of the codes; required exactly if the index has ids.""",
}


class UpdateMixin(HammingNeighborsBase):
    """Changes of an index in shards, each of which replaces the state as a whole."""

    path: str | os.PathLike | None
    shard_size: int

    @fit_context(prefer_skip_nested_validation=True)
    @substitute(**TEXTS)
    def fit(
        self: Self, X: ArrayLike, y: Any = None, ids: ArrayLike | None = None
    ) -> Self:
        """Index codes, in place of those that the index or its folder holds.

        Parameters
        ----------
        {X}
        y : None
            Ignored.
        ids : array-like of shape (n_samples,), int or str, default=None
            Unique ids of the codes.

        Returns
        -------
        self : ShardedHammingNearestNeighbors

        Raises
        ------
        ValueError
            If `X` is not binary, its length is not that of `ids` or `n_bits`, or an id
            is no integer or string or occurs twice.
        """
        return self._change(self._first, X, ids)

    @fit_context(prefer_skip_nested_validation=True)
    @substitute(**TEXTS)
    def partial_fit(
        self: Self, X: ArrayLike, y: Any = None, ids: ArrayLike | None = None
    ) -> Self:
        """Add codes at the end of the index.

        On disk each call writes a file; :meth:`compact` joins small ones. The first
        call is a `fit`.

        Parameters
        ----------
        {X}
        y : None
            Ignored.
        {ids}

        Returns
        -------
        self : ShardedHammingNearestNeighbors

        Raises
        ------
        ValueError
            If `X` or `ids` does not fit what is in the index, or the folder holds an
            index that was not opened.
        RuntimeError
            If the folder was changed by another estimator.
        """
        return self._change(self._extended, X, ids)

    def extend(self: Self, blocks: Iterable[Any]) -> Self:
        """Add blocks of codes at the end of the index, as they come.

        A shard is added whenever there are `shard_size` codes. If an exception or a
        crash ends the call, the index holds the shards that were added.

        Parameters
        ----------
        blocks : iterable of array-like, or of tuples (codes, ids)
            Codes, as of :meth:`partial_fit`; :func:`skhash.distributed.encode` gives
            them.

        Returns
        -------
        self : ShardedHammingNearestNeighbors

        Raises
        ------
        ValueError, RuntimeError
            As :meth:`partial_fit`.
        """
        self._validate_params()
        shard_size = int(self.shard_size)  # 8-bit ints overflow
        waiting: list[tuple[Any, Any]] = []
        n_waiting = 0
        for block in blocks:
            codes, ids = block if isinstance(block, tuple) else (block, None)
            waiting.append((codes, ids))
            n_waiting += len(codes)
            if n_waiting >= shard_size:
                codes, ids = _concatenated(waiting)
                n_full = n_waiting // shard_size * shard_size
                self.partial_fit(codes[:n_full], ids=_part(ids, slice(n_full)))
                n_waiting -= n_full
                rest = slice(n_full, None)
                waiting = [(codes[rest].copy(), _part(ids, rest))] if n_waiting else []
        if n_waiting:
            codes, ids = _concatenated(waiting)
            self.partial_fit(codes, ids=ids)
        return self

    def merge(self: Self, other: Any) -> Self:
        """Add the codes and ids of another index at the end of this one.

        Parameters
        ----------
        other : ShardedHammingNearestNeighbors or HammingNearestNeighbors
            A fitted index of codes of the same length and form, with ids exactly if
            this one has them. It is not changed.

        Returns
        -------
        self : ShardedHammingNearestNeighbors

        Raises
        ------
        ValueError, RuntimeError
            As :meth:`partial_fit`.
        """
        if isinstance(other, UpdateMixin):
            return self.extend(other.iter_codes())
        return self.partial_fit(other.codes_, ids=other.ids_)

    def remove(
        self: Self, indices: ArrayLike | None = None, *, ids: ArrayLike | None = None
    ) -> Self:
        """Remove codes from the index; the others keep their order and move up.

        The shards that lose codes are written anew.

        Parameters
        ----------
        indices : array-like of int, default=None
            Indices of the codes to remove.
        ids : array-like of int or str, default=None
            The ids of the codes to remove, in place of `indices`.

        Returns
        -------
        self : ShardedHammingNearestNeighbors

        Raises
        ------
        ValueError
            If an index is out of range, an id is not in the index, or not exactly one
            of `indices` and `ids` is given.
        RuntimeError
            If the folder was changed by another estimator.
        """
        self._snapshot()  # raises if there is no index
        return self._change(self._reduced, indices, ids)

    def compact(self: Self) -> Self:
        """Write small shards that follow each other anew, as shards of `shard_size`.

        Indices and results stay the same.

        Returns
        -------
        self : ShardedHammingNearestNeighbors

        Raises
        ------
        RuntimeError
            If the folder was changed by another estimator.
        """
        self._snapshot()  # raises if there is no index
        return self._change(lambda: self._writer().rewritten(self._contents, None))

    def _writer(self) -> Writer:
        return Writer(int(self.shard_size), self._folder())

    def _folder(self) -> ShardFolder | None:
        return None if self.path is None else ShardFolder(self.path)

    def _first(self: Self, X: ArrayLike, ids: ArrayLike | None) -> ShardedContents:
        rows, n_bits = self._checked(X, self.n_bits, self.packed)
        n_columns = rows.shape[1] if self.packed else n_bits
        least = 1 if self.n_bits is None else 0
        self._check_sizes(min(len(rows), MOST_CODES), n_columns, n_bits, least)
        named = None if ids is None else check_ids_of(ids, X)
        blank = empty(n_bits, self.packed, ids is not None, get_feature_names(X))
        if blank.ids is not None and named is not None:
            blank.ids.check_new(named)
        return self._writer().fitted(blank, [(rows, named)])

    def _extended(self: Self, X: ArrayLike, ids: ArrayLike | None) -> ShardedContents:
        if "_contents" not in self.__dict__:
            folder = self._folder()
            if folder is not None and folder.exists():
                raise ValueError(
                    f"path must be a folder without an index; {folder.path} holds one. "
                    f"Open it by {type(self).__name__}.open, or replace it by fit."
                )
            return self._first(X, ids)
        old: ShardedContents = self._contents
        check_presence("ids", "ids", ids, old.ids)
        rows = self._check_queries(X)
        named = None if ids is None else check_ids_of(ids, rows)
        if not len(rows):
            return old
        return self._writer().appended(old, rows, named)

    def _reduced(
        self, indices: ArrayLike | None, ids: ArrayLike | None
    ) -> ShardedContents:
        kept = np.ones(self.n_samples_fit_, dtype=bool)
        kept[self._check_positions(indices, ids)] = False
        if kept.all():
            return self._contents
        return self._writer().rewritten(self._contents, kept)

    @staticmethod
    def _checked(
        X: ArrayLike, n_bits: int | None, packed: bool
    ) -> tuple[NDArray[np.uint8], int]:
        """Validate codes; return them packed, and their length."""
        if packed:
            rows = check_packed(X, n_bits=n_bits, contiguous=False)
            return rows, int(n_bits or 8 * rows.shape[1])
        bits = check_bits(X, n_bits=n_bits)
        return np.packbits(bits, axis=1), bits.shape[1]


def bits_of(rows: NDArray[np.uint8], contents: ShardedContents) -> NDArray[np.uint8]:
    """Return the bits of packed codes."""
    return np.unpackbits(rows, axis=1, count=contents.manifest.n_bits)


def _concatenated(pieces: list[Piece]) -> tuple[NDArray, NDArray | None]:
    """Return codes and ids of several pieces in one."""
    codes = np.concatenate([np.asarray(codes) for codes, _ in pieces])
    named = [ids for _, ids in pieces]
    if all(ids is None for ids in named):
        return codes, None
    if any(ids is None for ids in named):
        raise ValueError("All blocks must have ids, or none; got some with ids.")
    given: Any = named
    return codes, np.concatenate([np.asarray(ids) for ids in given])


def _part(ids: NDArray | None, rows: slice) -> NDArray | None:
    return None if ids is None else ids[rows]
