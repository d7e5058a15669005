"""Test the word classifier against the linear models of scikit-learn."""

import numpy as np
import pytest
import scipy.sparse as sp
from numpy.testing import assert_allclose
from sklearn.linear_model import Ridge
from sklearn.naive_bayes import ComplementNB
from sklearn.preprocessing import normalize

from skhash.variational.pseudo_labels._word_classifier import WordClassifier


def certain(topics):
    return np.eye(3, dtype=np.float32)[topics]


def naive_bayes_scores(X, topics, asked):
    """Return log-odds, up to a constant per row."""
    scores = asked @ ComplementNB(alpha=0.3).fit(X, topics).feature_log_prob_.T
    return scores - scores.mean(axis=1, keepdims=True)


def weighted(X, topics):
    """Return dense rows, words weighted by the spread of their log ratios."""
    counts = X.T @ certain(topics) + 0.1
    fractions = counts / counts.sum(axis=0)
    ratios = np.log(fractions) - np.log(fractions.mean(axis=1, keepdims=True))
    return normalize(X.toarray() * np.sqrt((ratios**2).mean(axis=1)))


@pytest.mark.parametrize("form", ["sparse", "dense"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_scores_are_those_of_two_linear_models(small_rows, form, dtype):
    X, topics = small_rows
    X = normalize(X).astype(dtype)
    scores = (
        WordClassifier(X.shape[1], 3)
        .update(X, certain(topics))
        .scores(X if form == "sparse" else X.toarray())
    )
    assert scores.dtype == dtype
    rows = weighted(X, topics)
    ridge = Ridge(alpha=1.0).fit(rows, certain(topics))
    expected = naive_bayes_scores(X, topics, X) + 2 * ridge.predict(rows)
    assert_allclose(scores, expected, rtol=2e-2, atol=5e-2)


def test_updates_are_added_and_averaged(small_rows):
    X, topics = small_rows
    X = normalize(X).astype(np.float32)
    halves = slice(150), slice(150, 300)
    classifier = WordClassifier(X.shape[1], 3)
    expected = naive_bayes_scores(X, topics, X)
    word_weights = None
    for half in halves:
        classifier.update(X[half], certain(topics[half]))
        word_weights = classifier.word_weights if word_weights is None else word_weights
        rows = normalize(X.toarray() * word_weights)
        ridge = Ridge(alpha=1.0).fit(rows[half], certain(topics[half]))
        expected = expected + 2 * ridge.predict(rows) / 2
    assert_allclose(classifier.scores(X), expected, rtol=2e-2, atol=5e-2)


def test_rows_are_weighted_by_their_purity(small_rows):
    """Rows without a clear class change the scores little."""
    X, topics = small_rows
    X = normalize(X).astype(np.float32)
    classifier = WordClassifier(X.shape[1], 3).update(X, certain(topics))
    unclear = np.full((300, 3), 1 / 3, dtype=np.float32)
    both = sp.vstack([X, X], format="csr")
    diluted = WordClassifier(X.shape[1], 3).update(
        both, np.concatenate([certain(topics), unclear])
    )
    predicted = [each.scores(X).argmax(axis=1) for each in (classifier, diluted)]
    assert np.mean(predicted[0] == predicted[1]) > 0.95
    # 1/3 is the probability that two draws of the class of such a row agree.
    weights = np.repeat([1, 1 / 3], 300)
    rows = normalize(both.toarray() * diluted.word_weights)
    ridge = Ridge(alpha=weights.mean())
    ridge.fit(rows, np.concatenate([certain(topics), unclear]), sample_weight=weights)
    memberships = rows @ diluted.regression[:-1] + diluted.regression[-1]
    assert_allclose(memberships, ridge.predict(rows), atol=5e-2)
