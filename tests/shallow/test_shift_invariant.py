"""Compare shift-invariant kernel hashing with the expectation proved in its paper."""

import numpy as np
from sklearn.metrics.pairwise import rbf_kernel

from skhash.shallow import ShiftInvariantKernelHasher
from skhash.shallow._shift_invariant import expected_difference


def test_share_of_differing_bits_follows_the_kernel():
    n_bits = 20_000
    directions = np.random.RandomState(0).standard_normal((8, 6))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    X = np.vstack([np.zeros(6), directions * np.linspace(0.05, 2.5, 8)[:, None]])
    codes = ShiftInvariantKernelHasher(n_bits, gamma=0.5, random_state=0)
    codes = codes.fit_transform(X)
    measured = np.mean(codes[1:] != codes[0], axis=1)
    expected = expected_difference(rbf_kernel(X[1:], X[:1], gamma=0.5).ravel())
    np.testing.assert_allclose(measured, expected, atol=4 * 0.5 / np.sqrt(n_bits))


def test_expectation_lies_between_the_published_bounds():
    kernel = np.linspace(0.01, 0.99, 20)
    share = expected_difference(kernel)
    assert np.all(share >= 4 / np.pi**2 * (1 - kernel))
    upper = np.minimum(0.5 * np.sqrt(1 - kernel), 4 / np.pi**2 * (1 - 2 * kernel / 3))
    assert np.all(share <= upper + 1e-3)
