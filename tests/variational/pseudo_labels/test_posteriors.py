"""Test class posteriors of unlabeled samples, and their confidence."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from skhash.utils._scaling import GlobalStandardScaler, NormScaler
from skhash.variational.pseudo_labels._graph import (
    LatentNeighbors,
    LatentSpace,
    NeighborGraph,
)
from skhash.variational.pseudo_labels._posteriors import (
    ClassPosteriorEstimator,
    _loss_bound,
    infer_posteriors,
)


def estimator_for(X):
    latent = LatentSpace(X, 20, np.random.RandomState(0)).transform(X)
    search = LatentNeighbors(latent, 5)
    graph = NeighborGraph(*search.nearest(latent, np.arange(len(latent))))
    return ClassPosteriorEstimator(X, graph)


def infer(X, targets, labeled):
    given = np.where(labeled[:, None], targets, 0).astype(np.float32)
    return estimator_for(X).infer(given, labeled, np.random.RandomState(0))


def test_class_weights_change_the_prior_alone(dense, labeled):
    X, classes = dense
    estimator = estimator_for(X)
    given = np.where(labeled[:, None], one_hot(classes), 0).astype(np.float32)
    weights = np.array([1, 1, 0.1], dtype=np.float32)
    estimator.infer(given, labeled, np.random.RandomState(0), weights)
    counts = given.sum(axis=0) * weights + 1
    assert_allclose(estimator.prior, counts / counts.sum(), rtol=1e-6)
    estimator.infer(given, labeled, np.random.RandomState(0))
    counts = given.sum(axis=0) + 1
    assert_allclose(estimator.prior, counts / counts.sum(), rtol=1e-6)


def test_inferred_posteriors_find_the_classes(dense, labeled):
    X, classes = dense
    given = np.where(labeled[:, None], one_hot(classes), 0).astype(np.float32)
    posteriors = infer_posteriors(
        X,
        given,
        labeled,
        n_neighbors=5,
        class_weights=np.ones(3, dtype=np.float32),
        random_state=np.random.RandomState(0),
    )
    assert_array_equal(posteriors[labeled], given[labeled])
    assert (posteriors.argmax(axis=1) == classes).mean() > 0.9


def one_hot(classes):
    return np.eye(classes.max() + 1, dtype=np.float32)[classes]


@pytest.fixture(scope="module")
def labeled():
    known = np.zeros(300, dtype=bool)
    known[np.random.RandomState(1).permutation(300)[:30]] = True
    return known


@pytest.fixture(scope="module")
def scaled(small_rows):
    return NormScaler(small_rows[0]).scale(small_rows[0])


@pytest.fixture(scope="module")
def dense():
    """Return standardized rows of three Gaussian classes, and the classes."""
    rng = np.random.default_rng(0)
    classes = rng.integers(3, size=300)
    X = rng.normal(size=(300, 8)) + 4 * rng.normal(size=(3, 8))[classes]
    return GlobalStandardScaler(X).scale(X), classes


def check_posteriors(posteriors, confidence, classes, labeled):
    assert posteriors.dtype == confidence.dtype == np.float32
    assert posteriors.min() >= 0
    assert_allclose(posteriors.sum(axis=1), 1, atol=1e-5)
    assert_array_equal(posteriors[labeled], one_hot(classes)[labeled])
    assert confidence.min() >= 0
    assert confidence.max() <= 1
    assert (confidence[labeled] == 1).all()
    right = posteriors[~labeled].argmax(axis=1) == classes[~labeled]
    assert right.mean() > 0.9
    assert confidence[~labeled].mean() > 0.5


def test_posteriors_of_texts(small_rows, scaled, labeled):
    topics = small_rows[1]
    check_posteriors(*infer(scaled, one_hot(topics), labeled), topics, labeled)


def test_posteriors_of_dense_rows(dense, labeled):
    X, classes = dense
    check_posteriors(*infer(X, one_hot(classes), labeled), classes, labeled)


def test_random_labels_give_low_confidence(scaled, labeled, small_rows):
    random = np.random.RandomState(2).randint(3, size=300)
    _, confidence = infer(scaled, one_hot(random), labeled)
    _, confidence_in_topics = infer(scaled, one_hot(small_rows[1]), labeled)
    assert confidence[~labeled].mean() < 0.2
    assert confidence[~labeled].mean() < confidence_in_topics[~labeled].mean() / 2


def test_posteriors_of_further_rows(small_rows, scaled, labeled):
    """From their words and the votes of their neighbors."""
    topics = small_rows[1]
    inside = np.arange(300) < 240
    estimator = estimator_for(scaled[inside])
    given = np.where(labeled[:, None], one_hot(topics), 0)[inside]
    estimator.infer(given, labeled[inside], np.random.RandomState(0))
    votes = np.full((60, 3), 1 / 3, dtype=np.float32)
    posteriors, confidence = estimator.extend(scaled[~inside], votes)
    assert_allclose(posteriors.sum(axis=1), 1, atol=1e-5)
    assert (posteriors.argmax(axis=1) == topics[~inside]).mean() > 0.9
    assert confidence.min() >= 0
    assert confidence.max() <= 1


def test_fewer_labels_than_folds(small_rows, scaled):
    topics = small_rows[1]
    labeled = np.zeros(300, dtype=bool)
    labeled[[np.flatnonzero(topics == topic)[0] for topic in (0, 1)]] = True
    posteriors, confidence = infer(scaled, one_hot(topics), labeled)
    assert_allclose(posteriors.sum(axis=1), 1, atol=1e-5)
    assert np.isfinite(confidence).all()


def test_rows_of_zeros(small_rows, labeled):
    X = small_rows[0].tolil()
    X[:10] = 0
    X = X.tocsr()
    X = NormScaler(X).scale(X)
    posteriors, confidence = infer(X, one_hot(small_rows[1]), labeled)
    assert np.isfinite(posteriors).all()
    assert np.isfinite(confidence).all()


def test_ridge_regression_of_many_labels():
    """Where neighbors and Gaussians mislead, it has a weight."""
    rng = np.random.default_rng(1)
    X = rng.normal(size=(600, 30))
    classes = (X[:, 0] > 0).astype(int)  # independent of clusters
    X = GlobalStandardScaler(X).scale(X)
    labeled = np.arange(600) < 400
    estimator = estimator_for(X)
    given = np.where(labeled[:, None], one_hot(classes), 0).astype(np.float32)
    posteriors, _ = estimator.infer(given, labeled, np.random.RandomState(0))
    assert estimator.calibration.ridge_factors[0] > 0
    right = posteriors[~labeled].argmax(axis=1) == classes[~labeled]
    assert right.mean() > 0.9


@pytest.mark.parametrize("n_rows", [20, 20_000])
def test_small_samples_prefer_lower_confidence(n_rows):
    """Overconfident posteriors have a lower bound in a large sample only."""
    classes = np.arange(n_rows) % 20
    wrong = (classes + (classes == 0)) % 20  # one in twenty
    targets = np.eye(20)[classes]
    confident = 0.98 * np.eye(20)[wrong] + 0.001
    moderate = 0.7 * np.eye(20)[wrong] + 0.015
    prefers_confident = _loss_bound(confident, targets, 4.0) < _loss_bound(
        moderate, targets, 4.0
    )
    assert prefers_confident == (n_rows == 20_000)
