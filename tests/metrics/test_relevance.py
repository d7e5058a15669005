"""Test relevance: classes, sets of classes, and matrices of gains."""

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp

from skhash import metrics


def test_leave_one_out_with_a_matrix_of_gains():
    X = np.array([[0], [0], [1]], dtype=np.uint8)
    gains = np.array([[9, 0, 2], [0, 9, 0], [2, 0, 9]], dtype=float)
    for matrix in (gains, sp.csr_array(gains), sp.csr_matrix(gains)):
        for metric in ("hamming", "euclidean"):
            score = metrics.precision_at_k_score(
                X, None, k=2, relevance=matrix, metric=metric, average=False
            )
            np.testing.assert_allclose(score, [1.0, 0.0, 1.0])


def test_rows_of_minus_one_in_an_indicator_are_unlabeled():
    X = np.array([[0, 0], [0, 0], [0, 1]], dtype=np.uint8)
    y = np.array([[1, 0], [-1, -1], [1, 1]])
    scores = metrics.precision_at_k_score(X, y, k=1, average=False)
    np.testing.assert_allclose(scores, [1.0, np.nan, 1.0])


@pytest.mark.parametrize("y", [["a", "b", "a", -1], ["a", "b", "a", "b"]])
def test_string_labels(y):
    X = np.array([[0, 0], [0, 1], [1, 1], [1, 0]], dtype=np.uint8)
    y = np.array(y, dtype=object if -1 in y else None)
    y_query = np.array(["a", "c"])
    X_query = np.array([[1, 1], [0, 0]], dtype=np.uint8)
    scores = metrics.recall_at_k_score(X, y, X_query, y_query, k=1, average=False)
    np.testing.assert_allclose(scores, [0.5, np.nan])


def test_query_labels_that_the_index_lacks_match_nothing():
    X = np.array([[0], [1]], dtype=np.uint8)
    score = metrics.precision_at_k_score(X, [3, 5], [[0], [0]], [5, 4], k=2)
    assert score == 0.25
    with pytest.raises(ValueError, match="No query has a relevant row"):
        metrics.recall_at_k_score(X, [3, 5], [[0]], [4], k=2)


def test_more_classes_than_a_word_has_bits(reference):
    rng = np.random.default_rng(6)
    X, X_query = (rng.integers(0, 2, (n, 6), dtype=np.uint8) for n in (40, 5))
    y, y_query = (rng.integers(0, 40, (n, 130)) == 0 for n in (40, 5))
    gains = reference.jaccard(y_query, y)
    for relevance, matrix in (("jaccard", gains), ("any", gains > 0)):
        assert metrics.ndcg_at_k_score(
            X, y, X_query, y_query, k=9, relevance=relevance
        ) == pytest.approx(
            metrics.ndcg_at_k_score(X, None, X_query, relevance=matrix, k=9)
        )


def labels_of(form, y):
    return {
        "list": lambda: [None if label < 0 else int(label) for label in y],
        "object": lambda: np.array([None if v < 0 else v for v in y], dtype=object),
        "float": lambda: np.where(y < 0, np.nan, y),
        "Int64": lambda: pd.Series(np.where(y < 0, np.nan, y)).astype("Int64"),
        "string": lambda: pd.Series(
            [None if label < 0 else f"c{label}" for label in y], dtype="string"
        ),
        "category": lambda: pd.Series(
            [None if label < 0 else f"c{label}" for label in y], dtype="category"
        ),
        "masked": lambda: np.ma.array(y.clip(0), mask=y < 0),
    }[form]()


@pytest.mark.parametrize(
    "form", ["list", "object", "float", "Int64", "string", "category", "masked"]
)
def test_missing_labels_of_all_forms(form):
    rng = np.random.default_rng(0)
    X, y = rng.integers(0, 2, (40, 8)), rng.integers(-1, 3, 40)
    expected = metrics.precision_at_k_score(X, y, k=5, average=False)
    scores = metrics.precision_at_k_score(X, labels_of(form, y), k=5, average=False)
    np.testing.assert_array_equal(scores, expected)
    # An unlabeled query counts as little as an unlabeled sample of the index.
    expected = metrics.ndcg_at_k_score(X[:30], y[:30], X[30:], y[30:], k=5)
    parts = labels_of(form, y[:30]), labels_of(form, y[30:])
    score = metrics.ndcg_at_k_score(X[:30], parts[0], X[30:], parts[1], k=5)
    assert score == expected


def test_one_and_minus_one_alone_raise():
    X, y = np.eye(4, dtype=int), [1, -1, 1, -1]
    with pytest.raises(ValueError, match="y must not have 1 and -1 as its only"):
        metrics.precision_at_k_score(X, y, k=1)
    with pytest.raises(ValueError, match="y together with y_query must not have 1 and"):
        metrics.precision_at_k_score(X, y, X, y, k=1)
    with pytest.raises(ValueError, match="y together with y_query must not have 1 and"):
        metrics.precision_at_k_score(X, [1, 1, 1, 1], X, y, k=1)
    # Together with other classes, or as missing values, they are clear.
    assert metrics.precision_at_k_score(X, [1, 0, 1, -1], X, y, k=1) >= 0
    assert metrics.precision_at_k_score(X, y, X, [0, 0, 1, 1], k=1) >= 0
    assert metrics.precision_at_k_score(X, [1, None, 1, None], k=1) == 1
