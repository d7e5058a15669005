"""Check that DuplicateDetector is exact, and independent of the order of calls."""

import tracemalloc

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_array_equal
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GroupKFold
from sklearn.pipeline import make_pipeline

from skhash import DuplicateDetector, SimHasher

LINKAGES = ["single", "star"]


@pytest.fixture(scope="module")
def bits():
    """Return 200 codes of 20 bits, half of them copies with up to 2 changed bits."""
    rng = np.random.RandomState(0)
    originals = rng.randint(2, size=(100, 20))
    copies = originals[rng.randint(100, size=100)].copy()
    copies[np.arange(100), rng.randint(20, size=100)] ^= 1
    copies[::2] = originals[::2]
    return np.concatenate([originals, copies]).astype(np.uint8)


def same(a, b):
    assert_array_equal(a.labels_, b.labels_)
    assert_array_equal(a.representatives_, b.representatives_)
    for one, other in zip(a.pairs_, b.pairs_):
        assert_array_equal(one, other)


@pytest.mark.parametrize("linkage", LINKAGES)
def test_forms_give_the_same(bits, linkage):
    detector = DuplicateDetector(2, linkage=linkage).fit(bits)
    packed = clone(detector).set_params(packed=True, n_bits=20)
    same(packed.fit(np.packbits(bits, axis=1)), detector)
    same(clone(detector).set_params(n_jobs=2).fit(bits.astype(bool)), detector)
    assert detector.n_bits_ == 20
    assert detector.keep_.sum() == len(detector.representatives_)
    assert_array_equal(
        np.flatnonzero(detector.keep_), np.sort(detector.representatives_)
    )


def test_memory_is_a_copy_of_the_codes_and_the_results():
    n = 200_000
    codes = np.random.RandomState(0).randint(256, size=(n, 8)).astype(np.uint8)
    detector = DuplicateDetector(2, packed=True).fit(codes[:1000])
    tracemalloc.start()
    try:
        detector.fit(codes)
        kept, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    # The codes 8 bytes per sample, labels_ 8, and a mask.
    assert kept < 17.5 * n
    assert most < 22 * n


def test_single_linkage_splits_no_pair(bits):
    labels = DuplicateDetector(2).fit_predict(bits)
    near = (bits[:, None] != bits[None]).sum(axis=2) <= 2
    assert (labels[:, None] == labels[None])[near].all()


def test_star_linkage_is_within_the_radius(bits):
    detector = DuplicateDetector(2, linkage="star").fit(bits)
    centers = detector.representatives_[detector.labels_]
    assert (bits != bits[centers]).sum(axis=1).max() <= 2


def test_chain():
    chain = np.tri(6, 5, -1)
    assert DuplicateDetector(1).fit_predict(chain).tolist() == [0] * 6
    stars = DuplicateDetector(1, linkage="star").fit_predict(chain)
    assert stars.tolist() == [0, 0, 1, 1, 2, 2]


@pytest.mark.parametrize("linkage", LINKAGES)
def test_weights_choose_representatives(bits, linkage):
    weights = np.zeros(200)
    weights[150:] = -1.0
    weights[[160, 120]] = 5.0
    detector = DuplicateDetector(2, linkage=linkage).fit(bits, sample_weight=weights)
    kept = set(detector.representatives_.tolist())
    assert 160 in kept
    for group, row in enumerate(detector.representatives_):
        assert detector.labels_[row] == group
        if linkage == "single":
            members = np.flatnonzero(detector.labels_ == group)
            assert weights[row] == weights[members].max()


@pytest.mark.parametrize("linkage", LINKAGES)
@pytest.mark.parametrize("weighted", [False, True])
def test_partial_fit_is_a_fit_to_all(bits, linkage, weighted):
    weights = (
        np.random.RandomState(0).randint(3, size=200) if weighted else [None] * 200
    )
    parts = [slice(0, 70), slice(70, 71), slice(71, 200)]
    one = DuplicateDetector(2, linkage=linkage)
    for part in parts:
        one.partial_fit(bits[part], sample_weight=weights[part] if weighted else None)
    all_ = clone(one).fit(bits, sample_weight=weights if weighted else None)
    same(one, all_)
    assert one.new_pairs_.j.min() >= 71
    assert len(one.new_pairs_.j) == (all_.pairs_.j >= 71).sum()
    assert len(all_.new_pairs_.j) == len(all_.pairs_.j)


def test_partial_fit_of_known_codes_only(bits):
    detector = DuplicateDetector(2).fit(bits)
    before = len(detector.representatives_)
    detector.partial_fit(bits[:5])
    assert len(detector.representatives_) == before
    assert detector.new_pairs_.j.tolist() == [200, 201, 202, 203, 204]
    assert detector.new_pairs_.distance.tolist() == [0] * 5


def test_failed_partial_fit_changes_nothing(bits):
    detector = DuplicateDetector(2, n_keep=150).fit(bits)
    again = clone(detector).fit(bits)
    far = np.random.RandomState(9).randint(2, size=(180, 20))
    with pytest.raises(ValueError, match="n_keep"):
        detector.partial_fit(far)
    same(detector, again)
    detector.partial_fit(bits[:3])
    assert detector._index.n_samples_fit_ == len(np.unique(bits, axis=0))


@pytest.mark.parametrize("linkage", LINKAGES)
def test_set_radius(bits, linkage):
    detector = DuplicateDetector(4, linkage=linkage).fit(bits)
    for radius in (1, 0, 4, 2):
        detector.set_radius(radius)
        same(detector, clone(detector).set_params(radius=radius).fit(bits))
    with pytest.raises(ValueError, match="at most 4"):
        detector.set_radius(5)
    with pytest.raises(TypeError):
        detector.set_radius(1.5)
    assert detector.radius_ == 2


@pytest.mark.parametrize("linkage", LINKAGES)
@pytest.mark.parametrize("n_keep", [110, 150, 200])
def test_number_to_keep(bits, linkage, n_keep):
    detector = DuplicateDetector(4, linkage=linkage, n_keep=n_keep).fit(bits)
    assert len(detector.representatives_) == detector.keep_.sum() == n_keep
    assert detector.labels_.max() == n_keep - 1


def test_many_copies_are_linear(bits):
    copies = np.concatenate([bits, np.tile(bits[:1], (5000, 1))])
    detector = DuplicateDetector(2).fit(copies)
    assert len(detector.pairs_.i) <= len(DuplicateDetector(2).fit(bits).pairs_.i) + 5000
    assert len(np.unique(detector.labels_[200:])) == 1


def test_groups_of_a_splitter(bits):
    groups = DuplicateDetector(2).fit_predict(bits)
    for train, test in GroupKFold(3).split(bits, groups=groups):
        assert not set(groups[train]) & set(groups[test])


def test_in_a_pipeline():
    X = np.random.RandomState(0).uniform(-1, 1, size=(20, 30))
    X = np.concatenate([X, X + 1e-3])
    labels = make_pipeline(SimHasher(64), DuplicateDetector(6)).fit_predict(X)
    assert_array_equal(labels[:20], labels[20:])
    assert len(np.unique(labels)) == 20


def test_names_of_columns(bits):
    frame = pd.DataFrame(bits).add_prefix("bit")
    detector = DuplicateDetector(2).fit(frame)
    assert detector.feature_names_in_.tolist() == frame.columns.tolist()
    with pytest.raises(ValueError, match="feature names"):
        detector.partial_fit(frame.iloc[:, ::-1])


def test_invalid_input(bits):
    for arguments in ({"radius": 20}, {"radius": -1}, {"linkage": "complete"}):
        with pytest.raises(ValueError, match=next(iter(arguments))):
            DuplicateDetector(**arguments).fit(bits)
    with pytest.raises(ValueError, match="at most the number of samples, 200"):
        DuplicateDetector(n_keep=201).fit(bits)
    with pytest.raises(ValueError, match="minimum of 1"):
        DuplicateDetector().fit(bits[:0])
    with pytest.raises(ValueError, match="0 or 1"):
        DuplicateDetector().fit(bits * 2)
    with pytest.raises(ValueError, match=r"sample_weight .*got \(3,\)"):
        DuplicateDetector().fit(bits, sample_weight=[1, 2, 3])
    with pytest.raises(ValueError, match="finite"):
        DuplicateDetector().fit(bits, sample_weight=np.full(200, np.nan))
    detector = DuplicateDetector(2).fit(bits)
    with pytest.raises(ValueError, match="expecting 20 features"):
        detector.partial_fit(bits[:, 1:])
    with pytest.raises(ValueError, match="exactly if it was to fit"):
        detector.partial_fit(bits, sample_weight=np.ones(200))


def test_unfitted():
    detector = DuplicateDetector()
    names = "labels_", "representatives_", "keep_", "pairs_", "new_pairs_"
    for name in names:
        assert not hasattr(detector, name)
    with pytest.raises(NotFittedError):
        detector.set_radius(1)
