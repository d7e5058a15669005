"""Compare relevant component hashing with plain numpy."""

import numpy as np
import pytest
import scipy.sparse as sp

from skhash.metrics import precision_at_k_score
from skhash.shallow import ITQHasher, RelevantComponentHasher
from skhash.shallow._relevant_components import covariance_within


@pytest.fixture
def pairs():
    """Return 300 pairs that differ most where samples vary most, and their groups."""
    rng = np.random.RandomState(0)
    centers = np.repeat(rng.standard_normal((300, 12)), 2, axis=0)
    noise = rng.standard_normal((600, 12)) * np.where(np.arange(12) < 6, 3.0, 0.1)
    return centers + noise, np.arange(600) // 2


def test_covariance_within_against_numpy(pairs):
    X, y = pairs
    X = X - X.mean(axis=0)
    total = X.T @ X / len(X)
    targets = sp.csr_array(np.eye(300)[y])
    residuals = X - np.repeat(X.reshape(300, 2, 12).mean(axis=1), 2, axis=0)
    within = residuals.T @ residuals / 300
    weight = 12 / (12 + 300)
    expected = (1 - weight) * within + weight * total * np.trace(within) / np.trace(
        total
    )
    np.testing.assert_allclose(covariance_within(X, targets, total), expected)


def test_matches_are_nearer_than_by_itq(pairs):
    X, y = pairs
    known = np.where(y < 100, y, -1)
    rest = y >= 100
    scores = {}
    for hasher in (
        RelevantComponentHasher(12, normalize=False, random_state=0),
        ITQHasher(12, random_state=0),
    ):
        codes = hasher.fit(X, known).transform(X[rest])
        scores[type(hasher)] = precision_at_k_score(codes, y[rest], k=1)
    assert scores[RelevantComponentHasher] > scores[ITQHasher] + 0.2


def test_many_groups_are_never_dense(pairs):
    X, y = pairs
    groups = np.arange(600) // 2
    hasher = RelevantComponentHasher(4, random_state=0).fit(X, groups)
    assert len(hasher.classes_) == 300
    several = np.zeros((600, 2), dtype=int)
    several[y % 2 == 0, 0] = 1
    several[y % 2 == 1, 1] = 1
    same = RelevantComponentHasher(4, random_state=0).fit(X, several)
    np.testing.assert_array_equal(
        same.transform(X),
        RelevantComponentHasher(4, random_state=0).fit(X, y % 2).transform(X),
    )


def test_groups_without_a_match(pairs):
    X, _ = pairs
    with pytest.raises(ValueError, match="at least two samples of one group"):
        RelevantComponentHasher(4).fit(X, np.arange(600))
