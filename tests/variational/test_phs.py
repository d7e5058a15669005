"""Test pairwise supervised hashing."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from skhash import PHSHasher
from skhash.model_selection import mask_labels

SMALL = {"n_bits": 8, "batch_size": 64, "max_epochs": 20, "random_state": 0}


@pytest.fixture(scope="module")
def labels(topics):
    return mask_labels(topics, 0.3, stratify=True, random_state=0)


def test_labels_are_learned(rows, topics, labels):
    hasher = PHSHasher(**SMALL).fit(rows, labels)
    assert (hasher.predict(rows) == topics).mean() > 0.9
    assert hasher.score(rows, topics) > 0.8
    assert [*hasher.history_[0]] == [
        "epoch",
        "train_loss",
        "reconstruction",
        "kl",
        "labels",
        "pairs",
        "dur",
    ]


def test_unlabeled_pairs_may_count_as_dissimilar(rows, labels):
    small = SMALL | {"max_epochs": 1}
    masked, original = (
        PHSHasher(mask_unlabeled=mask, **small).fit(rows, labels).history_[0]["pairs"]
        for mask in (True, False)
    )
    assert masked < original


def test_without_labels(rows):
    hasher = PHSHasher(**SMALL | {"max_epochs": 2}).fit(rows)
    assert hasher.classes_ is None
    assert not hasattr(hasher, "predict")
    assert all(epoch["labels"] == epoch["pairs"] == 0 for epoch in hasher.history_)


def test_several_labels_are_predicted(rows, topics):
    sets = np.eye(3, dtype=int)[topics] | np.eye(3, dtype=int)[np.maximum(topics, 1)]
    hasher = PHSHasher(**SMALL).fit(rows, sets)
    predicted = hasher.predict(rows)
    assert (predicted == sets).mean() > 0.9
    assert_array_equal(predicted, hasher.predict_proba(rows) > 0.5)
