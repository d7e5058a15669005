"""Test shallow hashers on degenerate samples, small integer types, and in threads."""

import threading
import warnings

import numpy as np
import pytest
import scipy.sparse as sp
from numpy.testing import assert_array_equal
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning, NotFittedError

from skhash import shallow

N_SAMPLES = 60
LABELS = np.arange(N_SAMPLES) % 3


def degenerate_samples():
    rng = np.random.default_rng(0)
    normal = rng.standard_normal
    shape = (N_SAMPLES, 12)
    repeated = np.repeat(normal((8, 12)), 8, axis=0)[:N_SAMPLES]
    binary = (rng.random(shape) < 0.5).astype(float)
    few = (rng.random((6, 30)) < 0.2).astype(float)[rng.integers(0, 6, N_SAMPLES)]
    constant = np.full((N_SAMPLES, 6), 0.3)
    return {
        "one feature": normal((N_SAMPLES, 1)),
        "rank 3": normal((N_SAMPLES, 3)) @ normal((3, 12)),
        "binary": binary,
        "binary, single precision": binary.astype(np.float32),
        "constant columns": np.hstack([constant, normal((N_SAMPLES, 6))]),
        "repeated": repeated,
        "repeated, tiny": repeated * 1e-300,
        "repeated, huge": repeated * 1e150,
        "counts": rng.poisson(0.5, shape).astype(float),
        "few distinct sparse": sp.csr_array(few),
        "all equal": np.full(shape, 0.1),
        "zeros": np.zeros(shape),
        "huge constant": np.hstack([normal((N_SAMPLES, 11)), 1e12 + constant[:, :1]]),
        "wide": (rng.random((N_SAMPLES, 9001)) < 0.5).astype(float),
    }


SAMPLES = degenerate_samples()
VARIANTS = {
    "AnchorGraphHasher": [{}, {"n_layers": 2}],
    "ITQHasher": [{}, {"normalize": False}, {"n_bits": 40}],
    "PCAHasher": [{}, {"n_bits": 1}],
    "RandomProjectionHasher": [{}, {"distribution": "sparse"}],
    "SpectralHasher": [{}, {"normalize": False}],
    "ClassifierHasher": [{}, {"pseudo_labels": "label_spreading"}],
}

# SimHasher learns nothing and has no random state.
LEARNERS = sorted({*shallow.__all__} - {"SimHasher"})


def hashers():
    for name in shallow.__all__:
        for arguments in VARIANTS.get(name, [{}]):
            hasher = getattr(shallow, name)(**{"n_bits": 8, **arguments})
            if "random_state" in hasher.get_params():
                hasher.set_params(random_state=0)
            yield pytest.param(hasher, id=repr(hasher))


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("samples", SAMPLES)
@pytest.mark.parametrize("hasher", list(hashers()))
def test_code_does_not_depend_on_other_samples(hasher, samples):
    X = SAMPLES[samples]
    one_bit_per_direction = (
        "IsotropicHasher",
        "PCAHasher",
        "SemiSupervisedHasher",
        "ThresholdHasher",
    )
    hasher = clone(hasher)
    if type(hasher).__name__ in one_bit_per_direction and X.shape[1] < hasher.n_bits:
        hasher.set_params(n_bits=X.shape[1])
    hasher.fit(X, LABELS)
    codes = hasher.transform(X)
    for i in range(0, N_SAMPLES, 4):
        assert_array_equal(hasher.transform(X[[i]])[0], codes[i])
    order = np.random.default_rng(1).permutation(N_SAMPLES)
    assert_array_equal(hasher.transform(X[order]), codes[order])
    for rows in (slice(3, 8), slice(10, 27), slice(5, N_SAMPLES)):
        assert_array_equal(hasher.transform(X[rows]), codes[rows])


def clusters(n_samples=150):
    rng = np.random.default_rng(0)
    y = np.arange(n_samples) % 3
    return 2 * rng.standard_normal((3, 20))[y] + rng.standard_normal((n_samples, 20)), y


def integer_parameters(hasher):
    for name, value in hasher.get_params().items():
        known = isinstance(value, int) and not isinstance(value, bool)
        if known and name != "random_state":
            yield name, min(value, 120)


@pytest.mark.parametrize("dtype", [np.int8, np.uint8, np.int64])
@pytest.mark.parametrize("name", shallow.__all__)
def test_parameters_of_small_integer_types(name, dtype):
    X, y = clusters()
    n_bits = 20 if name in ("PCAHasher", "IsotropicHasher", "ThresholdHasher") else 50
    if name == "SemiSupervisedHasher":
        n_bits = 20
    if name in ("RandomProjectionHasher", "ITQHasher", "ClassifierHasher"):
        n_bits = 120 if dtype == np.int8 else 250
    numbers = dict(integer_parameters(getattr(shallow, name)())) | {"n_bits": n_bits}
    fitted = []
    for cast in (int, dtype):
        hasher = getattr(shallow, name)()
        arguments = {key: cast(value) for key, value in numbers.items()}
        hasher.set_params(output="packed", **arguments)
        if "random_state" in hasher.get_params():
            hasher.set_params(random_state=0)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            fitted.append(hasher.fit(X, y))
        for key, value in arguments.items():
            assert getattr(hasher, key) is value
    expected, found = (hasher.transform(X) for hasher in fitted)
    assert found.shape == (len(X), -(-n_bits // 8))
    assert_array_equal(found, expected)
    assert len(fitted[1].get_feature_names_out()) == found.shape[1]


@pytest.mark.parametrize("name", LEARNERS)
def test_number_of_bits_set_after_fit(name):
    X, y = clusters()
    hasher = getattr(shallow, name)(n_bits=8).fit(X, y)
    codes = hasher.transform(X)
    hasher.set_params(n_bits=4)
    for call in (lambda: hasher.transform(X), lambda: hasher.score(X, y)):
        with pytest.raises(ValueError, match=r"n_bits was set to 4 .* learned 8 bits"):
            call()
    assert_array_equal(hasher.set_params(n_bits=8).transform(X), codes)


@pytest.mark.parametrize("name", LEARNERS)
def test_parameters_set_after_fit(name):
    """They are refused, or the codes stay those of fit."""
    X, y = clusters()
    hasher = getattr(shallow, name)(n_bits=8).fit(X, y)
    codes, params = hasher.transform(X), hasher.get_params()
    for key, constraints in hasher._parameter_constraints.items():
        if "boolean" not in constraints:
            continue
        hasher.set_params(**{key: not params[key]})
        for call in (lambda: hasher.transform(X), lambda: hasher.score(X, y)):
            with pytest.raises(ValueError, match=f"{key} was set to {not params[key]}"):
                call()
        hasher.set_params(**{key: params[key]})
        assert_array_equal(hasher.transform(X), codes)


@pytest.mark.parametrize("name", LEARNERS)
def test_unfitted_hasher_has_no_names_of_columns(name):
    with pytest.raises(NotFittedError):
        getattr(shallow, name)().get_feature_names_out()


def test_only_a_classifier_predicts():
    for name in shallow.__all__:
        predicts = name == "ClassifierHasher"
        for method in ("predict", "predict_proba"):
            assert hasattr(getattr(shallow, name)(), method) == predicts


@pytest.mark.parametrize("name", shallow.__all__)
def test_failed_fit_leaves_the_hasher_unchanged(name):
    X, y = clusters()
    hasher = getattr(shallow, name)(n_bits=8).fit(X, y)
    codes, before = hasher.transform(X), vars(hasher)
    arrays = {k: v.copy() for k, v in before.items() if isinstance(v, np.ndarray)}

    class Failing(type(hasher)):
        def _fit(self, X, y):
            super()._fit(X, y)
            raise MemoryError

    with pytest.raises(ValueError, match="NaN"):
        hasher.fit(np.full((30, 5), np.nan), y[:30])
    failing = object.__new__(Failing)
    failing.__dict__ = before
    with pytest.raises(MemoryError):
        failing.fit(-X[:, :10], y)
    assert_array_equal(failing.transform(X), codes)
    assert_array_equal(hasher.transform(X), codes)
    # Nor does a successful fit change the old arrays in place.
    hasher.fit(-X, y)
    for key, value in arrays.items():
        assert_array_equal(before[key], value)


@pytest.mark.parametrize("name", shallow.__all__)
def test_fits_in_threads_give_the_same_codes(name):
    X, y = clusters()

    def codes(seed):
        hasher = getattr(shallow, name)(n_bits=8)
        if "random_state" in hasher.get_params():
            hasher.set_params(random_state=seed)
        return hasher.fit(X, y).transform(X)

    expected = [codes(seed) for seed in range(4)]
    found = [None] * 4

    def work(seed):
        found[seed] = codes(seed)

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert_array_equal(found, expected)


@pytest.mark.filterwarnings("error::RuntimeWarning")
@pytest.mark.parametrize("form", [np.array, sp.csr_array])
@pytest.mark.parametrize("exponent", [-1000, -400, 400, 1000])
@pytest.mark.parametrize("name", sorted({*LEARNERS} - {"ThresholdHasher"}))
def test_samples_of_any_magnitude(name, exponent, form):
    X, y = clusters()
    hasher = getattr(shallow, name)(n_bits=8, random_state=0)
    expected = clone(hasher).fit(form(X), y).transform(form(X))
    scaled = form(np.ldexp(X, exponent))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        codes = hasher.fit(scaled, y).transform(scaled)
    assert np.mean(codes == expected) > 0.999
