"""Define measures by their definitions, and small blocks."""

import itertools
from types import SimpleNamespace

import numpy as np
import pytest

from skhash.metrics import _closed_forms, _tie_groups


def orders(distances):
    """All rankings that the distances allow."""
    groups = [np.flatnonzero(distances == d) for d in np.unique(distances)]
    for parts in itertools.product(*map(itertools.permutations, groups)):
        yield np.array([row for part in parts for row in part])


def score_of_order(name, gains, k):
    """One measure of one ranking, straight from its definition."""
    top, total = gains[:k], gains.sum()
    if name == "precision":
        return top.sum() / k
    if name == "recall":
        return top.sum() / total
    if name == "ndcg":
        discount = 1 / np.log2(np.arange(len(top)) + 2)
        best = np.sort(gains)[::-1][:k]
        return (top @ discount) / (best @ discount)
    hits = np.flatnonzero(top)
    precisions = [top[: place + 1].mean() for place in hits]
    z = min(total, k) if name == "average_precision" else max(len(hits), 1)
    return sum(precisions) / z


def brute_force(name, distances, gains, k):
    """Mean over queries of the mean over all rankings; rows are queries."""
    scores = [
        np.mean([score_of_order(name, g[order], k) for order in orders(d)])
        for d, g in zip(distances, gains)
        if name == "precision" or g.sum() > 0
    ]
    return np.mean(scores)


def hamming(queries, index):
    return (queries[:, None, :] != index[None, :, :]).sum(axis=2)


def jaccard(a, b):
    shared = (a[:, None, :] & b[None, :, :]).sum(axis=2)
    union = (a[:, None, :] | b[None, :, :]).sum(axis=2)
    return shared / np.maximum(union, 1)


def case(seed, *, multilabel=False):
    """A few codes of 2 bits, so that ties abound; some class is always shared."""
    rng = np.random.default_rng(seed)
    n_index, n_queries = rng.integers(3, 7), rng.integers(1, 4)
    X = rng.integers(0, 2, (n_index, 2), dtype=np.uint8)
    X_query = rng.integers(0, 2, (n_queries, 2), dtype=np.uint8)
    if multilabel:
        y, y_query = (
            rng.integers(0, 2, (n_index, 3)),
            rng.integers(0, 2, (n_queries, 3)),
        )
        y[0], y_query[0] = [1, 0, 1], [0, 0, 1]
    else:
        y, y_query = rng.integers(0, 3, n_index), rng.integers(0, 4, n_queries)
        y_query[0] = y[0]
    return X, y, X_query, y_query, int(rng.integers(1, n_index + 1))


@pytest.fixture
def reference():
    """Return plain functions that compute distances, gains and expected measures."""
    return SimpleNamespace(
        brute_force=brute_force, case=case, hamming=hamming, jaccard=jaccard
    )


@pytest.fixture(params=["large blocks", "small blocks"])
def _block_size(request, monkeypatch):
    if request.param == "small blocks":
        monkeypatch.setattr(_closed_forms, "_BLOCK_CELLS", 2)
        monkeypatch.setattr(_tie_groups, "_BLOCK_CELLS", 6)
        monkeypatch.setattr(_tie_groups, "_BLOCK_PAIRS", 8)
