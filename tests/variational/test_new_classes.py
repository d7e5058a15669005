"""Test new classes: stored codes stay valid."""

import pickle

import numpy as np
import pytest
import torch
from sklearn.datasets import make_blobs

from skhash import HammingNearestNeighbors, SSBVAEHasher, io
from skhash.variational._new_classes import (
    MOST_ANCHORS,
    NewClasses,
    draw_anchors,
    draw_codewords,
)


@pytest.fixture(scope="module")
def samples():
    """Return samples of four old classes and of two new ones, 1 and 4."""
    X, y = make_blobs(900, 30, centers=6, cluster_std=3.0, random_state=0)
    return X.astype(np.float32), y


NEW = (1, 4)


@pytest.fixture(scope="module")
def fitted(samples):
    X, y = samples
    old = ~np.isin(y, NEW)
    return SSBVAEHasher(24, max_epochs=5, random_state=0).fit(X[old], y[old])


@pytest.fixture
def hasher(fitted):
    return pickle.loads(pickle.dumps(fitted))


def test_stored_codes_stay_and_new_classes_are_found(samples, hasher):
    X, y = samples
    is_new = np.isin(y, NEW)
    stored = hasher.transform(X[~is_new])
    learned, asked = (
        is_new & (np.arange(900) % 2 == 0),
        is_new & (np.arange(900) % 2 == 1),
    )
    before = torch.get_rng_state()
    hasher.partial_fit(X[learned], y[learned])
    assert torch.equal(torch.get_rng_state(), before)
    assert hasher.classes_.tolist() == list(range(6))
    assert (hasher.transform(X[~is_new]) == stored).mean() > 0.999
    codes = np.vstack([stored, hasher.transform(X[learned])])
    labels = np.concatenate([y[~is_new], y[learned]])
    index = HammingNearestNeighbors(20).fit(codes, labels)
    assert index.score(hasher.transform(X[asked]), y[asked]) > 0.85
    assert (hasher.predict(X[asked]) == y[asked]).mean() > 0.85
    assert (hasher.predict(X[~is_new]) == y[~is_new]).mean() > 0.9


def test_few_labels_and_a_second_time(samples, hasher):
    X, y = samples
    for new in NEW:
        rows = np.flatnonzero(y == new)
        partial = np.where(np.arange(len(rows)) < 15, new, -1)
        hasher.partial_fit(X[rows], partial)
        assert new in hasher.classes_
        assert (hasher.predict(X[rows]) == new).mean() > 0.8
    # Training goes on with all classes.
    hasher.partial_fit(X, y)
    assert hasher.predict_proba(X).shape == (900, 6)


def test_unlabeled_samples_help(samples, fitted):
    X, y = samples
    new = np.flatnonzero(np.isin(y, NEW))
    partial = np.where(np.arange(len(new)) < 12, y[new], -1)
    first, second = (pickle.loads(pickle.dumps(fitted)) for _ in range(2))
    first.partial_fit(X[new], partial)
    assert (first.predict(X[new]) == y[new]).mean() > 0.9
    # Without a pseudo-labeler they are not used.
    second.pseudo_labeler_ = None
    second.partial_fit(X[new], partial)
    assert second.classes_.tolist() == list(range(6))


def test_saved_and_loaded(samples, hasher, tmp_path):
    X, y = samples
    rows = np.isin(y, NEW)
    hasher.partial_fit(X[rows], y[rows])
    io.save(tmp_path / "hasher", hasher)
    loaded = io.load(tmp_path / "hasher")
    np.testing.assert_array_equal(loaded.transform(X), hasher.transform(X))


def test_new_classes_that_are_not_supported(samples, hasher):
    X, y = samples
    old = ~np.isin(y, NEW)
    alone = SSBVAEHasher(8, max_epochs=1, code_assigner=None).fit(X[old], y[old])
    with pytest.raises(ValueError, match="known from the start"):
        alone.partial_fit(X, y)
    before = hasher.transform(X)
    with pytest.raises(ValueError):
        hasher.partial_fit(X, np.array([f"c{i}" for i in y], dtype=object))
    np.testing.assert_array_equal(hasher.transform(X), before)


def test_places():
    places = NewClasses(np.array([0, 2, 5]), np.array([1, 2, 9]))
    assert places.classes.tolist() == [0, 1, 2, 5, 9]
    assert places.old.tolist() == [0, 2, 3]
    assert places.new.tolist() == [1, 4]
    wide = places.widened(np.array([[7.0, 8, 9]]), 1, -1)
    assert wide.tolist() == [[7, -1, 8, 9, -1]]


def test_codewords_are_distant():
    known = np.ones((1, 32), dtype=np.int8)
    drawn = draw_codewords(known, 8, np.random.RandomState(0))
    every = np.vstack([known, drawn])
    distances = (every[:, None] != every[None]).sum(axis=2)
    assert distances[~np.eye(9, dtype=bool)].min() >= 10


def test_anchors_are_a_sample():
    X = np.arange(3 * MOST_ANCHORS)[:, None]
    anchors = draw_anchors(None, X)
    assert anchors.shape == (MOST_ANCHORS, 1)
    assert len(np.unique(anchors)) == MOST_ANCHORS
    assert draw_anchors(X[:2], X[2:5]).ravel().tolist() == [0, 1, 2, 3, 4]
