"""Fixtures that the tests of hashers with a network share."""

import numpy as np
import pytest

from skhash.model_selection import mask_labels


@pytest.fixture(scope="session")
def rows(small_rows):
    return small_rows[0]


@pytest.fixture(scope="session")
def topics(small_rows):
    return small_rows[1]


@pytest.fixture(scope="session")
def labels(topics):
    return mask_labels(topics, 0.2, stratify=True, random_state=0)


@pytest.fixture(scope="session")
def signed():
    """Return samples of three Gaussian classes on unequal scales, and the classes."""
    rng = np.random.default_rng(0)
    classes = rng.integers(3, size=300)
    X = rng.normal(size=(300, 10)) + 3 * rng.normal(size=(3, 10))[classes]
    return X * rng.uniform(0.1, 20, size=10) + 5, classes
