"""Test the networks: two ways to encode, and gradients through bits."""

import numpy as np
import pytest
import scipy.sparse as sp
import torch
from numpy.testing import assert_allclose

from skhash.variational.nn._networks import BernoulliAutoencoder, GaussianAutoencoder
from skhash.variational.nn._rows import as_tensor_rows


@pytest.fixture(autouse=True)
def _seeded():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        yield


@pytest.fixture
def rows():
    return sp.random_array(
        (30, 12), density=0.4, format="csr", random_state=np.random.default_rng(0)
    )


def network(n_classes=3, **kwargs):
    made = BernoulliAutoencoder(12, 5, n_classes, hidden_layer_sizes=(8, 6), **kwargs)
    # Running statistics that are neither 0 nor 1.
    for layer in made.modules():
        if isinstance(layer, torch.nn.BatchNorm1d):
            layer.running_mean.normal_()
            layer.running_var.uniform_(0.5, 2)
    return made


@pytest.mark.parametrize("form", [sp.csr_array, sp.csr_array.toarray])
@pytest.mark.parametrize("sampler", ["straight_through", "concrete"])
def test_encode_is_forward_in_evaluation(rows, form, sampler):
    net, tensors = network(sampler=sampler).eval(), as_tensor_rows(form(rows))
    with torch.inference_mode():
        expected = net(tensors)
        features, logits = net.encode(tensors)
    assert features.dtype == logits.dtype == torch.float64
    assert_allclose(features, expected.features, atol=1e-5)
    assert_allclose(logits, expected.logits, atol=1e-5)
    assert all(p.dtype == torch.float32 for p in net.parameters())


def test_sparse_and_dense_rows_are_encoded_alike(rows):
    net = network().eval()
    sparse = net.encode(as_tensor_rows(rows))[1]
    dense = net.encode(as_tensor_rows(rows.toarray()))[1]
    assert_allclose(sparse.detach(), dense.detach(), atol=1e-5)


def test_straight_through_bits(rows):
    net = network().train()
    activations = net(as_tensor_rows(rows))
    assert torch.equal(activations.bits, (activations.logits > 0).float())
    activations.logits.retain_grad()
    upstream = torch.randn_like(activations.bits)
    activations.bits.backward(upstream)
    assert_allclose(activations.logits.grad, upstream / 2)


def test_concrete_bits(rows):
    net = network(sampler="concrete").eval()
    tensors = as_tensor_rows(rows)
    samples = torch.stack([net(tensors).bits for _ in range(400)])
    assert ((samples >= 0) & (samples <= 1)).all()
    assert ((samples > 0) & (samples < 1)).float().mean() > 0.99
    logits = net(tensors).logits
    # A relaxed bit is above 1/2 as often as the bit is one.
    assert_allclose(
        (samples > 0.5).float().mean(dim=0), torch.sigmoid(logits).detach(), atol=0.12
    )


def test_gradient_of_concrete_bits(rows):
    activations = network(sampler="concrete").train()(as_tensor_rows(rows))
    activations.logits.retain_grad()
    activations.bits.sum().backward()
    bits = activations.bits.detach()
    assert_allclose(activations.logits.grad, 1.5 * bits * (1 - bits), atol=1e-5)


def test_features_are_dropped_in_training_only(rows):
    tensors = as_tensor_rows(rows)
    net = network(dropout=0.0, feature_dropout=0.5)
    net.eval()
    assert torch.equal(net(tensors).logits, net(tensors).logits)
    net.train()
    assert not torch.equal(net(tensors).logits, net(tensors).logits)


def test_decode_is_linear_in_signs():
    net = network()
    bits = torch.tensor([[1.0, 0.0, 1.0, 1.0, 0.0]])
    signs = np.array([1, -1, 1, 1, -1])
    weight, bias = (part.detach().numpy() for part in net.decoder.parameters())
    assert_allclose(net.decode(bits).detach()[0], signs @ weight + bias, rtol=1e-4)


def test_no_label_head_without_classes(rows):
    net = network(n_classes=0)
    assert net.feature_head is None
    assert net.code_head is None
    assert net(as_tensor_rows(rows)).logits.shape == (30, 5)


def test_score_of_a_codeword():
    head = network().code_head
    signs = torch.tensor([[1.0, 1, 1, 1, 1], [1, -1, 1, -1, 1], [-1, -1, -1, -1, -1]])
    with torch.no_grad():
        head.weight.copy_(10 * signs)
        scores = head(signs)
    assert_allclose(scores, 6 * signs @ signs.T / 5, atol=1e-4)
    assert (scores.argmax(dim=1).numpy() == [0, 1, 2]).all()


@pytest.mark.parametrize("network_type", [BernoulliAutoencoder, GaussianAutoencoder])
def test_generators_of_a_network(rows, network_type):
    """Weights, dropout and samples are drawn from given generators alone."""

    def outputs():
        net = network_type(
            12,
            5,
            3,
            hidden_layer_sizes=(8, 6),
            generator=torch.Generator().manual_seed(1),
        )
        net.use_generator(torch.Generator().manual_seed(2))
        activations = net(as_tensor_rows(rows))
        drawn = [*net.state_dict().values(), *activations]
        return [each for each in drawn if each is not None]

    before = torch.get_rng_state()
    first = outputs()
    assert torch.equal(torch.get_rng_state(), before)
    torch.manual_seed(7)
    for ours, again in zip(first, outputs(), strict=True):
        assert torch.equal(ours, again)


def test_latent_variables_of_the_gaussian_network(rows):
    net = GaussianAutoencoder(12, 5, hidden_layer_sizes=(8,))
    tensors = as_tensor_rows(rows)
    net.eval()
    activations = net(tensors)
    assert torch.equal(activations.bits, activations.logits)
    assert net.signs(activations) is activations.bits
    net.train()
    for layer in net.modules():
        if isinstance(layer, torch.nn.Dropout):
            layer.p = 0.0
    net.feature_dropout = 0.0
    drawn = torch.stack([net(tensors).bits for _ in range(600)]).detach()
    activations = net(tensors)
    spread = torch.exp(activations.log_variance / 2).detach()
    assert_allclose(drawn.mean(dim=0), activations.logits.detach(), atol=0.3)
    assert_allclose(drawn.std(dim=0), spread, rtol=0.2)
