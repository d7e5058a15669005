"""Test the base class by a subclass that only learns and encodes."""

import numpy as np
import pytest
import scipy.sparse as sp
from numpy.testing import assert_array_equal
from sklearn.base import clone
from sklearn.utils import get_tags

from skhash._base import BaseHasher
from skhash.metrics import average_precision_at_k_score
from skhash.model_selection import make_retrieval_scorer


class SignHasher(BaseHasher):
    """The signs of the first features; records what it is given."""

    def __init__(self, n_bits=3, *, output="bits"):
        self.n_bits = n_bits
        self.output = output

    def _fit(self, X, y):
        self.seen_ = X, y
        self.blocks_ = []

    def _decision_values(self, X):
        self.blocks_.append(X.shape[0])
        X = X.toarray() if sp.issparse(X) else X
        return X[:, : self.n_bits]


@pytest.fixture
def X():
    return np.random.default_rng(0).normal(size=(10, 5))


def test_abstract_methods():
    class Incomplete(BaseHasher):
        def _fit(self, X, y):
            pass

    with pytest.raises(TypeError, match="_decision_values"):
        Incomplete()


def test_fit_passes_validated_samples_and_raw_labels(X):
    y = ["a"] * 10
    hasher = SignHasher()
    assert hasher.fit(sp.csc_array(X), y) is hasher
    rows, labels = hasher.seen_
    assert rows.format == "csr"
    assert labels is y
    assert hasher.n_features_in_ == 5
    rows, _ = hasher.fit(X.tolist()).seen_
    assert isinstance(rows, np.ndarray)
    assert rows.dtype == np.float64


def test_single_precision_is_kept(X):
    assert SignHasher().fit(X.astype(np.float32)).seen_[0].dtype == np.float32
    assert SignHasher().fit((9 * X).astype(np.int64)).seen_[0].dtype == np.float64


def test_transform_in_blocks(X, monkeypatch):
    monkeypatch.setattr("skhash.utils._rows.ROWS_PER_BLOCK", 4)
    hasher = SignHasher().fit(X)
    bits = hasher.transform(X)
    assert hasher.blocks_ == [4, 4, 2]
    assert bits.dtype == np.uint8
    assert bits.flags.c_contiguous
    assert_array_equal(bits, X[:, :3] > 0)


def test_packed(X):
    hasher = SignHasher(5, output="packed").fit(X)
    assert_array_equal(hasher.transform(X), np.packbits(X > 0, axis=1))
    assert hasher.get_feature_names_out().tolist() == ["signhasher0"]


def test_output_can_be_set_after_fit(X):
    hasher = SignHasher().fit(X)
    bits = hasher.transform(X)
    hasher.set_params(output="packed")
    assert_array_equal(hasher.transform(X), np.packbits(bits, axis=1))


def test_score_is_mean_average_precision_of_the_whole_list(monkeypatch):
    """Of more samples than any default cut-off, and in blocks."""
    monkeypatch.setattr("skhash.utils._rows.ROWS_PER_BLOCK", 64)
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(400, 5)), rng.integers(-1, 2, 400)
    hasher = SignHasher().fit(X)
    labeled = y != -1
    expected = average_precision_at_k_score(
        (X[labeled, :3] > 0).astype(np.uint8), y[labeled], k=None
    )
    assert hasher.score(X, y) == pytest.approx(expected, rel=1e-12)
    assert make_retrieval_scorer()(hasher, X, y) == pytest.approx(expected, rel=1e-12)
    packed = clone(hasher).set_params(output="packed").fit(X)
    assert packed.score(X, y) == pytest.approx(expected, rel=1e-12)


def test_score_with_several_labels_per_sample(X):
    y = (X[:, :2] > 0).astype(int)
    y[0] = -1
    y[1] = [1, 1]
    hasher = SignHasher().fit(X)
    expected = average_precision_at_k_score(
        (X[1:, :3] > 0).astype(np.uint8), y[1:], k=None
    )
    assert hasher.score(X, y) == pytest.approx(expected)


@pytest.mark.parametrize("form", [np.asarray, sp.csr_array, np.ndarray.tolist])
def test_score_of_any_form_of_samples(X, form):
    y = [0, 1] * 5
    hasher = SignHasher().fit(X)
    assert hasher.score(form(X), y) == hasher.score(X, y)


def test_score_of_string_labels(X):
    y = np.array(["a", "b", -1, "b", "a"] * 2, dtype=object)
    numbers = np.array([0, 1, -1, 1, 0] * 2)
    hasher = SignHasher().fit(X)
    assert hasher.score(X, y) == hasher.score(X, numbers)


def test_score_without_labels(X):
    with pytest.raises(ValueError, match=r"no labeled row.*SemiSupervisedKFold"):
        SignHasher().fit(X).score(X, [-1] * 10)


def test_tags():
    tags = get_tags(SignHasher())
    assert tags.input_tags.sparse
    assert not tags.target_tags.required
    assert tags.transformer_tags.preserves_dtype == []


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, MemoryError])
def test_error_in_fit_leaves_the_hasher_as_it_was(X, error):
    class Failing(SignHasher):
        def _fit(self, X, y):
            super()._fit(X, y)
            if y is None:
                raise error

    hasher = Failing()
    with pytest.raises(error):
        hasher.fit(X)
    assert vars(hasher) == hasher.get_params()
    hasher.fit(X, [0] * 10)
    before = dict(vars(hasher))
    with pytest.raises(error):
        hasher.fit(np.hstack([X, X]))
    assert vars(hasher) == before
    assert hasher.n_features_in_ == 5
    assert_array_equal(hasher.transform(X), X[:, :3] > 0)


def test_values_stored_in_parts_are_added(X):
    X = np.abs(X)
    parts = sp.csr_matrix(
        (
            np.repeat(X.ravel() / 2, 2),
            np.repeat([*range(5)] * 10, 2),
            range(0, 101, 10),
        ),
        shape=X.shape,
    )
    samples, _ = SignHasher().fit(parts).seen_
    assert samples.has_canonical_format
    assert_array_equal(samples.toarray(), X)
    assert parts.nnz == 100
