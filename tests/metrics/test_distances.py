"""Test distances that are not bit counts."""

import numpy as np
import pytest
import scipy.sparse as sp
from sklearn.metrics import average_precision_score, ndcg_score
from sklearn.preprocessing import normalize

from skhash import metrics
from skhash.metrics import _distances


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


def euclidean(P, Q):
    return np.sqrt(((Q[:, None] - P[None]) ** 2).sum(axis=-1))


def far_away():
    rng = np.random.default_rng(0)
    trail = np.cumsum(rng.normal(0, 0.05, (120, 3)), axis=0)
    seconds = 1_700_000_000.0 + np.sort(rng.uniform(0, 3600, 120))
    two_places = trail + np.where(np.arange(120) % 2, 4e6, -4e6)[:, None]
    return {
        "seconds": (seconds[:, None], 20.0),
        "meters": (trail + np.array([4_200_000.0, 1_300_000.0, 4.6e6]), 0.2),
        "two places": (two_places, 0.3),
        "a huge constant feature": (np.c_[trail, np.full(120, 1e8)], 0.2),
        "tiny": (trail * 1e-150, 0.2e-150),
        "huge": (trail * 1e150, 0.2e150),
    }


@pytest.mark.parametrize("make", [np.asarray, sp.csr_array])
@pytest.mark.parametrize("name", far_away())
def test_euclidean_distances_far_from_the_origin(name, make):
    P, radius = far_away()[name]
    y = np.arange(120) // 10
    distances = euclidean(P, P)
    np.fill_diagonal(distances, np.inf)
    same = y[:, None] == y
    nearest = np.argsort(distances, axis=1, kind="stable")[:, :5]
    inside = distances <= radius
    found = np.maximum(inside.sum(axis=1), 1)
    keywords = {"metric": "euclidean", "average": False}
    np.testing.assert_allclose(
        metrics.precision_at_k_score(make(P), y, k=5, **keywords),
        np.take_along_axis(same, nearest, axis=1).mean(axis=1),
        atol=1e-12,
    )
    np.testing.assert_allclose(
        metrics.precision_within_radius_score(make(P), y, radius=radius, **keywords),
        (inside & same).sum(axis=1) / found,
    )
    rate = metrics.empty_ball_rate(make(P), radius=radius, metric="euclidean")
    assert rate == pytest.approx((~inside.any(axis=1)).mean())


@pytest.mark.parametrize(
    "radius",
    [
        1,
        np.int8(1),
        np.uint64(1),
        0.2,
        np.float16(0.2),
        np.float32(0.2),
        np.float64(0.2),
        np.longdouble("0.2"),
        np.inf,
    ],
)
@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.int64])
def test_radii_of_any_type_compare_as_in_double_precision(radius, dtype):
    # On a grid of 0.2, so that the rounding of the radius decides.
    P = np.array([[0], [0.2], [0.4], [1.0], [1.2]]).astype(dtype)
    distances = euclidean(P.astype(np.float64), P.astype(np.float64))
    inside = (distances <= radius) & ~np.eye(5, dtype=bool)
    expected = (~inside.any(axis=1)).mean()
    for X, metric in ((P, "euclidean"), (distances, "precomputed")):
        assert metrics.empty_ball_rate(X, radius=radius, metric=metric) == expected


def test_given_distances_in_single_precision_compare_in_double_precision():
    distances = np.full((2, 2), 0.2, dtype=np.float32)  # a little more than 0.2
    keywords = {"metric": "precomputed"}
    assert metrics.empty_ball_rate(distances, radius=0.2, **keywords) == 1
    assert metrics.empty_ball_rate(distances, radius=np.float32(0.2), **keywords) == 0


def test_cosine_distances_of_multiples_tie():
    rng = np.random.default_rng(0)
    counts = rng.integers(0, 5, (40, 30)).astype(float)
    X = np.vstack([counts, 3 * counts, counts / 7])
    y = np.repeat([0, 1, 2], 40)
    scores = metrics.precision_at_k_score(
        X, y, counts, np.zeros(40, int), k=1, metric="cosine", average=False
    )
    np.testing.assert_allclose(scores, 1 / 3)


def test_inner_products_of_copies_tie():
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(1, 37))
    X = np.repeat(rows, 101, axis=0)
    score = metrics.precision_at_k_score(
        X, np.arange(101) % 2, rows, [0], k=1, metric="inner_product"
    )
    assert score == pytest.approx(51 / 101)


@pytest.mark.parametrize(
    ("keywords", "error", "message"),
    [
        ({"packed": True, "metric": "cosine"}, ValueError, "packed must keep its def"),
        ({"n_bits": 4, "metric": "euclidean"}, ValueError, "n_bits must keep its def"),
        ({"packed": "yes"}, TypeError, "packed must be True or False; got 'yes'"),
        ({"packed": True}, TypeError, "X must be packed codes of dtype uint8"),
        ({"n_bits": 3}, ValueError, "X must have 3 bits"),
        ({"n_bits": 4.0}, TypeError, "n_bits must be an int of at least 1"),
    ],
)
def test_invalid_forms_of_codes(keywords, error, message):
    with pytest.raises(error, match=message):
        metrics.precision_at_k_score(np.eye(4), [0, 0, 1, 1], k=1, **keywords)


def test_eight_bit_parameters():
    rng = np.random.default_rng(0)
    X, y = rng.integers(0, 2, (300, 255), dtype=np.uint8), np.arange(300) % 3
    score = metrics.precision_at_k_score(X, y, k=np.uint8(200), n_bits=np.uint8(255))
    assert score == metrics.precision_at_k_score(X, y, k=200)
    score = metrics.recall_within_radius_score(X, y, radius=np.uint8(250))
    assert score == metrics.recall_within_radius_score(X, y, radius=250)


@pytest.mark.parametrize("shift", [0.0, 1e6])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_distances_that_matter_are_exact(shift, dtype, monkeypatch):
    def unexpected(*_):
        raise AssertionError("all distances were computed exactly")

    monkeypatch.setattr(_distances, "_all_euclidean", unexpected)
    rng = np.random.default_rng(0)
    X = (rng.normal(size=(1500, 16)) + shift).astype(dtype)
    X[700:800] = X[:100]  # copies
    query = X[:40]
    distances = euclidean(X.astype(np.float64), query.astype(np.float64))
    radius = np.sort(distances, axis=1)[:, 9].min()  # exactly a distance
    y = np.arange(1500) % 7
    same = y[:40, None] == y
    inside = distances <= radius
    np.testing.assert_array_equal(
        metrics.precision_within_radius_score(
            X, y, query, y[:40], radius=radius, metric="euclidean", average=False
        ),
        (inside & same).sum(axis=1) / inside.sum(axis=1),
    )
    np.testing.assert_allclose(
        metrics.precision_at_k_score(
            X, y, query, y[:40], k=9, metric="euclidean", average=False
        ),
        metrics.precision_at_k_score(
            distances, y, None, y[:40], k=9, metric="precomputed", average=False
        ),
    )
    # Leave one out: the query itself is not among the nine nearest.
    square = euclidean(X[:1000].astype(np.float64), X[:1000].astype(np.float64))
    np.testing.assert_allclose(
        metrics.ndcg_at_k_score(X[:1000], y[:1000], k=9, metric="euclidean"),
        metrics.ndcg_at_k_score(square, y[:1000], k=9, metric="precomputed"),
    )


@pytest.mark.parametrize("form", [np.asarray, sp.csr_array])
@pytest.mark.parametrize("metric", ["euclidean", "cosine"])
@pytest.mark.parametrize("exponent", [-900, -560, 530, 900])
def test_the_scale_does_not_matter(metric, form, exponent):
    """Squares of such values overflow or vanish; a power of two rounds nothing."""
    rng = np.random.RandomState(0)
    X = np.round(rng.standard_normal((150, 4)), 3)
    y = rng.randint(3, size=150)
    score = metrics.precision_at_k_score(form(X), y, k=4, metric=metric)
    scaled = form(np.ldexp(X, exponent))
    got = metrics.precision_at_k_score(scaled, y, k=4, metric=metric)
    assert got == pytest.approx(score, abs=1e-12)
    if metric == "euclidean":
        for measure in (metrics.precision_within_radius_score, metrics.empty_ball_rate):
            expected = measure(form(X), y, radius=0.7, metric=metric)
            radius = np.ldexp(0.7, exponent)
            assert measure(scaled, y, radius=radius, metric=metric) == expected


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("radius", [1e200, np.finfo(float).max, np.inf])
def test_a_radius_that_holds_everything(radius):
    X = np.random.RandomState(0).standard_normal((60, 3))
    assert metrics.empty_ball_rate(X, radius=radius, metric="euclidean") == 0
    y = np.arange(60) % 2
    how = {"radius": radius, "metric": "euclidean"}
    score = metrics.precision_within_radius_score(X, y, **how)
    assert score == pytest.approx(29 / 59)
