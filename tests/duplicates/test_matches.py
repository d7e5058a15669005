"""Compare labels of matches with connected components."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from skhash.duplicates import match_labels


def components(pairs, n_samples):
    """Label samples by repeated merging."""
    label = list(range(n_samples))
    for _ in range(n_samples):
        for i, j in pairs:
            label[i] = label[j] = min(label[i], label[j])
    matched = {i for pair in pairs for i in pair}
    names = sorted({label[i] for i in matched})
    return [names.index(label[i]) if i in matched else -1 for i in range(n_samples)]


@pytest.mark.parametrize("n_pairs", [1, 8, 20])
def test_against_repeated_merging(n_pairs):
    pairs = np.random.RandomState(n_pairs).randint(30, size=(n_pairs, 2))
    assert_array_equal(match_labels(pairs, 30), components(pairs.tolist(), 30))


def test_two_collections():
    rng = np.random.RandomState(0)
    pairs = np.column_stack([rng.randint(10, size=6), rng.randint(20, size=6)])
    expected = components(np.add(pairs, [0, 10]).tolist(), 30)
    assert_array_equal(match_labels(pairs, 10, 20), expected)


@pytest.mark.parametrize(
    ("matches", "error", "message"),
    [
        ([0, 1], ValueError, "shape"),
        (np.empty((0, 2), dtype=int), ValueError, "at least one match"),
        ([[0.5, 1]], TypeError, "integers"),
        ([[0, 5]], ValueError, "below 5"),
        ([[-1, 2]], ValueError, "from 0"),
    ],
)
def test_wrong_input(matches, error, message):
    with pytest.raises(error, match=message):
        match_labels(matches, 5)
