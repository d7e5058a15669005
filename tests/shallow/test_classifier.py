"""Compare classifier codes with the classifier that they quantize."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.multiclass import OneVsRestClassifier

from skhash.shallow import ClassifierHasher, ITQHasher
from skhash.shallow._classifier import spread_labels


@pytest.fixture
def data():
    rng = np.random.RandomState(0)
    y = rng.randint(4, size=600)
    return 2 * rng.standard_normal((4, 8))[y] + rng.standard_normal((600, 8)), y


@pytest.mark.parametrize("n_classes", [2, 4])
def test_posteriors_are_those_of_logistic_regression(data, n_classes):
    X, y = data[0], data[1] % n_classes
    partial = np.where(np.arange(len(y)) % 3, -1, y)
    hasher = ClassifierHasher(8, random_state=0).fit(X, partial)
    expected = LogisticRegression(C=hasher.C, max_iter=200).fit(X[::3], y[::3])
    np.testing.assert_allclose(
        hasher.predict_proba(X), expected.predict_proba(X), atol=1e-6
    )
    np.testing.assert_array_equal(hasher.predict(X), expected.predict(X))


def test_several_labels_per_sample(data):
    X, y = data
    several = np.eye(4, dtype=int)[y] | np.eye(4, dtype=int)[(y + 1) % 4]
    partial = several.copy()
    partial[::2] = -1
    hasher = ClassifierHasher(8, random_state=0).fit(X, partial)
    expected = OneVsRestClassifier(LogisticRegression(C=hasher.C, max_iter=200))
    expected.fit(X[1::2], several[1::2])
    np.testing.assert_allclose(
        hasher.predict_proba(X), expected.predict_proba(X), atol=1e-6
    )
    np.testing.assert_array_equal(hasher.predict(X), expected.predict(X))


def test_probabilities_as_labels(data):
    X, y = data
    soft = 0.7 * np.eye(4)[y] + 0.075
    hasher = ClassifierHasher(8, random_state=0).fit(X, soft)
    assert np.mean(hasher.predict(X) == y) > 0.9


def test_codes_are_as_good_as_the_classifier(data):
    # Sablayrolles et al.: a code of the class decision retrieves its classes.
    X, y = data
    hasher = ClassifierHasher(16, random_state=0).fit(X[:300], y[:300])
    assert np.mean(hasher.predict(X[300:]) == y[300:]) > 0.9
    assert hasher.score(X[300:], y[300:]) > 0.9


def test_without_labels_all_bits_are_label_free(data):
    X, y = data
    hasher = ClassifierHasher(8, random_state=0).fit(X, np.full_like(y, -1))
    expected = ITQHasher(8, random_state=np.random.RandomState(0)).fit_transform(X)
    np.testing.assert_array_equal(hasher.transform(X), expected)
    with pytest.raises(AttributeError, match="predict"):
        hasher.predict(X)


def test_spread_labels_keep_the_given_ones_and_follow_neighbors(data):
    X, y = data
    labeled = np.arange(len(y)) < 40
    targets = np.eye(4)[y] * labeled[:, None]
    spread = spread_labels(X, targets, labeled, 10)
    np.testing.assert_array_equal(spread[labeled], targets[labeled])
    assert np.mean(spread.argmax(axis=1) == y) > 0.9


def test_too_many_class_bits_is_an_error(data):
    with pytest.raises(ValueError, match="at most n_bits"):
        ClassifierHasher(8, n_class_bits=9).fit(*data)


def test_fitting_anew_without_labels_drops_the_classes(data):
    X, y = data
    hasher = ClassifierHasher(8, random_state=0).fit(X, y).fit(X)
    assert hasher.transform(X).shape == (600, 8)
    assert hasher.classes_ is None
    assert not hasattr(hasher, "coef_")
