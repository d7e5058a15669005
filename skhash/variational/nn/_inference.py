"""Apply trained layers on the CPU: fast in single precision, or in double precision.

Modules do more than their arithmetic: they prepare gradients, and copies of them in
another precision take longer than to encode a sample.
"""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from skhash.utils._sparse import sparse_product
from skhash.utils._typing import Rows
from skhash.variational.nn._dense_ops import Dropout, dense_product
from skhash.variational.nn._sparse_layer import RowLinear


def apply_sparse(layer: RowLinear, rows: Rows) -> Tensor:
    """Return the output of a layer for sparse rows, in single precision.

    Faster than the embedding bag of training, since weights are read in their order.

    Parameters
    ----------
    layer : RowLinear
        A trained layer.
    rows : CSR of shape (n_rows, n_features)
        Scaled rows.

    Returns
    -------
    values : Tensor of shape (n_rows, n_outputs), float32
    """
    weight = layer.weight.detach().numpy()
    rows = rows.astype(weight.dtype, copy=False)
    product = sparse_product(rows, weight, torch.get_num_threads())
    return torch.from_numpy(product).add_(layer.bias.detach())


def apply_fast(layers: nn.Sequential, values: Tensor) -> Tensor:
    """Apply layers in single precision; the first one may change `values` in place."""
    for layer in layers:
        if isinstance(layer, nn.Linear):
            values = dense_product(values, layer.weight.T, layer.bias)
        elif isinstance(layer, nn.BatchNorm1d):
            values = _normalize(layer, values)
        elif not isinstance(layer, Dropout):
            values = torch.relu_(values)
    return values


def _normalize(layer: Any, values: Tensor) -> Tensor:
    scale = torch.rsqrt(layer.running_var + layer.eps)
    if not layer.affine:
        return values.sub_(layer.running_mean).mul_(scale)
    scale *= layer.weight
    return values.sub_(layer.running_mean).mul_(scale).add_(layer.bias)


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
