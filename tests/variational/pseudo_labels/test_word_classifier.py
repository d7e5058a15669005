"""Closed-form class models, against scikit-learn's."""

import numpy as np
import pytest
import scipy.sparse as sp
from numpy.testing import assert_allclose
from sklearn.linear_model import Ridge
from sklearn.naive_bayes import ComplementNB
from sklearn.preprocessing import normalize

from skhash.variational.pseudo_labels._class_models import WordClassifier


def certain(topics):
    return np.eye(3, dtype=np.float32)[topics]


def naive_bayes_scores(X, topics, asked):
    """Return log-odds, which are those of a class but for a constant a row."""
    scores = asked @ ComplementNB(alpha=0.3).fit(X, topics).feature_log_prob_.T
    return scores - scores.mean(axis=1, keepdims=True)


def weighed(X, topics):
    """Return dense rows whose words count by the spread of their log ratios."""
    counts = X.T @ certain(topics) + 0.1
    shares = counts / counts.sum(axis=0)
    ratios = np.log(shares) - np.log(shares.mean(axis=1, keepdims=True))
    return normalize(X.toarray() * np.sqrt((ratios**2).mean(axis=1)))


@pytest.mark.parametrize("form", ["sparse", "dense"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_words_speak_as_in_two_linear_models(small_rows, form, dtype):
    X, topics = small_rows
    X = normalize(X).astype(dtype)
    scores = (
        WordClassifier(X.shape[1], 3)
        .learn(X, certain(topics))
        .scores(X if form == "sparse" else X.toarray())
    )
    assert scores.dtype == dtype
    rows = weighed(X, topics)
    ridge = Ridge(alpha=1.0).fit(rows, certain(topics))
    expected = naive_bayes_scores(X, topics, X) + 2 * ridge.predict(rows)
    assert_allclose(scores, expected, rtol=2e-2, atol=5e-2)


def test_lessons_are_counted_on_and_averaged(small_rows):
    X, topics = small_rows
    X = normalize(X).astype(np.float32)
    halves = slice(150), slice(150, 300)
    evidence = WordClassifier(X.shape[1], 3)
    expected = naive_bayes_scores(X, topics, X)
    importance = None
    for half in halves:
        evidence.learn(X[half], certain(topics[half]))
        importance = evidence.importance if importance is None else importance
        rows = normalize(X.toarray() * importance)
        ridge = Ridge(alpha=1.0).fit(rows[half], certain(topics[half]))
        expected = expected + 2 * ridge.predict(rows) / 2
    assert_allclose(evidence.scores(X), expected, rtol=2e-2, atol=5e-2)


def test_unsure_rows_count_less(small_rows):
    """A row between two classes is no lesson in either."""
    X, topics = small_rows
    X = normalize(X).astype(np.float32)
    evidence = WordClassifier(X.shape[1], 3).learn(X, certain(topics))
    unsure = np.full((300, 3), 1 / 3, dtype=np.float32)
    both = sp.vstack([X, X], format="csr")
    diluted = WordClassifier(X.shape[1], 3).learn(
        both, np.concatenate([certain(topics), unsure])
    )
    predicted = [each.scores(X).argmax(axis=1) for each in (evidence, diluted)]
    assert np.mean(predicted[0] == predicted[1]) > 0.95
    # 1/3 is how likely two draws of the class of such a row agree.
    weights = np.repeat([1, 1 / 3], 300)
    rows = normalize(both.toarray() * diluted.importance)
    ridge = Ridge(alpha=weights.mean())
    ridge.fit(rows, np.concatenate([certain(topics), unsure]), sample_weight=weights)
    memberships = rows @ diluted.regression[:-1] + diluted.regression[-1]
    assert_allclose(memberships, ridge.predict(rows), atol=5e-2)
