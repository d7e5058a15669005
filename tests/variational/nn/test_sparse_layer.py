"""Test products of sparse rows with weights, and how their gradients are applied."""

import copy
import gc
import io
import pickle

import numpy as np
import pytest
import scipy.sparse as sp
import torch
from numpy.testing import assert_allclose
from torch import nn

from skhash.variational.nn import _sparse_layer
from skhash.variational.nn._rows import CSRRows, as_tensor_rows
from skhash.variational.nn._sparse_layer import (
    LazyGradient,
    RowLinear,
    RowwiseAdam,
    sparse_product,
)


@pytest.fixture(autouse=True)
def _seeded():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        yield


def sparse_rows(seed):
    X = sp.random_array(
        (9, 13), density=0.2, random_state=seed, dtype=np.float32
    ).tocsr()
    return CSRRows.from_scipy(X), torch.from_numpy(X.toarray())


@pytest.mark.parametrize("n_products", [1, 2])
@pytest.mark.parametrize("most", [0.0, 1.0])
def test_gradients_of_sparse_products(monkeypatch, most, n_products):
    """In blocks of few features, all or only present ones; products add up."""
    monkeypatch.setattr(_sparse_layer, "_GRADIENTS_PER_BLOCK", 4 * 3)
    monkeypatch.setattr(_sparse_layer, "_MOST_FEATURES", most)
    weight, reference = (nn.Parameter(torch.ones(13, 4)) for _ in range(2))
    optimizer = RowwiseAdam([weight])
    present = torch.zeros(13, dtype=torch.bool)
    for seed in range(n_products):
        rows, dense = sparse_rows(seed)
        grad = torch.randn(9, 4)
        sparse_product(rows, weight).backward(grad)
        (dense @ reference).backward(grad)
        present |= (dense != 0).any(dim=0)
    assert weight.grad is None
    lazy = optimizer.lazy_grad(weight)
    blocks = list(lazy.blocks(13))
    assert len(blocks) > 1
    assert all(len(gradients) <= 3 for _, gradients in blocks)
    features = torch.cat([torch.arange(13)[features] for features, _ in blocks])
    gradients = torch.cat([gradients for _, gradients in blocks])
    expected = torch.ones(13, dtype=torch.bool) if most == 0 else present
    assert torch.equal(features, torch.nonzero(expected)[:, 0])
    torch.testing.assert_close(gradients, reference.grad[expected])
    torch.testing.assert_close(lazy.to_dense(13), reference.grad)
    optimizer.step()
    assert optimizer.lazy_grad(weight) is None


def test_zero_grad_drops_lazy_gradients():
    weight = nn.Parameter(torch.ones(13, 4))
    optimizer = RowwiseAdam([weight])
    sparse_product(sparse_rows(0)[0], weight).sum().backward()
    assert optimizer.lazy_grad(weight) is not None
    optimizer.zero_grad()
    assert optimizer.lazy_grad(weight) is None
    optimizer.step()
    assert (weight == 1).all()


def test_rows_of_zeros_have_no_gradient():
    weight = nn.Parameter(torch.ones(13, 4))
    optimizer = RowwiseAdam([weight])
    empty = CSRRows.from_scipy(sp.csr_array((3, 13), dtype=np.float32))
    product = sparse_product(empty, weight)
    assert torch.equal(product, torch.zeros(3, 4))
    product.sum().backward()
    assert list(optimizer.lazy_grad(weight).blocks(13)) == []
    optimizer.step()
    assert (weight == 1).all()


@pytest.mark.parametrize("registered", [False, True])
def test_gradients_of_sparse_and_dense_rows_are_equal(registered):
    """With an empty row, a feature stored twice in a row, and one in no row."""
    rows = sp.random_array(
        (30, 12), density=0.4, format="csr", random_state=np.random.default_rng(0)
    )
    X = sp.csr_array(
        (
            np.append(rows.data, [0.5, 0.7]),
            np.append(rows.indices, [3, 3]),
            np.append(rows.indptr, [rows.nnz, rows.nnz + 2]),
        ),
        shape=(32, 13),
    )
    layer, upstream = RowLinear(13, 4, weight_scale=1.0), torch.randn(32, 4)
    assert isinstance(as_tensor_rows(X), CSRRows)
    optimizer = RowwiseAdam(layer.parameters()) if registered else None
    layer(as_tensor_rows(X)).backward(upstream)
    if registered:
        assert layer.weight.grad is None
        weight_grad = optimizer.lazy_grad(layer.weight).to_dense(13)
    else:
        weight_grad = layer.weight.grad
    bias_grad = layer.bias.grad
    layer.zero_grad()
    layer(as_tensor_rows(X.toarray())).backward(upstream)
    assert_allclose(weight_grad, layer.weight.grad, atol=1e-5)
    assert_allclose(bias_grad, layer.bias.grad, atol=1e-5)


# Optimizers


def row_linear():
    return RowLinear(13, 4, weight_scale=1.0)


def dense_layer_of(layer):
    """Return a dense layer with the weights of a layer for sparse rows."""
    reference = nn.Linear(13, 4)
    with torch.no_grad():
        reference.weight.copy_(layer.weight.T)
        reference.bias.copy_(layer.bias)
    return reference


def loss_of(layer, rows):
    return (layer(rows) - 1).square().sum()


def train(layer, optimizer, *, form, n_steps=4):
    for seed in range(n_steps):
        optimizer.zero_grad()
        loss_of(layer, sparse_rows(seed)[form]).backward()
        optimizer.step()


@pytest.mark.parametrize("optimizer_type", [torch.optim.SGD, torch.optim.Adam])
@pytest.mark.parametrize("earlier", [None, "released", "deleted", "replaced"])
def test_ordinary_optimizer_trains_as_a_dense_layer(optimizer_type, earlier):
    """Also after another optimizer has used the weights."""
    layer = row_linear()
    if earlier is not None:
        rowwise = RowwiseAdam(layer.parameters(), lr=0.1)
        train(layer, rowwise, form=0, n_steps=2)
        if earlier == "replaced":
            rowwise = RowwiseAdam(layer.parameters(), lr=0.1)
            train(layer, rowwise, form=0, n_steps=2)
        if earlier == "released":
            rowwise.release()
        else:
            del rowwise
            gc.collect()
    reference = dense_layer_of(layer)
    before = layer.weight.detach().clone()
    train(layer, optimizer_type(layer.parameters(), lr=0.01), form=0)
    train(reference, optimizer_type(reference.parameters(), lr=0.01), form=1)
    assert not torch.equal(layer.weight, before)
    torch.testing.assert_close(layer.weight.T, reference.weight)
    torch.testing.assert_close(layer.bias, reference.bias)


def test_closure_of_an_optimizer():
    layer = row_linear()
    same = copy.deepcopy(layer)
    rows = sparse_rows(0)[0]
    optimizer = RowwiseAdam(layer.parameters(), lr=0.1)

    def closure():
        optimizer.zero_grad()
        loss = loss_of(layer, rows)
        loss.backward()
        return loss

    expected = loss_of(same, rows).item()
    assert optimizer.step(closure).item() == pytest.approx(expected)
    train(same, RowwiseAdam(same.parameters(), lr=0.1), form=0, n_steps=1)
    torch.testing.assert_close(layer.weight, same.weight)


def rowwise_by_hand(weight, gradients, lr, decay=0.999, eps=1e-8):
    """Return weights after steps of RowwiseAdam, row by row."""
    weight = weight.copy()
    steps, square = np.zeros(len(weight)), np.zeros(len(weight))
    for gradient in gradients:
        for i in np.flatnonzero((gradient != 0).any(axis=1)):
            steps[i] += 1
            square[i] = decay * square[i] + (1 - decay) * (gradient[i] ** 2).mean()
            corrected = square[i] / (1 - decay ** steps[i])
            weight[i] -= lr * gradient[i] / (np.sqrt(corrected) + eps)
    return weight


@pytest.mark.parametrize("most", [0.0, 1.0])
def test_steps_of_rows_by_hand(monkeypatch, most):
    monkeypatch.setattr(_sparse_layer, "_MOST_FEATURES", most)
    weight = nn.Parameter(torch.randn(13, 4))
    optimizer = RowwiseAdam([weight], lr=0.1)
    before = weight.detach().numpy().astype(float)
    gradients = []
    for seed in range(5):
        rows, dense = sparse_rows(seed)
        upstream = torch.randn(9, 4)
        optimizer.zero_grad()
        sparse_product(rows, weight).backward(upstream)
        gradients.append((dense.T @ upstream).numpy().astype(float))
        optimizer.step()
    expected = rowwise_by_hand(before, gradients, 0.1)
    assert_allclose(weight.detach(), expected, rtol=1e-3, atol=1e-4)


def test_weights_with_an_ordinary_gradient_are_updated_as_by_adam():
    layer = row_linear()
    reference = dense_layer_of(layer)
    train(layer, RowwiseAdam(layer.parameters(), lr=0.1), form=1)
    train(reference, torch.optim.Adam(reference.parameters(), lr=0.1), form=1)
    torch.testing.assert_close(layer.weight.T, reference.weight)


def by_pickle(pair):
    return pickle.loads(pickle.dumps(pair))


def by_torch(pair):
    memory = io.BytesIO()
    torch.save(pair, memory)
    memory.seek(0)
    return torch.load(memory, weights_only=False)


@pytest.mark.parametrize("save", [copy.deepcopy, by_pickle, by_torch])
def test_copies_train_as_the_original(save):
    """And the original trains as if it had not been copied."""
    layer = row_linear()
    optimizer = RowwiseAdam(layer.parameters(), lr=0.1)
    train(layer, optimizer, form=0, n_steps=2)
    copied_layer, copied_optimizer = save((layer, optimizer))
    kept = layer.weight.detach().clone()
    train(copied_layer, copied_optimizer, form=0)
    assert not torch.equal(copied_layer.weight, kept)
    assert torch.equal(layer.weight, kept)
    assert copied_layer.weight.grad is None
    train(layer, optimizer, form=0)
    torch.testing.assert_close(layer.weight, copied_layer.weight, rtol=0, atol=0)


def test_copy_of_a_layer_without_its_optimizer_gets_an_ordinary_gradient():
    layer = row_linear()
    optimizer = RowwiseAdam(layer.parameters())
    copied = copy.deepcopy(layer)
    loss_of(copied, sparse_rows(0)[0]).backward()
    assert copied.weight.grad is not None
    assert optimizer.lazy_grad(copied.weight) is None
    assert optimizer.lazy_grad(layer.weight) is None


def test_parameters_added_later_are_registered():
    layer, other = row_linear(), row_linear()
    optimizer = RowwiseAdam(layer.parameters())
    optimizer.add_param_group({"params": other.parameters()})
    for each in (layer, other):
        loss_of(each, sparse_rows(0)[0]).backward()
        assert each.weight.grad is None
        assert isinstance(optimizer.lazy_grad(each.weight), LazyGradient)


def test_released_weights_get_ordinary_gradients():
    layer = row_linear()
    reference = dense_layer_of(layer)
    optimizer = RowwiseAdam(layer.parameters())
    loss_of(layer, sparse_rows(0)[0]).backward()
    optimizer.release()
    assert optimizer.lazy_grad(layer.weight) is None
    loss_of(layer, sparse_rows(1)[0]).backward()
    loss_of(reference, sparse_rows(1)[1]).backward()
    torch.testing.assert_close(layer.weight.grad.T, reference.weight.grad)
