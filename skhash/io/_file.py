"""Write and read files of a JSON text and arrays, in the safetensors format.

A file has the length of a header (8 bytes), the header (JSON: name, dtype, shape and
place of each array, and texts as metadata), and the bytes of the arrays without gaps.
The array "graph" holds the JSON text. It has the checksum of every other array; the
metadata of the header have the checksum of the graph, and of the header itself, with
zeros in the place of that checksum.
"""

import hashlib
import json
import math
import os
import stat
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skhash.io._atomic import replaced_file

#: The version of the format; a change that earlier versions cannot read raises it.
FORMAT_VERSION = 1
#: Bounds of the JSON texts: parsed, they take up to 25 times their size.
MAX_HEADER_BYTES = 16 << 20
MAX_GRAPH_BYTES = 32 << 20

_GRAPH = "graph"
_NO_CHECKSUM = "0" * 64
# The header is padded to this multiple, so that arrays begin at a multiple of their
# item size: they are written in descending order of it.
_ALIGNMENT = 64
_DTYPES: dict[str, np.dtype] = {
    "F64": np.dtype("<f8"),
    "F32": np.dtype("<f4"),
    "F16": np.dtype("<f2"),
    "I64": np.dtype("<i8"),
    "I32": np.dtype("<i4"),
    "I16": np.dtype("<i2"),
    "I8": np.dtype("i1"),
    "U64": np.dtype("<u8"),
    "U32": np.dtype("<u4"),
    "U16": np.dtype("<u2"),
    "U8": np.dtype("u1"),
    "BOOL": np.dtype("?"),
}
_NAMES = {dtype: name for name, dtype in _DTYPES.items()}


class InvalidFileError(ValueError):
    """A file is damaged, or was not written by :func:`skhash.io.save`."""


class NewerFileError(InvalidFileError):
    """A file has a newer format than this version of scikit-hash reads."""


def write_file(
    path: str | os.PathLike,
    graph: dict[str, Any],
    arrays: list[NDArray],
    versions: dict[str, str],
) -> None:
    """Write a file; it replaces an earlier one when it is complete.

    Parameters
    ----------
    path : str or path-like
        The file.
    graph : dict
        What JSON can hold.
    arrays : list of ndarray
        C-contiguous arrays of numbers in little-endian order.
    versions : dict of str to str
        Versions of libraries, for information.

    Raises
    ------
    ValueError
        If the JSON text is too long.
    OSError
        If the file cannot be written.
    """
    graph = {**graph, "checksums": [_checksum(array) for array in arrays]}
    text = json.dumps(graph, allow_nan=False, separators=(",", ":")).encode()
    named = {str(i): array for i, array in enumerate(arrays)}
    named[_GRAPH] = np.frombuffer(text, dtype=np.uint8)
    named = dict(sorted(named.items(), key=lambda item: -item[1].itemsize))
    metadata = {
        "format": "skhash",
        "format_version": str(FORMAT_VERSION),
        "versions": json.dumps(versions),
        "graph_sha256": _checksum(named[_GRAPH]),
    }
    header = _header(named, metadata)
    if len(header) > MAX_HEADER_BYTES or len(text) > MAX_GRAPH_BYTES:
        raise ValueError(
            "The estimator has too many separate values to be saved: they take "
            f"{len(header)} and {len(text)} bytes of JSON, and at most "
            f"{MAX_HEADER_BYTES} and {MAX_GRAPH_BYTES} are allowed."
        )
    with replaced_file(path) as file:
        file.write(header)
        for array in named.values():
            file.write(_bytes_of(array))


def _header(arrays: dict[str, NDArray], metadata: dict[str, str]) -> bytes:
    """Return the header with its length before it."""
    entries: dict[str, Any] = {}
    end = 0
    for name, array in arrays.items():
        begin, end = end, end + array.nbytes
        entries[name] = {
            "dtype": _NAMES[array.dtype],
            "shape": list(array.shape),
            "data_offsets": [begin, end],
        }
    metadata = {**metadata, "header_sha256": _NO_CHECKSUM}
    text = json.dumps({"__metadata__": metadata, **entries}, separators=(",", ":"))
    padded = text.encode() + b" " * (-(8 + len(text)) % _ALIGNMENT)
    header = len(padded).to_bytes(8, "little") + padded
    checksum = hashlib.sha256(header).hexdigest()
    return header.replace(_NO_CHECKSUM.encode(), checksum.encode(), 1)


def _bytes_of(array: NDArray) -> memoryview:
    return array.reshape(-1).view(np.uint8).data


def _checksum(array: NDArray) -> str:
    return hashlib.sha256(_bytes_of(array)).hexdigest()


class ArrayFile:
    """Read a file of :func:`write_file`; a context manager.

    Places and sizes of the arrays are compared with the size of the file before memory
    is taken.

    Parameters
    ----------
    path : str or path-like
        The file.

    Raises
    ------
    InvalidFileError
        If the header is invalid.
    OSError
        If the file cannot be read.
    """

    def __init__(self, path: str | os.PathLike):
        self.name = os.fspath(path)
        if not stat.S_ISREG(os.stat(path).st_mode):  # a pipe would block
            raise InvalidFileError(f"{self.name} is not a regular file.")
        self._file = open(path, "rb")  # noqa: SIM115
        try:
            self._read_header()
        except InvalidFileError as error:
            self._file.close()
            raise type(error)(f"{self.name} cannot be loaded: {error}") from error
        except BaseException:
            self._file.close()
            raise

    def __enter__(self) -> "ArrayFile":
        return self

    def __exit__(self, *exception: object) -> None:
        self._file.close()

    def _read_header(self) -> None:
        size = os.fstat(self._file.fileno()).st_size
        prefix = self._file.read(8)
        length = int.from_bytes(prefix, "little")
        if len(prefix) < 8 or length > min(size - 8, MAX_HEADER_BYTES):
            raise InvalidFileError("it is not a file of skhash.io, or is truncated.")
        raw = self._file.read(length)
        header = parse_json(raw)
        metadata = header.pop("__metadata__", None)
        _check_version(metadata)
        _check_header(prefix + raw, metadata)
        self._begin = 8 + length
        self._entries = _check_entries(header, size - self._begin)
        self._graph_checksum = metadata["graph_sha256"]
        self._checksums: list[str] = []

    def graph(self) -> dict[str, Any]:
        """Read the JSON text; to be called before :meth:`array`."""
        dtype, shape, _ = self._entry(_GRAPH)
        if dtype != np.uint8 or math.prod(shape) > MAX_GRAPH_BYTES:
            raise InvalidFileError(f"{self.name} cannot be loaded: invalid JSON text.")
        try:
            graph = parse_json(self._read(_GRAPH, self._graph_checksum).tobytes())
        except InvalidFileError as error:
            raise InvalidFileError(f"{self.name} cannot be loaded: {error}") from error
        checksums = graph.get("checksums")
        if isinstance(checksums, list):
            self._checksums = checksums
        return graph

    def array(self, number: int, *, mmap: bool = False) -> NDArray:
        """Read an array, or map it into memory.

        Parameters
        ----------
        number : int
            Its number.
        mmap : bool, default=False
            Whether to map it. Its checksum is then not verified.

        Returns
        -------
        array : ndarray
            Writable unless mapped.
        """
        if not 0 <= number < len(self._checksums):
            raise InvalidFileError(f"it has no array of number {number}.")
        if not mmap:
            return self._read(str(number), self._checksums[number])
        dtype, shape, begin = self._entry(str(number))
        if not math.prod(shape):
            return np.empty(shape, dtype)
        return np.memmap(self._file, dtype, "r", self._begin + begin, shape)

    def _entry(self, name: str) -> tuple[np.dtype, tuple[int, ...], int]:
        if name not in self._entries:
            raise InvalidFileError(f"it has no array {name!r}.")
        return self._entries[name]

    def _read(self, name: str, checksum: str) -> NDArray:
        dtype, shape, begin = self._entry(name)
        array = np.empty(shape, dtype)
        self._file.seek(self._begin + begin)
        if self._file.readinto(_bytes_of(array)) != array.nbytes:
            raise InvalidFileError("it was truncated while it was read.")
        if _checksum(array) != checksum:
            raise InvalidFileError(f"the checksum of array {name!r} is wrong.")
        return array


def parse_json(text: bytes) -> dict[str, Any]:
    """Parse a JSON object, without repeated names or values that are not numbers."""
    try:
        parsed = json.loads(
            text, object_pairs_hook=_unique, parse_constant=_refuse_constant
        )
    except (ValueError, RecursionError) as error:
        raise InvalidFileError(
            f"it is not a file of skhash.io, or is damaged (invalid JSON: {error})."
        ) from error
    if not isinstance(parsed, dict):
        raise InvalidFileError("it is not a file of skhash.io: its JSON has no object.")
    return parsed


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a name occurs twice")
    return found


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not allowed")


def _check_version(metadata: Any) -> None:
    if not isinstance(metadata, dict) or metadata.get("format") != "skhash":
        raise InvalidFileError("it was not written by skhash.io.save.")
    version = metadata.get("format_version")
    if not isinstance(version, str) or not version.isascii() or not version.isdigit():
        raise InvalidFileError(f"it has an invalid format version, {version!r:.40}.")
    if len(version) > 9 or int(version) > FORMAT_VERSION:
        raise NewerFileError(
            f"it has format version {version:.40}, and this version of scikit-hash "
            f"reads versions up to {FORMAT_VERSION}. Install a newer scikit-hash; the "
            f"file was written with {metadata.get('versions')!s:.200}."
        )


def _check_header(header: bytes, metadata: dict[str, Any]) -> None:
    checksums: list[Any] = [
        metadata.get(name) for name in ("header_sha256", "graph_sha256")
    ]
    if not all(isinstance(each, str) and len(each) == 64 for each in checksums):
        raise InvalidFileError("it has no checksums.")
    blank = header.replace(checksums[0].encode(), _NO_CHECKSUM.encode(), 1)
    if hashlib.sha256(blank).hexdigest() != checksums[0]:
        raise InvalidFileError("the checksum of its header is wrong.")


def _check_entries(
    header: dict[str, Any], n_bytes: int
) -> dict[str, tuple[np.dtype, tuple[int, ...], int]]:
    """Return dtype, shape and place of each array; they must fill the file exactly."""
    entries, places = {}, []
    for name, entry in header.items():
        if not isinstance(entry, dict) or set(entry) != {
            "dtype",
            "shape",
            "data_offsets",
        }:
            raise InvalidFileError(f"the entry of array {name!r:.40} is invalid.")
        shape, place = entry["shape"], entry["data_offsets"]
        if entry["dtype"] not in _NAMES.values() or not (
            _are_sizes(shape) and _are_sizes(place) and len(shape) <= 32
        ):
            raise InvalidFileError(f"the entry of array {name!r:.40} is invalid.")
        dtype = _DTYPES[entry["dtype"]]
        if len(place) != 2 or place[1] - place[0] != math.prod(shape) * dtype.itemsize:
            raise InvalidFileError(f"the size of array {name!r:.40} is wrong.")
        entries[name] = dtype, tuple(shape), place[0]
        places.append(place)
    ends = [0, *(end for _, end in sorted(places))]
    if [begin for begin, _ in sorted(places)] != ends[:-1] or ends[-1] != n_bytes:
        raise InvalidFileError("it is truncated, or its arrays are out of place.")
    return entries


def _are_sizes(values: Any) -> bool:
    return isinstance(values, list) and all(
        type(each) is int and 0 <= each < 2**60 for each in values
    )
