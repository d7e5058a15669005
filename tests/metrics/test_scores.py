"""The closed forms against brute force, and what is asked, found and refused."""

import itertools
import tracemalloc

import numpy as np
import pytest
import scipy.sparse as sp
from sklearn.metrics import average_precision_score, ndcg_score
from sklearn.preprocessing import normalize

from skhash import metrics
from skhash.metrics import _tie_groups

AT_K = {
    "precision": metrics.precision_at_k_score,
    "recall": metrics.recall_at_k_score,
    "average_precision": metrics.average_precision_at_k_score,
    "ndcg": metrics.ndcg_at_k_score,
}


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


@pytest.fixture(params=["large blocks", "small blocks"])
def _block_size(request, monkeypatch):
    if request.param == "small blocks":
        monkeypatch.setattr(_tie_groups, "_BLOCK_CELLS", 6)
        monkeypatch.setattr(_tie_groups, "_BLOCK_PAIRS", 8)


@pytest.mark.usefixtures("_block_size")
@pytest.mark.parametrize("metric", ["hamming", "euclidean", "precomputed"])
@pytest.mark.parametrize("name", AT_K)
@pytest.mark.parametrize("seed", range(12))
def test_expectation_over_tie_orders(name, seed, metric):
    X, y, X_query, y_query, k = case(seed)
    distances = hamming(X_query, X)
    expected = brute_force(name, distances, y_query[:, None] == y, k)
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
def test_expectation_over_tie_orders_with_several_labels(name, seed, relevance, metric):
    X, y, X_query, y_query, k = case(seed, multilabel=True)
    gains = jaccard(y_query, y)
    gains = gains if relevance == "jaccard" else (gains > 0).astype(float)
    expected = brute_force(name, hamming(X_query, X), gains, k)
    arguments = {"k": k, "metric": metric}
    score = AT_K[name](X, y, X_query, y_query, relevance=relevance, **arguments)
    assert score == pytest.approx(expected, abs=1e-6)
    for matrix in (gains, sp.csr_matrix(gains), sp.csr_array(gains)):
        score = AT_K[name](X, None, X_query, relevance=matrix, **arguments)
        assert score == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("metric", ["hamming", "euclidean"])
@pytest.mark.parametrize("seed", range(20))
def test_average_precision_over_hits(seed, metric):
    X, y, X_query, y_query, k = case(seed)
    expected = brute_force("over_hits", hamming(X_query, X), y_query[:, None] == y, k)
    score = metrics.average_precision_at_k_score(
        X, y, X_query, y_query, k=k, normalization="hits", metric=metric
    )
    assert score == pytest.approx(expected, abs=1e-12)


@pytest.mark.usefixtures("_block_size")
@pytest.mark.parametrize("metric", ["hamming", "euclidean", "precomputed"])
@pytest.mark.parametrize("multilabel", [False, True])
@pytest.mark.parametrize("name", AT_K)
def test_leave_one_out_excludes_by_index(name, multilabel, metric):
    X = np.array([[0, 0], [0, 0], [0, 0], [0, 1], [1, 1]], dtype=np.uint8)
    y = np.array([0, 1, 0, 1, 1])
    if multilabel:
        y = np.array([[1, 0], [0, 1], [1, 1], [0, 1], [0, 0]])
    gains = (y[:, None] & y[None]).any(axis=2) if multilabel else y[:, None] == y
    others = [np.delete(np.arange(5), row) for row in range(5)]
    distances = hamming(X, X)
    expected = brute_force(
        name,
        [distances[row, rest] for row, rest in enumerate(others)],
        [gains[row, rest] for row, rest in enumerate(others)],
        2,
    )
    index = distances if metric == "precomputed" else X
    score = AT_K[name](index, y, k=2, metric=metric)
    assert score == pytest.approx(expected, abs=1e-12)


def test_leave_one_out_with_a_matrix_of_gains():
    X = np.array([[0], [0], [1]], dtype=np.uint8)
    gains = np.array([[9, 0, 2], [0, 9, 0], [2, 0, 9]], dtype=float)
    for matrix in (gains, sp.csr_array(gains), sp.csr_matrix(gains)):
        for metric in ("hamming", "euclidean"):
            score = metrics.precision_at_k_score(
                X, None, k=2, relevance=matrix, metric=metric, average=False
            )
            np.testing.assert_allclose(score, [1.0, 0.0, 1.0])


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


def test_ndcg_equals_scikit_learn_with_ties_and_graded_gains():
    rng = np.random.default_rng(1)
    X, X_query = (rng.integers(0, 2, (n, 5), dtype=np.uint8) for n in (60, 8))
    gains = rng.integers(0, 4, (8, 60))
    for k in (1, 10, 60):
        score = metrics.ndcg_at_k_score(X, None, X_query, relevance=gains, k=k)
        assert score == pytest.approx(ndcg_score(gains, -hamming(X_query, X), k=k))


def test_copies_of_a_row_tie_by_cosine():
    # Rounding noise of the product must not rank copies one before the other.
    rng = np.random.default_rng(0)
    row = rng.normal(size=(1, 37))
    X = np.repeat(row, 101, axis=0)
    y = np.arange(101) % 2
    score = metrics.precision_at_k_score(X, y, row, [0], k=1, metric="cosine")
    assert score == pytest.approx(51 / 101)


@pytest.mark.parametrize("metric", ["hamming", "cosine"])
def test_unlabeled_rows_are_neither_asked_nor_found(metric):
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
    square = hamming(X, X)
    np.testing.assert_allclose(
        metrics.recall_at_k_score(square, y, k=5, metric="precomputed"),
        metrics.recall_at_k_score(X[known], y[known], k=5),
    )


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


@pytest.mark.usefixtures("_block_size")
@pytest.mark.parametrize("metric", ["hamming", "cosine", "euclidean", "precomputed"])
def test_within_radius(metric):
    rng = np.random.default_rng(3)
    X, X_query = (rng.integers(0, 2, (n, 9), dtype=np.uint8) for n in (70, 30))
    y, y_query = rng.integers(0, 4, 70), rng.integers(0, 4, 30)
    distances, radius = hamming(X_query, X), 1
    if metric == "cosine":
        product = normalize(X_query.astype(float)) @ normalize(X.astype(float)).T
        distances, radius = 1 - product, 0.21
    if metric == "euclidean":
        distances, radius = np.sqrt(distances), 1.2
    inside, relevant = distances <= radius, y_query[:, None] == y
    hits, found = (inside & relevant).sum(axis=1), inside.sum(axis=1)
    assert 0 < (found == 0).mean() < 1
    precision = np.where(found, hits / np.maximum(found, 1), 0)
    if metric == "precomputed":
        X, X_query = distances, None
    arguments = (X, y, X_query, y_query)
    keywords = {"radius": radius, "metric": metric}
    score = metrics.precision_within_radius_score
    assert score(*arguments, **keywords) == pytest.approx(precision.mean())
    np.testing.assert_allclose(
        score(*arguments, empty=np.nan, average=False, **keywords),
        np.where(found, precision, np.nan),
    )
    keywords["empty"] = np.nan
    assert score(*arguments, **keywords) == pytest.approx(precision[found > 0].mean())
    del keywords["empty"]
    assert metrics.recall_within_radius_score(*arguments, **keywords) == pytest.approx(
        (hits / relevant.sum(axis=1)).mean()
    )
    for labels in ((y, y_query), (None, None)):
        share = metrics.empty_ball_rate(X, labels[0], X_query, labels[1], **keywords)
        assert share == pytest.approx((found == 0).mean())


def test_a_radius_beyond_all_bits_finds_everything():
    X = np.array([[0, 0], [1, 1]], dtype=np.uint8)
    assert metrics.recall_within_radius_score(X, [0, 0], radius=50) == 1.0
    assert metrics.empty_ball_rate(X, radius=1) == 1.0


@pytest.mark.parametrize("metric", ["hamming", "euclidean"])
def test_report_equals_the_single_measures(metric):
    rng = np.random.default_rng(4)
    X, X_query = (rng.integers(0, 2, (n, 8), dtype=np.uint8) for n in (60, 20))
    y, y_query = rng.integers(-1, 3, 60), rng.integers(-1, 4, 20)
    arguments = (X, y, X_query, y_query)
    report = metrics.retrieval_report(
        *arguments, k=(3, 10, None), radius=(0, 2), metric=metric
    )
    for name, function in AT_K.items():
        for k in (3, 10):
            assert report.pop(f"{name}_at_{k}") == pytest.approx(
                function(*arguments, k=k, metric=metric)
            )
    for name in ("average_precision", "ndcg"):
        assert report.pop(name) == pytest.approx(
            AT_K[name](*arguments, k=None, metric=metric)
        )
    for radius in (0, 2):
        keywords = {"radius": radius, "metric": metric}
        assert [
            report.pop(f"precision_within_{radius}"),
            report.pop(f"recall_within_{radius}"),
            report.pop(f"empty_balls_within_{radius}"),
        ] == pytest.approx(
            [
                metrics.precision_within_radius_score(*arguments, **keywords),
                metrics.recall_within_radius_score(*arguments, **keywords),
                metrics.empty_ball_rate(*arguments, **keywords),
            ]
        )
    assert report == {
        "n_index": (y >= 0).sum(),
        "n_queries": (y_query >= 0).sum(),
        "fraction_without_relevant": pytest.approx((y_query[y_query >= 0] == 3).mean()),
    }


def test_no_ball_with_a_row_in_it():
    with pytest.raises(ValueError, match="within radius=0, and empty=nan"):
        metrics.precision_within_radius_score(
            np.eye(4), [0, 1, 0, 1], radius=0, empty=np.nan
        )


def test_report_of_graded_gains_and_of_scalars():
    X = np.array([[0, 0], [0, 1], [1, 1]], dtype=np.uint8)
    y = np.array([[1, 0], [1, 1], [0, 1]])
    report = metrics.retrieval_report(X, y, k=1, radius=1, relevance="jaccard")
    assert "ndcg_at_1" in report
    assert "precision_within_1" in report
    assert not any("average_precision" in name for name in report)
    radii = (0.12345671, 0.12345672)
    report = metrics.retrieval_report(X, y, k=1, radius=radii, metric="euclidean")
    assert {f"precision_within_{radius}" for radius in radii} < set(report)
    report = metrics.retrieval_report(X, y, k=1, metric="cosine")
    assert not any("within" in name for name in report)


def test_many_bits_and_no_change_of_the_input():
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
    distances = hamming(X_query, X).astype(float)
    distances.flags.writeable = False
    score = metrics.average_precision_at_k_score(
        distances, y, None, y_query, k=50, metric="precomputed"
    )
    assert score == pytest.approx(scores[0])


def test_more_classes_than_a_word_has_bits():
    rng = np.random.default_rng(6)
    X, X_query = (rng.integers(0, 2, (n, 6), dtype=np.uint8) for n in (40, 5))
    y, y_query = (rng.integers(0, 40, (n, 130)) == 0 for n in (40, 5))
    gains = jaccard(y_query, y)
    for relevance, matrix in (("jaccard", gains), ("any", gains > 0)):
        assert metrics.ndcg_at_k_score(
            X, y, X_query, y_query, k=9, relevance=relevance
        ) == pytest.approx(
            metrics.ndcg_at_k_score(X, None, X_query, relevance=matrix, k=9)
        )


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


BITS = np.array([[0, 0], [0, 1], [1, 1]], dtype=np.uint8)


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


def test_bad_input_of_average_precision():
    with pytest.raises(ValueError, match=r"normalization must be one of.*'max'"):
        metrics.average_precision_at_k_score(BITS, [0, 1, 1], normalization="max")
    graded = np.full((3, 3), 0.5)
    with pytest.raises(ValueError, match="relevance must be 'any' or a matrix of 0"):
        metrics.average_precision_at_k_score(BITS, None, relevance=graded)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"radius": -1}, ValueError, "radius must be an int of at least 0.*got -1"),
        ({"radius": 1.5}, TypeError, "radius must be an int.*got 1.5"),
        ({"radius": "2", "metric": "cosine"}, TypeError, "radius must be a number"),
        ({"metric": "inner_product"}, ValueError, "radius has no meaning"),
        ({"empty": 2}, ValueError, r"empty must be a number in \[0, 1\] or NaN; got 2"),
        ({"empty": "x"}, TypeError, r"empty must be a number in \[0, 1\] or NaN"),
    ],
)
def test_bad_input_within_radius(arguments, error, message):
    with pytest.raises(error, match=message):
        metrics.precision_within_radius_score(BITS, [0, 1, 1], **arguments)


def test_more_positions_than_rows_mean_all_of_them():
    for name in ("recall", "average_precision", "ndcg"):
        every = AT_K[name](BITS, [0, 1, 1], k=None)
        assert AT_K[name](BITS, [0, 1, 1], k=1000) == every


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


def test_an_infinite_radius_leaves_the_query_out():
    rows, y = np.random.RandomState(0).standard_normal((10, 3)), [0, 1] * 5
    scores = [
        metrics.precision_within_radius_score(rows, y, radius=r, metric="euclidean")
        for r in (np.inf, 1e9)
    ]
    assert scores == [pytest.approx(4 / 9)] * 2
