import copy
import pickle

import numpy as np
import pytest
import scipy.sparse as sp
import torch
from numpy.testing import assert_allclose, assert_array_equal
from torch import nn

from skhash.variational.nn._dense_ops import Dropout, Linear
from skhash.variational.nn._inference import apply_precisely, fast_stages
from skhash.variational.nn._networks import BernoulliAutoencoder
from skhash.variational.nn._rows import as_tensor_rows


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


@torch.inference_mode()
def test_precise_layers_do_not_change_their_input(layers):
    values = torch.randn(9, 6).double()
    before = values.clone()
    apply_precisely(layers, values)
    assert torch.equal(values, before)


def test_fast_stages(layers):
    values = torch.randn(300, 6)
    bias = torch.randn(6)
    expected = layers(values + bias).detach()
    found = values.numpy().copy()
    for stage in fast_stages(layers, bias):
        found = stage.apply(found)
    assert_allclose(found, expected, rtol=1e-5, atol=1e-5)
    found = values[:, :4].numpy().copy()
    (stage,) = fast_stages([nn.ReLU()], torch.ones(4))
    assert_array_equal(stage.apply(found), (values[:, :4] + 1).clamp(min=0))


@pytest.fixture
def network():
    generator = torch.Generator().manual_seed(0)
    made = BernoulliAutoencoder(
        50, 24, 3, hidden_layer_sizes=(130, 20), generator=generator
    )
    for _ in range(3):
        made(torch.randn(40, 50))
    return made.eval()


@pytest.mark.parametrize("n_rows", [1, 300])
@pytest.mark.parametrize("form", ["sparse", "dense"])
def test_fast_encoder(network, n_rows, form):
    rng = np.random.default_rng(0)
    X = sp.random_array(
        (n_rows, 50), density=0.3, format="csr", dtype=np.float32, rng=rng
    )
    X = X if form == "sparse" else X.toarray()
    with torch.inference_mode():
        expected = network.encode(as_tensor_rows(X), precise=True)
    for fast, precise in zip(network.fast_encoder.encode(X), expected):
        assert fast.dtype == np.float32
        assert_allclose(fast, precise, rtol=1e-4, atol=1e-5)
    assert not network.fast_encoder.amplifies_rounding


def test_prepared_again_after_training(network):
    first = network.fast_encoder
    assert network.fast_encoder is first
    assert pickle.loads(pickle.dumps(network))._fast_encoder is None
    assert copy.deepcopy(network)._fast_encoder is None
    network.train()
    assert network.eval().fast_encoder is not first


def replaced(network):
    network.load_state_dict({k: 2 * v for k, v in network.state_dict().items()})


def changed_in_place(network):
    with torch.no_grad():
        network.logit_layer[0].weight.mul_(2)


def moved(network):
    replaced(network.double())
    network.float()


@pytest.mark.parametrize("change", [replaced, changed_in_place, moved])
def test_fast_encoder_follows_the_network(network, change):
    rows = np.random.default_rng(0).random((5, 50), dtype=np.float32)
    before = network.fast_encoder
    assert network.fast_encoder is before
    old = before.encode(rows)[1]
    change(network)
    assert network.fast_encoder is not before
    new = network.fast_encoder.encode(rows)[1]
    assert not np.allclose(new, old)
    expected = network.encode(as_tensor_rows(rows), precise=True)[1].detach()
    assert_allclose(new, expected, rtol=1e-4, atol=1e-4)
