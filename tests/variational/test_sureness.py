"""Which rows are sure of their class, and how the others step aside."""

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal

from skhash.variational.sureness import step_aside, sure_from


@pytest.mark.parametrize("n_bits", [1, 2, 7, 16])
def test_step_aside(n_bits):
    logits = torch.randn(50, n_bits, generator=torch.Generator().manual_seed(0))
    unsure = torch.arange(50) % 3 == 0
    stepped, lead = step_aside(logits, unsure)
    changed = (stepped != logits).numpy()
    assert_array_equal(changed.sum(axis=1), unsure.numpy().astype(int))
    assert_array_equal(stepped.abs().numpy(), logits.abs().numpy())
    margins = np.sort(np.abs(logits.numpy()), axis=1)
    assert_allclose(np.abs(logits.numpy())[changed], margins[unsure, n_bits // 2])
    assert lead.shape == (50,)
    assert (lead >= 0).all()


def test_each_class_has_its_own_bound():
    rng = np.random.default_rng(0)
    sureness = np.r_[rng.uniform(0.9, 1, 100), rng.uniform(0.5, 0.6, 40)]
    shares = np.column_stack([sureness, 1 - sureness, np.zeros(140)])
    shares[100:, :2] = shares[100:, 1::-1]
    bounds = sure_from(shares, 0.3)
    assert bounds.dtype == np.float32
    assert_allclose(bounds[0], np.quantile(sureness[:100], 0.3), rtol=1e-6)
    assert_allclose(bounds[1], np.quantile(sureness[100:], 0.3), rtol=1e-6)
    assert_allclose(bounds[2], np.quantile(sureness, 0.3), rtol=1e-6)


def test_no_quantile_of_few_rows():
    shares = np.array([[0.9, 0.1]] * 50 + [[0.4, 0.6]] * 5)
    assert_allclose(sure_from(shares, 0.5), 0.9)
