"""Test the dense operations against those of torch."""

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose
from torch import nn

from skhash.variational.nn import _dense_ops
from skhash.variational.nn._dense_ops import (
    Dropout,
    Linear,
    dense_product,
    drop_out,
    near_zero,
)


@pytest.mark.parametrize("with_onednn", [True, False])
@pytest.mark.parametrize("transposed", [False, True])
def test_dense_product(transposed, with_onednn, monkeypatch):
    if not with_onednn:
        monkeypatch.setattr(_dense_ops, "_ONEDNN_LINEAR", None)
    generator = torch.Generator().manual_seed(0)
    left = torch.randn(5, 7, generator=generator)
    right = torch.randn(4, 7, generator=generator).T
    if not transposed:
        right = right.contiguous()
    bias = torch.randn(4, generator=generator)
    torch.testing.assert_close(dense_product(left, right), left @ right)
    torch.testing.assert_close(dense_product(left, right, bias), left @ right + bias)


def test_dense_product_in_double_precision():
    left = torch.tensor([[1.0, 1e-9]], dtype=torch.float64)
    right = torch.ones(2, 1, dtype=torch.float64)
    assert dense_product(left, right).item() == 1 + 1e-9


def test_linear_layer():
    generator = torch.Generator().manual_seed(0)
    layer, reference = Linear(7, 4), nn.Linear(7, 4)
    reference.load_state_dict(layer.state_dict())
    outputs = []
    for each in (layer, reference):
        rows = torch.randn(5, 7, generator=generator.manual_seed(1)).requires_grad_()
        output = each(rows)
        output.square().sum().backward()
        outputs.append((output, rows.grad, each.weight.grad, each.bias.grad))
    for ours, theirs in zip(*outputs, strict=True):
        torch.testing.assert_close(ours, theirs)


def test_near_zero():
    values = np.array([1e-5, -1e-5, 1e-3, 0.0, -20.0], dtype=np.float32)
    found = near_zero(values, values)
    # A fraction of 1e-4 of the largest value, which is 20.
    assert found.tolist() == [True, True, True, True, False]
    assert near_zero(values, values[:3]).tolist() == [True, True, False, True, False]


@pytest.mark.parametrize("fraction", [0.01, 0.2, 0.5, 0.999])
def test_drop_out(fraction):
    values = torch.ones(401, 499, requires_grad=True)
    left = drop_out(values, fraction, torch.Generator().manual_seed(0))
    kept = left != 0
    assert kept.float().mean().item() == pytest.approx(1 - fraction, abs=0.005)
    assert_allclose(left[kept].detach(), 1 / (1 - fraction), rtol=1e-5)
    # Rows and columns are independent.
    assert 0 < kept.float().mean(dim=0).std() < 0.05
    assert 0 < kept.float().mean(dim=1).std() < 0.05
    left.sum().backward()
    assert torch.equal(values.grad, left.detach())


def test_generators_of_drop_out():
    """The global one by default; one of its own leaves the global one alone."""
    values = torch.ones(50, 50)
    with torch.random.fork_rng():
        torch.manual_seed(3)
        first = drop_out(values, 0.5)
        torch.manual_seed(3)
        assert torch.equal(drop_out(values, 0.5), first)
        before = torch.get_rng_state()
        layer = Dropout(0.5)
        layer.generator = torch.Generator().manual_seed(3)
        assert torch.equal(layer(values), first)
        assert torch.equal(torch.get_rng_state(), before)
        assert layer.eval()(values) is values
