"""Make the next state of a sharded index from the one before, in memory or on disk."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skhash._hamming._index import CodeIndex
from skhash._hamming._storage import Rows
from skhash.distributed._files import Manifest, ShardFolder
from skhash.distributed._ids import ShardedIds, ids_of
from skhash.distributed._shards import Shard, ShardedCodes

Piece = tuple[Rows, NDArray | None]


@dataclass(frozen=True)
class ShardedContents:
    """What has been indexed: one state of a sharded index.

    Attributes
    ----------
    codes : ShardedCodes
        The codes.
    ids : ShardedIds or None
        Their ids.
    manifest : Manifest
        What the folder lists, or would list if there was one.
    feature_names : ndarray of shape (n_features,) or None
        Names of the columns of `X`.
    """

    codes: ShardedCodes
    ids: ShardedIds | None
    manifest: Manifest
    feature_names: NDArray[np.object_] | None = None
    labels: None = None

    @property
    def packed(self) -> bool:
        """Whether `X` holds packed codes."""
        return self.manifest.packed

    @property
    def n_features(self) -> int:
        """Number of columns of `X`."""
        n_bits = self.manifest.n_bits
        return (n_bits + 7) // 8 if self.packed else n_bits

    def with_shards(self, shards: tuple[Shard, ...]) -> ShardedContents:
        """Return the contents with other shards, and a manifest that lists them."""
        codes = ShardedCodes(shards, self.manifest.n_bits)
        ids = ShardedIds(codes) if self.manifest.has_ids else None
        names = [
            (shard.file.name, shard.n_rows)
            for shard in codes.shards
            if shard.file is not None
        ]
        manifest = replace(self.manifest, shards=tuple(names))
        return replace(self, codes=codes, ids=ids, manifest=manifest)


def empty(
    n_bits: int, packed: bool, has_ids: bool, feature_names: NDArray | None = None
) -> ShardedContents:
    """Return contents without codes."""
    codes = ShardedCodes((), n_bits)
    manifest = Manifest(n_bits, packed, has_ids, ())
    ids = ShardedIds(codes) if has_ids else None
    return ShardedContents(codes, ids, manifest, feature_names)


def opened(folder: ShardFolder) -> ShardedContents:
    """Return the contents of a folder, whose shards are mapped."""
    manifest = folder.read()
    blank = empty(manifest.n_bits, manifest.packed, manifest.has_ids)
    shards = tuple(
        Shard(None, None, folder.file(name, n_rows, manifest))
        for name, n_rows in manifest.shards
    )
    for shard in shards:
        shard.open()
    return replace(blank, manifest=manifest).with_shards(shards)


class Writer:
    """Add shards to contents, in memory or in a folder.

    Parameters
    ----------
    shard_size : int
        The largest number of codes per shard.
    folder : ShardFolder or None
        Where shards are written; None for memory.
    """

    def __init__(self, shard_size: int, folder: ShardFolder | None) -> None:
        self._size, self._folder = shard_size, folder

    def fitted(self, blank: ShardedContents, pieces: Iterable[Piece]) -> Any:
        """Return contents of pieces alone, which replace what the folder holds."""
        with self._locked(None):
            contents = blank
            for rows, ids in regrouped(pieces, self._size):
                contents = self._appended(contents, rows, ids)
            return self._committed(contents)

    def appended(self, old: ShardedContents, rows: Rows, ids: NDArray | None) -> Any:
        """Return contents with more codes at the end."""
        with self._locked(old):
            new = old
            for some, named in regrouped([(rows, ids)], self._size):
                new = self._appended(new, some, named)
            return self._committed(new)

    def rewritten(self, old: ShardedContents, kept: NDArray[np.bool_] | None) -> Any:
        """Return contents of which some codes are left out, in shards of full size.

        Shards of full size of which nothing is left out stay as they are.

        Parameters
        ----------
        old : ShardedContents
            The contents.
        kept : ndarray of shape (n_rows,), bool, or None
            The codes to keep; None for all. Shards of which all are kept stay.
        """
        with self._locked(old):
            shards: list[Shard] = []
            for group, masks in self._groups(old, kept):
                if len(group) == 1 and (masks[0] is None or masks[0].all()):
                    shards += group
                    continue
                pieces = map(_kept_rows, group, masks)
                for rows, ids in regrouped(pieces, self._size):
                    shards.append(self._new_shard(rows, ids, old.manifest))
            return self._committed(old.with_shards(tuple(shards)))

    def _groups(
        self, old: ShardedContents, kept: NDArray[np.bool_] | None
    ) -> Iterator[tuple[list[Shard], list[NDArray[np.bool_] | None]]]:
        """Yield shards that are to be written anew together, or one that may stay."""
        group: list[Shard] = []
        masks: list[NDArray[np.bool_] | None] = []
        for shard, start in old.codes.placed():
            own = None if kept is None else kept[start : start + shard.n_rows]
            stays = own.all() if own is not None else shard.n_rows >= self._size
            if stays and group:
                yield group, masks
                group, masks = [], []
            if stays:
                yield [shard], [None]
            else:
                group.append(shard)
                masks.append(own)
        if group:
            yield group, masks

    def _locked(self, old: ShardedContents | None) -> Any:
        if self._folder is None:
            return nullcontext()
        expected = None if old is None or not old.manifest.token else old.manifest
        return self._folder.locked(expected)

    def _committed(self, contents: ShardedContents) -> ShardedContents:
        if self._folder is None:
            return contents
        return replace(contents, manifest=self._folder.commit(contents.manifest))

    def _appended(
        self, old: ShardedContents, rows: Rows, ids: NDArray | None
    ) -> ShardedContents:
        """Return contents with one more shard, or in memory with a longer last one."""
        shards = old.codes.shards
        if old.ids is not None and ids is not None:
            old.ids.check_new(ids)
        if self._folder is None and shards and shards[-1].n_rows < self._size:
            last, room = shards[-1], self._size - shards[-1].n_rows
            held = None
            if ids is not None:
                held = np.concatenate([ids_of(last), ids[:room]])
            longer = Shard(last.codes.append(rows[:room]), held)
            shards = (*shards[:-1], longer)
            rows, ids = rows[room:], None if ids is None else ids[room:]
        if len(rows):
            shards = (*shards, self._new_shard(rows, ids, old.manifest))
        return old.with_shards(shards)

    def _new_shard(self, rows: Rows, ids: NDArray | None, manifest: Manifest) -> Shard:
        if self._folder is None:
            rows = np.ascontiguousarray(rows)
            # "auto" searches distinct codes only, where most are repeated.
            return Shard(CodeIndex(rows, manifest.n_bits, max_memory=0.0), ids)
        file = self._folder.new_file(len(rows), manifest)
        file.write(rows, ids)
        shard = Shard(None, None, file)
        shard.open()
        return shard


def _kept_rows(shard: Shard, mask: NDArray[np.bool_] | None) -> Piece:
    """Return the codes and ids of a shard, or those of a mask."""
    members = np.arange(shard.n_rows) if mask is None else np.flatnonzero(mask)
    rows = shard.codes.rows(members)
    ids = None if shard.ids is None else shard.ids[members]
    shard.release()
    return rows, ids


def regrouped(pieces: Iterable[Piece], size: int) -> Iterator[Piece]:
    """Yield pieces of `size` codes from pieces of any size; the last may be smaller.

    Parameters
    ----------
    pieces : iterable of (rows, ids)
        Packed codes, and their ids or None.
    size : int
        Number of codes.
    """
    waiting: list[Piece] = []
    n_waiting = 0
    for rows, ids in pieces:
        first = 0
        while n_waiting + len(rows) - first >= size:
            last = first + size - n_waiting
            waiting.append((rows[first:last], None if ids is None else ids[first:last]))
            yield _joined(waiting)
            waiting, n_waiting, first = [], 0, last
        if first < len(rows):
            waiting.append((rows[first:], None if ids is None else ids[first:]))
            n_waiting += len(rows) - first
    if waiting:
        yield _joined(waiting)


def _joined(pieces: list[Piece]) -> Piece:
    if len(pieces) == 1:
        return pieces[0]
    rows = np.concatenate([rows for rows, _ in pieces])
    if pieces[0][1] is None:
        return rows, None
    named: Any = [ids for _, ids in pieces]
    return rows, np.concatenate(named)
