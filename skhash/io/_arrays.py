"""Encode arrays, sparse matrices, scalars and dtypes of numpy, and random states."""

import math
import re
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from skhash.io._containers import decode_items, encode_items
from skhash.io._file import InvalidFileError
from skhash.io._graph import Codec, Decoder, Encoder

_PYTHON_TYPES: dict[str, type] = {
    "bool": bool,
    "int": int,
    "float": float,
    "str": str,
    "object": object,
}
_SPARSE_PARTS = {
    "csr": ("data", "indices", "indptr"),
    "csc": ("data", "indices", "indptr"),
    "coo": ("data", "row", "col"),
    "dia": ("data", "offsets"),
}
_SPARSE = {
    cls.__name__: cls
    for cls in (
        *(sp.csr_array, sp.csr_matrix, sp.csc_array, sp.csc_matrix),
        *(sp.coo_array, sp.coo_matrix, sp.dia_array, sp.dia_matrix),
    )
}
_MAX_CODE_POINT = 0x10FFFF


# Arrays: numbers are stored as they are, other dtypes as numbers of the same bytes.


def _stored_dtype(dtype: np.dtype) -> np.dtype | None:
    """Return the dtype of numbers that an array is stored as; None if it cannot be."""
    if dtype.kind in "biuf" and dtype.itemsize <= 8:
        return dtype
    if dtype.kind == "c" and dtype.itemsize <= 16:
        return np.dtype(f"<f{dtype.itemsize // 2}")
    if dtype.kind in "mM":
        return np.dtype("<i8")
    if dtype.kind in "US" and dtype.itemsize:
        return np.dtype("<u4") if dtype.kind == "U" else np.dtype("u1")
    return None


def _is_array(obj: Any) -> bool:
    return (
        isinstance(obj, np.ndarray)
        and type(obj) in (np.ndarray, np.memmap)
        and (obj.dtype.kind == "O" or _stored_dtype(obj.dtype) is not None)
    )


def _encode_array(obj: NDArray, encoder: Encoder, path: str) -> dict[str, Any]:
    array = np.asarray(obj)
    if array.dtype.kind == "O":
        items = encode_items(array.ravel().tolist(), encoder, path)
        return {"dtype": "object", "shape": list(array.shape), "items": items}
    array = array.astype(array.dtype.newbyteorder("<"), copy=False)
    is_fortran = array.flags.f_contiguous and not array.flags.c_contiguous
    array = array.T if is_fortran else array
    array = np.ascontiguousarray(array).reshape(array.shape)
    stored = _stored_dtype(array.dtype)
    if stored is not None and stored != array.dtype:
        array = array.reshape((*array.shape, 1)).view(stored)
    return {
        "dtype": np.asarray(obj).dtype.newbyteorder("<").str,
        "fortran": is_fortran,
        "array": encoder.array(array),
    }


def _decode_array(node: dict[str, Any], decoder: Decoder) -> NDArray:
    if node["dtype"] == "object":
        items = decode_items(node["items"], decoder)
        shape = node["shape"]
        if not all(type(n) is int and n >= 0 for n in shape):
            raise InvalidFileError("it holds an array of an invalid shape.")
        if math.prod(shape) != len(items):
            raise InvalidFileError("it holds an array with missing items.")
        flat = np.empty(len(items), dtype=object)
        for i, item in enumerate(items):
            flat[i] = item
        return flat.reshape(shape)
    dtype = _checked_dtype(node["dtype"])
    array = decoder.array(node["array"])
    if array.dtype != _stored_dtype(dtype):
        raise InvalidFileError("it holds an array of a wrong dtype.")
    if dtype != array.dtype:
        array = _check_stored(array, dtype).view(dtype)[..., 0]
    elif dtype.kind == "b" and array.view(np.uint8).max(initial=0) > 1:
        raise InvalidFileError("it holds an array of booleans that are none.")
    return array.T if node["fortran"] else array


def _check_stored(array: NDArray, dtype: np.dtype) -> NDArray:
    """Return stored numbers if they are those of one item per last axis."""
    if array.ndim < 1 or array.shape[-1] * array.itemsize != dtype.itemsize:
        raise InvalidFileError("it holds an array of items of a wrong size.")
    if dtype.kind == "U" and array.max(initial=0) > _MAX_CODE_POINT:
        raise InvalidFileError("it holds an array of strings that are none.")
    return array


_DTYPE = re.compile(r"[<|]([biufcUS][0-9]{1,9}|[mM]8(\[[0-9]{0,4}[a-zA-Z]{1,2}\])?)")


def _checked_dtype(name: Any) -> np.dtype:
    if not isinstance(name, str) or not _DTYPE.fullmatch(name):
        raise InvalidFileError(f"it holds an array of dtype {name!r:.40}.")
    dtype = np.dtype(name)
    if _stored_dtype(dtype) is None:
        raise InvalidFileError(f"it holds an array of dtype {name!r:.40}.")
    return dtype


# Scalars, dtypes and types


def _is_scalar(obj: Any) -> bool:
    return isinstance(obj, np.generic) and _is_array(np.asarray(obj))


def _encode_scalar(obj: np.generic, encoder: Encoder, path: str) -> dict[str, Any]:
    if obj.dtype.kind in "biufU":
        item = encoder.value(obj.item(), path)
        return {"dtype": obj.dtype.newbyteorder("<").str, "item": item}
    return {"array": encoder.value(np.asarray(obj), path)}


def _decode_scalar(node: dict[str, Any], decoder: Decoder) -> Any:
    if "array" in node:
        array = decoder.value(node["array"])
        if not isinstance(array, np.ndarray) or array.shape != ():
            raise InvalidFileError("it holds an invalid scalar.")
        return array[()]
    dtype, item = _checked_dtype(node["dtype"]), decoder.value(node["item"])
    if dtype.kind == "U":
        if not isinstance(item, str):
            raise InvalidFileError("it holds an invalid scalar.")
        return np.str_(item)
    if dtype.kind not in "biuf" or not isinstance(item, bool | int | float):
        raise InvalidFileError("it holds an invalid scalar.")
    return dtype.type(item)


def _is_dtype(obj: Any) -> bool:
    return isinstance(obj, np.dtype) and (obj.kind == "O" or bool(_stored_dtype(obj)))


def _encode_dtype(obj: np.dtype, encoder: Encoder, path: str) -> dict[str, Any]:
    return {"dtype": "object" if obj.kind == "O" else obj.newbyteorder("<").str}


def _decode_dtype(node: dict[str, Any], decoder: Decoder) -> np.dtype:
    name = node["dtype"]
    return np.dtype(object) if name == "object" else _checked_dtype(name)


def _type_name(obj: Any) -> str | None:
    """Return the name of a Python or numpy type of scalars, None for other objects."""
    if not isinstance(obj, type):
        return None
    for name, python_type in _PYTHON_TYPES.items():
        if obj is python_type:
            return name
    if issubclass(obj, np.number | np.bool_) and obj in np.sctypeDict.values():
        return f"numpy.{np.dtype(obj).name}"
    return None


def _encode_type(obj: type, encoder: Encoder, path: str) -> dict[str, Any]:
    return {"name": _type_name(obj)}


def _decode_type(node: dict[str, Any], decoder: Decoder) -> type:
    name = node["name"]
    if isinstance(name, str) and re.fullmatch(r"numpy\.[a-z]+[0-9]{0,3}", name):
        found = np.dtype(name.removeprefix("numpy.")).type
        if _type_name(found) == name:
            return found
    return _PYTHON_TYPES[name]


# Sparse matrices


def _encode_sparse(obj: Any, encoder: Encoder, path: str) -> dict[str, Any]:
    parts = {
        name: encoder.value(getattr(obj, name), f"{path}.{name}")
        for name in _SPARSE_PARTS[obj.format]
    }
    return {"class": type(obj).__name__, "shape": list(obj.shape), "parts": parts}


def _decode_sparse(node: dict[str, Any], decoder: Decoder) -> Any:
    found, shape = _SPARSE[node["class"]], node["shape"]
    names = _SPARSE_PARTS[found.__name__[:3]]
    parts = [decoder.value(node["parts"][name]) for name in names]
    if not all(type(part) is np.ndarray for part in parts):
        raise InvalidFileError("it holds a sparse matrix whose parts are not arrays.")
    if any(part.dtype.kind not in "iu" for part in parts[1:]):
        raise InvalidFileError("it holds a sparse matrix with indices of a wrong type.")
    if len(shape) != 2 or not all(type(n) is int and 0 <= n < 2**62 for n in shape):
        raise InvalidFileError("it holds a sparse matrix of an invalid shape.")
    data, *indices = parts
    if found.__name__.startswith("coo"):
        matrix = found((data, tuple(indices)), shape=shape)
    else:
        matrix = found((data, *indices), shape=shape)
    if matrix.format in ("csr", "csc"):
        matrix.check_format(full_check=True)
    return matrix


# Random states


def _encode_random_state(
    obj: np.random.RandomState, encoder: Encoder, path: str
) -> dict[str, Any]:
    state: Any = obj.get_state(legacy=False)
    if state["bit_generator"] != "MT19937":
        raise TypeError(f"{path} cannot be saved: it is no Mersenne Twister.")
    gauss = [int(state["has_gauss"]), encoder.value(float(state["gauss"]), path)]
    key = encoder.array(state["state"]["key"])
    return {"key": key, "position": int(state["state"]["pos"]), "gauss": gauss}


def _decode_random_state(
    node: dict[str, Any], decoder: Decoder
) -> np.random.RandomState:
    key, position = decoder.array(node["key"]), node["position"]
    has_gauss, gauss = node["gauss"][0], decoder.value(node["gauss"][1])
    is_valid = key.dtype == np.uint32 and key.shape == (624,)
    # numpy reads the key at the position without a check.
    if not is_valid or type(position) is not int or not 0 <= position <= 624:
        raise InvalidFileError("it holds an invalid random state.")
    if has_gauss not in (0, 1) or not isinstance(gauss, float):
        raise InvalidFileError("it holds an invalid random state.")
    random_state = np.random.RandomState(0)
    random_state.set_state(("MT19937", key, position, has_gauss, gauss))
    return random_state


CODECS = [
    Codec("array", _is_array, _encode_array, _decode_array),
    Codec("numpy_scalar", _is_scalar, _encode_scalar, _decode_scalar),
    Codec("dtype", _is_dtype, _encode_dtype, _decode_dtype),
    Codec("type", lambda obj: bool(_type_name(obj)), _encode_type, _decode_type),
    Codec(
        "sparse",
        lambda obj: type(obj) in _SPARSE.values(),
        _encode_sparse,
        _decode_sparse,
    ),
    Codec(
        "random_state",
        lambda obj: type(obj) is np.random.RandomState,
        _encode_random_state,
        _decode_random_state,
    ),
]
