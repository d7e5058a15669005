"""Test each term of the objectives against its formula in numpy."""

import math

import numpy as np
import pytest
import scipy.sparse as sp
import torch
from numpy.testing import assert_allclose

from skhash.variational.nn import _losses as losses
from skhash.variational.nn import _rows
from skhash.variational.nn._rows import CSRRows, SampledRows

N_ROWS, N_FEATURES, N_BITS = 5, 7, 3

# Five target rows: one word, several, none, one stored twice, and none at the end.
TARGETS = np.array(
    [
        [0, 0, 1, 0, 0, 0, 0],
        [0.2, 0, 0.3, 0, 0, 0, 0.5],
        [0, 0, 0, 0, 0, 0, 0],
        [0, 0.7, 0, 0, 0.3, 0, 0],
        [0, 0, 0, 0, 0, 0, 0],
    ]
)


def csr_targets():
    """Return the same rows sparse, the 0.7 as 0.4 + 0.3 in a column stored twice."""
    return CSRRows(
        columns=torch.tensor([2, 0, 2, 6, 1, 4, 1]),
        offsets=torch.tensor([0, 1, 4, 4, 7]),
        values=torch.tensor([1, 0.2, 0.3, 0.5, 0.4, 0.3, 0.3]),
    )


def tensors(seed=0, n_rows=N_ROWS):
    generator = torch.Generator().manual_seed(seed)
    shapes = (n_rows, N_BITS), (N_BITS, N_FEATURES), (N_FEATURES,)
    return [torch.randn(shape, generator=generator) for shape in shapes]


def softmax(scores):
    exponentials = np.exp(scores)
    return exponentials / exponentials.sum(axis=1, keepdims=True)


def sigmoid(scores):
    return 1 / (1 + np.exp(-scores))


def softmax_by_hand(codes, weight, bias, targets):
    log_probabilities = np.log(softmax(codes @ weight + bias))
    return np.mean([-(t * lp).sum() for t, lp in zip(targets, log_probabilities)])


def as_numpy(*parts):
    return [part.detach().numpy().astype(float) for part in parts]


@pytest.mark.parametrize(
    "targets",
    [csr_targets(), torch.tensor(TARGETS, dtype=torch.float32)],
    ids=["sparse", "dense"],
)
def test_softmax_reconstruction(targets):
    parts = tensors()
    expected = softmax_by_hand(*as_numpy(*parts), TARGETS)
    assert losses.softmax_reconstruction(*parts, targets).item() == pytest.approx(
        expected, rel=1e-5
    )


def test_gradient_of_sparse_softmax_reconstruction():
    sparse = [part.requires_grad_() for part in tensors()]
    dense = [part.detach().double().requires_grad_() for part in sparse]
    # Not 1 upstream, as when a weight scales the term.
    (2.5 * losses.softmax_reconstruction(*sparse, csr_targets())).backward()
    (2.5 * losses.softmax_reconstruction(*dense, torch.tensor(TARGETS))).backward()
    for ours, theirs in zip(sparse, dense):
        assert ours.grad.abs().max() > 0.01
        assert_allclose(ours.grad, theirs.grad, atol=1e-6)


def test_sparse_softmax_reconstruction_in_blocks():
    """More rows than a block holds, and a last block that is not full."""
    rng = np.random.default_rng(0)
    n_rows = 2 * losses._SOFTMAX_ROWS + 5
    X = sp.random_array(
        (n_rows, N_FEATURES),
        density=0.4,
        format="csr",
        random_state=rng,
        dtype=np.float32,
    )
    X = (X / np.maximum(X.sum(axis=1), 1e-9)[:, None]).tocsr().astype(np.float32)
    assert (np.diff(X.indptr) == 0).any()
    X[::3] *= 0.5  # as where one row of a mixture is empty
    sparse = [part.requires_grad_() for part in tensors(1, n_rows)]
    dense = [part.detach().clone().requires_grad_() for part in sparse]
    loss = losses.softmax_reconstruction(*sparse, CSRRows.from_scipy(X))
    expected = losses.softmax_reconstruction(*dense, torch.from_numpy(X.toarray()))
    assert loss.item() == pytest.approx(expected.item(), rel=1e-5)
    loss.backward()
    expected.backward()
    for ours, theirs in zip(sparse, dense):
        assert_allclose(ours.grad, theirs.grad, atol=1e-6)


def sampled_targets(n_others, seed=0):
    X = sp.csr_array(np.hstack([TARGETS, np.zeros((N_ROWS, 40))]).astype(np.float32))
    return SampledRows.draw(
        CSRRows.from_scipy(X), 47, n_others, np.random.RandomState(seed)
    )


def wide_tensors():
    generator = torch.Generator().manual_seed(0)
    shapes = (N_ROWS, N_BITS), (N_BITS, 47), (47,)
    return [torch.randn(shape, generator=generator) for shape in shapes]


def test_sample_of_all_features_is_the_full_softmax():
    sampled = [part.requires_grad_() for part in wide_tensors()]
    full = [part.detach().clone().requires_grad_() for part in sampled]
    dense = torch.tensor(np.hstack([TARGETS, np.zeros((N_ROWS, 40))])).float()
    losses.softmax_reconstruction(*sampled, sampled_targets(40)).backward()
    losses.softmax_reconstruction(*full, dense).backward()
    for ours, theirs in zip(sampled, full):
        assert_allclose(ours.grad, theirs.grad, atol=1e-6)


def test_sampled_softmax_is_right_in_expectation(monkeypatch):
    monkeypatch.setattr(_rows, "_FEATURES_STEP", 1)
    parts = wide_tensors()
    dense = torch.tensor(np.hstack([TARGETS, np.zeros((N_ROWS, 40))])).float()
    full = losses.softmax_reconstruction(*parts, dense).item()
    drawn = [sampled_targets(20, seed) for seed in range(100)]
    assert {len(targets.features) for targets in drawn} == {25}
    sampled = [losses.softmax_reconstruction(*parts, each).item() for each in drawn]
    assert np.std(sampled) > 0
    assert np.mean(sampled) == pytest.approx(full, rel=0.03)


def test_loss_of_empty_rows_is_0():
    empty = CSRRows(
        torch.zeros(0, dtype=torch.int64),
        torch.zeros(3, dtype=torch.int64),
        torch.zeros(0),
    )
    parts = [part.requires_grad_() for part in tensors(n_rows=3)]
    loss = losses.softmax_reconstruction(*parts, empty)
    loss.backward()
    assert loss.item() == 0
    assert all((part.grad == 0).all() for part in parts)


def test_softmax_reconstruction_of_an_impossible_word_is_finite():
    codes, weight, bias = tensors()
    bias[2] = -1e4
    loss = losses.softmax_reconstruction(codes, weight, bias, csr_targets())
    assert torch.isfinite(loss)
    assert loss > 10


def test_gaussian_reconstruction():
    parts = tensors()
    codes, weight, bias = as_numpy(*parts)
    targets = np.random.default_rng(0).normal(size=TARGETS.shape)
    expected = np.mean(
        [
            2 / N_FEATURES * ((t - (c @ weight + bias)) ** 2).sum()
            for t, c in zip(targets, codes)
        ]
    )
    loss = losses.gaussian_reconstruction(
        *parts, torch.tensor(targets, dtype=torch.float32)
    )
    assert loss.item() == pytest.approx(expected, rel=1e-5)


def test_gaussian_loss_without_information():
    rows = torch.randn(4000, 30, generator=torch.Generator().manual_seed(0))
    loss = losses.gaussian_reconstruction(
        torch.zeros(4000, 2), torch.zeros(2, 30), torch.zeros(30), rows
    )
    assert loss.item() == pytest.approx(2, rel=0.02)


def test_bernoulli_kl():
    logits = np.array([[0.0, 1.0, -3.0], [5.0, -0.5, 0.1]])
    p = sigmoid(logits)
    expected = np.mean(
        3 * math.log(2) + (p * np.log(p) + (1 - p) * np.log(1 - p)).sum(axis=1)
    )
    assert losses.bernoulli_kl(torch.tensor(logits)).item() == pytest.approx(expected)


@pytest.mark.parametrize(
    ("logit", "expected"), [(0, 0), (1e4, math.log(2)), (-1e4, math.log(2))]
)
def test_bernoulli_kl_at_its_limits(logit, expected):
    logits = torch.full((2, 4), float(logit), requires_grad=True)
    loss = losses.bernoulli_kl(logits)
    loss.backward()
    assert loss.item() == pytest.approx(4 * expected, abs=1e-6)
    assert torch.isfinite(logits.grad).all()


def test_class_cross_entropy():
    logits = np.array([[0.3, -1.0, 2.0], [0.0, 0.5, -0.5], [1.0, 1.0, 1.0]])
    targets = np.array([[0.0, 0.0, 1.0], [0.2, 0.5, 0.3], [0.0, 0.0, 0.0]])
    single = losses.class_cross_entropy(
        torch.tensor(logits), torch.tensor(targets), multilabel=False
    )
    assert_allclose(single, -(targets * np.log(softmax(logits))).sum(axis=1))
    several = losses.class_cross_entropy(
        torch.tensor(logits), torch.tensor(targets), multilabel=True
    )
    p = sigmoid(logits)
    expected = -(targets * np.log(p) + (1 - targets) * np.log(1 - p)).sum(axis=1)
    assert_allclose(several, expected)


def hinge_by_hand(bits, similarity):
    n_rows, n_bits = bits.shape
    total = 0.0
    for i in range(n_rows):
        for j in range(n_rows):
            distance = ((bits[i] - bits[j]) ** 2).sum()
            total += similarity[i, j] * distance
            total += (1 - similarity[i, j]) * max(0, n_bits / 3 - distance)
    return total / n_bits


def random_similarity(rng, n_rows):
    half = rng.uniform(size=(n_rows, n_rows))
    return (half + half.T) / 2


@pytest.mark.parametrize("seed", range(3))
def test_hinge_pairs(seed):
    rng = np.random.default_rng(seed)
    bits, similarity = rng.uniform(size=(6, 5)), random_similarity(rng, 6)
    loss = losses.hinge_pairs(torch.tensor(bits), torch.tensor(similarity))
    assert loss.item() == pytest.approx(hinge_by_hand(bits, similarity))


@pytest.mark.parametrize("seed", range(3))
def test_margin_pairs(seed):
    rng = np.random.default_rng(seed)
    signs = rng.choice([-1.0, 1.0], size=(6, 8))
    similarity, weights = random_similarity(rng, 6), rng.uniform(size=6)
    together = alike = apart = unlike = 0.0
    for i in range(6):
        for j in range(6):
            if i == j:
                continue
            distance = (signs[i] != signs[j]).mean()
            pair = weights[i] * weights[j]
            together += pair * similarity[i, j] * distance
            alike += pair * similarity[i, j]
            apart += pair * (1 - similarity[i, j]) * max(0, 1 - 2 * distance)
            unlike += pair * (1 - similarity[i, j])
    loss = losses.margin_pairs(*map(torch.tensor, (signs, similarity, weights)))
    assert loss.item() == pytest.approx(together / alike + apart / unlike)


def test_margin_pairs_without_confidence():
    signs = torch.ones(4, 8, requires_grad=True)
    loss = losses.margin_pairs(signs, torch.eye(4), torch.zeros(4))
    loss.backward()
    assert loss.item() == 0
    assert (signs.grad == 0).all()


def test_similarity_of_classes():
    classes = np.array([[1.0, 0.0, 0.0], [0.5, 0.5, 0.0], [0.0, 0.2, 0.8]])
    similarity = losses.class_similarity(torch.tensor(classes), multilabel=False)
    expected = [[a @ b for b in classes] for a in classes]
    assert_allclose(similarity, expected)


def test_similarity_of_several_classes_per_row():
    sets = np.array([[1, 1, 0, 1], [0, 1, 1, 1], [0, 0, 0, 0], [1, 1, 0, 1]])
    similarity = losses.class_similarity(torch.tensor(sets).double(), multilabel=True)
    expected = [
        [(a & b).sum() / max((a | b).sum(), 1) for b in sets == 1] for a in sets == 1
    ]
    assert_allclose(similarity, expected, atol=1e-6)


def test_divergence_from_the_standard_normal():
    rng = np.random.default_rng(0)
    means, log_variances = torch.tensor(rng.normal(size=(2, 5, 3)))
    normal = torch.distributions.Normal(means, torch.exp(log_variances / 2))
    standard = torch.distributions.Normal(0.0, 1.0)
    expected = torch.distributions.kl_divergence(normal, standard).sum(dim=1).mean()
    assert losses.gaussian_kl(means, log_variances).item() == pytest.approx(
        expected.item()
    )
