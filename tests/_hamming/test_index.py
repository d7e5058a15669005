"""Check the choices of the index: repeated codes, tables, threads, memory."""

import threading

import joblib
import numpy as np
import pytest
from sklearn.base import clone

from skhash._hamming._index import CodeIndex
from skhash._hamming._multi_index import MultiIndex
from skhash._hamming._storage import BlockedCodes, DistinctCodes
from skhash.neighbors import HammingNearestNeighbors


def random_rows(n, n_bytes, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (n, n_bytes), dtype=np.uint8)


def repeated_rows(n, n_distinct, n_bytes):
    rng = np.random.default_rng(1)
    return random_rows(n_distinct, n_bytes)[rng.integers(0, n_distinct, n)]


@pytest.mark.parametrize(
    ("n_distinct", "n_bytes", "kind"),
    [
        (40_000, 8, BlockedCodes),
        (5_000, 8, DistinctCodes),
        (5_000, 4, BlockedCodes),  # the lists would take too much memory
        (1_000, 4, DistinctCodes),
        (50, 2, DistinctCodes),
    ],
)
def test_repeated_codes_are_stored_once_if_smaller(n_distinct, n_bytes, kind):
    rows = repeated_rows(40_000, n_distinct, n_bytes)
    head = CodeIndex(rows, 8 * n_bytes).head
    assert type(head) is kind
    np.testing.assert_array_equal(head.rows(np.arange(len(rows))), rows)
    assert type(CodeIndex(rows, 8 * n_bytes, algorithm="brute").head) is BlockedCodes


@pytest.mark.parametrize(
    "rows", [random_rows(50_000, 8), repeated_rows(50_000, 900, 4)]
)
def test_memory_is_that_of_the_codes(rows):
    model = HammingNearestNeighbors(packed=True).fit(rows)
    assert model._index.nbytes <= 1.1 * rows.nbytes


@pytest.mark.parametrize("algorithm", ["auto", "brute", "multi_index"])
@pytest.mark.parametrize("copy", [True, False])
def test_append_no_codes(algorithm, copy):
    rows = np.random.default_rng(0).integers(0, 256, (112, 8), dtype=np.uint8)
    index = CodeIndex(rows, 8 * rows.shape[1], algorithm=algorithm, copy=copy)
    removed = np.array([3])
    same = index.without(removed).append(rows[:0])
    assert same.append(rows[:0]).n_rows == len(rows) - 1
    distances, indices = same.nearest(rows[4:9], 1)
    assert not distances.any()
    assert (np.delete(rows, removed, axis=0)[indices[:, 0]] == rows[4:9]).all()


def test_tables_are_built_once_scans_cost_more():
    rows = random_rows(200_000, 8)
    model = HammingNearestNeighbors(packed=True, max_memory=10).fit(rows)
    cost = int(MultiIndex(model._index.head, 64).build_cost)
    model.kneighbors(rows[:cost])
    model.radius_neighbors(rows[:cost], 20)  # no radius for tables
    model.radius_neighbors(rows[: int(0.6 * cost)], 1)
    assert model._index._tables.multi_index is None
    model.radius_neighbors(rows[: int(0.6 * cost)], 1)
    assert model._index._tables.multi_index is not None
    for parameters in ({"algorithm": "brute"}, {"max_memory": 1.0}):
        scanning = clone(model).set_params(**parameters).fit(rows)
        scanning.radius_neighbors(rows[: 2 * cost], 1)
        assert scanning._index._tables.multi_index is None


def test_searches_from_many_threads_agree():
    rows = random_rows(100_000, 8)
    model = HammingNearestNeighbors(packed=True).fit(rows)
    expected = model.radius_neighbors(rows[:500], 3, return_distance=False)
    results = []

    def ask():
        results.append(model.radius_neighbors(rows[:500], 3, return_distance=False))

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for result in results:
        for got, want in zip(result, expected):
            np.testing.assert_array_equal(got, want)


def test_number_of_threads_is_that_of_joblib():
    model = HammingNearestNeighbors(packed=True).fit(random_rows(100, 8))
    assert model._n_threads() == 1
    with joblib.parallel_config(n_jobs=3, backend="threading"):
        assert model._n_threads() == 3
    assert model.set_params(n_jobs=2)._n_threads() == 2
