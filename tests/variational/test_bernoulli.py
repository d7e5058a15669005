"""Test the Bernoulli autoencoder without labels."""

import pytest
from numpy.testing import assert_array_equal

from skhash import BernoulliVAEHasher

SMALL = {
    "n_bits": 8,
    "hidden_layer_sizes": (64,),
    "batch_size": 64,
    "max_epochs": 20,
    "random_state": 0,
}


@pytest.mark.parametrize("sampler", ["straight_through", "concrete"])
def test_codes_follow_topics(rows, topics, sampler):
    hasher = BernoulliVAEHasher(sampler=sampler, **SMALL).fit(rows)
    assert hasher.network_.sampler == sampler
    assert hasher.score(rows, topics) > 0.8
    assert [*hasher.history_[0]] == [
        "epoch",
        "train_loss",
        "reconstruction",
        "kl",
        "dur",
    ]


def test_labels_are_ignored(rows, labels):
    without = BernoulliVAEHasher(**SMALL).fit(rows)
    with_labels = BernoulliVAEHasher(**SMALL).fit(rows, labels)
    assert_array_equal(without.transform(rows), with_labels.transform(rows))
    with pytest.raises(AttributeError, match="predict"):
        with_labels.predict(rows)
    # Labels that other hashers refuse too.
    BernoulliVAEHasher(**SMALL | {"max_epochs": 1}).fit(rows, [0.5] * 300)


def test_no_prediction_at_all(rows):
    hasher = BernoulliVAEHasher(**SMALL | {"max_epochs": 1})
    for each in (hasher, hasher.fit(rows)):
        assert not hasattr(each, "predict")
        assert not hasattr(each, "predict_proba")


def test_named_classes_are_ignored(rows, labels):
    hasher = BernoulliVAEHasher(**SMALL)
    hasher.partial_fit(rows, labels, classes=[0, 1, 2])
    assert hasher.classes_ is None
    assert not hasattr(hasher, "predict")


def test_weight_of_the_divergence(rows):
    small = SMALL | {"max_epochs": 3}
    history = BernoulliVAEHasher(kl_weight=0.0, **small).fit(rows).history_
    assert all(epoch["kl"] == 0 for epoch in history)
    weak, strong = (
        BernoulliVAEHasher(kl_weight=weight, **small).fit(rows).history_[-1]["kl"]
        / weight
        for weight in (0.01, 10.0)
    )
    assert strong < weak


def test_sampler_may_not_change_during_training(rows):
    hasher = BernoulliVAEHasher(**SMALL | {"max_epochs": 1}).fit(rows)
    codes = hasher.transform(rows)
    with pytest.raises(ValueError, match="sampler must stay 'straight_through'"):
        hasher.set_params(sampler="concrete").partial_fit(rows)
    assert_array_equal(hasher.transform(rows), codes)
