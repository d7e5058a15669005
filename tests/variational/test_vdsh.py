"""Test variational deep semantic hashing."""

import numpy as np
from numpy.testing import assert_allclose, assert_array_equal

from skhash import VDSHHasher

SMALL = {
    "n_bits": 8,
    "hidden_layer_sizes": (64,),
    "batch_size": 64,
    "max_epochs": 20,
    "random_state": 0,
}


def test_labels_are_learned(rows, topics, labels):
    hasher = VDSHHasher(**SMALL).fit(rows, labels)
    assert (hasher.predict(rows) == topics).mean() > 0.9
    assert hasher.score(rows, topics) > 0.8
    assert [*hasher.history_[0]] == [
        "epoch",
        "train_loss",
        "reconstruction",
        "kl",
        "labels",
        "dur",
    ]


def test_bits_are_balanced(rows):
    hasher = VDSHHasher(**SMALL).fit(rows)
    assert_allclose(hasher.transform(rows).mean(axis=0), 0.5, atol=0.01)


def test_thresholds_are_medians_of_the_latent_variables(rows, monkeypatch):
    hasher = VDSHHasher(**SMALL | {"max_epochs": 2}).fit(rows)
    means = hasher._activations(rows)[1].numpy()
    assert_allclose(hasher.thresholds_, np.median(means, axis=0), atol=1e-4)
    assert_array_equal(hasher.transform(rows), means > hasher.thresholds_)
    monkeypatch.setattr("skhash.variational._vdsh._MAX_MEDIAN_SAMPLES", 100)
    few = VDSHHasher(**SMALL | {"max_epochs": 2}).fit(rows)
    assert_allclose(few.thresholds_, np.median(means[::3], axis=0), atol=1e-4)


def test_codes_are_probabilities_above_a_half(rows):
    hasher = VDSHHasher(**SMALL).fit(rows[:299])
    assert_array_equal(
        hasher.encode_proba(rows[:299]) > 0.5, hasher.transform(rows[:299])
    )


def test_several_labels_are_predicted(rows, topics):
    sets = np.eye(3, dtype=int)[topics] | np.eye(3, dtype=int)[np.maximum(topics, 1)]
    hasher = VDSHHasher(**SMALL).fit(rows, sets)
    predicted = hasher.predict(rows)
    assert (predicted == sets).mean() > 0.9
    assert_array_equal(predicted, hasher.predict_proba(rows) > 0.5)


def test_without_labels(rows):
    hasher = VDSHHasher(**SMALL | {"max_epochs": 2}).fit(rows)
    assert hasher.classes_ is None
    assert not hasattr(hasher, "predict")
    assert all(epoch["labels"] == 0 for epoch in hasher.history_)
