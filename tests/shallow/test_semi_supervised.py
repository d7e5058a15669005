"""Compare semi-supervised hashing with the published adjusted covariance."""

import numpy as np
import pytest

from skhash.shallow import SemiSupervisedHasher
from skhash.shallow._semi_supervised import pair_covariance


@pytest.fixture
def data():
    rng = np.random.RandomState(0)
    y = rng.randint(4, size=600)
    return rng.standard_normal((4, 8))[y] + rng.standard_normal((600, 8)), y


@pytest.mark.parametrize("several", [False, True])
def test_class_sums_equal_sums_over_all_pairs(data, several):
    X, y = data
    targets = np.eye(4)[y]
    pairs = np.where(y[:, None] == y, 1.0, -1.0)
    if several:
        targets = np.maximum(targets, np.random.RandomState(1).rand(600, 4) > 0.7)
        unit = targets / np.linalg.norm(targets, axis=1, keepdims=True)
        pairs = 2 * unit @ unit.T - 1
    centered = X - X.mean(axis=0)
    expected = centered.T @ pairs @ centered
    np.testing.assert_allclose(
        pair_covariance(X, targets), expected / np.trace(expected), atol=1e-12
    )


def test_orthogonal_directions_are_best(data):
    X, y = data
    hasher = SemiSupervisedHasher(3, method="orthogonal", random_state=0).fit(X, y)
    W = hasher.directions_
    np.testing.assert_allclose(W.T @ W, np.eye(3), atol=1e-12)
    Z = hasher._latent_features(X)
    Z = Z - Z.mean(axis=0)
    adjusted = pair_covariance(Z, np.eye(4)[y]) + 0.1 * Z.T @ Z / np.sum(Z**2)
    best = np.linalg.eigvalsh(adjusted)[::-1][:3]
    np.testing.assert_allclose(np.diag(W.T @ adjusted @ W), best, rtol=1e-8)


@pytest.mark.parametrize("method", ["nonorthogonal", "orthogonal"])
def test_without_labels_directions_are_principal_components(data, method):
    X, y = data
    hasher = SemiSupervisedHasher(3, method=method, random_state=0)
    hasher.fit(X, np.full_like(y, -1))
    Z = hasher._latent_features(X)
    expected = np.linalg.svd(Z - Z.mean(axis=0))[2][:3]
    cosines = np.abs(np.sum(hasher.directions_.T * expected, axis=1))
    np.testing.assert_allclose(cosines, 1)
    assert hasher.classes_ is None


def test_labels_help(data):
    X, y = data
    partial = np.where(np.arange(len(y)) % 4, -1, y)
    hasher = SemiSupervisedHasher(8, random_state=0)
    assert hasher.fit(X, partial).score(X, y) > hasher.fit(X).score(X, y) + 0.02
