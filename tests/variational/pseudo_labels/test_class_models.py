"""Test the closed-form class models against those of scikit-learn."""

import numpy as np
import pytest
import scipy.sparse as sp
from numpy.testing import assert_allclose
from sklearn.naive_bayes import MultinomialNB

from skhash.utils._scaling import GlobalStandardScaler, NormScaler
from skhash.variational.pseudo_labels._class_models import (
    MultinomialClassModel,
    SharedCovarianceClassModel,
    class_model,
)


def one_hot(classes):
    return np.eye(3, dtype=np.float32)[classes]


@pytest.fixture
def gaussians():
    rng = np.random.default_rng(0)
    classes = rng.integers(3, size=300)
    X = rng.normal(size=(300, 6)) + 3 * rng.normal(size=(3, 6))[classes]
    return GlobalStandardScaler(X).scale(X), classes


def test_choice_of_the_model(rows, gaussians):
    assert isinstance(class_model(rows), MultinomialClassModel)
    assert isinstance(class_model(sp.csr_array(rows)), MultinomialClassModel)
    assert isinstance(class_model(gaussians[0]), SharedCovarianceClassModel)


def test_multinomial_model_is_naive_bayes(rows, topics):
    X = NormScaler(rows).scale(rows)
    model = class_model(X).fit(one_hot(topics))
    expected = 2 * X @ MultinomialNB(alpha=0.1).fit(X, topics).feature_log_prob_.T
    assert model.weights.dtype == np.float32
    assert model.offsets == 0
    assert_allclose(model.scores(X), expected, rtol=1e-4)
    assert (model.scores(X).argmax(axis=1) == topics).mean() > 0.95


def test_samples_are_weighted_by_their_posteriors(rows, topics):
    """As many copies of a sample, one per class."""
    X = NormScaler(rows).scale(rows)
    posteriors = np.random.default_rng(0).dirichlet(np.ones(3), size=300)
    model = class_model(X).fit(posteriors.astype(np.float32))
    bayes = MultinomialNB(alpha=0.1).fit(
        sp.vstack([X] * 3),
        np.repeat(range(3), 300),
        sample_weight=posteriors.T.ravel(),
    )
    assert_allclose(model.weights, 2 * bayes.feature_log_prob_.T, rtol=1e-4)


def test_shared_covariance_model_is_a_linear_discriminant(gaussians):
    X, classes = gaussians
    model = class_model(X).fit(one_hot(classes))
    means = np.array([X[classes == c].mean(axis=0) for c in range(3)])
    residuals = X - means[classes]
    within = residuals.T @ residuals / len(X)
    within += 0.1 * np.trace(within) / 6 * np.eye(6)
    weights = np.linalg.solve(within, means.T)
    expected = X @ weights - (means.T * weights).sum(axis=0) / 2
    assert model.weights.dtype == model.offsets.dtype == np.float32
    assert_allclose(model.scores(X), expected, rtol=1e-2, atol=2e-2)
    assert (model.scores(X).argmax(axis=1) == classes).mean() > 0.95


@pytest.mark.filterwarnings("error")
def test_classes_without_variance():
    """Finite scores, where every class has one row again and again."""
    X = np.repeat(np.eye(3, dtype=np.float32), 10, axis=0)
    classes = np.repeat(range(3), 10)
    scores = class_model(X).fit(one_hot(classes)).scores(X)
    assert np.isfinite(scores).all()
    assert (scores.argmax(axis=1) == classes).all()


@pytest.mark.filterwarnings("error")
def test_class_without_samples(rows, topics, gaussians):
    for X, classes in ((NormScaler(rows).scale(rows), topics), gaussians):
        posteriors = np.hstack([one_hot(classes), np.zeros((300, 1), np.float32)])
        assert np.isfinite(class_model(X).fit(posteriors).scores(X)).all()
