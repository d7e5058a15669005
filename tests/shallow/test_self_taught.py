"""Test self-taught hashing."""

import numpy as np
import pytest
import scipy.sparse as sp

from skhash.shallow import SelfTaughtHasher


@pytest.fixture
def X():
    rng = np.random.RandomState(0)
    centers = rng.standard_normal((6, 8))
    return centers[rng.randint(6, size=401)] + rng.standard_normal((401, 8))


def test_components_of_a_graph_get_different_bits():
    X = np.repeat(np.eye(4), 25, axis=0)
    X += 0.01 * np.random.RandomState(0).rand(*X.shape)
    codes = SelfTaughtHasher(4, n_neighbors=5, C=10, random_state=0).fit_transform(X)
    first = codes[::25]
    assert len(np.unique(first, axis=0)) == 4
    assert np.mean(codes == np.repeat(first, 25, axis=0)) > 0.9


def test_sparse_rows_give_the_codes_of_dense_ones(X):
    hasher = SelfTaughtHasher(4, random_state=0)
    dense = hasher.fit_transform(X)
    assert np.mean(hasher.fit_transform(sp.csr_array(X)) == dense) > 0.99


def test_more_bits_than_rows_is_an_error(X):
    with pytest.raises(ValueError, match="n_bits must be less than"):
        SelfTaughtHasher(32).fit(X[:32])
