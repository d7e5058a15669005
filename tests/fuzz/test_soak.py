"""A share of what ``make soak`` runs."""

import os

from tests.fuzz.index_life import eager
from tests.fuzz.run_soak import MOST_GROWTH, growth, soak


def test_long_life():
    with eager():
        n_steps, n_hashed, memory = soak(float(os.environ.get("SOAK_SECONDS", 10)))
    assert n_steps > 20
    assert n_hashed
    assert growth(memory) <= MOST_GROWTH
