"""Encode estimators and other objects of listed classes, and indexes of codes."""

import inspect
from typing import Any

import numpy as np

from skhash.io._classes import (
    class_name,
    function_name,
    named_class,
    named_function,
)
from skhash.io._containers import decode_items, encode_items
from skhash.io._file import InvalidFileError
from skhash.io._graph import Codec, Decoder, Encoder
from skhash.io._state import check_estimator, check_names

# Objects with attributes


def _encode_object(obj: Any, encoder: Encoder, path: str) -> dict[str, Any]:
    state = obj.__getstate__()
    if not isinstance(state, dict):
        if state is not None:
            raise TypeError(f"{path} cannot be saved: its state is not a dict.")
        state = {}
    check_estimator(obj, path)
    values = {
        name: encoder.value(item, f"{path}.{name}") for name, item in state.items()
    }
    return {"class": class_name(type(obj)), "state": values}


def _decode_object(node: dict[str, Any], decoder: Decoder) -> Any:
    cls = named_class(node["class"])
    if issubclass(cls, tuple) or not isinstance(node["state"], dict):
        raise InvalidFileError(f"it holds an invalid {cls.__name__}.")
    state = {name: decoder.value(item) for name, item in node["state"].items()}
    check_names(state, cls)
    obj: Any = object.__new__(cls)
    if hasattr(cls, "__setstate__"):
        obj.__setstate__(state)
    else:
        obj.__dict__.update(state)
    check_estimator(obj, cls.__name__)
    return obj


def _is_named_tuple(obj: Any) -> bool:
    return isinstance(obj, tuple) and class_name(type(obj)) is not None


def _encode_named_tuple(obj: tuple, encoder: Encoder, path: str) -> dict[str, Any]:
    return {
        "class": class_name(type(obj)),
        "items": encode_items(obj, encoder, path),
    }


def _decode_named_tuple(node: dict[str, Any], decoder: Decoder) -> tuple:
    cls: Any = named_class(node["class"])
    items = decode_items(node["items"], decoder)
    if not issubclass(cls, tuple) or len(items) != len(cls._fields):
        raise InvalidFileError(f"it holds an invalid {cls.__name__}.")
    return tuple.__new__(cls, items)


# Functions of scikit-learn


def _encode_function(obj: Any, encoder: Encoder, path: str) -> dict[str, Any]:
    return {"name": function_name(obj)}


def _decode_function(node: dict[str, Any], decoder: Decoder) -> Any:
    return named_function(node["name"])


# Indexes of codes: the compiled search validates little, so that an index is built anew
# from its codes, which are validated.


def _is_mutex(obj: Any) -> bool:
    return (type(obj).__module__, type(obj).__name__) == (
        "skhash._hamming._mutex",
        "Mutex",
    )


def _decode_mutex(node: dict[str, Any], decoder: Decoder) -> Any:
    from skhash._hamming._mutex import Mutex

    return Mutex()


def _is_index(obj: Any) -> bool:
    from skhash._hamming._index import CodeIndex

    return type(obj) is CodeIndex


def _settings() -> set[str]:
    """Return the names of the settings of an index."""
    from skhash._hamming._index import CodeIndex

    return set(inspect.signature(CodeIndex).parameters) - {"rows", "copy"}


def _encode_index(obj: Any, encoder: Encoder, path: str) -> dict[str, Any]:
    settings = {
        name: encoder.value(getattr(obj, name), f"{path}.{name}")
        for name in sorted(_settings())
    }
    return {"settings": settings, "codes": encoder.array(obj.rows())}


def _decode_index(node: dict[str, Any], decoder: Decoder) -> Any:
    from skhash.neighbors import HammingNearestNeighbors

    settings = {key: decoder.value(value) for key, value in node["settings"].items()}
    if not set(settings) <= _settings():
        raise InvalidFileError("it holds an index with unknown settings.")
    codes = decoder.array(node["codes"], mmap=decoder.mmap)
    if codes.dtype != np.uint8 or codes.ndim != 2:
        raise InvalidFileError("it holds an index of codes of a wrong type.")
    neighbors = HammingNearestNeighbors(packed=True, copy=not decoder.mmap, **settings)
    return neighbors.fit(codes)._index


CODECS = [
    Codec("mutex", _is_mutex, lambda *_: {}, _decode_mutex),
    Codec("index", _is_index, _encode_index, _decode_index),
    Codec("named_tuple", _is_named_tuple, _encode_named_tuple, _decode_named_tuple),
    Codec(
        "function",
        lambda obj: function_name(obj) is not None,
        _encode_function,
        _decode_function,
    ),
    Codec(
        "object",
        lambda obj: class_name(type(obj)) is not None,
        _encode_object,
        _decode_object,
    ),
]
