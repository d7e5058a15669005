"""Labels that are found again by the rows that had them."""

import numpy as np
import pytest
import scipy.sparse as sp
from numpy.testing import assert_allclose, assert_array_equal

from skhash.model_selection import mask_labels
from skhash.variational import SSBVAEHasher
from skhash.variational.pseudo_labels._label_lookup import LabelLookup


@pytest.fixture(scope="module")
def rows(small_rows):
    return small_rows[0]


@pytest.fixture(scope="module")
def targets(small_rows):
    return np.eye(3, dtype=np.float32)[small_rows[1]]


def memory(n_features, *, any_length=True):
    return LabelLookup(n_features, 3, np.random.RandomState(0), any_length=any_length)


@pytest.mark.parametrize("form", [sp.csr_array, sp.csr_matrix, sp.csr_array.toarray])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_rows_are_recalled_in_any_form_and_order(rows, targets, form, dtype):
    learned = np.arange(0, 300, 3)
    remembered = memory(rows.shape[1]).learn(rows[learned], targets[learned])
    order = np.random.default_rng(0).permutation(300)
    known, found = remembered.recall(form(sp.csr_array(rows[order]).astype(dtype)))
    assert_array_equal(np.sort(order[known]), learned)
    assert_allclose(found, targets[order[known]], rtol=1e-6)
    for row in (0, 1):  # alone as among others
        known, _ = remembered.recall(form(sp.csr_array(rows[[row]])))
        assert len(known) == (row in learned)


@pytest.mark.parametrize("any_length", [False, True])
def test_longer_rows_are_the_same_where_length_says_nothing(rows, targets, any_length):
    remembered = memory(rows.shape[1], any_length=any_length)
    remembered.learn(1e-6 * rows[:100], targets[:100])
    known, found = remembered.recall(1e-6 * rows[:200])
    assert_array_equal(known, range(100))
    assert_allclose(found, targets[:100], rtol=1e-6)
    known, _ = remembered.recall(2e-6 * rows[:200])
    assert len(known) == (100 if any_length else 0)


def test_labels_of_a_repeated_row_are_averaged_over_all_lessons(rows):
    remembered = memory(rows.shape[1])
    a, b, c = np.eye(3, dtype=np.float32)
    remembered.learn(rows[[0, 0, 1]], np.array([a, b, c]))
    remembered.learn(rows[[0, 2]], np.array([a, b]))
    known, found = remembered.recall(rows[[2, 0, 3, 1]])
    assert_array_equal(known, [0, 1, 3])
    assert_allclose(found, [b, (2 * a + b) / 3, c], rtol=1e-6)


def test_nothing_is_recalled_by_who_has_learned_nothing(rows):
    known, found = memory(rows.shape[1]).recall(rows)
    assert known.shape == (0,)
    assert found.shape == (0, 3)


def test_rows_of_zeros_are_alike():
    rows = np.zeros((2, 5))
    remembered = memory(5).learn(rows, np.eye(3, dtype=np.float32)[:2])
    known, found = remembered.recall(np.vstack([rows[:1], np.ones((1, 5))]))
    assert_array_equal(known, [0])
    assert_allclose(found, [[0.5, 0.5, 0]])


def fit(rows, y, **kwargs):
    hasher = SSBVAEHasher(
        16,
        hidden_layer_sizes=(32,),
        max_epochs=4,
        batch_size=64,
        random_state=0,
        **kwargs,
    )
    return hasher.fit(rows, y)


def misses(hasher, rows, classes):
    """Return how many bits each code differs from the codeword of a class."""
    codewords = hasher.network_.code_head.codewords().detach().numpy() > 0
    return (hasher.transform(rows) != codewords[classes]).sum(axis=1)


def test_given_labels_have_a_say_in_the_codes_of_their_rows_alone(small_rows):
    rows, topics = small_rows
    y = np.where(np.arange(300) < 150, topics, -1)
    remembers, forgets = fit(rows, y), fit(rows, y, use_training_labels=False)
    assert forgets.label_lookup_ is None
    found, expected = (misses(each, rows, topics) for each in (remembers, forgets))
    assert found[:150].mean() < expected[:150].mean()
    assert_array_equal(remembers.transform(rows)[150:], forgets.transform(rows)[150:])


@pytest.mark.parametrize(("label_smoothing", "wins"), [(0.0, True), (0.5, False)])
def test_a_wrong_label_counts_as_far_as_labels_are_sure(
    small_rows, label_smoothing, wins
):
    rows, topics = small_rows
    wrong = (topics[:5] + 1) % 3
    y = np.concatenate([wrong, topics[5:150], np.full(150, -1)])
    hasher = fit(rows, y, label_smoothing=label_smoothing, codeword_weight=8.0)
    to_wrong = misses(hasher, rows[:5], wrong).mean()
    to_right = misses(hasher, rows[:5], topics[:5]).mean()
    assert (to_wrong < to_right) == wins


def test_codes_of_several_labels_a_row_are_nearer_to_those_of_rows_that_share_them(
    small_rows,
):
    rows, topics = small_rows
    rng = np.random.default_rng(0)
    # Half of the labels are chance, which no network can learn.
    sets = np.eye(3, dtype=int)[topics] | (rng.random((300, 3)) < 0.3)
    scores = [
        fit(rows, sets, use_training_labels=remember).score(rows, sets)
        for remember in (False, True)
    ]
    assert scores[1] > scores[0] + 0.01


def test_chunks_are_remembered_together(small_rows):
    rows, topics = small_rows
    hasher = SSBVAEHasher(16, hidden_layer_sizes=(16,), batch_size=64, random_state=0)
    for chunk in (slice(0, 150), slice(150, 300)):
        hasher.partial_fit(rows[chunk], topics[chunk], classes=[0, 1, 2])
    known, _ = hasher.label_lookup_.recall(rows)
    assert_array_equal(known, np.arange(300))
    y = mask_labels(topics, 0.1, random_state=0)
    known, _ = hasher.fit(rows, y).label_lookup_.recall(rows)
    assert_array_equal(known, np.flatnonzero(y >= 0))
