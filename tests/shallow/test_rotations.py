"""Test ITQ and isotropic hashing against the properties stated in their papers."""

import numpy as np
import pytest
import scipy.sparse as sp
from sklearn.exceptions import ConvergenceWarning

from skhash.shallow import IsotropicHasher, ITQHasher
from skhash.utils._linalg import learn_rotation


@pytest.fixture
def X():
    rng = np.random.RandomState(0)
    return rng.standard_normal((300, 12)) * np.linspace(5, 0.5, 12) + 3


@pytest.mark.parametrize("n_bits", [8, 12, 20], ids="{} bits".format)
def test_itq_quantization_loss_never_rises(X, n_bits):
    losses = ITQHasher(n_bits, random_state=0).fit(X).quantization_loss_
    assert losses[-1] < losses[0]
    assert np.all(np.diff(losses) <= 1e-12)


def test_itq_loss_is_that_of_the_definition(X):
    V = X - X.mean(axis=0)
    V *= np.sqrt(V.shape[1]) / np.sqrt((V**2).sum(axis=1).mean())
    rotation, losses = learn_rotation(V, 12, 30, random_state=np.random.RandomState(0))
    # The last loss belongs to the signs before the last rotation, which are as good
    # as final once converged.
    loss = np.mean((np.sign(V @ rotation) - V @ rotation) ** 2)
    assert loss <= losses[-1] + 1e-12
    assert loss == pytest.approx(losses[-1], rel=1e-2)


@pytest.mark.parametrize("n_bits", [8, 20], ids="{} bits".format)
def test_itq_rotation_has_orthonormal_rows(X, n_bits):
    rotation = ITQHasher(n_bits, random_state=0).fit(X).rotation_
    assert rotation.shape == (min(n_bits, 12), n_bits)
    np.testing.assert_allclose(rotation @ rotation.T, np.eye(len(rotation)), atol=1e-12)


def test_itq_finds_the_corners_of_a_rotated_cube():
    rng = np.random.RandomState(0)
    corners = rng.choice([-1.0, 1.0], size=(500, 4))
    turn = np.linalg.qr(rng.standard_normal((4, 4)))[0]
    X = corners @ turn + 0.05 * rng.standard_normal((500, 4))
    # The alternation finds a local optimum, as the paper says.
    hashers = [ITQHasher(4, random_state=seed).fit(X) for seed in range(8)]
    hasher = min(hashers, key=lambda hasher: hasher.quantization_loss_[-1])
    assert hasher.quantization_loss_[-1] < 0.02
    agreement = np.abs(corners.T @ (2.0 * hasher.transform(X) - 1)) / 500
    np.testing.assert_allclose(np.sort(agreement, axis=0)[-1], 1)


def test_itq_without_unit_length_is_one_linear_map(X):
    hasher = ITQHasher(8, normalize=False, random_state=0).fit(X)
    directions = hasher.components_.T @ hasher.rotation_
    expected = (X - X.mean(axis=0)) @ directions > 0
    np.testing.assert_array_equal(hasher.transform(X), expected)


@pytest.mark.parametrize("sparse", [False, True])
def test_isotropic_variances_are_equal(X, sparse):
    rows = sp.csr_array(X) if sparse else X
    hasher = IsotropicHasher(8, random_state=0).fit(rows)
    projections = X @ hasher.components_.T
    variances = projections.var(axis=0)
    np.testing.assert_allclose(variances, variances.mean(), rtol=1e-5)
    np.testing.assert_allclose(projections.mean(axis=0), hasher.thresholds_)
    np.testing.assert_allclose(
        hasher.components_ @ hasher.components_.T, np.eye(8), atol=1e-10
    )


def test_isotropic_warns_if_it_has_not_converged(X):
    with pytest.warns(ConvergenceWarning, match="after max_iter=3 alternations"):
        hasher = IsotropicHasher(8, max_iter=3, random_state=0).fit(X)
    assert hasher.n_iter_ == 3


@pytest.mark.filterwarnings("error::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("Hasher", [IsotropicHasher, ITQHasher])
def test_no_warning_on_ordinary_samples(X, Hasher):
    assert Hasher(8, random_state=0).fit(X).n_iter_ < 1000
