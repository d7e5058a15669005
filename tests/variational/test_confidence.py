import numpy as np
import pytest
import scipy.special
from numpy.testing import assert_allclose, assert_array_equal

from skhash.variational._confidence import (
    class_log_odds,
    confidence_thresholds,
    flip_tie_break_bit,
)


@pytest.mark.parametrize("n_bits", [1, 2, 7, 16])
def test_flipped_bits(n_bits):
    logits = np.random.default_rng(0).standard_normal((50, n_bits)).astype(np.float32)
    flipped, gap = flip_tie_break_bit(logits)
    changed = flipped != logits
    assert_array_equal(changed.sum(axis=1), 1)
    assert_array_equal(np.abs(flipped), np.abs(logits))
    margins = np.abs(logits)
    medians = np.sort(margins, axis=1)[:, n_bits // 2]
    assert_allclose(margins[changed], medians)
    assert gap.shape == (50,)
    assert (gap >= 0).all()


def test_log_odds():
    """Exact also where probabilities round to 1."""
    scores = np.array([[0.0, 40.0, 1.0], [50.0, 0.0, 0.0], [0.3, 0.3, 0.2]])
    log_odds, predicted = class_log_odds(
        scipy.special.log_softmax(scores.astype(np.float32), axis=1)
    )
    best = scipy.special.log_softmax(scores, axis=1).max(axis=1)
    others = np.log(np.expm1(-best[2:])) + best[2:]
    assert_allclose(log_odds[2], best[2] - others[0], rtol=1e-5)
    assert_allclose(log_odds[:2], [40 - np.log(1 + np.e), 50 - np.log(2)], rtol=1e-5)
    assert predicted[:2].tolist() == [1, 0]


def test_log_odds_without_any_other_class():
    found, predicted = class_log_odds(np.array([[0.0, -np.inf, -np.inf]]))
    assert found[0] == np.inf
    assert predicted[0] == 0


def test_one_threshold_per_class():
    rng = np.random.default_rng(0)
    confidence = np.r_[rng.uniform(0.9, 1, 100), rng.uniform(0.5, 0.6, 40)]
    posteriors = np.column_stack([confidence, 1 - confidence])
    posteriors[100:] = posteriors[100:, ::-1]
    posteriors = np.column_stack([posteriors, np.full(140, 1e-12)])
    thresholds = confidence_thresholds(np.log(posteriors), 0.3)
    assert thresholds.dtype == np.float32
    log_odds = np.log(confidence / (1 - confidence))
    assert_allclose(thresholds[0], np.quantile(log_odds[:100], 0.3), rtol=1e-6)
    assert_allclose(thresholds[1], np.quantile(log_odds[100:], 0.3), rtol=1e-6)
    assert_allclose(thresholds[2], np.quantile(log_odds, 0.3), rtol=1e-6)


def test_threshold_of_a_class_of_few_samples():
    posteriors = np.array([[0.9, 0.1]] * 50 + [[0.4, 0.6]] * 5)
    assert_allclose(
        confidence_thresholds(np.log(posteriors), 0.5), np.log(9), rtol=1e-6
    )
