"""Compare the closed forms with brute force over all orders of ties."""

import itertools

import numpy as np
import pytest
import scipy.sparse as sp
from sklearn.metrics import ndcg_score

from skhash import metrics

AT_K = {
    "precision": metrics.precision_at_k_score,
    "recall": metrics.recall_at_k_score,
    "average_precision": metrics.average_precision_at_k_score,
    "ndcg": metrics.ndcg_at_k_score,
}


@pytest.mark.usefixtures("_block_size")
@pytest.mark.parametrize("metric", ["hamming", "euclidean", "precomputed"])
@pytest.mark.parametrize("name", AT_K)
@pytest.mark.parametrize("seed", range(12))
def test_expectation_over_tie_orders(name, seed, metric, reference):
    X, y, X_query, y_query, k = reference.case(seed)
    distances = reference.hamming(X_query, X)
    expected = reference.brute_force(name, distances, y_query[:, None] == y, k)
    if metric == "precomputed":
        X, X_query = distances, None
    score = AT_K[name](X, y, X_query, y_query, k=k, metric=metric)
    assert score == pytest.approx(expected, abs=1e-12)


@pytest.mark.usefixtures("_block_size")
@pytest.mark.parametrize("metric", ["hamming", "euclidean"])
@pytest.mark.parametrize(
    ("name", "relevance"),
    [
        *itertools.product(AT_K, ["any"]),
        # Average precision counts relevant rows: no graded gains.
        *itertools.product(["precision", "recall", "ndcg"], ["jaccard"]),
    ],
)
@pytest.mark.parametrize("seed", range(6))
def test_expectation_over_tie_orders_with_several_labels(
    name, seed, relevance, metric, reference
):
    X, y, X_query, y_query, k = reference.case(seed, multilabel=True)
    gains = reference.jaccard(y_query, y)
    gains = gains if relevance == "jaccard" else (gains > 0).astype(float)
    expected = reference.brute_force(name, reference.hamming(X_query, X), gains, k)
    arguments = {"k": k, "metric": metric}
    score = AT_K[name](X, y, X_query, y_query, relevance=relevance, **arguments)
    assert score == pytest.approx(expected, abs=1e-6)
    for matrix in (gains, sp.csr_matrix(gains), sp.csr_array(gains)):
        score = AT_K[name](X, None, X_query, relevance=matrix, **arguments)
        assert score == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("metric", ["hamming", "euclidean"])
@pytest.mark.parametrize("seed", range(20))
def test_average_precision_over_hits(seed, metric, reference):
    X, y, X_query, y_query, k = reference.case(seed)
    expected = reference.brute_force(
        "over_hits", reference.hamming(X_query, X), y_query[:, None] == y, k
    )
    score = metrics.average_precision_at_k_score(
        X, y, X_query, y_query, k=k, normalization="hits", metric=metric
    )
    assert score == pytest.approx(expected, abs=1e-12)


@pytest.mark.usefixtures("_block_size")
@pytest.mark.parametrize("metric", ["hamming", "euclidean", "precomputed"])
@pytest.mark.parametrize("multilabel", [False, True])
@pytest.mark.parametrize("name", AT_K)
def test_leave_one_out_excludes_by_index(name, multilabel, metric, reference):
    X = np.array([[0, 0], [0, 0], [0, 0], [0, 1], [1, 1]], dtype=np.uint8)
    y = np.array([0, 1, 0, 1, 1])
    if multilabel:
        y = np.array([[1, 0], [0, 1], [1, 1], [0, 1], [0, 0]])
    gains = (y[:, None] & y[None]).any(axis=2) if multilabel else y[:, None] == y
    others = [np.delete(np.arange(5), row) for row in range(5)]
    distances = reference.hamming(X, X)
    expected = reference.brute_force(
        name,
        [distances[row, rest] for row, rest in enumerate(others)],
        [gains[row, rest] for row, rest in enumerate(others)],
        2,
    )
    index = distances if metric == "precomputed" else X
    score = AT_K[name](index, y, k=2, metric=metric)
    assert score == pytest.approx(expected, abs=1e-12)


def test_ndcg_equals_scikit_learn_with_ties_and_graded_gains(reference):
    rng = np.random.default_rng(1)
    X, X_query = (rng.integers(0, 2, (n, 5), dtype=np.uint8) for n in (60, 8))
    gains = rng.integers(0, 4, (8, 60))
    for k in (1, 10, 60):
        score = metrics.ndcg_at_k_score(X, None, X_query, relevance=gains, k=k)
        assert score == pytest.approx(
            ndcg_score(gains, -reference.hamming(X_query, X), k=k)
        )
