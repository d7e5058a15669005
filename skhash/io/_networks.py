"""Encode networks of torch: layers of a list, their parameters and their buffers.

A layer is made from what the file holds, not by its constructor: it takes no more
memory than its parameters in the file.
"""

import sys
from typing import Any

import numpy as np

from skhash.io._classes import layer_name, named_layer
from skhash.io._file import InvalidFileError
from skhash.io._graph import Codec, Decoder, Encoder
from skhash.io._state import check_names


def _is_tensor(obj: Any) -> bool:
    torch = sys.modules.get("torch")  # without torch there are no tensors
    return torch is not None and isinstance(obj, torch.Tensor)


def _encode_tensor(obj: Any, encoder: Encoder, path: str) -> dict[str, Any]:
    import torch

    if type(obj) not in (torch.Tensor, torch.nn.Parameter) or obj.is_sparse:
        raise TypeError(f"{path} cannot be saved: it is a {type(obj).__name__}.")
    array = encoder.value(obj.detach().cpu().numpy(), path)
    is_parameter = type(obj) is torch.nn.Parameter
    return {"array": array, "parameter": is_parameter, "grad": obj.requires_grad}


def _decode_tensor(node: dict[str, Any], decoder: Decoder) -> Any:
    import torch

    array = decoder.value(node["array"])
    if type(array) is not np.ndarray:
        raise InvalidFileError("it holds a tensor that is not an array.")
    tensor, needs_grad = torch.from_numpy(array), node["grad"] is True
    if node["parameter"] is True:
        return torch.nn.Parameter(tensor, requires_grad=needs_grad)
    return tensor.requires_grad_(needs_grad)


def _is_layer(obj: Any) -> bool:
    torch = sys.modules.get("torch")
    return (
        torch is not None
        and isinstance(obj, torch.nn.Module)
        and layer_name(type(obj)) is not None
    )


def _internal_names() -> set[str]:
    """Return the names of the attributes that torch itself keeps in a layer."""
    import torch

    return set(vars(torch.nn.Module())) - {"training"}


def _encode_layer(obj: Any, encoder: Encoder, path: str) -> dict[str, Any]:
    internal = _internal_names()
    held = obj.__getstate__()
    if any(held[name] for name in internal & set(held) if name.endswith("_hooks")):
        raise TypeError(f"{path} cannot be saved: it has hooks, which are functions.")

    def values(items: dict[str, Any]) -> dict[str, Any]:
        return {name: encoder.value(i, f"{path}.{name}") for name, i in items.items()}

    return {
        "class": layer_name(type(obj)),
        "state": values({k: v for k, v in held.items() if k not in internal}),
        "parameters": values(obj._parameters),
        "buffers": values(obj._buffers),
        "transient": sorted(obj._non_persistent_buffers_set),
        "layers": values(obj._modules),
    }


def _decode_layer(node: dict[str, Any], decoder: Decoder) -> Any:
    import torch

    cls = named_layer(node["class"])

    def values(name: str, *types: type) -> dict[str, Any]:
        found = {key: decoder.value(value) for key, value in node[name].items()}
        if types and not all(i is None or isinstance(i, types) for i in found.values()):
            raise InvalidFileError(f"it holds a layer with invalid {name}.")
        return found

    layer: Any = object.__new__(cls)
    torch.nn.Module.__init__(layer)
    state = values("state")
    check_names(state, cls)
    if _internal_names() & set(state):
        raise InvalidFileError("it holds a layer with invalid attributes.")
    vars(layer).update(state)
    for name, parameter in values("parameters", torch.nn.Parameter).items():
        layer.register_parameter(name, parameter)
    for name, buffer in values("buffers", torch.Tensor).items():
        layer.register_buffer(name, buffer, persistent=name not in node["transient"])
    for name, inner in values("layers", torch.nn.Module).items():
        layer.add_module(name, inner)
    return layer


CODECS = [
    Codec("tensor", _is_tensor, _encode_tensor, _decode_tensor),
    Codec("layer", _is_layer, _encode_layer, _decode_layer),
]
