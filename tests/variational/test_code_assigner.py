"""Which rows are sure of their class, and how the others step aside."""

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal
from skhash.variational.sureness import (
    class_log_odds,
    confidence_thresholds,
    flip_tie_break_bit,
)


@pytest.mark.parametrize("n_bits", [1, 2, 7, 16])
def test_step_aside(n_bits):
    logits = torch.randn(50, n_bits, generator=torch.Generator().manual_seed(0))
    unsure = torch.arange(50) % 3 == 0
    stepped, lead = flip_tie_break_bit(logits, unsure)
    changed = (stepped != logits).numpy()
    assert_array_equal(changed.sum(axis=1), unsure.numpy().astype(int))
    assert_array_equal(stepped.abs().numpy(), logits.abs().numpy())
    margins = np.sort(np.abs(logits.numpy()), axis=1)
    assert_allclose(np.abs(logits.numpy())[changed], margins[unsure, n_bits // 2])
    assert lead.shape == (50,)
    assert (lead >= 0).all()


def test_log_odds_of_the_surest():
    """Told apart where their probabilities all round to 1."""
    scores = torch.tensor([[0.0, 40.0, 1.0], [50.0, 0.0, 0.0], [0.3, 0.3, 0.2]])
    log_odds, likeliest = class_log_odds(torch.log_softmax(scores, dim=1))
    exact = torch.log_softmax(scores.double(), dim=1)
    best = exact.amax(dim=1)
    others = torch.log(torch.expm1(-best)) + best
    assert_allclose(log_odds[2], best[2] - others[2], rtol=1e-5)
    assert_allclose(log_odds[:2], [40 - np.log(1 + np.e), 50 - np.log(2)], rtol=1e-5)
    assert likeliest[:2].tolist() == [1, 0]


def test_each_class_has_its_own_bound():
    rng = np.random.default_rng(0)
    sureness = np.r_[rng.uniform(0.9, 1, 100), rng.uniform(0.5, 0.6, 40)]
    shares = np.column_stack([sureness, 1 - sureness])
    shares[100:] = shares[100:, ::-1]
    shares = np.column_stack([shares, np.full(140, 1e-12)])
    bounds = confidence_thresholds(torch.from_numpy(shares).log(), 0.3)
    assert bounds.dtype == np.float32
    log_odds = np.log(sureness / (1 - sureness))
    assert_allclose(bounds[0], np.quantile(log_odds[:100], 0.3), rtol=1e-6)
    assert_allclose(bounds[1], np.quantile(log_odds[100:], 0.3), rtol=1e-6)
    assert_allclose(bounds[2], np.quantile(log_odds, 0.3), rtol=1e-6)


def test_no_quantile_of_few_rows():
    shares = torch.tensor([[0.9, 0.1]] * 50 + [[0.4, 0.6]] * 5, dtype=torch.float64)
    assert_allclose(confidence_thresholds(shares.log(), 0.5), np.log(9), rtol=1e-6)
