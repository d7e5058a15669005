"""Test the objectives against their formulas in numpy."""

import numpy as np
import pytest
import scipy.sparse as sp
import torch
from numpy.testing import assert_allclose
from scipy.special import expit, softmax

from skhash.variational.nn._batches import Batch
from skhash.variational.nn._networks import (
    Activations,
    BernoulliAutoencoder,
    GaussianAutoencoder,
)
from skhash.variational.nn._objectives import (
    EvidenceLowerBound,
    GaussianObjective,
    PairwiseObjective,
    SelfSupervisedObjective,
    SSBVAEObjective,
    class_probabilities,
)
from skhash.variational.nn._rows import CSRRows

N_ROWS, N_FEATURES, N_BITS = 5, 7, 3

# One word, several, none, two, and none at the end.
TARGETS = np.array(
    [
        [0, 0, 1, 0, 0, 0, 0],
        [0.2, 0, 0.3, 0, 0, 0, 0.5],
        [0, 0, 0, 0, 0, 0, 0],
        [0, 0.7, 0, 0, 0.3, 0, 0],
        [0, 0, 0, 0, 0, 0, 0],
    ]
)
CONFIDENCE = np.array([1.0, 0.0, 1.0, 0.5, 0.0])
CLASSES = np.eye(3)[[0, 1, 2, 0, 1]]


def as_numpy(*parts):
    return [part.detach().numpy().astype(float) for part in parts]


def make_batch(targets, classes, confidence, clusters=None):
    targets = torch.tensor(targets).float()
    return Batch(
        torch.arange(len(targets)),
        targets,
        targets,
        torch.tensor(classes),
        torch.tensor(confidence).double(),
        torch.zeros(len(targets), 0, 0) if clusters is None else clusters,
    )


def make_network(network_type=BernoulliAutoencoder, n_classes=3, **kwargs):
    network = network_type(
        N_FEATURES,
        N_BITS,
        n_classes,
        hidden_layer_sizes=(4,),
        generator=torch.Generator().manual_seed(0),
        **kwargs,
    )
    torch.nn.init.normal_(
        network.decoder.bias, generator=torch.Generator().manual_seed(1)
    )
    return network.double()


def hinge_by_hand(bits, similarity):
    n_rows, n_bits = bits.shape
    total = 0.0
    for i in range(n_rows):
        for j in range(n_rows):
            distance = ((bits[i] - bits[j]) ** 2).sum()
            total += similarity[i, j] * distance
            total += (1 - similarity[i, j]) * max(0, n_bits / 3 - distance)
    return total / n_bits


def reconstruction_by_hand(network, codes, reconstruction):
    weight, bias = as_numpy(network.decoder.weight, network.decoder.bias)
    decoded = codes @ weight + bias
    if reconstruction == "softmax":
        return -(TARGETS * np.log(softmax(decoded, axis=1))).sum(axis=1).mean()
    return 2 * ((TARGETS - decoded) ** 2).mean()


def check_terms(objective, terms, expected):
    assert tuple(terms) == objective.TERMS
    found = {name: term.item() for name, term in terms.items()}
    assert found == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("multilabel", [False, True])
@pytest.mark.parametrize("reconstruction", ["softmax", "gaussian"])
def test_objective_of_ssbvae(reconstruction, multilabel):
    """All terms, for given activations."""
    beta, alpha, gamma = 0.3, 0.7, 2.0
    n_rows, n_hidden, n_classes = N_ROWS, 4, 3
    rng = np.random.default_rng(0)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = BernoulliAutoencoder(
            N_FEATURES, N_BITS, n_classes, hidden_layer_sizes=(n_hidden,)
        )
        torch.nn.init.normal_(network.decoder.bias)
    features = rng.normal(size=(n_rows, n_hidden))
    logits = rng.normal(size=(n_rows, N_BITS))
    bits = rng.uniform(size=(n_rows, N_BITS))
    weights = np.array([1.0, 0.0, 1.0, 0.5, 0.0])
    classes = np.eye(n_classes)[[0, 1, 2, 0, 1]]
    objective = SSBVAEObjective(
        reconstruction,
        multilabel,
        kl_weight=beta,
        label_weight=gamma,
        pair_weight=alpha,
    )
    targets = (
        CSRRows.from_scipy(sp.csr_array(TARGETS))
        if reconstruction == "softmax"
        else torch.tensor(TARGETS, dtype=torch.float32)
    )
    terms = objective(
        network,
        Activations(*(torch.tensor(a).float() for a in (features, logits, bits))),
        Batch(
            torch.arange(n_rows),
            targets,
            targets,
            torch.tensor(classes).float(),
            torch.tensor(weights).float(),
            torch.zeros(n_rows, 0, 0),
        ),
    )

    A, c = as_numpy(network.feature_head.weight, network.feature_head.bias)
    rec = reconstruction_by_hand(network, 2 * bits - 1, reconstruction)
    p = expit(logits)
    kl = (np.log(2) + p * np.log(p) + (1 - p) * np.log(1 - p)).sum(axis=1).mean()
    scores = features @ A.T + c
    if multilabel:
        y = expit(scores)
        point = -(classes * np.log(y) + (1 - classes) * np.log(1 - y)).sum(axis=1)
        shared = y @ y.T
        total = y.sum(axis=1)
        similarity = shared / (total[:, None] + total - shared)
    else:
        y = softmax(scores, axis=1)
        point = -(classes * np.log(y)).sum(axis=1)
        similarity = y @ y.T
    expected = {
        "reconstruction": rec,
        "kl": beta * kl,
        "labels": alpha * gamma * (weights * point).mean(),
        "pairs": alpha * hinge_by_hand(bits, similarity),
    }
    assert {name: term.item() for name, term in terms.items()} == pytest.approx(
        expected, rel=1e-4
    )


@pytest.mark.parametrize("mask_unlabeled", [True, False])
def test_pairs_by_given_labels(mask_unlabeled):
    """Pairs with an unlabeled row are left out, or are dissimilar."""
    rng = np.random.default_rng(0)
    bits = rng.uniform(size=(6, 9))
    targets = np.eye(3)[[0, 1, 0, 2, 1, 0]]
    known = np.array([True, True, True, False, True, False])
    expected = 0.0
    for i in range(6):
        for j in range(6):
            if mask_unlabeled and not (known[i] and known[j]):
                continue
            alike = targets[i] @ targets[j] if known[i] and known[j] else 0.0
            distance = ((bits[i] - bits[j]) ** 2).sum()
            expected += (alike * distance + (1 - alike) * max(0, 3 - distance)) / 9
    objective = PairwiseObjective(
        "softmax",
        False,
        kl_weight=0,
        label_weight=1,
        pair_weight=1,
        mask_unlabeled=mask_unlabeled,
    )

    batch = make_batch(
        np.zeros((6, N_FEATURES)), np.where(known[:, None], targets, 0), known
    )
    pairs = objective._pairs(torch.tensor(bits), None, batch)
    assert pairs.item() == pytest.approx(expected)


@pytest.mark.parametrize("reconstruction", ["softmax", "gaussian"])
def test_evidence_lower_bound(reconstruction):
    rng = np.random.default_rng(0)
    logits = rng.normal(size=(N_ROWS, N_BITS))
    bits = (logits > 0).astype(float)
    network = make_network(n_classes=0)
    objective = EvidenceLowerBound(reconstruction, kl_weight=0.3)
    activations = Activations(
        torch.zeros(N_ROWS, 4), torch.tensor(logits), torch.tensor(bits)
    )
    batch = make_batch(TARGETS, np.zeros((N_ROWS, 0)), np.zeros(N_ROWS))
    p = expit(logits)
    kl = (np.log(2) + p * np.log(p) + (1 - p) * np.log(1 - p)).sum(axis=1).mean()
    expected = {
        "reconstruction": reconstruction_by_hand(network, 2 * bits - 1, reconstruction),
        "kl": 0.3 * kl,
    }
    check_terms(objective, objective(network, activations, batch), expected)


@pytest.mark.parametrize("multilabel", [False, True])
@pytest.mark.parametrize("reconstruction", ["softmax", "gaussian"])
def test_gaussian_objective(reconstruction, multilabel):
    rng = np.random.default_rng(0)
    means, log_variance, latent = rng.normal(size=(3, N_ROWS, N_BITS))
    network = make_network(GaussianAutoencoder)
    objective = GaussianObjective(
        reconstruction, multilabel, kl_weight=0.3, label_weight=0.7
    )
    activations = Activations(
        torch.zeros(N_ROWS, 4), *map(torch.tensor, (means, latent, log_variance))
    )
    batch = make_batch(TARGETS, CLASSES, CONFIDENCE)
    A, c = as_numpy(network.code_head.weight, network.code_head.bias)
    scores = latent @ A.T + c
    if multilabel:
        y = expit(scores)
        point = -(CLASSES * np.log(y) + (1 - CLASSES) * np.log(1 - y)).sum(axis=1)
    else:
        point = -(CLASSES * np.log(softmax(scores, axis=1))).sum(axis=1)
    kl = (means**2 + np.exp(log_variance) - log_variance - 1).sum(axis=1).mean() / 2
    expected = {
        "reconstruction": reconstruction_by_hand(network, latent, reconstruction),
        "kl": 0.3 * kl,
        "labels": 0.7 * (CONFIDENCE * point).mean(),
    }
    check_terms(objective, objective(network, activations, batch), expected)


def cross_entropy(scores, targets):
    return -(targets * np.log(softmax(scores, axis=1))).sum(axis=1)


def head_scores(head, signs):
    """Return 6 <z, tanh(4 w)> / n_bits + d."""
    weight, bias = as_numpy(head.weight, head.bias)
    return 6 * signs @ np.tanh(4 * weight).T / signs.shape[1] + bias


@pytest.mark.parametrize("multilabel", [False, True])
@pytest.mark.parametrize("reconstruction", ["softmax", "gaussian"])
def test_self_supervised_objective(reconstruction, multilabel):
    rng = np.random.default_rng(0)
    features, logits = rng.normal(size=(N_ROWS, 4)), rng.normal(size=(N_ROWS, N_BITS))
    bits = (logits > 0).astype(float)
    signs = 2 * bits - 1
    clusters = rng.dirichlet(np.ones(2), size=(N_ROWS, 2))
    classes = CLASSES.copy()
    if multilabel:
        classes[:, 0] = 1
    network = make_network(n_clusterings=2, n_clusters=2)
    objective = SelfSupervisedObjective(
        reconstruction,
        multilabel,
        label_weight=0.7,
        cluster_weight=2.0,
        pair_weight=0.4,
    )
    batch = make_batch(TARGETS, classes, CONFIDENCE, torch.tensor(clusters))
    activations = Activations(*map(torch.tensor, (features, logits, bits)))
    terms = objective(network, activations, batch)

    weights = 1 - 0.7 * CONFIDENCE
    per_clustering = [
        (weights * cross_entropy(head_scores(head, signs), clusters[:, i])).mean()
        for i, head in enumerate(network.cluster_heads)
    ]
    A, c = as_numpy(network.feature_head.weight, network.feature_head.bias)
    scores = features @ A.T + c
    if multilabel:
        y = expit(scores)
        on_features = -(classes * np.log(y) + (1 - classes) * np.log(1 - y)).sum(axis=1)
        entropy = -(y * np.log(y) + (1 - y) * np.log(1 - y)).mean(axis=1) / np.log(2)
    else:
        y = softmax(scores, axis=1)
        on_features = -(classes * np.log(y)).sum(axis=1)
        entropy = -(y * np.log(y)).sum(axis=1) / np.log(3)
    shares = classes / classes.sum(axis=1, keepdims=True)
    on_bits = cross_entropy(head_scores(network.code_head, signs), shares)
    on_soft = cross_entropy(head_scores(network.code_head, np.tanh(logits)), shares)
    given = CONFIDENCE == 1
    known = np.where(given[:, None], classes, y)
    pair_weights = np.where(given, CONFIDENCE, 1 - entropy)
    expected = {
        "reconstruction": reconstruction_by_hand(network, signs, reconstruction),
        "clusters": {"softmax": 2.0, "gaussian": 0.5}[reconstruction]
        * np.mean(per_clustering),
        "labels": 0.7
        * (CONFIDENCE * (0.5 * on_features + on_bits + 2 * on_soft)).mean(),
        "pairs": 0.4 * margin_by_hand(signs, known, pair_weights, multilabel),
    }
    check_terms(objective, terms, expected)


def margin_by_hand(signs, classes, weights, multilabel):
    together = alike = apart = unlike = 0.0
    for i in range(len(signs)):
        for j in range(len(signs)):
            if i == j:
                continue
            similarity = classes[i] @ classes[j]
            if multilabel:
                similarity /= classes[i].sum() + classes[j].sum() - similarity
            distance = (signs[i] != signs[j]).mean()
            pair = weights[i] * weights[j]
            together += pair * similarity * distance
            alike += pair * similarity
            apart += pair * (1 - similarity) * max(0, 1 - 2 * distance)
            unlike += pair * (1 - similarity)
    return together / alike + apart / unlike


def test_pairs_do_not_train_the_predicted_classes():
    network = make_network(n_clusterings=0)
    objective = SelfSupervisedObjective(
        "softmax", False, label_weight=1, cluster_weight=1, pair_weight=1
    )
    logits = torch.randn(
        N_ROWS, N_BITS, generator=torch.Generator().manual_seed(0)
    ).double()
    features = torch.ones(N_ROWS, 4).double().requires_grad_()
    activations = Activations(features, logits, (logits > 0).double().requires_grad_())
    batch = make_batch(TARGETS, CLASSES, np.zeros(N_ROWS))
    objective(network, activations, batch)["pairs"].backward()
    assert activations.bits.grad.abs().max() > 0
    assert features.grad is None
    assert network.feature_head.weight.grad is None


@pytest.mark.parametrize(
    "objective",
    [
        SSBVAEObjective("softmax", False, 0.1, 1.0, 1.0),
        PairwiseObjective("softmax", False, 0.1, 1.0, 1.0, True),
        SelfSupervisedObjective("softmax", False, 1.0, 1.0, 1.0),
        GaussianObjective("softmax", False, 0.1, 1.0),
    ],
    ids=lambda objective: type(objective).__name__,
)
def test_terms_without_classes(objective):
    is_gaussian = isinstance(objective, GaussianObjective)
    network = make_network(
        GaussianAutoencoder if is_gaussian else BernoulliAutoencoder, n_classes=0
    )
    batch = make_batch(TARGETS, np.zeros((N_ROWS, 0)), np.zeros(N_ROWS))
    terms = objective(network, network(batch.inputs.double()), batch)
    assert tuple(terms) == objective.TERMS
    assert all(torch.isfinite(term) for term in terms.values())
    for name in {"labels", "pairs"} & set(terms):
        assert terms[name] == 0


@pytest.mark.parametrize("multilabel", [False, True])
def test_class_probabilities(multilabel):
    scores = torch.tensor([[0.0, 0.0, 0.0], [40.0, -40.0, -40.0]])
    probabilities, confidence = class_probabilities(scores, multilabel=multilabel)
    assert_allclose(probabilities[0], [0.5] * 3 if multilabel else [1 / 3] * 3)
    assert_allclose(probabilities[1], [1, 0, 0], atol=1e-6)
    assert_allclose(confidence, [0, 1], atol=1e-6)
