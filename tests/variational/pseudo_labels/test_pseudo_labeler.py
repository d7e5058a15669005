"""Test pseudo-labels, neighbors and clusters of samples."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone

from skhash.utils._labels import check_partial_labels
from skhash.utils._scaling import GlobalStandardScaler, NormScaler
from skhash.variational import PseudoLabeler
from skhash.variational.pseudo_labels import _pseudo_labeler


@pytest.fixture
def labeled():
    return np.random.RandomState(1).permutation(300) < 60


def label(X, y, *, classes=None, clusters=None, scaler=None, **kwargs):
    labels = check_partial_labels(y, X.shape[0])
    options = {"n_neighbors": 5, "label_smoothing": 0.0} | kwargs
    return PseudoLabeler(**options).label(
        X,
        labels,
        scaler=scaler or NormScaler(X),
        classes=labels.classes if classes is None else classes,
        random_state=np.random.RandomState(0),
        clusters=clusters,
    )


@pytest.mark.parametrize("n_sample", [300, 150])
def test_all_samples_get_pseudo_labels(rows, topics, labeled, monkeypatch, n_sample):
    monkeypatch.setattr(_pseudo_labeler, "_MAX_SAMPLE", n_sample)
    monkeypatch.setattr("skhash.utils._rows.ROWS_PER_BLOCK", 40)
    found = label(rows, np.where(labeled, topics, -1))
    assert found.neighbors.shape == (300, 5)
    assert found.neighbors.dtype == np.int32
    assert not (found.neighbors == np.arange(300)[:, None]).any()
    assert len(np.unique(found.neighbors)) <= n_sample
    assert (topics[found.neighbors] == topics[:, None]).mean() > 0.9
    assert found.targets.dtype == found.confidence.dtype == np.float32
    assert_allclose(found.targets.sum(axis=1), 1, atol=1e-5)
    assert (found.targets.argmax(axis=1) == topics).mean() > 0.95
    assert_array_equal(
        found.targets[labeled], np.eye(3)[topics[labeled]].astype(np.float32)
    )
    assert (found.confidence[labeled] == 1).all()
    assert (found.confidence[~labeled] < 1).all()
    assert found.confidence.min() >= 0


def test_labeled_samples_come_first_into_the_sample(labeled, rows, topics, monkeypatch):
    """All neighbors are of the sample, which has all labeled samples."""
    monkeypatch.setattr(_pseudo_labeler, "_MAX_SAMPLE", 121)
    found = label(rows, np.where(labeled, topics, -1))
    among = np.unique(found.neighbors)
    assert len(among) <= 121
    assert labeled[among].mean() > 0.4


def test_without_labels(rows):
    found = label(rows, None)
    assert found.targets.shape == (300, 0)
    assert (found.confidence == 0).all()
    found = label(rows, None, classes=np.arange(3))
    assert found.targets.shape == (300, 3)
    assert (found.targets == 0).all()
    assert (found.confidence == 0).all()
    assert found.neighbors.shape == (300, 5)


def test_with_all_labels(rows, topics):
    found = label(rows, topics)
    assert_array_equal(found.targets, np.eye(3)[topics])
    assert (found.confidence == 1).all()


def test_several_labels_per_sample_are_not_inferred(rows, topics, labeled):
    sets = np.eye(3, dtype=int)[topics]
    sets[:, 0] = 1
    found = label(rows, np.where(labeled[:, None], sets, -1))
    assert_array_equal(found.confidence, labeled)
    assert_array_equal(found.targets[labeled], sets[labeled])
    assert (found.targets[~labeled] == 0).all()


@pytest.mark.parametrize("n_sample", [300, 150])
def test_smoothing_of_given_labels_alone(rows, topics, labeled, monkeypatch, n_sample):
    monkeypatch.setattr(_pseudo_labeler, "_MAX_SAMPLE", n_sample)
    y = np.where(labeled, topics, -1)
    plain, smooth = (label(rows, y, label_smoothing=s) for s in (0.0, 0.3))
    expected = 0.7 * np.eye(3)[topics[labeled]] + 0.1
    assert_allclose(smooth.targets[labeled], expected, rtol=1e-5)
    assert_array_equal(smooth.targets[~labeled], plain.targets[~labeled])
    assert (smooth.confidence[labeled] == 1).all()


def test_classes_that_no_sample_has(rows, topics, labeled):
    found = label(rows, np.where(labeled, topics, -1), classes=np.arange(-2, 4))
    assert found.targets.shape == (300, 6)
    assert_array_equal(found.targets[labeled][:, 2:5], np.eye(3)[topics[labeled]])


def test_clusters_of_an_earlier_call_are_kept(rows):
    first = label(rows, None).clusters
    assert label(rows, None, clusters=first).clusters is first
    again = label(rows, None).clusters
    assert again is not first
    assert_array_equal(again.weights, first.weights)


def test_signed_rows(signed, labeled):
    X, classes = signed
    found = label(X, np.where(labeled, classes, -1), scaler=GlobalStandardScaler(X))
    assert (found.targets.argmax(axis=1) == classes).mean() > 0.95
    assert (classes[found.neighbors] == classes[:, None]).mean() > 0.9


@pytest.mark.parametrize("n_samples", [2, 3, 4])
def test_no_more_neighbors_than_other_samples(rows, n_samples):
    found = label(rows[:n_samples], None)
    others = [np.setdiff1d(range(n_samples), [i]) for i in range(n_samples)]
    assert_array_equal(np.sort(found.neighbors, axis=1), others)


def test_label_changes_neither_labeler_nor_data(rows, topics, labeled):
    y = np.where(labeled, topics, -1)
    labels = check_partial_labels(y, 300)
    X, labeler = rows.copy(), PseudoLabeler()
    labeler.label(
        X,
        labels,
        scaler=NormScaler(X),
        classes=labels.classes,
        random_state=np.random.RandomState(0),
    )
    assert vars(labeler) == labeler.get_params()
    assert (rows != X).nnz == 0
    assert_array_equal(labels.targets(), check_partial_labels(y, 300).targets())
    assert clone(labeler).get_params() == labeler.get_params()
