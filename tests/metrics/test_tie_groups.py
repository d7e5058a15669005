"""Test histograms of Hamming distances in the measures: forms of codes, and memory."""

import tracemalloc

import numpy as np
import pytest

from skhash import metrics
from skhash.codes import pack_bits

FUNCTIONS = {
    "precision": lambda *a, **k: metrics.precision_at_k_score(*a, k=7, **k),
    "recall": lambda *a, **k: metrics.recall_at_k_score(*a, k=7, **k),
    "average_precision": lambda *a, **k: metrics.average_precision_at_k_score(*a, **k),
    "ndcg": lambda *a, **k: metrics.ndcg_at_k_score(*a, k=7, **k),
    "precision_within": lambda *a, **k: metrics.precision_within_radius_score(*a, **k),
    "recall_within": lambda *a, **k: metrics.recall_within_radius_score(*a, **k),
    "empty_ball_rate": lambda *a, **k: metrics.empty_ball_rate(*a, **k),
    "report": lambda *a, **k: metrics.retrieval_report(*a, k=7, **k),
}


@pytest.mark.usefixtures("_block_size")
@pytest.mark.parametrize("form", ["classes", "sets", "queries"])
@pytest.mark.parametrize("n_bits", [8, 13, 64, 70])
@pytest.mark.parametrize("name", FUNCTIONS)
def test_packed_codes_score_as_bits(name, n_bits, form):
    rng = np.random.default_rng(n_bits)
    X = rng.integers(0, 2, (40, n_bits), dtype=np.uint8)
    y = rng.integers(0, 3, 40)
    y = np.eye(3, dtype=int)[y] if form == "sets" else y
    bits = [X, y]
    if form == "queries":
        bits = [X[:30], y[:30], X[30:], y[30:]]
    packed = [pack_bits(part) if part.ndim == 2 else part for part in bits]
    if form == "sets":
        packed[1] = y
    function = FUNCTIONS[name]
    assert function(*packed, packed=True, n_bits=n_bits) == function(*bits)
    assert function(*bits, n_bits=n_bits) == function(*bits)


def test_padding_bits_that_are_set_raise():
    packed = np.full((4, 1), 255, dtype=np.uint8)
    with pytest.raises(ValueError, match="padding"):
        metrics.precision_at_k_score(packed, [0, 0, 1, 1], k=1, packed=True, n_bits=7)
    with pytest.raises(ValueError, match="X_query must have 1 bytes"):
        metrics.precision_at_k_score(
            packed, [0, 0, 1, 1], packed[:, [0, 0]], [0, 0, 1, 1], k=1, packed=True
        )


def test_memory_of_a_large_index():
    rng = np.random.default_rng(0)
    X, y = rng.integers(0, 256, (100_000, 8), dtype=np.uint8), np.arange(100_000) % 20
    queries = X[:200], y[:200]
    tracemalloc.start()
    try:
        metrics.precision_at_k_score(X, y, *queries, k=100, packed=True)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 4 * X.nbytes
