"""What the teacher says of unlabeled rows, and how sure it is."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from skhash.variational.nn._batches import GlobalStandardScaler, NormScaler
from skhash.variational.pseudo_labels._graph import (
    LatentSpace,
    NeighborhoodGraph,
    index_rows,
    nearest_rows,
)
from skhash.variational.pseudo_labels._posteriors import (
    ClassPosteriorEstimator,
    _highest_loss,
)


def teacher_of(X):
    latent = LatentSpace(X, 20, np.random.RandomState(0)).transform(X)
    own = np.arange(len(latent))
    graph = NeighborhoodGraph(*nearest_rows(index_rows(latent), latent, own, 5))
    return ClassPosteriorEstimator(X, graph)


def infer(X, targets, labeled):
    given = np.where(labeled[:, None], targets, 0).astype(np.float32)
    return teacher_of(X).infer(given, labeled, np.random.RandomState(0))


def one_hot(classes):
    return np.eye(classes.max() + 1, dtype=np.float32)[classes]


@pytest.fixture(scope="module")
def labeled():
    known = np.zeros(300, dtype=bool)
    known[np.random.RandomState(1).permutation(300)[:30]] = True
    return known


@pytest.fixture(scope="module")
def scaled(small_rows):
    return NormScaler().scale(small_rows[0])


@pytest.fixture(scope="module")
def dense():
    """Return standardized rows of three Gaussian classes, and the classes."""
    rng = np.random.default_rng(0)
    classes = rng.integers(3, size=300)
    X = rng.normal(size=(300, 8)) + 4 * rng.normal(size=(3, 8))[classes]
    return GlobalStandardScaler(X).scale(X), classes


def check_beliefs(beliefs, trust, classes, labeled):
    assert beliefs.dtype == trust.dtype == np.float32
    assert beliefs.min() >= 0
    assert_allclose(beliefs.sum(axis=1), 1, atol=1e-5)
    assert_array_equal(beliefs[labeled], one_hot(classes)[labeled])
    assert trust.min() >= 0
    assert trust.max() <= 1
    assert (trust[labeled] == 1).all()
    right = beliefs[~labeled].argmax(axis=1) == classes[~labeled]
    assert right.mean() > 0.9
    assert trust[~labeled].mean() > 0.5


def test_beliefs_about_texts(small_rows, scaled, labeled):
    topics = small_rows[1]
    check_beliefs(*infer(scaled, one_hot(topics), labeled), topics, labeled)


def test_beliefs_about_dense_rows(dense, labeled):
    X, classes = dense
    check_beliefs(*infer(X, one_hot(classes), labeled), classes, labeled)


def test_random_labels_are_not_believed(scaled, labeled, small_rows):
    random = np.random.RandomState(2).randint(3, size=300)
    _, trust = infer(scaled, one_hot(random), labeled)
    _, trust_in_topics = infer(scaled, one_hot(small_rows[1]), labeled)
    assert trust[~labeled].mean() < 0.2
    assert trust[~labeled].mean() < trust_in_topics[~labeled].mean() / 2


def test_beliefs_about_further_rows(small_rows, scaled, labeled):
    """Rows that were not there are judged by words and neighbors' beliefs."""
    topics = small_rows[1]
    there = np.arange(300) < 240
    teacher = teacher_of(scaled[there])
    given = np.where(labeled[:, None], one_hot(topics), 0)[there]
    teacher.infer(given, labeled[there], np.random.RandomState(0))
    votes = np.full((60, 3), 1 / 3, dtype=np.float32)
    beliefs, trust = teacher.extend(scaled[~there], votes)
    assert_allclose(beliefs.sum(axis=1), 1, atol=1e-5)
    assert (beliefs.argmax(axis=1) == topics[~there]).mean() > 0.9
    assert trust.min() >= 0
    assert trust.max() <= 1


def test_fewer_labels_than_folds(small_rows, scaled):
    topics = small_rows[1]
    labeled = np.zeros(300, dtype=bool)
    labeled[[np.flatnonzero(topics == topic)[0] for topic in (0, 1)]] = True
    beliefs, trust = infer(scaled, one_hot(topics), labeled)
    assert_allclose(beliefs.sum(axis=1), 1, atol=1e-5)
    assert np.isfinite(trust).all()


def test_rows_of_zeros(small_rows, labeled):
    X = small_rows[0].tolil()
    X[:10] = 0
    X = NormScaler().scale(X.tocsr())
    beliefs, trust = infer(X, one_hot(small_rows[1]), labeled)
    assert np.isfinite(beliefs).all()
    assert np.isfinite(trust).all()


def test_many_labels_are_learned_from():
    """Where neighbors and Gaussians mislead, the labeled rows are heard."""
    rng = np.random.default_rng(1)
    X = rng.normal(size=(600, 30))
    classes = (X[:, 0] > 0).astype(int)  # no cluster tells of them
    X = GlobalStandardScaler(X).scale(X)
    labeled = np.arange(600) < 400
    teacher = teacher_of(X)
    given = np.where(labeled[:, None], one_hot(classes), 0).astype(np.float32)
    beliefs, _ = teacher.infer(given, labeled, np.random.RandomState(0))
    assert teacher.calibration[1] > 0
    right = beliefs[~labeled].argmax(axis=1) == classes[~labeled]
    assert right.mean() > 0.9


@pytest.mark.parametrize("n_rows", [20, 20_000])
def test_a_small_sample_asks_for_caution(n_rows):
    """Sure beliefs that are wrong now and then win in a large sample alone."""
    classes = np.arange(n_rows) % 20
    wrong = (classes + (classes == 0)) % 20  # one in twenty
    targets = np.eye(20)[classes]
    sure = 0.98 * np.eye(20)[wrong] + 0.001
    cautious = 0.7 * np.eye(20)[wrong] + 0.015
    prefers_sure = _highest_loss(sure, targets) < _highest_loss(cautious, targets)
    assert prefers_sure == (n_rows == 20_000)
