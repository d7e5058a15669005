"""Run a part of ``make soak``."""

import os

from tests.fuzz.checked_index import eager
from tests.fuzz.run_soak import MOST_GROWTH, growth, soak


def test_long_sequence():
    with eager():
        n_steps, n_hashed, memory = soak(float(os.environ.get("SOAK_SECONDS", 10)))
    assert n_steps > 20
    assert n_hashed
    assert growth(memory) <= MOST_GROWTH
