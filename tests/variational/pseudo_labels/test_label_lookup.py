"""Test the table from samples to their labels."""

import numpy as np
import pytest
import scipy.sparse as sp
from numpy.testing import assert_allclose, assert_array_equal

from skhash.variational.pseudo_labels._label_lookup import LabelLookup


@pytest.fixture(scope="module")
def targets(topics):
    return np.eye(3, dtype=np.float32)[topics]


def table(n_features, *, any_norm=True):
    return LabelLookup(n_features, 3, np.random.RandomState(0), any_norm=any_norm)


@pytest.mark.parametrize("form", [sp.csr_array, sp.csr_matrix, sp.csr_array.toarray])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_rows_are_found_in_any_form_and_order(rows, targets, form, dtype):
    labeled = np.arange(0, 300, 3)
    labels = table(rows.shape[1]).update(rows[labeled], targets[labeled])
    order = np.random.default_rng(0).permutation(300)
    known, found = labels.lookup(form(sp.csr_array(rows[order]).astype(dtype)))
    assert_array_equal(np.sort(order[known]), labeled)
    assert_allclose(found, targets[order[known]], rtol=1e-6)
    for row in (0, 1):  # alone as among others
        known, _ = labels.lookup(form(sp.csr_array(rows[[row]])))
        assert len(known) == (row in labeled)


@pytest.mark.parametrize("any_norm", [False, True])
def test_rows_of_another_norm(rows, targets, any_norm):
    labels = table(rows.shape[1], any_norm=any_norm)
    labels.update(1e-6 * rows[:100], targets[:100])
    known, found = labels.lookup(1e-6 * rows[:200])
    assert_array_equal(known, range(100))
    assert_allclose(found, targets[:100], rtol=1e-6)
    known, _ = labels.lookup(2e-6 * rows[:200])
    assert len(known) == (100 if any_norm else 0)


def test_labels_of_a_repeated_row_are_averaged_over_updates(rows):
    labels = table(rows.shape[1])
    a, b, c = np.eye(3, dtype=np.float32)
    labels.update(rows[[0, 0, 1]], np.array([a, b, c]))
    labels.update(rows[[0, 2]], np.array([a, b]))
    known, found = labels.lookup(rows[[2, 0, 3, 1]])
    assert_array_equal(known, [0, 1, 3])
    assert_allclose(found, [b, (2 * a + b) / 3, c], rtol=1e-6)


def test_nothing_is_found_in_an_empty_table(rows):
    known, found = table(rows.shape[1]).lookup(rows)
    assert known.shape == (0,)
    assert found.shape == (0, 3)


def test_rows_of_zeros_are_the_same():
    rows = np.zeros((2, 5))
    labels = table(5).update(rows, np.eye(3, dtype=np.float32)[:2])
    known, found = labels.lookup(np.vstack([rows[:1], np.ones((1, 5))]))
    assert_array_equal(known, [0])
    assert_allclose(found, [[0.5, 0.5, 0]])


@pytest.mark.filterwarnings("error")
def test_rows_out_of_range_are_not_found():
    X = np.arange(1.0, 13.0).reshape(4, 3)
    lookup = LabelLookup(3, 4, np.random.RandomState(0), any_norm=True)
    lookup.update(X, np.eye(4, dtype=np.float32))
    assert len(lookup.lookup(X / 1024)[0]) == 4
    assert len(lookup.lookup(X * 1e300)[0]) == 0
