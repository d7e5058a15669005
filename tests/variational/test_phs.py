"""The hashers beside SSBVAEHasher: what each adds, against a formula or a property."""

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal

from skhash import BernoulliVAEHasher, PHSHasher, VDSHHasher
from skhash.model_selection import mask_labels
from skhash.variational.nn import _losses as losses
from skhash.variational.nn._objectives import PairwiseObjective

SMALL = {"n_bits": 8, "batch_size": 64, "max_epochs": 20, "random_state": 0}


@pytest.fixture(scope="module")
def labels(small_rows):
    return mask_labels(small_rows[1], 0.3, stratify=True, random_state=0)


@pytest.mark.parametrize("sampler", ["straight_through", "concrete"])
def test_bernoulli_codes_follow_topics(small_rows, sampler):
    rows, topics = small_rows
    hasher = BernoulliVAEHasher(sampler=sampler, **SMALL).fit(rows)
    assert hasher.score(rows, topics) > 0.8
    assert [*hasher.history_[0]] == [
        "epoch",
        "train_loss",
        "reconstruction",
        "kl",
        "dur",
    ]


def test_bernoulli_ignores_labels(small_rows, labels):
    rows, _ = small_rows
    without = BernoulliVAEHasher(**SMALL).fit(rows)
    with_labels = BernoulliVAEHasher(**SMALL).fit(rows, labels)
    assert_array_equal(without.transform(rows), with_labels.transform(rows))
    with pytest.raises(AttributeError, match="predict"):
        with_labels.predict(rows)


@pytest.mark.parametrize("hasher_class", [PHSHasher, VDSHHasher])
def test_labels_help(small_rows, labels, hasher_class):
    rows, topics = small_rows
    hasher = hasher_class(**SMALL).fit(rows, labels)
    assert (hasher.predict(rows) == topics).mean() > 0.9
    assert hasher.score(rows, topics) > 0.8


def test_bits_of_vdsh_are_balanced(small_rows):
    rows, _ = small_rows
    hasher = VDSHHasher(**SMALL).fit(rows)
    assert_allclose(hasher.transform(rows).mean(axis=0), 0.5, atol=0.01)


def test_divergence_from_the_standard_normal():
    rng = np.random.default_rng(0)
    means, log_variances = torch.tensor(rng.normal(size=(2, 5, 3)))
    normal = torch.distributions.Normal(means, torch.exp(log_variances / 2))
    standard = torch.distributions.Normal(0.0, 1.0)
    expected = torch.distributions.kl_divergence(normal, standard).sum(dim=1).mean()
    assert losses.gaussian_kl(means, log_variances).item() == pytest.approx(
        expected.item()
    )


@pytest.mark.parametrize("mask_unlabeled", [True, False])
def test_pairs_by_given_labels(mask_unlabeled):
    """By a double loop: pairs with an unlabeled row are left out, or are unlike."""
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
    objective = PairwiseObjective("softmax", False, 0, 1, 1, mask_unlabeled)

    class Known:
        trust = torch.tensor(known).double()

    Known.targets = torch.tensor(targets)
    pairs = objective._pairs(torch.tensor(bits), None, Known)
    assert pairs.item() == pytest.approx(expected)


@pytest.mark.parametrize("hasher_class", [PHSHasher, VDSHHasher])
def test_several_labels_are_predicted(small_rows, hasher_class):
    rows, topics = small_rows
    sets = np.eye(3, dtype=int)[topics] | np.eye(3, dtype=int)[np.maximum(topics, 1)]
    hasher = hasher_class(**SMALL).fit(rows, sets)
    assert (hasher.predict(rows) == sets).mean() > 0.9


def test_vdsh_codes_are_its_probabilities(small_rows):
    rows = small_rows[0][:299]
    hasher = VDSHHasher(**SMALL).fit(rows)
    assert_array_equal(hasher.encode_proba(rows) > 0.5, hasher.transform(rows))


def test_bernoulli_ignores_named_classes(small_rows, labels):
    hasher = BernoulliVAEHasher(**SMALL)
    hasher.partial_fit(small_rows[0], labels, classes=[0, 1, 2])
    assert hasher.classes_ is None
    assert not hasattr(hasher, "predict")
