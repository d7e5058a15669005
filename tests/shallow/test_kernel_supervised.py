"""Test kernel supervised hashing."""

import numpy as np
import pytest
from scipy.optimize import approx_fprime

from skhash.shallow import KernelSupervisedHasher, _kernel_supervised
from skhash.shallow._kernel_supervised import LabelResidue


@pytest.fixture
def data():
    rng = np.random.RandomState(0)
    y = rng.randint(4, size=600)
    return 2 * rng.standard_normal((4, 8))[y] + rng.standard_normal((600, 8)), y


def test_inner_products_follow_the_label_matrix(data):
    X, y = data
    partial = np.where(np.arange(len(y)) % 2, -1, y)
    losses = []
    for n_bits in (2, 8, 32):
        hasher = KernelSupervisedHasher(n_bits, n_anchors=100, random_state=0)
        signs = 2.0 * hasher.fit(X, partial).transform(X) - 1
        products = signs @ signs.T / n_bits
        losses.append(np.mean((products - np.where(y[:, None] == y, 1, -1)) ** 2))
    # With four classes the mean product of different ones is at least -1/3.
    assert losses[2] < losses[0]
    assert losses[2] == pytest.approx(0.75 * (2 / 3) ** 2, abs=0.1)


@pytest.mark.parametrize("several", [False, True])
def test_factors_equal_the_residue(data, several):
    rng = np.random.RandomState(0)
    targets = np.eye(4)[data[1][:50]]
    similarities = np.where(targets @ targets.T > 0, 1.0, -1.0)
    if several:
        targets = np.maximum(targets, rng.rand(50, 4) > 0.7)
        unit = targets / np.linalg.norm(targets, axis=1, keepdims=True)
        similarities = 2 * unit @ unit.T - 1
    residue, h = LabelResidue(targets, 8), rng.choice([-1.0, 1.0], 50)
    residue.subtract(h)
    expected = 8 * similarities - np.outer(h, h)
    v, kernel = rng.standard_normal(50), rng.standard_normal((50, 6))
    np.testing.assert_allclose(residue.multiply(v), expected @ v)
    np.testing.assert_allclose(residue.quadratic(v), v @ expected @ v)
    np.testing.assert_allclose(residue.project(kernel), kernel.T @ expected @ kernel)


def test_gradient_of_the_smooth_form(data, monkeypatch):
    def check(cost, start, **_):
        numeric = approx_fprime(start, lambda a: cost(a)[0], 1e-7)
        np.testing.assert_allclose(cost(start)[1], numeric, atol=1e-5)
        return type("Found", (), {"x": start, "nit": 1})

    monkeypatch.setattr(_kernel_supervised, "minimize", check)
    KernelSupervisedHasher(2, n_anchors=5, random_state=0).fit(*data)


@pytest.mark.parametrize("y", [None, np.full(600, -1)], ids=["None", "all -1"])
def test_no_label_raises_with_a_remedy(data, y):
    with pytest.raises(ValueError, match="such as ITQHasher"):
        KernelSupervisedHasher().fit(data[0], y)


def test_one_class_is_an_error(data):
    X, y = data
    with pytest.raises(ValueError, match=r"at least two classes;.*another class\.$"):
        KernelSupervisedHasher().fit(X, np.where(y == 2, 2, -1))
