"""Test spherical hashing against the conditions of its paper."""

import numpy as np
import pytest
import scipy.sparse as sp
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics.pairwise import euclidean_distances
from sklearn.preprocessing import normalize

from skhash.shallow import SphericalHasher


@pytest.fixture
def X():
    rng = np.random.RandomState(0)
    centers = 2 * rng.standard_normal((5, 16))
    return centers[rng.randint(5, size=2000)] + rng.standard_normal((2000, 16))


@pytest.mark.filterwarnings("error::sklearn.exceptions.ConvergenceWarning")
def test_balls_hold_half_and_overlap_in_a_quarter(X):
    hasher = SphericalHasher(16, random_state=0).fit(X)
    bits = hasher.transform(X).astype(float)
    np.testing.assert_allclose(bits.mean(axis=0), 0.5, atol=1e-3)
    overlaps = (bits.T @ bits / len(X))[np.triu_indices(16, k=1)]
    assert hasher.n_iter_ < 100
    assert np.abs(overlaps - 0.25).mean() <= 0.1 * 0.25 + 1e-3
    assert overlaps.std() <= 0.15 * 0.25 + 1e-3


def test_bits_are_balls(X):
    hasher = SphericalHasher(8, random_state=0).fit(X)
    features = normalize(X @ hasher.components_.T)
    inside = euclidean_distances(features, hasher.centers_) <= hasher.radii_
    np.testing.assert_array_equal(hasher.transform(X), inside)


def test_moves_follow_the_published_forces(X):
    one, two = (SphericalHasher(4, max_iter=i, tol_mean=0, tol_std=0) for i in (1, 2))
    for hasher in (one, two):
        with pytest.warns(
            ConvergenceWarning, match=rf"max_iter={hasher.max_iter} iter"
        ):
            hasher.set_params(random_state=0).fit(X)
    bits = one.transform(X).astype(float)
    overlaps = bits.T @ bits / len(X)
    expected = one.centers_.copy()
    for i in range(4):
        for j in range(4):
            force = (overlaps[i, j] - 0.25) / 0.25 / 2
            expected[i] += force * (one.centers_[i] - one.centers_[j]) / 4
    np.testing.assert_allclose(two.centers_, expected, rtol=1e-5)


def test_sparse_rows_give_the_codes_of_dense_ones(X):
    hasher = SphericalHasher(8, random_state=0)
    np.testing.assert_array_equal(
        hasher.fit_transform(sp.csr_array(X)), hasher.fit_transform(X)
    )
