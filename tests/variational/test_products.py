"""Products of sparse rows with weights, and where their gradients lie."""

import numpy as np
import pytest
import scipy.sparse as sp
import torch
from torch import nn

from skhash.variational import products
from skhash.variational.batches import CSRRows
from skhash.variational.products import (
    dense_product,
    sparse_product,
    take_row_gradient,
)


def sparse_rows(seed):
    X = sp.random_array((9, 13), density=0.2, rng=seed, dtype=np.float32).tocsr()
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
def test_gradients_of_sparse_products(monkeypatch, n_products):
    """Of the features of the rows alone, a few at a time; two products add up."""
    monkeypatch.setattr(products, "_GRADIENTS_PER_BLOCK", 4 * 3)
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
    blocks = list(take_row_gradient(weight).blocks(13))
    assert len(blocks) > 1
    assert all(len(features) <= 3 for features, _ in blocks)
    features, gradients = (torch.cat(parts) for parts in zip(*blocks, strict=True))
    assert torch.equal(features, torch.nonzero(present)[:, 0])
    torch.testing.assert_close(gradients, twin.grad[present])
    assert take_row_gradient(weight) is None


def test_rows_of_zeros_have_no_gradient():
    weight = nn.Parameter(torch.ones(13, 4))
    empty = CSRRows.from_scipy(sp.csr_array((3, 13), dtype=np.float32))
    product = sparse_product(empty, weight)
    assert torch.equal(product, torch.zeros(3, 4))
    product.sum().backward()
    assert list(take_row_gradient(weight).blocks(13)) == []
