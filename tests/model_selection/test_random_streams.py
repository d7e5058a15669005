"""Check that random streams of one seed are independent."""

import numpy as np
import pytest
from sklearn.model_selection import KFold, ShuffleSplit, train_test_split
from sklearn.utils import shuffle

from skhash.model_selection import SemiSupervisedKFold, mask_labels
from skhash.model_selection._random_streams import derived_random_state


def draws(random_state, purpose):
    return derived_random_state(random_state, purpose).permutation(1000)


def test_streams_depend_on_seed_and_purpose():
    first = draws(3, "a")
    np.testing.assert_array_equal(draws(np.int64(3), "a"), first)
    for other in (draws(3, "b"), draws(4, "a")):
        assert (first == other).mean() < 0.02
    assert (first == np.random.RandomState(3).permutation(1000)).mean() < 0.02


def test_generators_are_used_as_they_are():
    rng = np.random.RandomState(0)
    assert derived_random_state(rng, "a") is rng
    assert derived_random_state(None, "a") is np.random.mtrand._rand
    with pytest.raises(ValueError):
        derived_random_state(-1, "a")
    with pytest.raises(ValueError, match="cannot be used to seed"):
        derived_random_state("seed", "a")


@pytest.mark.parametrize("seed", [0, 1, 42])
@pytest.mark.parametrize("stratify", [False, True])
def test_the_same_seed_again_splits_the_kept_labels_evenly(seed, stratify):
    y = np.repeat(np.arange(5), 400)
    partial = mask_labels(y, 0.05, stratify=stratify, random_state=seed)
    n_kept = np.count_nonzero(partial >= 0)
    folds = KFold(5, shuffle=True, random_state=seed)
    halves = ShuffleSplit(1, test_size=0.5, random_state=seed)
    parts = [
        (train_test_split(partial, random_state=seed)[0], 0.75),
        (partial[next(folds.split(y))[0]], 0.8),
        (partial[next(halves.split(y))[0]], 0.5),
        (shuffle(partial, random_state=seed)[:1000], 0.5),
    ]
    for part, fraction in parts:
        kept = np.count_nonzero(part >= 0)
        # Five standard deviations of a hypergeometric number.
        spread = np.sqrt(n_kept * fraction * (1 - fraction))
        assert abs(kept - fraction * n_kept) < 5 * spread


def test_masking_after_a_split_with_the_same_seed():
    y = np.arange(400) % 4
    _, test = next(SemiSupervisedKFold(4, shuffle=True, random_state=7).split(y, y))
    kept = mask_labels(y, 0.25, random_state=7) >= 0
    assert 10 < np.count_nonzero(kept[test]) < 40
