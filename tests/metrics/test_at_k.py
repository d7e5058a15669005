"""Test measures of the first k positions."""

import numpy as np
import pytest

from skhash import metrics

AT_K = {
    "precision": metrics.precision_at_k_score,
    "recall": metrics.recall_at_k_score,
    "average_precision": metrics.average_precision_at_k_score,
    "ndcg": metrics.ndcg_at_k_score,
}

BITS = np.array([[0, 0], [0, 1], [1, 1]], dtype=np.uint8)


def test_bad_input_of_average_precision():
    with pytest.raises(ValueError, match=r"normalization must be one of.*'max'"):
        metrics.average_precision_at_k_score(BITS, [0, 1, 1], normalization="max")
    graded = np.full((3, 3), 0.5)
    with pytest.raises(ValueError, match="relevance must be 'any' or a matrix of 0"):
        metrics.average_precision_at_k_score(BITS, None, relevance=graded)


def test_more_positions_than_rows_mean_all_of_them():
    for name in ("recall", "average_precision", "ndcg"):
        every = AT_K[name](BITS, [0, 1, 1], k=None)
        assert AT_K[name](BITS, [0, 1, 1], k=1000) == every


def test_the_default_depth_fits_small_collections():
    rng = np.random.default_rng(0)
    X, y = rng.integers(0, 2, (80, 16)), rng.integers(0, 3, 80)
    default = metrics.precision_at_k_score(X, y)
    assert default == metrics.precision_at_k_score(X, y, k=79)
    assert default == metrics.precision_at_k_score(X, y, k="auto")
    with pytest.raises(ValueError, match=r"k must be an int from 1 to 79.*got 100"):
        metrics.precision_at_k_score(X, y, k=100)
    X, y = np.tile(X, (2, 1)), np.tile(y, 2)
    assert metrics.precision_at_k_score(X, y) == metrics.precision_at_k_score(
        X, y, k=100
    )
    with pytest.raises(TypeError, match=r"k must be an int.*got 'all'"):
        metrics.precision_at_k_score(X, y, k="all")
