import copy

import numpy as np
import pytest
import scipy.sparse as sp
import torch
from torch import nn

from skhash.variational.nn._dense_ops import Dropout, Linear
from skhash.variational.nn._inference import (
    apply_fast,
    apply_precisely,
    apply_sparse,
)
from skhash.variational.nn._rows import as_tensor_rows
from skhash.variational.nn._sparse_layer import RowLinear


@pytest.fixture
def layers():
    torch.manual_seed(0)
    made = nn.Sequential(
        nn.BatchNorm1d(6), nn.ReLU(), Dropout(0.5), Linear(6, 4), nn.BatchNorm1d(4)
    )
    made.append(nn.BatchNorm1d(4, affine=False))
    for _ in range(3):
        made(torch.randn(20, 6) * 3 + 1)
    with torch.no_grad():
        made[0].weight.mul_(1.5)
        made[0].bias.add_(0.3)
    return made.eval()


@torch.inference_mode()
def test_layers(layers):
    values = torch.randn(9, 6)
    expected = copy.deepcopy(layers).double()(values.double())
    found = apply_precisely(layers, values.double())
    assert found.dtype == torch.float64
    torch.testing.assert_close(found, expected, rtol=1e-14, atol=1e-14)
    torch.testing.assert_close(apply_fast(layers, values), expected.float())


@torch.inference_mode()
def test_precise_layers_do_not_change_their_input(layers):
    values = torch.randn(9, 6).double()
    before = values.clone()
    apply_precisely(layers, values)
    assert torch.equal(values, before)


@pytest.mark.parametrize("n_rows", [1, 300])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@torch.inference_mode()
def test_sparse_layer(n_rows, dtype):
    rng = np.random.default_rng(0)
    X = sp.random_array((n_rows, 50), density=0.3, format="csr", dtype=dtype, rng=rng)
    layer = RowLinear(50, 130, 0.1)
    torch.testing.assert_close(apply_sparse(layer, X), layer(as_tensor_rows(X)))
