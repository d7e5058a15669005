"""Closed-form class models, against scikit-learn's."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from sklearn.naive_bayes import ComplementNB

from skhash.variational.class_models import WordEvidence


@pytest.mark.parametrize("form", ["sparse", "dense"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_words_speak_as_in_complement_naive_bayes(small_rows, form, dtype):
    X, topics = small_rows
    X = X.astype(dtype)
    evidence = WordEvidence(X.shape[1], 3)
    for half in (slice(150), slice(150, 300)):
        evidence.learn(X[half], np.eye(3, dtype=np.float32)[topics[half]])
    scores = evidence.scores(X if form == "sparse" else X.toarray())
    assert scores.dtype == dtype
    reference = ComplementNB(alpha=0.3).fit(X, topics)
    # Up to a constant a row, which takes no part in a class distribution.
    expected = X @ reference.feature_log_prob_.T
    expected = expected - expected.mean(axis=1, keepdims=True)
    assert_allclose(scores, expected, rtol=1e-4, atol=1e-3)


def test_shares_of_classes_count_as_shares(small_rows):
    X, topics = small_rows
    certain = np.eye(3, dtype=np.float32)[topics]
    once = WordEvidence(X.shape[1], 3).learn(X, certain)
    twice = WordEvidence(X.shape[1], 3).learn(X, certain / 2).learn(X, certain / 2)
    assert_allclose(once.weights, twice.weights, atol=1e-5)
