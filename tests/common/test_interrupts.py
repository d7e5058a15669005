"""Check that Ctrl-C ends fits soon: no call runs long without handling signals."""

import os
import signal
import threading

import numpy as np
import pytest
from sklearn.base import clone

from tests.common.estimators import HASHERS
from tests.faults import longest_stretch

N_SAMPLES = 5000


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="needs a timer of signals")
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("hasher", HASHERS, ids=repr)
def test_fit_looks_for_signals(hasher):
    if threading.current_thread() is not threading.main_thread():
        pytest.skip("signals reach the main thread only")
    rng = np.random.default_rng(0)
    X = 3 * rng.standard_normal((20, 32))[rng.integers(0, 20, N_SAMPLES)]
    X += rng.standard_normal(X.shape)
    y = np.where(rng.random(N_SAMPLES) < 0.2, rng.integers(0, 5, N_SAMPLES), -1)
    hasher = clone(hasher).set_params(n_bits=16)
    if "max_epochs" in hasher.get_params():
        hasher.set_params(max_epochs=1)
    hasher.fit(X[:200], y[:200])  # imports and compiles what it needs
    patience = float(os.environ.get("SKHASH_PATIENCE", "1"))
    assert longest_stretch(lambda: hasher.fit(X, y)) < 0.5 * patience
    assert longest_stretch(lambda: hasher.transform(X)) < 0.5 * patience
