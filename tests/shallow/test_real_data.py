"""Check the order of hashers by quality on 20 Newsgroups, at 32 bits."""

import numpy as np
import pytest

from skhash.metrics import precision_at_k_score
from skhash.shallow import (
    AnchorGraphHasher,
    CCAITQHasher,
    ClassifierHasher,
    ITQHasher,
    KernelSupervisedHasher,
    PCAHasher,
    RandomProjectionHasher,
    SelfTaughtHasher,
    SemiSupervisedHasher,
    SpectralHasher,
    SphericalHasher,
    SupervisedDiscreteHasher,
)
from tests.data import MissingDataError, load_20newsgroups


@pytest.fixture(scope="module")
def news():
    try:
        data = load_20newsgroups()
    except MissingDataError as error:
        pytest.skip(str(error))
    data.cache = {}
    return data


@pytest.fixture
def precision(news):
    """Return precision@100 of a hasher, learned on a third of the training rows."""
    rows = slice(None, None, 3)

    def measure(Hasher, share=0.0):
        if (Hasher, share) not in news.cache:
            X, y = news.X_train[rows], news.y_train[rows]
            hidden = np.random.RandomState(0).rand(len(y)) >= share
            hasher = Hasher(32, random_state=0).fit(X, np.where(hidden, -1, y))
            news.cache[Hasher, share] = precision_at_k_score(
                hasher.transform(X),
                y,
                hasher.transform(news.X_test[:1500]),
                news.y_test[:1500],
            )
        return news.cache[Hasher, share]

    return measure


def test_itq_is_above_pca_and_that_above_random_projections(precision):
    assert precision(ITQHasher) > precision(PCAHasher) + 0.01
    assert precision(PCAHasher) > precision(RandomProjectionHasher) + 0.1


@pytest.mark.parametrize("Hasher", [AnchorGraphHasher, SelfTaughtHasher])
def test_graphs_are_at_or_above_itq(precision, Hasher):
    assert precision(Hasher) > precision(ITQHasher) - 0.01


@pytest.mark.parametrize("Hasher", [SpectralHasher, SphericalHasher])
def test_waves_and_balls_are_far_above_random_projections(precision, Hasher):
    assert precision(Hasher) > precision(RandomProjectionHasher) + 0.1


@pytest.mark.parametrize(
    ("Hasher", "ahead"),
    [
        (CCAITQHasher, 0.25),
        (ClassifierHasher, 0.25),
        (KernelSupervisedHasher, 0.25),
        (SupervisedDiscreteHasher, 0.25),
        (SemiSupervisedHasher, 0.1),
    ],
)
def test_all_labels_put_supervised_hashers_far_ahead(precision, Hasher, ahead):
    assert precision(Hasher, share=1.0) > precision(ITQHasher) + ahead


@pytest.mark.parametrize(
    "Hasher", [CCAITQHasher, ClassifierHasher, SemiSupervisedHasher]
)
def test_a_tenth_of_the_labels_helps(precision, Hasher):
    assert precision(Hasher, share=0.1) > precision(ITQHasher)
