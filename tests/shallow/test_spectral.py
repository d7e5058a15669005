"""Compare spectral hashing with a direct solution and the published rules."""

import numpy as np
import pytest

from skhash.shallow import SpectralHasher
from skhash.shallow._spectral import slowest_modes


def test_modes_are_the_smallest_eigenvalues():
    lengths = np.array([4.0, 1.0, 2.5])
    axes, modes = slowest_modes(lengths, 12)
    eigenvalues = sorted(
        (1 - np.exp(-((0.3 * np.pi * k / length) ** 2) / 2), axis, k)
        for axis, length in enumerate(lengths)
        for k in range(1, 13)
    )
    assert [(axis, k) for _, axis, k in eigenvalues[:12]] == list(zip(axes, modes))


def test_bits_are_signs_of_the_eigenfunctions():
    rng = np.random.RandomState(0)
    X = rng.uniform(size=(400, 3)) * [5, 2, 1] + 7
    hasher = SpectralHasher(n_bits=9, normalize=False, random_state=0).fit(X)
    V = X @ hasher.components_.T @ hasher.axes_.T
    a, b = V.min(axis=0), V.max(axis=0)
    waves = [
        np.sin(np.pi / 2 + k * np.pi / (b[j] - a[j]) * (V[:, j] - a[j]))
        for j, k in zip(hasher.bit_axes_, hasher.bit_modes_)
    ]
    np.testing.assert_array_equal(hasher.transform(X), np.stack(waves, axis=1) > 0)


@pytest.mark.parametrize("k", [1, 2, 3])
def test_waves_are_laplacian_eigenvectors_of_a_line(k):
    # On an even grid the k-th eigenvector of the path graph is the k-th wave.
    n = 200
    degree = np.r_[1, np.full(n - 2, 2), 1]
    laplacian = np.diag(degree) - np.eye(n, k=1) - np.eye(n, k=-1)
    vector = np.linalg.eigh(laplacian)[1][:, k]
    X = np.c_[np.linspace(0, 1, n), np.zeros(n)]
    hasher = SpectralHasher(n_bits=3, normalize=False, random_state=0).fit(X)
    # The second axis has no length: all bits are waves along the first one.
    bits = hasher.transform(X)[:, k - 1].astype(bool)
    agreement = np.mean(bits == (vector > 0))
    assert max(agreement, 1 - agreement) > 0.98
