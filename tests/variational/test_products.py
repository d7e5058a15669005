"""Products of sparse rows with weights, and where their gradients lie."""

import numpy as np
import pytest
import scipy.sparse as sp
import torch
from torch import nn

from skhash.variational.batches import CSRRows
from skhash.variational.products import (
    dense_product,
    drop_spare_gradient,
    spare_gradient,
    sparse_product,
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


def test_gradients_of_one_step_after_the_other():
    """In the memory of the last one, of which nothing is left."""
    weight = nn.Parameter(torch.ones(13, 4))
    places = set()
    for seed in range(3):
        rows, dense = sparse_rows(seed)
        spare_gradient(weight)
        assert weight.grad is None
        sparse_product(rows, weight).sum().backward()
        expected = dense.sum(dim=0)[:, None].expand(13, 4)
        torch.testing.assert_close(weight.grad, expected)
        places.add(weight.grad.data_ptr())
    assert len(places) == 1


def test_gradients_add_up():
    weight = nn.Parameter(torch.ones(13, 4))
    rows, dense = sparse_rows(0)
    for _ in range(2):
        sparse_product(rows, weight).sum().backward()
    expected = 2 * dense.sum(dim=0)[:, None].expand(13, 4)
    torch.testing.assert_close(weight.grad, expected)


def test_a_spare_gradient_is_given_back():
    weight = nn.Parameter(torch.ones(13, 4))
    sparse_product(sparse_rows(0)[0], weight).sum().backward()
    spare_gradient(weight)
    assert vars(weight)
    drop_spare_gradient(weight)
    assert not vars(weight)
