"""Compare CCA-ITQ with other solutions of canonical correlation analysis."""

import numpy as np
import pytest
from sklearn.covariance import ledoit_wolf
from sklearn.cross_decomposition import CCA

from skhash.shallow import CCAITQHasher
from skhash.shallow._cca import canonical_directions


@pytest.fixture
def data():
    rng = np.random.RandomState(0)
    y = rng.randint(5, size=2000)
    X = 1.5 * rng.standard_normal((5, 8))[y] + rng.standard_normal((2000, 8))
    return X - X.mean(axis=0), y


def test_directions_solve_the_published_problem(data):
    X, y = data
    targets = np.eye(5)[y]
    directions, correlations = canonical_directions(X, targets, 8)
    assert directions.shape == (8, 4)
    # The centered memberships of all classes but one span those of all, and their
    # covariance has an inverse.
    Y = targets[:, 1:] - targets[:, 1:].mean(axis=0)
    covariance, cross = ledoit_wolf(X)[0], X.T @ Y / len(X)
    problem = cross @ np.linalg.solve(Y.T @ Y / len(X), cross.T)
    np.testing.assert_allclose(
        problem @ directions, covariance @ directions * correlations**2, atol=1e-5
    )


def test_correlations_are_those_of_scikit_learn(data):
    X, y = data
    targets = np.eye(5)[y]
    _, correlations = canonical_directions(X, targets, 8)
    U, V = CCA(4, max_iter=5000).fit_transform(X, targets)
    expected = [np.corrcoef(u, v)[0, 1] for u, v in zip(U.T, V.T)]
    np.testing.assert_allclose(correlations, expected, rtol=0.02)


def test_unlabeled_samples_are_no_class(data):
    X, y = data
    y = np.where(np.arange(len(y)) % 3, -1, y)
    hasher = CCAITQHasher(8, random_state=0).fit(X, y)
    np.testing.assert_array_equal(hasher.classes_, np.arange(5))
    assert hasher.directions_.shape[1] == 4


def test_several_labels_per_sample(data):
    X, y = data
    several = np.eye(5, dtype=int)[y] | np.eye(5, dtype=int)[(y + 1) % 5]
    several[::2] = -1
    hasher = CCAITQHasher(16, random_state=0).fit(X, several)
    assert hasher.score(X, np.eye(5, dtype=int)[y]) > 0.6


def test_labels_of_one_class(data):
    X, _ = data
    y = np.full((2000, 3), -1)
    y[:20] = 1, 0, 1
    with pytest.raises(ValueError, match="labeled samples of different classes"):
        CCAITQHasher(8).fit(X, y)
