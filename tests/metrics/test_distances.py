"""Distances that are no bit counts."""

import numpy as np
import pytest
import scipy.sparse as sp
from sklearn.metrics import average_precision_score, ndcg_score
from sklearn.preprocessing import normalize

from skhash import metrics


@pytest.mark.parametrize("metric", ["cosine", "euclidean", "inner_product"])
@pytest.mark.parametrize("make", [np.asarray, sp.csr_matrix, sp.csr_array])
def test_equals_scikit_learn_without_ties(metric, make):
    rng = np.random.default_rng(0)
    X, X_query = rng.random((40, 6)), rng.random((9, 6))
    y, y_query = rng.integers(0, 3, 40), rng.integers(0, 3, 9)
    similarity = {
        "cosine": normalize(X_query) @ normalize(X).T,
        "inner_product": X_query @ X.T,
        "euclidean": -np.linalg.norm(X_query[:, None] - X, axis=2),
    }[metric]
    gains = (y_query[:, None] == y).astype(int)
    arguments = (make(X), y, make(X_query), y_query)
    for k in (1, 7, 40, None):
        assert metrics.ndcg_at_k_score(*arguments, k=k, metric=metric) == pytest.approx(
            ndcg_score(gains, similarity, k=k)
        )
    expected = [average_precision_score(g, s) for g, s in zip(gains, similarity)]
    scores = metrics.average_precision_at_k_score(
        *arguments, k=None, metric=metric, average=False
    )
    np.testing.assert_allclose(scores, expected)


def test_copies_of_a_row_tie_by_cosine():
    # Rounding noise of the product must not rank copies one before the other.
    rng = np.random.default_rng(0)
    row = rng.normal(size=(1, 37))
    X = np.repeat(row, 101, axis=0)
    y = np.arange(101) % 2
    score = metrics.precision_at_k_score(X, y, row, [0], k=1, metric="cosine")
    assert score == pytest.approx(51 / 101)


@pytest.mark.parametrize("form", [np.asarray, np.float32, sp.csr_array])
@pytest.mark.parametrize("n_features", [4, 33, 1000])
def test_copies_of_a_row_tie_by_euclidean_distance(form, n_features):
    rows = np.random.RandomState(0).standard_normal((60, n_features)).repeat(2, axis=0)
    assert metrics.empty_ball_rate(form(rows), radius=0, metric="euclidean") == 0
    # Half of all others are relevant, and the nearest is a copy: k=1 sees no tie.
    y = np.repeat(np.arange(60), 2)
    assert metrics.precision_at_k_score(form(rows), y, k=1, metric="euclidean") == 1


def test_precision_of_the_input_does_not_matter():
    rng = np.random.RandomState(0)
    rows = np.float32(1000 + rng.standard_normal((200, 16)))
    y = rng.randint(3, size=200)
    for metric in ("cosine", "euclidean", "inner_product"):
        single, double = (
            metrics.precision_at_k_score(X, y, k=5, metric=metric)
            for X in (rows, rows.astype(np.float64))
        )
        assert single == double
