import matplotlib
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skhash import ITQHasher
from skhash.metrics import (
    empty_ball_rate,
    precision_at_k_score,
    precision_within_radius_score,
    recall_within_radius_score,
)
from skhash.plot import PrecisionAtKDisplay, RadiusDisplay

matplotlib.use("agg")


@pytest.fixture
def samples():
    rng = np.random.default_rng(0)
    y = rng.integers(3, size=120)
    X = rng.normal(size=(120, 8)) + 2 * np.eye(8)[y]
    return X[:90], y[:90], X[90:], y[90:]


def test_precision_at_k(samples):
    X, y, X_query, y_query = samples
    hasher = make_pipeline(StandardScaler(), ITQHasher(8, random_state=0)).fit(X)
    display = PrecisionAtKDisplay.from_estimator(
        hasher, X, y, X_query, y_query, k=(1, 5, 90)
    )
    expected = [
        precision_at_k_score(
            hasher.transform(X), y, hasher.transform(X_query), y_query, k=k
        )
        for k in (1, 5, 90)
    ]
    assert_allclose(display.precisions, expected)
    (line,) = display.ax_.get_lines()
    assert_array_equal(line.get_xydata(), np.column_stack([[1, 5, 90], expected]))
    assert display.name == "ITQHasher"
    assert [t.get_text() for t in display.ax_.get_legend().get_texts()] == ["ITQHasher"]


def test_several_hashers_in_one_picture(samples):
    X, y, *_ = samples
    first = PrecisionAtKDisplay.from_predictions(X > 0, y, k=(1, 3))
    second = PrecisionAtKDisplay.from_predictions(
        X, y, k=(1, 3), metric="euclidean", name="vectors", ax=first.ax_
    )
    assert second.figure_ is first.figure_
    assert len(first.ax_.get_lines()) == 2


def test_packed_codes_are_unpacked(samples):
    X, y, X_query, y_query = samples
    hasher = ITQHasher(6, random_state=0).fit(X)
    bits = PrecisionAtKDisplay.from_estimator(hasher, X, y, X_query, y_query, k=(7,))
    hasher.set_params(output="packed")
    packed = PrecisionAtKDisplay.from_estimator(hasher, X, y, X_query, y_query, k=(7,))
    assert_array_equal(packed.precisions, bits.precisions)


def test_radius(samples):
    X, y, X_query, y_query = samples
    hasher = ITQHasher(8, random_state=0).fit(X)
    display = RadiusDisplay.from_estimator(
        hasher, X, y, X_query, y_query, radii=(0, 2, 8)
    )
    codes = (hasher.transform(X), y, hasher.transform(X_query), y_query)
    for values, measure in (
        (display.precisions, precision_within_radius_score),
        (display.recalls, recall_within_radius_score),
        (display.empty_rates, empty_ball_rate),
    ):
        assert_allclose(values, [measure(*codes, radius=r) for r in (0, 2, 8)])
    assert len(display.ax_.get_lines()) == 3
    assert display.recalls[-1] == 1
