"""Keep shards in the files of a folder, whose manifest lists the valid ones.

A shard is written to a file of a new name, and exists for readers once the manifest is
replaced by one that lists it. So a crash at any point leaves the last complete state,
and maybe files that no manifest lists, which the next change deletes.
"""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import skhash
from skhash._hamming._storage import BlockedCodes, Rows
from skhash.io._atomic import replaced_file
from skhash.io._file import (
    ArrayFile,
    InvalidFileError,
    NewerFileError,
    parse_json,
    write_file,
)

#: The version of the format; a change that earlier versions cannot read raises it.
FORMAT_VERSION = 1
MANIFEST = "manifest.json"
SUFFIX = ".shard"
_LOCK = ".lock"
#: Ids are padded to this number, so that the codes behind them are aligned.
_PADDING = 64


@dataclass(frozen=True)
class Manifest:
    """What a folder holds.

    Attributes
    ----------
    n_bits : int
        Length of the codes.
    packed : bool
        Whether codes are given packed.
    has_ids : bool
        Whether codes have ids.
    shards : tuple of (str, int)
        Name of the file and number of codes of each shard, in order.
    token : str
        Differs between any two states of the folder.
    """

    n_bits: int
    packed: bool
    has_ids: bool
    shards: tuple[tuple[str, int], ...]
    token: str = ""


@dataclass(frozen=True)
class ShardFile:
    """A file with the codes and the ids of a shard.

    Attributes
    ----------
    path : str
        The file.
    n_rows, n_bits : int
        Number and length of the codes.
    has_ids : bool
        Whether there are ids.
    """

    path: str
    n_rows: int
    n_bits: int
    has_ids: bool

    @property
    def name(self) -> str:
        """Name of the file within its folder."""
        return os.path.basename(self.path)

    def write(self, rows: Rows, ids: NDArray | None) -> None:
        """Write packed codes and their ids."""
        arrays = [BlockedCodes(rows).planes]
        graph: dict[str, Any] = {"n_rows": self.n_rows, "n_bits": self.n_bits}
        if ids is not None:
            graph["ids"] = ids.dtype.newbyteorder("<").str
            graph["ascending"] = is_ascending(ids)
            arrays.append(_stored_ids(ids))
        write_file(self.path, graph, arrays, {"skhash": skhash.__version__})

    def map(
        self, *, mmap: bool = True
    ) -> tuple[NDArray[np.uint8], NDArray | None, bool]:
        """Return the codes in the layout of the kernels, the ids, and their order.

        Parameters
        ----------
        mmap : bool, default=True
            Whether to map the file instead of reading it and its checksums.

        Raises
        ------
        InvalidFileError
            If the file is damaged, or is not the one that the manifest lists.
        """
        with ArrayFile(self.path) as file:
            graph = file.graph()
            planes = file.array(0, mmap=mmap)
            n_bytes = (self.n_bits + 7) // 8
            size = -(-self.n_rows // 64) * 64 * n_bytes
            found = [graph.get("n_rows"), graph.get("n_bits"), "ids" in graph]
            if found != [self.n_rows, self.n_bits, self.has_ids] or (
                planes.shape != (size,) or planes.dtype != np.uint8
            ):
                raise InvalidFileError(f"{self.path} is not the shard that is listed.")
            if not self.has_ids:
                return planes, None, False
            ids = _ids_of(file.array(1, mmap=mmap), graph, self)
            return planes, ids, graph.get("ascending") is True


def is_ascending(ids: NDArray) -> bool:
    """Return whether ids are in ascending order, in which they can be bisected."""
    return bool((ids[1:] > ids[:-1]).all())


def _stored_ids(ids: NDArray) -> NDArray:
    """Return ids as padded numbers."""
    dtype = ids.dtype.newbyteorder("<")
    padded = np.zeros(-(-len(ids) // _PADDING) * _PADDING, dtype=dtype)
    padded[: len(ids)] = ids
    return padded.view("<u4") if dtype.kind == "U" else padded


def _ids_of(stored: NDArray, graph: dict[str, Any], file: ShardFile) -> NDArray:
    """Return the ids in an array of padded numbers."""
    name = graph["ids"]
    is_text = isinstance(name, str) and name[:2] == "<U" and name[2:].isdigit()
    if not is_text and name not in ("<i8", "<u8"):
        raise InvalidFileError(f"{file.path} holds ids of dtype {name!r:.40}.")
    expected = np.dtype("<u4") if is_text else np.dtype(name)
    n_padded = -(-file.n_rows // _PADDING) * _PADDING
    width = max(1, int(name[2:])) if is_text else 1
    if stored.dtype != expected or stored.shape != (n_padded * width,):
        raise InvalidFileError(f"{file.path} holds ids of a wrong number or dtype.")
    ids = stored.view(np.dtype(f"<U{width}")) if is_text else stored
    return ids[: file.n_rows]


class ShardFolder:
    """A folder of shards and the manifest that lists them.

    Parameters
    ----------
    path : str or path-like
        The folder; made when something is written.
    """

    def __init__(self, path: str | os.PathLike) -> None:
        self.path = Path(path)

    def exists(self) -> bool:
        """Whether there is a manifest."""
        return (self.path / MANIFEST).exists()

    def read(self) -> Manifest:
        """Read the manifest.

        Raises
        ------
        FileNotFoundError
            If there is none.
        InvalidFileError, NewerFileError
            If it is damaged, or of a newer version.
        """
        path = self.path / MANIFEST
        try:
            return _parsed(path.read_bytes())
        except InvalidFileError as error:
            raise type(error)(f"{path} cannot be loaded: {error}") from error

    def file(self, name: str, n_rows: int, manifest: Manifest) -> ShardFile:
        """Return the file of a shard."""
        path = os.path.abspath(self.path / name)
        return ShardFile(path, n_rows, manifest.n_bits, manifest.has_ids)

    def new_file(self, n_rows: int, manifest: Manifest) -> ShardFile:
        """Return a file of a new name."""
        return self.file(secrets.token_hex(8) + SUFFIX, n_rows, manifest)

    @contextmanager
    def locked(self, expected: Manifest | None) -> Iterator[None]:
        """Let one process at a time change the folder.

        Parameters
        ----------
        expected : Manifest or None
            The state that the change begins with; None accepts any.

        Raises
        ------
        RuntimeError
            If another process has changed the folder since.
        """
        self.path.mkdir(parents=True, exist_ok=True)
        with open(self.path / _LOCK, "ab") as lock:
            _lock(lock)
            if expected is not None and self.read().token != expected.token:
                raise RuntimeError(
                    f"{self.path} was changed by another process or estimator. Open it "
                    "again."
                )
            self._clean()
            yield

    def commit(self, manifest: Manifest) -> Manifest:
        """Replace the manifest, then delete what it does not list."""
        manifest = Manifest(**{**vars(manifest), "token": secrets.token_hex(16)})
        content = {"format": "skhash-shards", "format_version": FORMAT_VERSION}
        text = json.dumps({**content, **asdict(manifest)}, indent=1)
        with replaced_file(self.path / MANIFEST) as file:
            file.write(text.encode())
        self._clean()
        return manifest

    def _clean(self) -> None:
        """Delete shards that are not listed, and what a crash left half written."""
        listed = {name for name, _ in self.read().shards} if self.exists() else set()
        for path in self.path.iterdir():
            is_half = path.name.startswith(".") and path.name.endswith(".tmp")
            if is_half or (path.suffix == SUFFIX and path.name not in listed):
                with suppress(FileNotFoundError):
                    path.unlink()


def _lock(file: Any) -> None:
    """Wait for the lock of a file, where the system has such locks."""
    with suppress(ImportError):
        import fcntl

        fcntl.flock(file.fileno(), fcntl.LOCK_EX)


def _parsed(text: bytes) -> Manifest:
    content = parse_json(text)
    if content.pop("format", None) != "skhash-shards":
        raise InvalidFileError("it is not a manifest of shards.")
    version = content.pop("format_version", None)
    if type(version) is int and version > FORMAT_VERSION:
        raise NewerFileError(
            f"it has format version {version}, and this version of scikit-hash reads "
            f"versions up to {FORMAT_VERSION}."
        )
    types = {"n_bits": int, "packed": bool, "has_ids": bool, "token": str}
    shards = content.pop("shards", None)
    if {name: type(value) for name, value in content.items()} != types or (
        version != FORMAT_VERSION or content["n_bits"] < 1
    ):
        raise InvalidFileError("its entries are invalid.")
    if not isinstance(shards, list) or not all(map(_is_shard, shards)):
        raise InvalidFileError("its list of shards is invalid.")
    return Manifest(shards=tuple((name, n) for name, n in shards), **content)


def _is_shard(entry: Any) -> bool:
    """Return whether an entry of the manifest names a file of the folder."""
    if not isinstance(entry, list) or len(entry) != 2:
        return False
    name, n_rows = entry
    is_name = isinstance(name, str) and name.endswith(SUFFIX) and name[:-6].isalnum()
    return is_name and type(n_rows) is int and 0 < n_rows < 2**32 - 1
