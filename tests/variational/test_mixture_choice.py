"""Test the choice of what is mixed by training samples."""

import numpy as np
import pytest
import scipy.sparse as sp
from numpy.testing import assert_array_equal

from skhash.utils._linalg import unit_rows
from skhash.variational import SSBVAEHasher
from skhash.variational._code_mixer import CodeMixer
from skhash.variational._mixture_choice import _mixes_better


def hasher(**kwargs):
    small = {"hidden_layer_sizes": (64,), "batch_size": 64, "max_epochs": 1}
    return SSBVAEHasher(**(small | {"random_state": 0} | kwargs))


def topics_and_groups(n_samples=1200):
    """Return samples of words, which four topics of eight groups draw."""
    rng = np.random.default_rng(0)
    groups = rng.integers(8, size=n_samples)
    rates = rng.gamma(0.3, size=(8, 120))[groups] * 0.2
    return sp.csr_matrix(rng.poisson(rates).astype(np.float32)), groups


@pytest.mark.parametrize("gain", [-1.0, 1.0])
def test_all_bits_are_mixed_if_they_find_more_similar_samples(monkeypatch, gain):
    # The similarities found by bits of the network, and by mixed ones, of three fits.
    similarities = iter([np.zeros(9), np.full(9, gain)] * 3)
    name = "skhash.variational._mixture_choice.found_similarity"
    monkeypatch.setattr(name, lambda *args: next(similarities))
    rows, _ = topics_and_groups()
    chosen = hasher().fit(rows)
    expected = hasher(class_weight=1).fit(rows)
    assert (chosen.code_mixer_ is None) == (gain < 0)
    if gain < 0:
        assert_array_equal(chosen.transform(rows), expected.transform(rows))
    else:
        assert chosen.code_mixer_.class_weight_ == 0.5
        long = hasher(n_bits=48).fit(rows)
        assert long.code_mixer_.class_weight_ == 0.15
        assert_array_equal(long.transform(rows)[:, :32], chosen.transform(rows))
        assert chosen.inverse_transform(chosen.transform(rows[:3])).shape == (3, 120)


def test_no_evidence_with_labels_or_few_samples(monkeypatch):
    def fail(*args):
        raise AssertionError("Asked for evidence.")

    monkeypatch.setattr("skhash.variational._mixture_choice.found_similarity", fail)
    rows, groups = topics_and_groups()
    assert hasher().fit(rows, groups).code_mixer_ is None
    assert hasher().fit(rows[:500]).code_mixer_ is None
    assert hasher(n_bits=16).fit(rows).code_mixer_ is None
    assert hasher().partial_fit(rows).code_mixer_ is None


def test_bits_are_compared_by_what_they_find(monkeypatch):
    rows, groups = topics_and_groups()
    rows = unit_rows(rows)[0]
    rng = np.random.default_rng(0)
    random_logits = rng.standard_normal((1200, 32)).astype(np.float32)
    of_groups = rng.choice([-2.0, 2.0], (8, 32)).astype(np.float32)[groups]
    mixer = CodeMixer(32, 0.1).fit(rows, random_logits, np.random.RandomState(0))
    assert _mixes_better(mixer, rows, random_logits, np.random.RandomState(0))
    monkeypatch.setattr(mixer, "mix", lambda rows, logits: random_logits)
    assert not _mixes_better(mixer, rows, of_groups, np.random.RandomState(0))
