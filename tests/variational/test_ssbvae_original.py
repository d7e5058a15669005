"""Test SSB-VAE as published."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from skhash import OriginalSSBVAEHasher
from skhash.model_selection import mask_labels

SMALL = {"n_bits": 8, "batch_size": 64, "max_epochs": 20, "random_state": 0}


@pytest.fixture(scope="module")
def labels(topics):
    return mask_labels(topics, 0.3, stratify=True, random_state=0)


def test_labels_are_learned(rows, topics, labels):
    hasher = OriginalSSBVAEHasher(**SMALL).fit(rows, labels)
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


def test_defaults_of_the_authors():
    parameters = OriginalSSBVAEHasher().get_params()
    assert parameters["pair_weight"] == parameters["kl_weight"] == 0.01
    assert parameters["label_weight"] == 1000.0
    assert parameters["dropout"] == parameters["feature_dropout"] == 0.0
    assert parameters["hidden_layer_sizes"] == (500, 500)
    assert parameters["max_epochs"] == 30
    assert parameters["batch_size"] == 100
    assert parameters["learning_rate"] == 1e-3
    for name in ("pseudo_labeler", "code_assigner", "class_weight"):
        assert name not in parameters


def test_bits_are_relaxed(rows, labels):
    hasher = OriginalSSBVAEHasher(**SMALL | {"max_epochs": 1}).fit(rows, labels)
    assert hasher.network_.sampler == "concrete"
    assert len(hasher.network_.cluster_heads) == 0


def test_classes_are_those_of_the_feature_head(rows, labels):
    hasher = OriginalSSBVAEHasher(**SMALL | {"max_epochs": 3}).fit(rows, labels)
    features, logits = hasher._activations(rows)
    head = hasher.network_.feature_head
    scores = head(features.float()).detach().numpy()
    assert_array_equal(hasher.predict(rows), scores.argmax(axis=1))
    # And codes are the signs of the logits alone.
    assert_array_equal(hasher.transform(rows), logits.numpy() > 0)


@pytest.mark.parametrize("name", ["label_weight", "pair_weight", "kl_weight"])
def test_weights_of_the_terms(rows, labels, name):
    small = SMALL | {"max_epochs": 1}
    without = OriginalSSBVAEHasher(**small, **{name: 0.0}).fit(rows, labels)
    # The pairs' weight is a factor of that of the labels, as in the paper.
    zeros = {
        "label_weight": {"labels"},
        "pair_weight": {"labels", "pairs"},
        "kl_weight": {"kl"},
    }[name]
    terms = without.history_[0]
    found = {each for each in ("labels", "pairs", "kl") if terms[each] == 0}
    assert found == zeros
    with pytest.raises(ValueError, match=name):
        OriginalSSBVAEHasher(**{name: -0.1}).fit(rows, labels)


def test_without_labels(rows, topics):
    hasher = OriginalSSBVAEHasher(**SMALL).fit(rows)
    assert hasher.classes_ is None
    assert not hasattr(hasher, "predict")
    assert all(epoch["labels"] == epoch["pairs"] == 0 for epoch in hasher.history_)
    assert hasher.score(rows, topics) > 0.6


def test_several_labels_are_predicted(rows, topics):
    sets = np.eye(3, dtype=int)[topics] | np.eye(3, dtype=int)[np.maximum(topics, 1)]
    hasher = OriginalSSBVAEHasher(**SMALL).fit(rows, sets)
    assert hasher.multilabel_
    assert (hasher.predict(rows) == sets).mean() > 0.9
