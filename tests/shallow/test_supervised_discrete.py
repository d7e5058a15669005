"""Test supervised discrete hashing against its objective."""

import itertools

import numpy as np
import pytest

from skhash.shallow import SupervisedDiscreteHasher
from skhash.shallow._supervised_discrete import update_bits


@pytest.fixture
def data():
    rng = np.random.RandomState(0)
    y = rng.randint(4, size=600)
    return 2 * rng.standard_normal((4, 8))[y] + rng.standard_normal((600, 8)), y


@pytest.mark.parametrize("nu", [1e-5, 1e-2, 10])
def test_objective_falls(data, nu):
    hasher = SupervisedDiscreteHasher(12, nu=nu, n_anchors=100, max_iter=20)
    objective = hasher.set_params(random_state=0).fit(*data).objective_
    assert len(objective) > 1
    assert np.all(np.diff(objective) <= 1e-9 * objective[0])


def test_every_bit_gets_its_best_value():
    rng = np.random.RandomState(0)
    codes = rng.choice([-1.0, 1.0], size=(20, 4))
    classifier, wanted = rng.standard_normal((4, 3)), rng.standard_normal((20, 4))

    def cost(b, q):  # |W'b|^2 - 2 q'b: what the objective has of one row's bits
        return np.sum((b @ classifier) ** 2) - 2 * q @ b

    expected = codes.copy()
    for row, i in itertools.product(range(20), range(4)):
        options = [expected[row].copy(), expected[row].copy()]
        options[0][i], options[1][i] = -1, 1
        expected[row] = min(options, key=lambda b: cost(b, wanted[row]))
    assert update_bits(codes, wanted, classifier)
    np.testing.assert_array_equal(codes, expected)


def test_learns_classes_from_few_labels(data):
    X, y = data
    partial = np.where(np.arange(len(y)) % 4, -1, y)
    hasher = SupervisedDiscreteHasher(16, n_anchors=100, random_state=0)
    assert hasher.fit(X, partial).score(X, y) > 0.6
