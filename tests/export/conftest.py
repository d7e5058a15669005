"""Define codes and ids that the tests of all engines export."""

import random

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from skhash import HammingNearestNeighbors

N_SAMPLES = 2000


@pytest.fixture(scope="session")
def bits():
    """Return codes of 60 bits, three of each on average, and not whole bytes."""
    rng = np.random.RandomState(0)
    return rng.randint(2, size=(700, 60))[rng.randint(700, size=N_SAMPLES)]


@pytest.fixture(scope="session")
def index(bits):
    return HammingNearestNeighbors().fit(bits)


@pytest.fixture(scope="session")
def queries(bits):
    """Return codes of the index, and others at some distance."""
    rng = np.random.RandomState(1)
    near = bits[:20] ^ (rng.rand(20, 60) < 0.1)
    return np.r_[bits[:10], near]


@pytest.fixture(params=["integers", "strings"], scope="session")
def ids(request):
    if request.param == "integers":
        return np.array(random.Random(2).sample(range(10**9), N_SAMPLES))
    # With what a COPY has to escape.
    return [f"é\t{i}\\\n" for i in range(N_SAMPLES)]


@pytest.fixture(scope="session")
def assert_exact(index, queries, ids):
    """Return a function that raises unless an export gives the neighbors and ids."""

    def check(exported):
        for n_neighbors in (1, 10):
            assert exported.verify(queries, n_neighbors).is_exact
        distances, found = exported.kneighbors(queries[:1], 3)
        assert_array_equal(distances, index.kneighbors(queries[:1], 3)[0])
        assert set(found[0]) <= set(np.asarray(ids).tolist())

    return check
