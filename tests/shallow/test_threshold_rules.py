"""Compare rules of binary quantization with plain numpy."""

import numpy as np
import pytest
import scipy.sparse as sp

from skhash.shallow._threshold_rules import (
    RULES,
    FittedRule,
    applicable_rules,
    choose_rule,
)


@pytest.fixture
def X():
    rng = np.random.RandomState(0)
    return rng.standard_normal((600, 12)) * np.linspace(0.2, 3, 12) + 1


def seeded(seed=0):
    return np.random.RandomState(seed)


def unit(X):
    return X / np.linalg.norm(X, axis=1, keepdims=True)


@pytest.mark.parametrize("name", ["random", "centered_random", "pca_random", "itq"])
@pytest.mark.parametrize("n_bits", [5, 12])
def test_rotations_keep_the_angles_of_unit_samples(X, name, n_bits):
    rule = RULES[name](X, n_bits, seeded())
    np.testing.assert_allclose(
        rule.components @ rule.components.T, np.eye(n_bits), atol=1e-9
    )
    expected = unit(X) @ rule.components.T - rule.thresholds
    np.testing.assert_allclose(rule.decision_values(X), expected, atol=1e-9)
    np.testing.assert_array_equal(rule.transform(X), expected > 0)


@pytest.mark.parametrize("name", ["centered_random", "pca_random", "itq"])
def test_centered_rules_have_decision_values_of_mean_zero(X, name):
    values = RULES[name](X, 6, seeded()).decision_values(X)
    np.testing.assert_allclose(values.mean(axis=0), 0, atol=1e-9)


def test_pca_spans_the_directions_of_largest_variance(X):
    centered = unit(X) - unit(X).mean(axis=0)
    axes = np.linalg.svd(centered)[2][:4]
    for name in ("pca_random", "itq"):
        components = RULES[name](X, 4, seeded()).components
        np.testing.assert_allclose(
            components.T @ components, axes.T @ axes, rtol=0, atol=1e-6
        )


def test_itq_loses_less_than_a_random_rotation(X):
    losses = {}
    for name in ("pca_random", "itq"):
        values = RULES[name](X, 6, seeded()).decision_values(X)
        values /= np.sqrt((values**2).mean())
        losses[name] = ((values - np.sign(values)) ** 2).mean()
    assert losses["itq"] < 0.95 * losses["pca_random"]


def test_more_bits_than_samples():
    X = np.random.RandomState(0).standard_normal((5, 12))
    for name in applicable_rules(X, 8):
        assert RULES[name](X, 8, seeded()).transform(X).shape == (5, 8)


def test_rules_that_do_not_suit_are_left_out():
    X = np.zeros((2, 10))
    assert applicable_rules(X, 5) == list(RULES)
    assert "pca_random" not in applicable_rules(X, 10)
    assert "median" not in applicable_rules(sp.csr_array(X), 5)
    wide = sp.csr_array((2, 100_000))
    assert "itq" not in applicable_rules(wide[:, :1000], 513)
    assert applicable_rules(wide, 1000) == ["zero", "mean"]


@pytest.mark.parametrize("form", [np.asarray, sp.csr_array])
def test_choice_has_the_largest_recall(X, form):
    name, recalls = choose_rule(form(X), 6, random_state=seeded())
    assert set(recalls) == set(applicable_rules(form(X), 6))
    assert recalls[name] == max(recalls.values())
    # The features of largest variance come last here, where the first 6 are compared.
    assert name in ("pca_random", "itq")


def test_signs_that_hold_all_are_chosen():
    # Corners of a cube: the distance of the signs is that of the samples.
    X = np.random.RandomState(0).choice([-1.0, 1.0], (2000, 24))
    name, recalls = choose_rule(X, 24, random_state=seeded())
    assert name in ("zero", "mean", "median")
    assert recalls[name] > recalls["random"] + 0.1


def test_choice_from_few_samples():
    assert choose_rule(np.ones((1, 3)), 2, random_state=seeded()) == ("zero", {})
    name, recalls = choose_rule(np.eye(3), 2, random_state=seeded())
    assert (name, recalls["zero"]) == ("zero", 1)


def test_values_at_the_threshold_give_the_same_bits_in_any_batch():
    X = np.random.RandomState(0).standard_normal((40, 33))
    components = np.linalg.qr(X.T)[0].T[:8]
    rule = FittedRule((unit(X) @ components.T)[3], components)
    alone = np.vstack([rule.transform(row[None]) for row in X])
    np.testing.assert_array_equal(rule.transform(X), alone)
