"""Products of sparse rows with weights, and where their gradients lie."""

import numpy as np
import pytest
import scipy.sparse as sp
import torch
from torch import nn

from skhash.variational import products
from skhash.variational.nn._batches import CSRRows
from skhash.variational.nn._sparse_layer import (
    dense_product,
    sparse_product,
    take_lazy_grad,
)


def sparse_rows(seed):
    X = sp.random_array(
        (9, 13), density=0.2, random_state=seed, dtype=np.float32
    ).tocsr()
    return CSRRows.from_scipy(X), torch.from_numpy(X.toarray())


@pytest.mark.parametrize("transposed", [False, True])
def test_dense_product(transposed):
    generator = torch.Generator().manual_seed(0)
    left = torch.randn(5, 7, generator=generator)
    right = torch.randn(4, 7, generator=generator).T
    if not transposed:
        right = right.contiguous()
    bias = torch.randn(4, generator=generator)
    torch.testing.assert_close(dense_product(left, right), left @ right)
    torch.testing.assert_close(dense_product(left, right, bias), left @ right + bias)


@pytest.mark.parametrize("n_products", [1, 2])
@pytest.mark.parametrize("most", [0.0, 1.0])
def test_gradients_of_sparse_products(monkeypatch, most, n_products):
    """A few features at a time, in slices or those of the rows alone; products add."""
    monkeypatch.setattr(products, "_GRADIENTS_PER_BLOCK", 4 * 3)
    monkeypatch.setattr(products, "_MOST_FEATURES", most)
    weight, twin = (nn.Parameter(torch.ones(13, 4)) for _ in range(2))
    generator = torch.Generator().manual_seed(0)
    present = torch.zeros(13, dtype=torch.bool)
    for seed in range(n_products):
        rows, dense = sparse_rows(seed)
        grad = torch.randn(9, 4, generator=generator)
        sparse_product(rows, weight).backward(grad)
        (dense @ twin).backward(grad)
        present |= (dense != 0).any(dim=0)
    assert weight.grad is None
    blocks = list(take_lazy_grad(weight).blocks(13))
    assert len(blocks) > 1
    assert all(len(gradients) <= 3 for _, gradients in blocks)
    features = torch.cat([torch.arange(13)[features] for features, _ in blocks])
    gradients = torch.cat([gradients for _, gradients in blocks])
    expected = torch.ones(13, dtype=torch.bool) if most == 0 else present
    assert torch.equal(features, torch.nonzero(expected)[:, 0])
    torch.testing.assert_close(gradients, twin.grad[expected])
    assert take_lazy_grad(weight) is None


def test_rows_of_zeros_have_no_gradient():
    weight = nn.Parameter(torch.ones(13, 4))
    empty = CSRRows.from_scipy(sp.csr_array((3, 13), dtype=np.float32))
    product = sparse_product(empty, weight)
    assert torch.equal(product, torch.zeros(3, 4))
    product.sum().backward()
    assert list(take_lazy_grad(weight).blocks(13)) == []
