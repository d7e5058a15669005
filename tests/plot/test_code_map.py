import matplotlib
import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn.decomposition import PCA
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skhash import ITQHasher
from skhash.plot import CodeMapDisplay

matplotlib.use("agg")

CODES = np.array(
    [[0, 0, 0], [0, 0, 1], [0, 1, 1], [1, 1, 1], [0, 0, 0], [0, 0, 0], [1, 1, 1]]
)


class FirstBits:
    """Place a code at its first two bits."""

    def fit_transform(self, X):
        return X[:, :2].astype(float)


def test_one_point_per_code_the_most_frequent_first():
    display = CodeMapDisplay.from_predictions(CODES, embedding=FirstBits())
    assert_array_equal(display.counts, [3, 2, 1, 1])
    assert_array_equal(display.positions, [[0, 0], [1, 1], [0, 0], [0, 1]])
    assert display.labels is None
    (points,) = display.ax_.collections
    assert_array_equal(points.get_offsets(), display.positions)
    assert points.get_sizes()[0] == pytest.approx(np.sqrt(3) * points.get_sizes()[2])


@pytest.mark.parametrize("names", [[3, 5], ["a", "b"]])
def test_a_code_has_the_most_frequent_label_of_its_samples(names):
    a, b = names
    y = np.array([a, b, -1, -1, a, b, b], dtype=object)
    display = CodeMapDisplay.from_predictions(CODES, y, embedding=FirstBits())
    assert_array_equal(display.labels, np.array([a, b, b, -1], dtype=object))
    shown = [text.get_text() for text in display.ax_.get_legend().get_texts()]
    assert shown == ["no label", str(a), str(b)]


def test_default_map_keeps_groups_apart():
    rng = np.random.default_rng(0)
    centers = rng.integers(0, 2, size=(3, 64))
    y = np.arange(90) % 3
    codes = centers[y] ^ (rng.random((90, 64)) < 0.05)
    first = CodeMapDisplay.from_predictions(codes, y)
    means = [first.positions[first.labels == label].mean(axis=0) for label in range(3)]
    for i, place in enumerate(first.positions):
        nearest = np.argmin([np.linalg.norm(place - mean) for mean in means])
        assert nearest == first.labels[i]
    again = CodeMapDisplay.from_predictions(codes, y)
    assert_array_equal(first.positions, again.positions)


def test_pipeline_packed_codes_and_given_axes():
    X = np.random.default_rng(0).normal(size=(50, 6))
    hasher = make_pipeline(
        StandardScaler(), ITQHasher(4, output="packed", random_state=0)
    ).fit(X)
    first = CodeMapDisplay.from_predictions(CODES, embedding=PCA(2))
    display = CodeMapDisplay.from_estimator(
        hasher, X, embedding=PCA(2), n_codes=5, ax=first.ax_, marker="x"
    )
    assert display.positions.shape == (5, 2)
    assert display.ax_ is first.ax_


def test_refused():
    with pytest.raises(ValueError, match="at least 4 distinct codes; got 3"):
        CodeMapDisplay.from_predictions(CODES[[0, 1, 2, 0]])
    with pytest.raises(ValueError, match="one class per sample"):
        CodeMapDisplay.from_predictions(
            CODES, np.eye(3, dtype=int)[[0, 1, 2] * 2 + [0]], embedding=FirstBits()
        )
