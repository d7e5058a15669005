"""Test arrays that share memory with longer ones."""

import copy
import pickle

import numpy as np
import pytest

from skhash.neighbors._growing import GrowingArray, Labels
from skhash.utils._labels import as_array


def test_longer_arrays_share_memory_until_two_grow():
    first = GrowingArray(np.arange(8)).append(np.array([8]))
    longer = first.append(np.array([9]))
    assert np.shares_memory(first.values, longer.values)
    other = first.append(np.array([10]))
    assert not np.shares_memory(first.values, other.values)
    assert first.values.tolist() == list(range(9))
    assert longer.values.tolist() == list(range(10))
    assert other.values.tolist() == [*range(9), 10]


def test_longer_strings_are_not_cut():
    texts = GrowingArray(np.array(["a", "b"])).append(np.array(["longer"]))
    assert texts.values.tolist() == ["a", "b", "longer"]


def test_labels_of_another_form_raise():
    with pytest.raises(ValueError, match=r"of shape \(3,\); got shape \(2, 2\)"):
        Labels(np.arange(3)).append(np.zeros((2, 2)))
    none = Labels(np.empty(0))
    assert none.append(np.array(["a"])).values.tolist() == ["a"]


def test_longer_strings_are_copied_few_times():
    texts = GrowingArray(np.full(2000, "a"))
    buffers = set()
    for length in range(1, 65):
        longer = texts.append(np.array(["b" * length]))
        assert longer.values.tolist() == [*texts.values.tolist(), "b" * length]
        texts = longer
        buffers.add(texts.values.ctypes.data)
    assert len(buffers) < 14


UNKNOWN = [-1, None, float("nan")]


@pytest.mark.parametrize("given", [[0, 1], [True], [2.0, float("nan")], [None, 3]])
@pytest.mark.parametrize("between", [[], *([value] for value in UNKNOWN)])
def test_classes_of_another_kind_are_refused(given, between):
    """Else they were found out only by a search that compares them."""
    numbers, texts = as_array(given), as_array(["a", *between])
    for first, second in ((numbers, texts), (texts, numbers)):
        labels = Labels(first)
        if between:
            labels = labels.append(as_array(between))
        before = labels.values.tolist()
        kind = "strings" if second is numbers else "numbers"
        with pytest.raises(
            ValueError, match=f"of the kind of those in .*, {kind}, and"
        ):
            labels.append(second)
        assert repr(labels.values.tolist()) == repr(before)


def test_labels_of_any_kind_follow_unlabeled_samples():
    for unknown in UNKNOWN:
        labels = Labels(as_array([unknown] * 2))
        assert labels.append(as_array(["a"])).values[2] == "a"
        assert labels.append(as_array([3])).values[2] == 3


@pytest.mark.parametrize(
    "copied", [lambda array: pickle.loads(pickle.dumps(array)), copy.deepcopy]
)
def test_copies_leave_out_the_spare_memory(copied):
    array = GrowingArray(np.arange(100)).append(np.arange(3))
    assert len(array._buffer) > len(array) == 103
    same = copied(array)
    assert len(same) == len(same._buffer) == 103
    assert same.append(np.arange(2)).values.tolist() == [*range(100), 0, 1, 2, 0, 1]
