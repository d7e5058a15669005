"""Test the validation of queries, labels and codes."""

import tracemalloc

import numpy as np
import pytest

from skhash import metrics

BITS = np.array([[0, 0], [0, 1], [1, 1]], dtype=np.uint8)


@pytest.mark.parametrize("metric", ["hamming", "cosine"])
def test_unlabeled_rows_are_neither_queries_nor_results(metric, reference):
    rng = np.random.default_rng(0)
    X, X_query = (rng.integers(0, 2, (n, 8), dtype=np.uint8) for n in (50, 20))
    y, y_query = rng.integers(-1, 3, 50), rng.integers(-1, 3, 20)
    known, asked = y >= 0, y_query >= 0
    arguments = {"k": 5, "metric": metric, "average": False}
    scores = metrics.precision_at_k_score(X, y, X_query, y_query, **arguments)
    expected = metrics.precision_at_k_score(
        X[known], y[known], X_query[asked], y_query[asked], **arguments
    )
    assert np.isnan(scores[~asked]).all()
    np.testing.assert_allclose(scores[asked], expected)

    scores = metrics.ndcg_at_k_score(X, y, **arguments)
    np.testing.assert_allclose(
        scores[known], metrics.ndcg_at_k_score(X[known], y[known], **arguments)
    )
    square = reference.hamming(X, X)
    np.testing.assert_allclose(
        metrics.recall_at_k_score(square, y, k=5, metric="precomputed"),
        metrics.recall_at_k_score(X[known], y[known], k=5),
    )


def test_many_bits_and_no_change_of_the_input(reference):
    rng = np.random.default_rng(5)
    X, X_query = (rng.integers(0, 2, (n, 521), dtype=np.uint8) for n in (300, 7))
    y, y_query = rng.integers(0, 5, 300), rng.integers(0, 5, 7)
    for array in (X, X_query, y, y_query):
        array.flags.writeable = False
    scores = [
        metrics.average_precision_at_k_score(X, y, X_query, y_query, k=50, metric=m)
        for m in ("hamming", "euclidean")
    ]
    assert scores[0] == pytest.approx(scores[1])
    distances = reference.hamming(X_query, X).astype(float)
    distances.flags.writeable = False
    score = metrics.average_precision_at_k_score(
        distances, y, None, y_query, k=50, metric="precomputed"
    )
    assert score == pytest.approx(scores[0])


@pytest.mark.parametrize("metric", ["hamming", "cosine"])
@pytest.mark.parametrize("multilabel", [False, True])
def test_memory_does_not_grow_with_the_number_of_pairs(metric, multilabel):
    rng = np.random.default_rng(7)
    X, X_query = (rng.integers(0, 2, (n, 16), dtype=np.uint8) for n in (20_000, 2_000))
    y, y_query = rng.integers(0, 9, 20_000), rng.integers(0, 9, 2_000)
    if multilabel:
        y, y_query = np.eye(9)[y], np.eye(9)[y_query]
    tracemalloc.start()
    try:
        metrics.precision_at_k_score(X, y, X_query, y_query, k=10, metric=metric)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 100 * 2**20  # all distances in single precision: 160 MB


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"k": 0}, ValueError, "k must be an int from 1 to 2.*got 0"),
        ({"k": 3}, ValueError, "k must be an int from 1 to 2.*got 3"),
        ({"k": 2.0}, TypeError, "k must be an int from 1 to 2.*got 2.0"),
        ({"k": None}, TypeError, "k must be an int from 1 to 2.*got None"),
        ({"k": True}, TypeError, "k must be"),
        ({"y": [0, 1]}, ValueError, "y must have one label per sample.*3.*got 2"),
        ({"y": None}, ValueError, "y must hold the labels of X; got None"),
        ({"y": [-1, -1, -1]}, ValueError, "y has no labeled row"),
        ({"y": [-1, 0, -1]}, ValueError, "y has one labeled row only"),
        ({"X": BITS + 1}, ValueError, "X must hold bits, 0 or 1"),
        ({"X_query": BITS}, ValueError, "y_query must hold the labels of X_query"),
        ({"y_query": [0]}, ValueError, "y_query must be None where X_query is None"),
        (
            {"X_query": BITS, "y_query": [0, 1]},
            ValueError,
            "y_query must have one label per sample.*3.*got 2",
        ),
        (
            {"X_query": BITS, "y_query": [-1, -1, -1]},
            ValueError,
            "y_query has no labeled row",
        ),
        (
            {"X_query": BITS[:, :1], "y_query": [0, 1, 1]},
            ValueError,
            "X_query must have 2 bits",
        ),
        (
            {"X_query": BITS[:, :1], "y_query": [0, 1, 1], "metric": "cosine"},
            ValueError,
            "X_query must have 2 columns.*got 1",
        ),
        (
            {"X_query": BITS, "y_query": [[0, 1], [1, 1], [1, 0]]},
            ValueError,
            "y and y_query must have labels of the same form",
        ),
        (
            {"X_query": BITS, "y_query": ["a", "b", "a"]},
            ValueError,
            "y together with y_query must hold either strings or numbers",
        ),
        ({"metric": "manhattan"}, ValueError, "metric must be one of.*'manhattan'"),
        ({"relevance": "all"}, ValueError, "relevance must be one of.*'all'"),
        ({"relevance": np.eye(3)}, ValueError, "y and y_query must be None"),
        ({"relevance": np.eye(2), "y": None}, ValueError, r"relevance.*\(3, 3\)"),
        ({"relevance": -np.eye(3), "y": None}, ValueError, "gains of at least 0"),
        ({"metric": "precomputed"}, ValueError, "X must be square"),
        (
            {"metric": "precomputed", "X_query": BITS},
            ValueError,
            "X_query must be None for metric='precomputed'",
        ),
        ({"y": np.full((3, 2), 0.5)}, ValueError, "y must hold classes"),
        ({"X": BITS * np.nan, "metric": "cosine"}, ValueError, "X contains NaN"),
    ],
)
def test_bad_input(arguments, error, message):
    arguments = {"X": BITS, "y": [0, 1, 1], "k": 1} | arguments
    with pytest.raises(error, match=message):
        metrics.precision_at_k_score(**arguments)
