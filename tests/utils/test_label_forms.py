"""Test the forms of labels, and values that are not labels."""

import datetime
import enum
from decimal import Decimal

import numpy as np
import pandas as pd
import polars as pl
import pytest
import scipy.sparse as sp
from numpy.testing import assert_array_equal

from skhash.utils._labels import as_array, check_partial_labels

NUMBERS = {
    "list": [3, None, 7, 3],
    "list with NaN": [3, np.nan, 7, 3],
    "list with NA": [3, pd.NA, 7, 3],
    "tuple": (3, None, 7, 3),
    "float": np.array([3, np.nan, 7, 3]),
    "half precision": np.array([3, np.nan, 7, 3], dtype=np.float16),
    "object": np.array([3, None, 7, 3], dtype=object),
    "object with floats": np.array([3.0, np.float32("nan"), 7, np.int8(3)], object),
    "-1 and NaN": np.array([3, -1, 7, 3], dtype=float),
    "masked": np.ma.array([3, 0, 7, 3], mask=[0, 1, 0, 0]),
    "masked unsigned": np.ma.array([3, 0, 7, 3], mask=[0, 1, 0, 0], dtype=np.uint8),
    "Series": pd.Series([3, None, 7, 3]),
    "Series of objects": pd.Series([3, None, 7, 3], dtype=object),
    "Int64": pd.Series([3, pd.NA, 7, 3], dtype="Int64"),
    "UInt8": pd.Series([3, pd.NA, 7, 3], dtype="UInt8"),
    "Float64": pd.Series([3, pd.NA, 7, 3], dtype="Float64"),
    "categorical": pd.Series([3, None, 7, 3], dtype="category"),
    "Categorical": pd.Categorical([3, None, 7, 3]),
    "polars": pl.Series([3, None, 7, 3]),
    "column": np.array([[3], [np.nan], [7], [3]]),
    "frame": pd.DataFrame({"y": pd.array([3, pd.NA, 7, 3], dtype="Int64")}),
}

STRINGS = {
    "list": ["a", None, "b", "a"],
    "list with NaN": ["a", np.nan, "b", "a"],
    "list with NA": ["a", pd.NA, "b", "a"],
    "list with -1": ["a", -1, "b", "a"],
    "object": np.array(["a", None, "b", "a"], dtype=object),
    "object with -1.0": np.array(["a", -1.0, "b", "a"], dtype=object),
    "masked": np.ma.array(["a", "", "b", "a"], mask=[0, 1, 0, 0]),
    "Series": pd.Series(["a", None, "b", "a"]),
    "string": pd.Series(["a", pd.NA, "b", "a"], dtype="string"),
    "categorical": pd.Series(["a", None, "b", "a"], dtype="category"),
    "polars": pl.Series(["a", None, "b", "a"]),
    "variable width": np.array(
        ["a", None, "b", "a"], dtype=np.dtypes.StringDType(na_object=None)
    ),
}


@pytest.mark.filterwarnings("ignore:A column-vector y")
@pytest.mark.parametrize(
    ("y", "classes"),
    [(y, [3, 7]) for y in NUMBERS.values()]
    + [(y, ["a", "b"]) for y in STRINGS.values()],
    ids=[*NUMBERS, *(f"strings: {name}" for name in STRINGS)],
)
def test_missing_labels(y, classes):
    labels = check_partial_labels(y, 4)
    assert_array_equal(labels.labeled, [True, False, True, True])
    assert labels.classes.tolist() == classes
    assert_array_equal(labels.indices, [0, -1, 1, 0])


@pytest.mark.parametrize(
    "y",
    [
        [True, None, False],
        pd.Series([True, pd.NA, False], dtype="boolean"),
        np.ma.array([True, True, False], mask=[0, 1, 0]),
    ],
)
def test_missing_labels_beside_booleans(y):
    labels = check_partial_labels(y, 3)
    assert_array_equal(labels.indices, [1, -1, 0])
    assert labels.classes.dtype == bool


@pytest.mark.parametrize("missing", [None, np.nan, pd.NA])
def test_no_label_at_all(missing):
    assert check_partial_labels([missing] * 3, 3).kind == "none"
    assert (
        check_partial_labels(pd.Series([missing] * 3, dtype=object), 3).kind == "none"
    )


@pytest.mark.parametrize(
    "y",
    [
        np.array([[1, 0, 1], [np.nan] * 3, [0, 1, 0]]),
        np.array([[1, 0, 1], [None] * 3, [0, 1, 0]], dtype=object),
        pd.DataFrame([[1, 0, 1], [pd.NA] * 3, [0, 1, 0]], dtype="Int64"),
        pd.DataFrame([[True, False, True], [pd.NA] * 3, [False, True, False]]),
        [[1, 0, 1], [None] * 3, [0, 1, 0]],
        np.ma.array(
            [[1, 0, 1], [1, 1, 1], [0, 1, 0]], mask=[[0] * 3, [1] * 3, [0] * 3]
        ),
    ],
)
def test_missing_rows_of_an_indicator(y):
    labels = check_partial_labels(y, 3)
    assert labels.kind == "multilabel"
    assert_array_equal(labels.labeled, [True, False, True])
    assert_array_equal(labels.targets(), [[1, 0, 1], [0, 0, 0], [0, 1, 0]])


def test_missing_rows_of_probabilities():
    labels = check_partial_labels([[0.25, 0.75], [np.nan, np.nan]], 2)
    assert labels.kind == "soft"
    assert_array_equal(labels.labeled, [True, False])


class Color(enum.Enum):
    RED = 1


HINT = "MultiLabelBinarizer"


@pytest.mark.parametrize(
    ("y", "message"),
    [
        ([["a"], ["a", "b"], ["b"]], HINT),
        ([["a", "b"], ["b", "c"], ["c", "a"]], HINT),
        ([[1], [1, 2], []], HINT),
        ([{"a"}, {"a", "b"}, set()], HINT),
        ([("a",), ("a", "b"), ("b",)], HINT),
        (pd.Series([["a"], ["a", "b"], ["b"]]), HINT),
        (pd.Series([{"a"}, {"b"}, {"c"}]), HINT),
        (np.array([frozenset("a"), None, frozenset("b")], dtype=object), HINT),
        ([{"a": 1}, {"b": 1}, {}], HINT),
        ([np.array([1]), np.array([1, 2]), np.array([])], HINT),
        ([["a"], None, ["b"]], HINT),
        ([b"a", b"b", b"a"], "bytes to str"),
        (np.array([b"a", None, b"b"], dtype=object), "bytes to str"),
        ([1 + 0j, 2j, 0j], "dtype complex128"),
        (np.array([1 + 0j, None, 0], dtype=object), "a sample with"),
        (np.array(["2020-01-01"] * 3, dtype="M8[D]"), "dtype datetime64"),
        ([datetime.date(2020, 1, 1)] * 3, "a sample with datetime"),
        (pd.Series(pd.date_range("2020", periods=3)), "dtype datetime64"),
        ([Decimal(1), Decimal(2), None], "a sample with Decimal"),
        ([Color.RED, Color.RED, None], "a sample with"),
        ([10**30, 1, None], "a sample with"),
        (np.zeros(3, dtype=[("a", int)]), "dtype"),
        (np.array([["a", "b"], ["b", "a"], ["a", "a"]]), HINT),
        (np.array([[1j, 0], [0, 1], [1, 0]]), "dtype complex128"),
        (np.array([[1, "a"], [0, 1], [1, 0]], dtype=object), HINT),
        ([0.5, None, 1], "continuous"),
        (np.array([0.5, None, 1], dtype=object), "continuous"),
        ([1, "a", None], "a mixture of both"),
        (np.array(["a", np.nan, "b"]), "the text 'nan'"),
        (np.array(["a", "None", "b"], dtype=object), "the text 'None'"),
        (np.array(["a", "-1.0", "b"]), "the text '-1.0'"),
        (pd.Series(["a", "<NA>", "b"], dtype="string"), "the text '<NA>'"),
        (np.array(["a", "NaT", "b"]), "the text 'NaT'"),
        (np.array([[1, np.nan], [0, 1], [1, 0]]), "contains NaN in rows that have"),
        (np.array([[1, None], [0, 1], [1, 0]], dtype=object), "contains NaN in rows"),
        (sp.csr_array([[1.0, 2.0], [0, 1], [1, 0]]), "indicator of 0 and 1"),
    ],
)
def test_values_that_are_not_labels(y, message):
    with pytest.raises(ValueError, match=message):
        check_partial_labels(y, 3)


@pytest.mark.filterwarnings("ignore:A column-vector y")
@pytest.mark.parametrize(
    "y",
    [
        [1, -1, 1, -1],
        np.array([1, -1, 1, -1], dtype=np.int8),
        np.array([1.0, -1.0, 1.0, -1.0]),
        np.array([1, -1, 1, -1], dtype=object),
        np.array([1, -1, None, -1], dtype=object),
        np.array([True, -1, True, -1], dtype=object),
        pd.Series([1, -1, 1, -1]),
        pd.Series([1, -1, pd.NA, -1], dtype="Int64"),
        pd.Series([1, -1, 1, -1], dtype="category"),
        np.array([[1], [-1], [1], [-1]]),
        sp.csr_matrix([[1], [-1], [1], [-1]]),
    ],
)
def test_signed_classes_raise(y):
    with pytest.raises(ValueError, match=r"labels must not have 1 and -1.*0 and 1"):
        check_partial_labels(y, 4, name="labels")
    labels = check_partial_labels(y, 4, chunk=True)
    assert labels.classes.tolist() == [1]
    assert not labels.labeled[1]


@pytest.mark.parametrize(
    "y",
    [
        [1, None, 1, None],
        [1, 1, 1, 1],
        np.array([1, -1, 0, None], dtype=object),
        [1, -1, 0, -1],
        [2, -1, 2, -1],
        [0, -1, 0, -1],
        [-1, -1, -1, -1],
        ["1", -1, "1", -1],
    ],
)
def test_labels_that_cannot_be_signed_classes(y):
    labels = check_partial_labels(y, 4)
    given = [label for label in y if label is not None and label != -1]
    classes = [] if labels.classes is None else labels.classes.tolist()
    assert classes == sorted({*given})


@pytest.mark.parametrize(
    ("y", "message"),
    [
        ([[1, -1], [-1, 1], [1, 1]], "with -1"),
        ([[1.0, -1.0], [-1.0, -1.0], [1.0, 1.0]], "with -1"),
        ([[1, 1], [-1, -1], [1, 1]], "all 1 and of all -1 only"),
    ],
)
def test_signed_indicators_raise(y, message):
    with pytest.raises(ValueError, match=message):
        check_partial_labels(y, 3)


def test_signed_rows_of_a_chunk():
    labels = check_partial_labels([[1, 1], [-1, -1]], 2, chunk=True)
    assert_array_equal(labels.labeled, [True, False])


def test_arrays_keep_what_was_written():
    assert as_array(["a", -1, None]).tolist() == ["a", -1, None]
    assert as_array(["a", "b"]).dtype.kind == "U"
    assert as_array([1, 2]).dtype.kind == "i"
    assert as_array(np.ma.array([1, 2], mask=[0, 1])).tolist() == [1, -1]
    y = np.array([0, 1])
    assert as_array(y) is y
