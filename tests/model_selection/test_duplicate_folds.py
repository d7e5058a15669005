"""Check that duplicates stay in one fold, and that folds are balanced."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_score

from skhash import SimHasher
from skhash.duplicates import DuplicateDetector
from skhash.model_selection import DuplicateGroupKFold


@settings(deadline=None, max_examples=40)
@given(
    seed=st.integers(0, 2**32 - 1),
    n_samples=st.integers(2, 80),
    n_bits=st.integers(4, 24),
    radius=st.integers(0, 3),
    n_splits=st.integers(2, 5),
)
def test_no_pair_within_the_radius_is_split(seed, n_samples, n_bits, radius, n_splits):
    codes = np.random.RandomState(seed).randint(2, size=(n_samples, n_bits))
    near = (codes[:, None] != codes[None]).sum(axis=2) <= radius
    sizes = np.bincount(DuplicateDetector(radius).fit_predict(codes))
    splitter = DuplicateGroupKFold(n_splits, radius=radius)
    if len(sizes) < n_splits:
        with pytest.raises(ValueError, match=f"{len(sizes)} at radius={radius}"):
            next(splitter.split(codes))
        return
    folds = [test for _, test in splitter.split(codes)]
    assert sorted(np.concatenate(folds)) == list(range(n_samples))
    for train, test in splitter.split(codes):
        assert not near[np.ix_(train, test)].any()
    lengths = [len(fold) for fold in folds]
    assert max(lengths) - min(lengths) <= sizes.max()


def test_codes_and_hasher():
    rng = np.random.RandomState(0)
    X = rng.normal(size=(40, 20))
    X = np.concatenate([X, X * 2])
    hasher = SimHasher(32)
    by_hasher = DuplicateGroupKFold(4, radius=0, hasher=hasher)
    by_codes = DuplicateGroupKFold(4, radius=0, codes=hasher.transform(X))
    for (train, test), (_, other) in zip(by_hasher.split(X), by_codes.split(X)):
        assert test.tolist() == other.tolist()
        assert len(test) == 20
        assert not set(train % 40) & set(test % 40)
    y = np.tile(X[:40, 0] > 0, 2)
    scores = cross_val_score(LogisticRegression(), X, y, cv=by_hasher)
    assert scores.shape == (4,)


def test_groups_are_kept_together_too():
    codes = np.eye(12)
    groups = np.arange(12) // 3
    for train, test in DuplicateGroupKFold(2, radius=0).split(codes, groups=groups):
        assert not set(groups[train]) & set(groups[test])


def test_stratified_folds():
    rng = np.random.RandomState(0)
    codes = np.repeat(rng.randint(2, size=(60, 20)), 2, axis=0)
    y = np.repeat(np.arange(60) % 3, 2)
    splitter = DuplicateGroupKFold(4, radius=0, stratify=True)
    for _, test in splitter.split(codes, y):
        assert np.bincount(y[test]).tolist() == [10, 10, 10]
    with pytest.raises(ValueError, match="y must be given"):
        next(splitter.split(codes))


def test_invalid_parameters():
    codes = np.eye(4)
    with pytest.raises(ValueError, match="at least 2"):
        next(DuplicateGroupKFold(1).split(codes))
    with pytest.raises(TypeError, match="n_splits"):
        next(DuplicateGroupKFold(2.0).split(codes))
    with pytest.raises(ValueError, match="not both"):
        next(DuplicateGroupKFold(2, hasher=SimHasher(), codes=codes).split(codes))
    with pytest.raises(ValueError, match="inconsistent"):
        next(DuplicateGroupKFold(2, codes=codes).split(codes[:3]))
    assert DuplicateGroupKFold(3).get_n_splits() == 3
