"""Apply a trained network on the CPU: fast in single precision, or in double precision.

Modules do more than their arithmetic: they prepare gradients, and copies of them in
another precision take longer than to encode a sample.
"""

from collections.abc import Iterable
from typing import Any

import numpy as np
import scipy.sparse as sp
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from skhash.utils._rows import row_blocks
from skhash.utils._sparse import sparse_product
from skhash.utils._typing import Rows
from skhash.variational.nn._dense_ops import Dropout

# Rows of a layer that fit into the cache of a core.
_ROWS_IN_CACHE = 128


class FastEncoder:
    """Encode rows by a trained network in single precision, without torch.

    NumPy takes a fifth of the time of torch for one row. Normalizations become part of
    the layers before them.

    Parameters
    ----------
    network : BernoulliAutoencoder
        A trained network, on the CPU; its input layer is a `RowLinear`.
    """

    def __init__(self, network: Any) -> None:
        self._weight = _array(network.input_layer.weight)
        self._hidden = fast_stages(network.hidden_layers, network.input_layer.bias)
        self._logits = fast_stages(network.logit_layer)
        self.amplifies_rounding = network.amplifies_rounding()
        layers = network.input_layer, network.hidden_layers, network.logit_layer
        states = [layer.state_dict(keep_vars=True) for layer in layers]
        self._sources = [source for state in states for source in state.values()]
        self._versions = self._count_versions()

    def _count_versions(self) -> list[tuple[int, int]]:
        return [(source.data_ptr(), source._version) for source in self._sources]

    def is_current(self) -> bool:
        """Return whether the network still has the weights of this encoder."""
        return self._versions == self._count_versions()

    def encode(self, rows: Rows) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return features and logits of scaled rows in single precision."""
        if sp.issparse(rows):
            # Weights are read in their order, unlike by the embedding bag of training.
            values = sparse_product(rows, self._weight, torch.get_num_threads())
        else:
            values = rows @ self._weight
        for stage in self._hidden:
            values = stage.apply(values)
        features = values
        for stage in self._logits:
            values = stage.apply(values)
        return features, values


class FastStage:
    """Multiply values by weights or factors, add offsets, and maybe rectify them."""

    def __init__(self, weight: NDArray | None, offset: NDArray) -> None:
        self.weight, self.offset = weight, offset
        self.factor: NDArray | None = None
        self.is_rectified = False

    def normalize(self, layer: Any) -> None:
        """Add a batch normalization."""
        scale = 1 / np.sqrt(_array(layer.running_var) + np.float32(layer.eps))
        scale = scale * _array(layer.weight) if layer.affine else scale
        self.offset = (self.offset - _array(layer.running_mean)) * scale
        if layer.affine:
            self.offset += _array(layer.bias)
        if self.weight is not None:
            self.weight = self.weight * scale
        else:
            self.factor = scale if self.factor is None else self.factor * scale

    def apply(self, values: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return other values; without weights, they replace the given ones."""
        if self.weight is not None:
            values = values @ self.weight
        for block in row_blocks(len(values), _ROWS_IN_CACHE):
            part = values[block]
            if self.factor is not None:
                part *= self.factor
            part += self.offset
            if self.is_rectified:
                np.maximum(part, 0, out=part)
        return values


def fast_stages(
    layers: Iterable[nn.Module], bias: Tensor | None = None
) -> list[FastStage]:
    """Return layers as stages.

    Parameters
    ----------
    layers : iterable of Module
        Linear layers, and batch normalizations, ReLU and dropout behind them.
    bias : Tensor of shape (n_inputs,), default=None
        The bias of a linear layer before them; None if the first of them is one.
    """
    stages = [] if bias is None else [FastStage(None, _array(bias))]
    for layer in layers:
        if isinstance(layer, nn.Linear):
            weight = np.ascontiguousarray(_array(layer.weight).T)
            stages.append(FastStage(weight, _array(layer.bias)))
        elif isinstance(layer, nn.BatchNorm1d):
            stages[-1].normalize(layer)
        elif not isinstance(layer, Dropout):
            stages[-1].is_rectified = True
    return stages


def _array(values: Any) -> NDArray[np.float32]:
    return values.detach().numpy()


def apply_precisely(layers: nn.Sequential, values: Tensor) -> Tensor:
    """Apply layers in double precision."""
    for layer in layers:
        own = {name: part.double() for name, part in layer.state_dict().items()}
        if isinstance(layer, nn.Linear):
            values = torch.addmm(own["bias"], values, own["weight"].T)
        elif isinstance(layer, nn.BatchNorm1d):
            values = F.batch_norm(
                values,
                own["running_mean"],
                own["running_var"],
                own.get("weight"),
                own.get("bias"),
                eps=layer.eps,
            )
        elif not isinstance(layer, Dropout):
            values = torch.relu(values)
    return values
