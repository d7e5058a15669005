"""Turn objects into a list of JSON nodes and arrays, and back.

A value is null, true, false, a number, a string, ``{"float": "nan"}`` or ``"inf"`` or
``"-inf"``, or ``{"ref": i}``: the object of node i. A node refers to earlier nodes
only, so that loading needs no recursion and a file cannot describe an object that holds
itself. An object that is met twice is one node, and is one object again when loaded.
"""

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from skhash.io._file import ArrayFile, InvalidFileError

#: How deeply objects may be nested: some operations on tuples recurse in C.
MAX_DEPTH = 100


class Codec(NamedTuple):
    """How objects of one kind become nodes.

    Attributes
    ----------
    kind : str
        The name of the kind in the file.
    matches : callable
        Return whether an object is of this kind.
    encode : callable
        Takes the object, the encoder and the path of the object in messages; returns
        the node, a dict.
    decode : callable
        Takes the node and the decoder, and returns the object. It must validate the
        node, and execute nothing.
    """

    kind: str
    matches: Callable[[Any], bool]
    encode: Callable[[Any, "Encoder", str], dict[str, Any]]
    decode: Callable[[dict[str, Any], "Decoder"], Any]


def _codecs() -> list[Codec]:
    from skhash.io import _arrays, _containers, _networks, _objects

    return [
        *_containers.CODECS,
        *_arrays.CODECS,
        *_networks.CODECS,
        *_objects.CODECS,
    ]


class Encoder:
    """Collect the nodes and arrays of objects.

    Attributes
    ----------
    nodes : list of dict
        The nodes so far.
    arrays : list of ndarray
        The arrays so far.
    """

    def __init__(self) -> None:
        self.nodes: list[dict[str, Any]] = []
        self.arrays: list[NDArray] = []
        self._codecs = _codecs()
        # The objects are kept, so that no other can get their id.
        self._known: dict[int, tuple[int | None, Any]] = {}
        self._depth = 0

    def value(self, obj: Any, path: str) -> Any:
        """Return the value that stands for an object, `path` in messages."""
        if obj is None or type(obj) in (bool, int, str):
            return obj
        if type(obj) is float:
            return obj if math.isfinite(obj) else {"float": str(obj)}
        if id(obj) not in self._known:
            self._add(obj, path)
        number = self._known[id(obj)][0]
        if number is None:
            raise ValueError(f"{path} cannot be saved, since it holds itself.")
        return {"ref": number}

    def _add(self, obj: Any, path: str) -> None:
        if self._depth == MAX_DEPTH:
            raise ValueError(
                f"{path} cannot be saved: objects may be nested {MAX_DEPTH} deep."
            )
        codec = next((each for each in self._codecs if each.matches(obj)), None)
        if codec is None:
            raise TypeError(
                f"{path} cannot be saved: it is {_description(obj)}, and skhash.io "
                "saves data and estimators of a list, see docs/files.md. Replace it, "
                "or use joblib, whose files can run code when they are loaded."
            )
        self._known[id(obj)] = None, obj
        self._depth += 1
        node = codec.encode(obj, self, path)
        self._depth -= 1
        self.nodes.append({"kind": codec.kind, **node})
        self._known[id(obj)] = len(self.nodes) - 1, obj

    def array(self, array: NDArray) -> int:
        """Return the number of an array of numbers, to be stored in C order."""
        little = array.astype(array.dtype.newbyteorder("<"), copy=False)
        self.arrays.append(np.ascontiguousarray(little).reshape(array.shape))
        return len(self.arrays) - 1


def _description(obj: Any) -> str:
    if isinstance(obj, type) or (callable(obj) and hasattr(obj, "__qualname__")):
        return f"the function or class {obj.__qualname__}"
    return f"of type {type(obj).__module__}.{type(obj).__qualname__}"


class Decoder:
    """Make objects from nodes and the arrays of a file.

    Parameters
    ----------
    file : ArrayFile
        The file.
    mmap : bool
        Whether codes of an index are mapped into memory.
    """

    def __init__(self, file: ArrayFile, *, mmap: bool):
        self.mmap = mmap
        self._file = file
        self._codecs = {codec.kind: codec for codec in _codecs()}
        self._objects: list[Any] = []
        self._depths: list[int] = []
        self._depth = 0
        self._used: set[int] = set()

    def decode(self, graph: dict[str, Any]) -> Any:
        """Return the object that a graph describes.

        Raises
        ------
        InvalidFileError
            If the graph is invalid. Codecs may raise other errors, too.
        """
        nodes = graph.get("nodes")
        if not isinstance(nodes, list):
            raise InvalidFileError("it describes no object.")
        for node in nodes:
            if not isinstance(node, dict) or node.get("kind") not in self._codecs:
                raise InvalidFileError("it holds an object of an unknown kind.")
            self._depth = 0
            decoded = self._codecs[node["kind"]].decode(node, self)
            self._objects.append(decoded)
            self._depths.append(self._depth + 1)
            if self._depth >= MAX_DEPTH:
                raise InvalidFileError("its objects are nested too deeply.")
        return self.value(graph.get("root"))

    def value(self, value: Any) -> Any:
        """Return the object that a value stands for."""
        if not isinstance(value, dict | list):
            return value
        if isinstance(value, dict) and len(value) == 1:
            number = value.get("ref")
            if type(number) is int and 0 <= number < len(self._objects):
                self._depth = max(self._depth, self._depths[number])
                return self._objects[number]
            if value.get("float") in ("nan", "inf", "-inf"):
                return float(value["float"])
        raise InvalidFileError(f"it holds an invalid value, {str(value)[:40]}.")

    def array(self, number: Any, *, mmap: bool = False) -> NDArray:
        """Return an array; each only once, so that memory is bounded by the file."""
        if type(number) is not int or number in self._used:
            raise InvalidFileError("it refers to an array twice, or to none.")
        self._used.add(number)
        return self._file.array(number, mmap=mmap)
