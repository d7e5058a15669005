"""Test how codes are assigned: confidence, codewords, words, labels in training."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.preprocessing import normalize

from skhash.model_selection import mask_labels
from skhash.variational import CodeAssigner, PseudoLabeler, SSBVAEHasher
from skhash.variational._confidence import class_log_odds


def hasher(**kwargs):
    # The bits of the network, without a mixture.
    small = {
        "n_bits": 12,
        "class_weight": 1,
        "hidden_layer_sizes": (64,),
        "batch_size": 32,
        "max_epochs": 8,
        "random_state": 0,
    }
    return SSBVAEHasher(**(small | kwargs))


# Confidence


def test_one_bit_of_samples_of_low_confidence_is_flipped(rows, labels):
    model = hasher(
        n_bits=16,
        code_assigner=CodeAssigner(low_confidence_fraction=0.4),
    )
    plain = clone(model).set_params(code_assigner__low_confidence_fraction=0)
    model.fit(rows, labels)
    plain.fit(rows, labels)
    flips = (model.transform(rows) != plain.transform(rows)).sum(axis=1)
    assert set(flips) == {0, 1}
    # Low confidence, and within a tenth of the bits from the codeword.
    features, _ = plain._activations(rows)
    log_posteriors = plain.code_assigner_.log_posteriors(rows, features.numpy())
    log_odds, predicted = class_log_odds(log_posteriors)
    thresholds = model.code_assigner_._thresholds
    low_confidence = log_odds < thresholds[predicted]
    assert low_confidence[labels < 0].mean() == pytest.approx(0.4, abs=0.01)
    codewords = plain.network_.code_head.codewords().detach().numpy() > 0
    apart = (plain.transform(rows) != codewords[predicted]).sum(axis=1)
    # Rounding in single precision decides on a sample at the threshold itself.
    assert np.count_nonzero(flips != (low_confidence & (apart <= 1))) <= 1
    most = plain.predict_proba(rows).max(axis=1)
    assert most[flips == 0].mean() > most[flips == 1].mean()
    assert thresholds.shape == (3,)
    assert np.isfinite(thresholds).all()
    assert plain.code_assigner_._thresholds is None
    changed = (model.encode_proba(rows) > 0.5) != (plain.encode_proba(rows) > 0.5)
    assert_array_equal(changed.sum(axis=1), flips)


def test_no_thresholds_without_samples_to_infer(rows, topics):
    model = hasher(n_bits=16, max_epochs=1).fit(rows, topics)
    assert model.code_assigner_._thresholds is None
    assert model.fit(rows).code_assigner_ is None


def test_bits_are_flipped_alone_as_in_a_batch(rows, labels):
    model = hasher(n_bits=32).fit(rows, labels)
    alone = np.vstack([model.transform(rows[[i]]) for i in range(40)])
    assert_array_equal(alone, model.transform(rows)[:40])


def test_codes_are_moved_towards_codewords(rows, topics, labels):
    """Nearer to codes of the same class, and not to those of others."""

    def distances(codeword_weight):
        assigner = CodeAssigner(
            codeword_weight=codeword_weight, low_confidence_fraction=0
        )
        model = hasher(n_bits=32, code_assigner=assigner)
        codes = model.fit(rows, labels).transform(rows).astype(int)
        apart = np.abs(codes[:, None] - codes).sum(axis=2)
        alike = topics[:, None] == topics
        return apart[alike].mean(), apart[~alike].mean()

    (near, far), (near_without, far_without) = distances(2.0), distances(0.0)
    assert near < 0.8 * near_without
    assert far > 0.9 * far_without


# Words


def test_where_the_word_classifier_applies(rows, topics, labels, signed):
    few = {"max_epochs": 2, "n_bits": 16}
    model = hasher(**few).fit(rows, labels)
    counts = model.code_assigner_._word_classifier.counts
    assert counts.shape == (rows.shape[1], 3)
    sets = np.eye(3, dtype=int)[topics]
    sets[:, 0] = 1
    without = CodeAssigner(word_classifier_weight=0)
    for model, X, y in (
        (hasher(**few), rows.toarray(), labels),
        (hasher(**few), rows, sets),
        (hasher(**few, code_assigner=without), rows, labels),
        (hasher(**few, reconstruction="gaussian"), rows, labels),
    ):
        assert model.fit(X, y).code_assigner_._word_classifier is None


def test_words_change_codes(rows, labels):
    model = hasher(n_bits=16, max_epochs=1, code_assigner=CodeAssigner())
    without = clone(model).set_params(code_assigner__word_classifier_weight=0)
    model.fit(rows, labels)
    without.fit(rows, labels)
    assert (model.transform(rows) != without.transform(rows)).any()
    assert_array_equal(model.transform(rows.toarray()), model.transform(rows))


def test_words_of_all_chunks_are_counted(rows, labels):
    model = hasher(max_epochs=1)
    for chunk in (slice(150), slice(150, 300)):
        model.partial_fit(rows[chunk], labels[chunk], classes=[0, 1, 2])
    total = normalize(rows).sum(axis=1)
    counts = model.code_assigner_._word_classifier.counts
    assert_allclose(counts.sum(), total.sum(), rtol=1e-4)
    model.fit(rows[:150], labels[:150])
    counts = model.code_assigner_._word_classifier.counts
    assert_allclose(counts.sum(), total[:150].sum(), rtol=1e-4)


# Labels of training samples


def fit(rows, y, label_smoothing=0.1, **kwargs):
    model = hasher(
        n_bits=16,
        hidden_layer_sizes=(32,),
        max_epochs=4,
        batch_size=64,
        pseudo_labeler=PseudoLabeler(label_smoothing=label_smoothing),
        code_assigner=CodeAssigner(**kwargs),
    )
    return model.fit(rows, y)


def distances_to(model, rows, classes):
    """Return the distance of each code to the codeword of a class."""
    codewords = model.network_.code_head.codewords().detach().numpy() > 0
    return (model.transform(rows) != codewords[classes]).sum(axis=1)


def test_given_labels_change_the_codes_of_their_samples_alone(rows, topics):
    y = np.where(np.arange(300) < 150, topics, -1)
    model, without = fit(rows, y), fit(rows, y, use_training_labels=False)
    assert without.code_assigner_._label_lookup is None
    found, expected = (distances_to(each, rows, topics) for each in (model, without))
    assert found[:150].mean() < expected[:150].mean()
    assert_array_equal(model.transform(rows)[150:], without.transform(rows)[150:])


@pytest.mark.parametrize(("label_smoothing", "wins"), [(0.0, True), (0.5, False)])
def test_smoothing_decides_how_far_a_wrong_label_counts(
    rows, topics, label_smoothing, wins
):
    wrong = (topics[:5] + 1) % 3
    y = np.concatenate([wrong, topics[5:150], np.full(150, -1)])
    model = fit(rows, y, label_smoothing=label_smoothing, codeword_weight=8.0)
    to_wrong = distances_to(model, rows[:5], wrong).mean()
    to_right = distances_to(model, rows[:5], topics[:5]).mean()
    assert (to_wrong < to_right) == wins


def test_samples_that_share_given_labels_are_nearer(rows, topics):
    rng = np.random.default_rng(0)
    # Half of the labels are random, which no network can learn.
    sets = np.eye(3, dtype=int)[topics] | (rng.random((300, 3)) < 0.3)
    scores = [
        fit(rows, sets, use_training_labels=use).score(rows, sets)
        for use in (False, True)
    ]
    assert scores[1] > scores[0] + 0.01


def test_labels_of_all_chunks_are_found(rows, topics):
    model = hasher(n_bits=16, hidden_layer_sizes=(16,), batch_size=64)
    for chunk in (slice(0, 150), slice(150, 300)):
        model.partial_fit(rows[chunk], topics[chunk], classes=[0, 1, 2])
    known, _ = model.code_assigner_._label_lookup.lookup(rows)
    assert_array_equal(known, np.arange(300))
    y = mask_labels(topics, 0.1, random_state=0)
    known, _ = model.fit(rows, y).code_assigner_._label_lookup.lookup(rows)
    assert_array_equal(known, np.flatnonzero(y >= 0))
