"""Test partial labels in all forms, and invalid forms."""

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from numpy.testing import assert_allclose, assert_array_equal

from skhash.utils._labels import (
    check_partial_labels,
    concatenate_labels,
    require_two_classes,
)


@pytest.mark.parametrize(
    "y", [None, [-1, -1, -1], np.full(3, -1.0), np.full((3, 2), -1)]
)
def test_no_label(y):
    labels = check_partial_labels(y, 3)
    assert labels.kind == "none"
    assert not labels.labeled.any()
    assert labels.classes is None
    assert labels.n_classes == 0
    assert labels.targets().shape == (3, 0)
    assert labels.aligned(None).shape == (3, 0)
    assert_array_equal(labels.aligned(np.array([4, 5])), np.zeros((3, 2)))
    require_two_classes(labels)


@pytest.mark.parametrize(
    "form",
    [
        list,
        np.array,
        lambda y: np.array(y, dtype=float),
        lambda y: np.array(y, dtype=object),
        lambda y: np.array(y, dtype=np.int8),
        pd.Series,
        lambda y: np.array(y)[:, None].ravel(),
    ],
)
def test_one_label_per_row(form):
    labels = check_partial_labels(form([7, -1, 3, 7]), 4)
    assert labels.kind == "single"
    assert_array_equal(labels.labeled, [True, False, True, True])
    assert_array_equal(labels.classes, [3, 7])
    assert_array_equal(labels.indices, [1, -1, 0, 1])
    assert labels.n_classes == 2
    targets = labels.targets()
    assert targets.dtype == np.float32
    assert_array_equal(targets, [[0, 1], [0, 0], [1, 0], [0, 1]])
    assert_array_equal(labels.targets(np.array([2, 1])), [[1, 0], [0, 0]])
    assert_array_equal(labels.targets(slice(3, 4)), [[0, 1]])


def test_string_labels():
    y = np.array(["b", -1, "a", "b"], dtype=object)
    labels = check_partial_labels(y, 4)
    assert labels.classes.tolist() == ["a", "b"]
    assert_array_equal(labels.indices, [1, -1, 0, 1])


def test_all_strings_given():
    labels = check_partial_labels(np.array(["b", "a"]), 2)
    assert labels.labeled.all()
    assert labels.classes.tolist() == ["a", "b"]


def test_booleans_are_classes():
    labels = check_partial_labels([True, False], 2)
    assert labels.labeled.all()
    assert_array_equal(labels.indices, [1, 0])


@pytest.mark.parametrize("form", [np.array, sp.csr_matrix, sp.csr_array, pd.DataFrame])
def test_several_labels_per_row(form):
    y = [[1, 0, 1], [0, 0, 0], [-1, -1, -1]]
    labels = check_partial_labels(form(y), 3)
    assert labels.kind == "multilabel"
    # A row without any class is labeled: it is known to have none.
    assert_array_equal(labels.labeled, [True, True, False])
    assert_array_equal(labels.classes, [0, 1, 2])
    assert_array_equal(labels.targets(), [[1, 0, 1], [0, 0, 0], [0, 0, 0]])
    require_two_classes(labels)


def test_soft_labels():
    y = np.array([[0.25, 0.75], [1, 0], [-1, -1]])
    labels = check_partial_labels(y, 3)
    assert labels.kind == "soft"
    assert_array_equal(labels.labeled, [True, True, False])
    assert_allclose(labels.targets(), [[0.25, 0.75], [1, 0], [0, 0]])


def test_aligned():
    labels = check_partial_labels([7, -1, 3], 3)
    aligned = labels.aligned(np.array([1, 3, 5, 7]))
    assert_array_equal(aligned, [[0, 0, 0, 1], [0, 0, 0, 0], [0, 1, 0, 0]])
    for known, unknown in (([3, 5], 7), ([0], 3), ([3], 7)):
        with pytest.raises(ValueError) as raised:
            labels.aligned(np.array(known))
        assert f"{known}; got {unknown} too" in str(raised.value)
    with pytest.raises(ValueError, match=r"\[\]; got 3"):
        labels.aligned(None)


@pytest.mark.parametrize(
    ("y", "message"),
    [
        (np.array(["a", "-1", "b"]), r"text '-1'.*dtype object"),
        (np.array(["a", 3, -1], dtype=object), r"mixture of both"),
        (np.array([0.0, np.inf, 1.0]), r"finite numbers as classes; got infinity"),
        (np.array([0.0, 0.5, 1.0]), r"not continuous values; got .*0\.5"),
        (np.array([1, 2, 3], dtype="M8[D]"), r"got dtype datetime64"),
        (np.array([0, 1]), r"one label per sample.* 3 .*got 2"),
        (np.zeros((4, 2)), r" 3 .*got 4"),
        (np.array([[0, 2], [1, 0], [0, 0]]), r"indicator of 0 and 1.*with 2"),
        (np.array([[0, -1], [1, 0], [0, 0]]), r"row without labels is all -1.*with -1"),
        (np.array([[0.5, 0.2], [1, 0], [-1, -1]]), r"must sum to 1; got"),
        (np.array([[np.nan, 0.2], [1, 0], [-1, -1]]), r"NaN"),
        (np.zeros((3, 2, 2)), r"dim"),
    ],
)
def test_invalid_labels(y, message):
    with pytest.raises(ValueError, match=message) as raised:
        check_partial_labels(y, 3, name="labels")
    assert "labels" in str(raised.value) or "dim" in message


def test_column_of_labels():
    """An (n, 1) array is an indicator of one class, as for scikit-learn's tools."""
    labels = check_partial_labels(np.array([[1], [0], [-1]]), 3)
    assert_array_equal(labels.labeled, [True, True, False])


def test_one_class_is_not_enough():
    for y in ([3, -1, 3], np.array(["a", -1, "a"], dtype=object)):
        with pytest.raises(ValueError, match=r"at least two classes.*got one class"):
            require_two_classes(check_partial_labels(y, 3))
        with pytest.raises(ValueError, match=r"classes; got.*another class\.$"):
            require_two_classes(check_partial_labels(y, 3), or_none=False)
    require_two_classes(check_partial_labels([3, -1, 4], 3))


def test_labels_are_not_changed():
    y = np.array([[1, 0], [-1, -1]])
    y.flags.writeable = False
    labels = check_partial_labels(y, 2)
    assert_array_equal(y, [[1, 0], [-1, -1]])
    assert not np.shares_memory(labels.indicator, y)


@pytest.mark.parametrize(
    "y",
    [
        np.array(["a", "-1", "b"], dtype=object),
        pd.Series(["a", "-1", "b"]),
        pd.Series(["a", "-1", "b"], dtype=object),
    ],
)
def test_the_text_of_minus_one_is_not_a_class(y):
    with pytest.raises(ValueError, match="the text '-1' among them"):
        check_partial_labels(y, 3)


def test_error_names_the_row_that_is_not_a_distribution():
    with pytest.raises(ValueError, match=r"a row that sums to 0\.5"):
        check_partial_labels([[0.5, 0], [1, 0], [0, 1]], 3)


@pytest.mark.parametrize("order", [1, -1])
def test_numbers_beside_strings_stay_numbers(order):
    parts = [np.array(["a", "b"]), np.array([-1])][::order]
    expected = [*parts[0].tolist(), *parts[1].tolist()]
    assert concatenate_labels(parts).tolist() == expected
    assert concatenate_labels([np.array([1]), np.array([0.5])]).dtype == np.float64
    assert concatenate_labels([np.array(["a"]), np.array(["bcd"])]).dtype.kind == "U"
