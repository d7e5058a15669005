"""Measures of the first k positions."""

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
