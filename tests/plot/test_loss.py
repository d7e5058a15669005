import matplotlib
import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler

from skhash import ITQHasher, SSBVAEHasher
from skhash.plot import LossDisplay

matplotlib.use("agg")


def test_history_of_a_hasher():
    X = np.random.default_rng(0).random((40, 6))
    hasher = SSBVAEHasher(4, hidden_layer_sizes=(8,), max_epochs=3, random_state=0)
    pipeline = make_pipeline(MinMaxScaler(), hasher).fit(X, np.arange(40) % 2)
    display = LossDisplay.from_estimator(pipeline)
    assert_array_equal(display.epochs, [1, 2, 3])
    assert {"reconstruction", "labels"} <= set(display.losses)
    assert not {"dur", "train_loss", "epoch"} & set(display.losses)
    expected = [epoch["labels"] for epoch in hasher.history_]
    assert_array_equal(display.losses["labels"], expected)
    assert len(display.ax_.get_lines()) == len(display.losses)


def test_a_term_that_starts_later():
    history = [{"epoch": 1, "a": 1.0}, {"epoch": 2, "a": 0.5, "b": 2.0}]
    display = LossDisplay.from_history(history)
    assert_array_equal(display.losses["b"], [np.nan, 2.0])


def test_a_hasher_without_network_raises():
    hasher = ITQHasher(2).fit(np.random.default_rng(0).normal(size=(20, 3)))
    with pytest.raises(TypeError, match="has history_; got ITQHasher"):
        LossDisplay.from_estimator(hasher)
