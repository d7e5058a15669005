"""Check that the code of a sample does not depend on the others in a batch."""

import numpy as np
import pytest
import scipy.sparse as sp
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone

from tests.common.estimators import HASHERS

N_SAMPLES = 60


def degenerate_samples():
    """Return samples whose values often lie exactly on a threshold."""
    rng = np.random.default_rng(0)
    normal = rng.standard_normal
    shape = (N_SAMPLES, 12)
    few = (rng.random((6, 30)) < 0.2).astype(float)
    return {
        "one feature": normal((N_SAMPLES, 1)),
        "two features": normal((N_SAMPLES, 2)),
        "rank 3": normal((N_SAMPLES, 3)) @ normal((3, 12)),
        "binary": (rng.random(shape) < 0.5).astype(float),
        "constant columns": np.hstack(
            [np.full((N_SAMPLES, 6), 0.3), normal((N_SAMPLES, 6))]
        ),
        "repeated": np.repeat(normal((8, 12)), 8, axis=0)[:N_SAMPLES],
        "counts": rng.poisson(0.5, shape).astype(float),
        "all equal": np.full(shape, 0.3),
        "constant rows": np.repeat(rng.integers(1, 5, (N_SAMPLES, 1)), 12, axis=1)
        + 0.0,
        "few distinct, sparse": sp.csr_array(few[rng.integers(0, 6, N_SAMPLES)]),
    }


SAMPLES = degenerate_samples()


def in_other_form(X):
    """Return dense samples as sparse ones, every entry stored, or the other way."""
    if sp.issparse(X):
        return X.toarray(order="F")
    columns = np.tile(np.arange(X.shape[1]), len(X))
    return sp.csr_array((X.ravel(), columns, np.arange(0, X.size + 1, X.shape[1])))


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("samples", SAMPLES)
@pytest.mark.parametrize("hasher", HASHERS, ids=repr)
def test_alone_as_in_a_batch(hasher, samples):
    X = SAMPLES[samples]
    hasher = clone(hasher).set_params(n_bits=min(8, X.shape[1]))
    if "random_state" in hasher.get_params():
        hasher.set_params(random_state=0)
    codes = hasher.fit(X, np.arange(N_SAMPLES) % 3).transform(X)
    assert_array_equal(hasher.transform(in_other_form(X)), codes)
    values = hasher.decision_function(X)
    assert_array_equal(values > 0, codes)
    for i in range(0, N_SAMPLES, 3):
        assert_array_equal(hasher.transform(X[[i]])[0], codes[i])
        assert_array_equal(hasher.decision_function(X[[i]])[0] > 0, codes[i])
    assert_array_equal(hasher.transform(X[5:22]), codes[5:22])
    assert_allclose(hasher.decision_function(X[5:22]), values[5:22], atol=1e-5)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("hasher", HASHERS, ids=repr)
def test_order_in_memory_does_not_change_the_fit(hasher):
    X = np.random.default_rng(0).poisson(2.0, (N_SAMPLES, 12)) + 0.0
    hasher = clone(hasher).set_params(n_bits=8)
    if "random_state" in hasher.get_params():
        hasher.set_params(random_state=0)
    y = np.arange(N_SAMPLES) % 3
    codes = hasher.fit(X, y).transform(X)
    assert_array_equal(hasher.fit(np.asfortranarray(X), y).transform(X), codes)
