"""Compare label errors with votes in plain numpy."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from skhash import ITQHasher
from skhash.inspection import label_errors


def votes(bits, y, n_neighbors, n_classes):
    """Return the weighted votes of the nearest other samples."""
    distances = (bits[:, None] != bits[None]).sum(axis=2).astype(float)
    np.fill_diagonal(distances, np.inf)
    result = np.zeros((len(y), n_classes))
    for row, of_row in enumerate(distances):
        nearest = np.argsort(of_row, kind="stable")[:n_neighbors]
        scale = max(1.0, 0.05 * bits.shape[1])
        weights = np.exp((of_row[nearest[0]] - of_row[nearest]) / scale)
        np.add.at(result[row], y[nearest], weights)
    return result / result.sum(axis=1, keepdims=True)


@pytest.fixture
def clusters():
    rng = np.random.RandomState(0)
    y = rng.randint(3, size=240)
    centers = rng.randint(2, size=(3, 24))
    return centers[y] ^ (rng.random_sample((240, 24)) < 0.2), y


def test_scores_against_numpy(clusters):
    bits, y = clusters
    y = y.copy()
    y[:6] = (y[:6] + 1) % 3
    found = label_errors(bits, y, n_neighbors=15)
    share = votes(bits, y, 15, 3)
    means = np.array([share[y == c].mean(axis=0) for c in range(3)])
    for index, suggested, score in zip(found.indices, found.suggested, found.scores):
        own = y[index]
        odds = np.log(share[index] + 1e-3) - np.log(share[index, own] + 1e-3)
        usual = np.log(means[own] + 1e-3) - np.log(means[own, own] + 1e-3)
        excess = np.where(odds > 0, odds - usual, -np.inf)
        assert_allclose(score, excess.max())
        assert suggested == excess.argmax()
    assert set(range(6)) <= set(found.indices.tolist())
    assert (np.diff(found.scores) <= 0).all()


def test_unlabeled_samples_and_names(clusters):
    bits, y = clusters
    names = np.array(["b", "c", "a"], dtype=object)[y]
    names[3] = "b" if names[3] != "b" else "a"
    names[100:200] = -1
    found = label_errors(bits, names)
    assert found.indices[0] == 3
    assert found.suggested[0] == np.array(["b", "c", "a"])[y[3]]
    assert not np.isin(found.indices, np.arange(100, 200)).any()


def test_equal_codes():
    bits = np.zeros((30, 8), dtype=int)
    y = np.arange(30) % 2
    first = label_errors(bits, y, n_neighbors=3)
    again = label_errors(bits, y, n_neighbors=3)
    assert_array_equal(first.indices, again.indices)


def test_real_labels(web_snippets):
    rng = np.random.default_rng(0)
    X, y = web_snippets.X_train[:4000], web_snippets.y_train[:4000].copy()
    wrong = rng.random(4000) < 0.05
    y[wrong] = (y[wrong] + rng.integers(1, 8, wrong.sum())) % 8
    codes = ITQHasher(128, random_state=0).fit_transform(X)
    found = label_errors(codes, y)
    # A random choice has a precision of 0.05.
    assert wrong[found.indices[:50]].mean() > 0.6


def test_wrong_input(clusters):
    bits, y = clusters
    with pytest.raises(ValueError, match="at least two classes"):
        label_errors(bits, np.zeros(240, dtype=int))
    with pytest.raises(ValueError, match="one class per sample"):
        label_errors(bits, np.eye(3, dtype=int)[y])
    with pytest.raises(ValueError, match="n_neighbors == 0, must be >= 1"):
        label_errors(bits, y, n_neighbors=0)
