"""Test arrays that share memory with longer ones."""

import numpy as np
import pytest

from skhash.neighbors._growing import GrowingArray, Labels


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
