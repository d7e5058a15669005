"""The optimizer: Adam, and for sparse rows the features that a batch has."""

import pytest
import torch
from numpy.testing import assert_allclose
from skhash.variational.optimizer import RowwiseAdam

from skhash.variational import products
from skhash.variational.nn._batches import CSRRows
from skhash.variational.nn._sparse_layer import LazyGradient


@pytest.fixture(params=[0.0, 1.0], ids=["slices", "rows"], autouse=True)
def in_slices_or_rows(request, monkeypatch):
    """Rows move alike whether all rows are looked at or those with a gradient."""
    monkeypatch.setattr(products, "_MOST_FEATURES", request.param)


def lazy_grad(rows, gradients):
    """Return the gradient of a product of one-hot rows."""
    rows = torch.tensor(rows)
    one_hot = CSRRows(rows, torch.arange(len(rows)), torch.ones(len(rows)))
    return LazyGradient(one_hot, torch.tensor(gradients))


def test_dense_gradients_are_for_adam():
    ours, theirs = (torch.nn.Parameter(torch.ones(3, 2)) for _ in range(2))
    for weight, kind in ((ours, RowwiseAdam), (theirs, torch.optim.Adam)):
        optimizer = kind([weight], lr=0.1)
        for step in range(3):
            weight.grad = torch.arange(6.0).view(3, 2) - step
            optimizer.step()
    assert torch.equal(ours, theirs)


def test_rows_without_a_gradient_stay():
    weight = torch.nn.Parameter(torch.ones(5, 2))
    optimizer = RowwiseAdam([weight], lr=0.1)
    for _ in range(2):
        weight.lazy_grad = lazy_grad([1, 3], [[1.0, -1.0], [4.0, 0.0]])
        optimizer.step()
    expected = torch.ones(5, 2)
    # Adam's step for a constant gradient, scaled by the root of its mean square.
    expected[1] += torch.tensor([-0.2, 0.2])
    expected[3, 0] -= 0.2 * 2**0.5
    assert_allclose(weight.detach(), expected, rtol=1e-5)


def test_a_row_counts_its_own_steps():
    first, late = (torch.nn.Parameter(torch.ones(5, 2)) for _ in range(2))
    early = RowwiseAdam([first], lr=0.1)
    first.lazy_grad = lazy_grad([4], [[1.0, 1.0]])
    early.step()
    optimizer = RowwiseAdam([late], lr=0.1)
    for row in (0, 1, 0, 4):
        late.lazy_grad = lazy_grad([row], [[1.0, 1.0]])
        optimizer.step()
    assert_allclose(late[4].detach(), first[4].detach())


def test_a_row_that_is_there_twice():
    one, two = (torch.nn.Parameter(torch.ones(5, 2)) for _ in range(2))
    one.lazy_grad = lazy_grad([2], [[3.0, 1.0]])
    two.lazy_grad = lazy_grad([2, 2], [[1.0, 2.0], [2.0, -1.0]])
    for weight in (one, two):
        RowwiseAdam([weight], lr=0.1).step()
    assert torch.equal(one, two)


def test_zero_grad_forgets_rows_too():
    weight = torch.nn.Parameter(torch.ones(5, 2))
    weight.lazy_grad = lazy_grad([1], [[1.0, 1.0]])
    optimizer = RowwiseAdam([weight], lr=0.1)
    optimizer.zero_grad()
    optimizer.step()
    assert torch.equal(weight, torch.ones(5, 2))
