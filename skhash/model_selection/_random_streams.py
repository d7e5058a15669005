"""Derive random streams of their own from a seed that other tools get too."""

from numbers import Integral
from zlib import crc32

import numpy as np
from sklearn.utils import check_random_state


def derived_random_state(
    random_state: int | np.random.RandomState | None, purpose: str
) -> np.random.RandomState:
    """Return a random generator that is independent of others with the same seed.

    Scripts often pass one seed to everything. If :func:`mask_labels` and, for example,
    ``train_test_split`` then permuted the samples in the same way, all labels that are
    kept would end up in the same part.

    Parameters
    ----------
    random_state : int, RandomState instance or None
        The seed. Only an int has a stream derived from it.
    purpose : str
        The name of what uses the stream.

    Returns
    -------
    rng : RandomState
    """
    rng = check_random_state(random_state)
    if isinstance(random_state, Integral):
        seeds = np.random.SeedSequence([int(random_state), crc32(purpose.encode())])
        return np.random.RandomState(seeds.generate_state(4))
    return rng
