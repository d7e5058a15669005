"""Test measures of the samples within a radius."""

import numpy as np
import pytest
from sklearn.preprocessing import normalize

from skhash import metrics

BITS = np.array([[0, 0], [0, 1], [1, 1]], dtype=np.uint8)


@pytest.mark.usefixtures("_block_size")
@pytest.mark.parametrize("metric", ["hamming", "cosine", "euclidean", "precomputed"])
def test_within_radius(metric, reference):
    rng = np.random.default_rng(3)
    X, X_query = (rng.integers(0, 2, (n, 9), dtype=np.uint8) for n in (70, 30))
    y, y_query = rng.integers(0, 4, 70), rng.integers(0, 4, 30)
    distances, radius = reference.hamming(X_query, X), 1
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


def test_all_balls_empty():
    with pytest.raises(ValueError, match="within radius=0, and empty=nan"):
        metrics.precision_within_radius_score(
            np.eye(4), [0, 1, 0, 1], radius=0, empty=np.nan
        )


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


def test_an_infinite_radius_leaves_the_query_out():
    rows, y = np.random.RandomState(0).standard_normal((10, 3)), [0, 1] * 5
    scores = [
        metrics.precision_within_radius_score(rows, y, radius=r, metric="euclidean")
        for r in (np.inf, 1e9)
    ]
    assert scores == [pytest.approx(4 / 9)] * 2
