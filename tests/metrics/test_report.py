"""Test the report of several measures."""

import numpy as np
import pytest

from skhash import metrics

AT_K = {
    "precision": metrics.precision_at_k_score,
    "recall": metrics.recall_at_k_score,
    "average_precision": metrics.average_precision_at_k_score,
    "ndcg": metrics.ndcg_at_k_score,
}


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


@pytest.mark.parametrize(
    ("n", "depths"), [(5, [4]), (80, [10]), (500, [10, 100]), (1200, [10, 100, 1000])]
)
def test_the_default_depths_fit_small_collections(n, depths):
    rng = np.random.default_rng(0)
    X, y = rng.integers(0, 2, (n, 16)), np.arange(n) % 2
    report = metrics.retrieval_report(X, y)
    found = [name for name in report if name.startswith("precision_at_")]
    assert found == [f"precision_at_{depth}" for depth in depths]
    assert report == metrics.retrieval_report(X, y, k=depths)
    with pytest.raises(ValueError, match=f"k must be an int from 1 to {n - 1}"):
        metrics.retrieval_report(X, y, k=n)
