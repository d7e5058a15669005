"""Test suggestions of samples to label."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from skhash.inspection import suggest_samples


@pytest.fixture
def collection():
    rng = np.random.RandomState(0)
    return rng.randint(2, size=(200, 16)), rng.dirichlet(np.ones(4), size=200)


def greedy(bits, proba, n_samples):
    """Choose samples one by one, as the documentation says."""
    margins = np.sort(proba, axis=1)
    scores = 1 - (margins[:, -1] - margins[:, -2]) + 1e-6
    chosen = []
    for _ in range(n_samples):
        best = int(scores.argmax())
        chosen.append(best)
        distances = (bits != bits[best]).sum(axis=1)
        scores = scores * (1 - np.exp(-distances / (0.05 * bits.shape[1])))
        scores[best] = -1
    return chosen


def test_against_a_plain_loop(collection):
    bits, proba = collection
    found = suggest_samples(bits, proba, 50)
    assert_array_equal(found, greedy(bits, proba, 50))
    packed = np.packbits(bits, axis=1)
    assert_array_equal(suggest_samples(packed, proba, 50, packed=True), found)


def test_labeled_samples_are_left_out(collection):
    bits, proba = collection
    labeled = np.arange(200) % 3 == 0
    found = suggest_samples(bits, proba, 100, labeled=labeled)
    assert not labeled[found].any()
    assert len(np.unique(found)) == 100
    everything = suggest_samples(bits, proba, 133, labeled=labeled)
    assert_array_equal(np.sort(everything), np.flatnonzero(~labeled))


def test_equal_codes_come_last():
    bits = np.repeat([[0, 0, 0, 0], [1, 1, 1, 1], [0, 0, 1, 1]], 5, axis=0)
    proba = np.full((15, 2), 0.5)
    proba[7] = proba[13] = [0.6, 0.4]
    found = suggest_samples(bits, proba, 5)
    assert_array_equal(np.sort(found[:3]), [0, 5, 10])


def test_certain_samples_are_chosen_by_distance():
    bits = np.array([[0, 0, 0, 0], [0, 0, 0, 1], [1, 1, 1, 1]])
    proba = np.tile([1.0, 0.0], (3, 1))
    assert_array_equal(suggest_samples(bits, proba, 2), [0, 2])


@pytest.mark.parametrize("n_samples", [0, 201])
def test_number_out_of_range(collection, n_samples):
    with pytest.raises(ValueError, match=f"1 to .* 200; got {n_samples}"):
        suggest_samples(*collection, n_samples)


def test_wrong_input(collection):
    bits, proba = collection
    with pytest.raises(ValueError, match="one row per code, 200; got 199"):
        suggest_samples(bits, proba[1:], 3)
    with pytest.raises(ValueError, match="labeled must be a bool array"):
        suggest_samples(bits, proba, 3, labeled=np.zeros(200, dtype=int))
    with pytest.raises(ValueError, match="at least 2; got 1"):
        suggest_samples(bits, proba[:, :1], 3)
    with pytest.raises(TypeError, match="n_samples must be an int"):
        suggest_samples(bits, proba, 2.5)
