"""Encode lists, tuples, sets, dicts and slices.

A long container of equal types is stored as an array instead of JSON values.
"""

from collections import OrderedDict
from collections.abc import Iterable
from typing import Any

import numpy as np

from skhash.io._file import InvalidFileError
from skhash.io._graph import Codec, Decoder, Encoder

_COLUMN_LENGTH = 32
_NUMBERS: dict[str, tuple[type, type]] = {
    "int": (int, np.int64),
    "float": (float, np.float64),
    "int64": (np.int64, np.int64),
    "float64": (np.float64, np.float64),
}
_SEQUENCES: dict[str, type] = {
    "list": list,
    "tuple": tuple,
    "set": set,
    "frozenset": frozenset,
}
_DICTS: dict[str, type] = {"dict": dict, "ordered_dict": OrderedDict}


def encode_items(items: Iterable[Any], encoder: Encoder, path: str) -> Any:
    """Return a list of values, or the column that stands for it."""
    items = list(items)
    types = {type(item) for item in items}
    if len(items) < _COLUMN_LENGTH or len(types) > 1:
        return [encoder.value(item, f"{path}[{i}]") for i, item in enumerate(items)]
    item_type = types.pop()
    if item_type is str:
        return _encode_strings(items, encoder)
    for name, (python_type, dtype) in _NUMBERS.items():
        if item_type is python_type and _fit(items, python_type):
            return {name: encoder.array(np.array(items, dtype=dtype))}
    return [encoder.value(item, f"{path}[{i}]") for i, item in enumerate(items)]


def _fit(items: list[Any], python_type: type) -> bool:
    return python_type is not int or (min(items) >= -(2**63) and max(items) < 2**63)


def _encode_strings(strings: list[str], encoder: Encoder) -> dict[str, Any]:
    encoded = [string.encode("utf-8", "surrogatepass") for string in strings]
    lengths = np.array([len(each) for each in encoded], dtype=np.uint64)
    smallest = np.min_scalar_type(int(lengths.max()))
    text = np.frombuffer(b"".join(encoded), dtype=np.uint8)
    return {
        "str": encoder.array(text),
        "lengths": encoder.array(lengths.astype(smallest)),
    }


def decode_items(items: Any, decoder: Decoder) -> list[Any]:
    """Return the objects of :func:`encode_items` as a list."""
    if isinstance(items, list):
        return [decoder.value(item) for item in items]
    if not isinstance(items, dict) or not items:
        raise InvalidFileError("it holds an invalid list.")
    if set(items) == {"str", "lengths"}:
        return _decode_strings(items, decoder)
    (name,) = items
    python_type, dtype = _NUMBERS[name]
    numbers = decoder.array(items[name])
    if numbers.dtype != dtype or numbers.ndim != 1:
        raise InvalidFileError("it holds a list of numbers of a wrong type.")
    return list(numbers) if python_type is dtype else numbers.tolist()


def _decode_strings(items: dict[str, Any], decoder: Decoder) -> list[str]:
    text, lengths = decoder.array(items["str"]), decoder.array(items["lengths"])
    is_valid = text.dtype == np.uint8 and lengths.dtype.kind == "u"
    if not is_valid or text.ndim != 1 or lengths.ndim != 1:
        raise InvalidFileError("it holds a list of strings of a wrong type.")
    # One length alone, and so every partial sum, is small enough for 64 bits.
    if len(lengths) and lengths.max() > len(text):
        raise InvalidFileError("it holds a string that is too long.")
    ends = np.cumsum(lengths, dtype=np.int64).tolist()
    if (ends[-1] if ends else 0) != len(text):
        raise InvalidFileError("it holds strings of a wrong length.")
    raw = text.tobytes()
    begins = [0, *ends[:-1]]
    return [
        raw[begin:end].decode("utf-8", "surrogatepass")
        for begin, end in zip(begins, ends)
    ]


def _sequence_codec(kind: str, sequence_type: type) -> Codec:
    def encode(obj: Any, encoder: Encoder, path: str) -> dict[str, Any]:
        items = obj
        if sequence_type in (set, frozenset):  # equal sets give equal files
            items = sorted(obj, key=lambda item: (type(item).__name__, str(item)))
        return {"items": encode_items(items, encoder, path)}

    def decode(node: dict[str, Any], decoder: Decoder) -> Any:
        return sequence_type(decode_items(node["items"], decoder))

    return Codec(kind, lambda obj: type(obj) is sequence_type, encode, decode)


def _dict_codec(kind: str, dict_type: type) -> Codec:
    def encode(obj: Any, encoder: Encoder, path: str) -> dict[str, Any]:
        keys = encode_items(obj, encoder, f"{path} keys")
        types = {type(item) for item in obj.values()}
        if len(obj) >= _COLUMN_LENGTH and len(types) == 1:
            return {"keys": keys, "values": encode_items(obj.values(), encoder, path)}
        values = [encoder.value(item, f"{path}[{key!r}]") for key, item in obj.items()]
        return {"keys": keys, "values": values}

    def decode(node: dict[str, Any], decoder: Decoder) -> Any:
        keys = decode_items(node["keys"], decoder)
        values = decode_items(node["values"], decoder)
        return dict_type(zip(keys, values, strict=True))

    return Codec(kind, lambda obj: type(obj) is dict_type, encode, decode)


def _encode_slice(obj: slice, encoder: Encoder, path: str) -> dict[str, Any]:
    ends = (obj.start, obj.stop, obj.step)
    return {"items": [encoder.value(each, path) for each in ends]}


def _decode_slice(node: dict[str, Any], decoder: Decoder) -> slice:
    start, stop, step = decode_items(node["items"], decoder)
    return slice(start, stop, step)


CODECS = [
    *(_sequence_codec(kind, found) for kind, found in _SEQUENCES.items()),
    *(_dict_codec(kind, found) for kind, found in _DICTS.items()),
    Codec("slice", lambda obj: type(obj) is slice, _encode_slice, _decode_slice),
]
