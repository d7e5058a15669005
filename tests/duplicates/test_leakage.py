"""Compare leakage with a plain comparison of all pairs."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from skhash.duplicates import find_leakage


@pytest.mark.parametrize("radius", [0, 2, 4])
def test_against_all_pairs(radius):
    rng = np.random.RandomState(0)
    train, test = rng.randint(2, size=(150, 12)), rng.randint(2, size=(90, 12))
    test[:30] = train[rng.randint(150, size=30)]
    distances = (test[:, None] != train[None]).sum(axis=2)
    found = find_leakage(train, test, radius)
    leaks = np.flatnonzero(distances.min(axis=1) <= radius)
    assert_array_equal(found.test_indices, leaks)
    assert_array_equal(found.train_indices, distances[leaks].argmin(axis=1))
    assert_array_equal(found.distances, distances[leaks].min(axis=1))
    assert_array_equal(np.flatnonzero(found.mask), leaks)
    assert found.rate == len(leaks) / 90
    packed = find_leakage(
        np.packbits(train, axis=1),
        np.packbits(test, axis=1),
        radius,
        packed=True,
        n_bits=12,
    )
    assert_array_equal(packed.train_indices, found.train_indices)


def test_no_leakage():
    found = find_leakage(np.zeros((2, 8)), np.ones((3, 8)), 7)
    assert found.rate == 0
    assert found.test_indices.dtype == found.train_indices.dtype == np.intp


def test_invalid_input():
    codes = np.zeros((3, 8))
    with pytest.raises(ValueError, match="test_codes must have 8 bits"):
        find_leakage(codes, codes[:, 1:], 1)
    with pytest.raises(ValueError, match="radius must be from 0 to 7"):
        find_leakage(codes, codes, 8)
    with pytest.raises(ValueError, match="minimum of 1"):
        find_leakage(codes[:0], codes, 1)
