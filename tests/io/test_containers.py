"""Test lists, tuples, sets, dicts and slices, short and long."""

from collections import OrderedDict

import numpy as np
import pytest

from skhash.io import InvalidFileError
from skhash.io._containers import decode_items

CONTAINERS = {
    "empty": [[], (), {}, set(), frozenset()],
    "mixed": [1, 1.0, "1", None, True, (2,), {3}, [4]] * 9,
    "texts": [f"é{i}" for i in range(99)],
    "empty texts": [""] * 99,
    "surrogates": ["\ud800"] * 99,
    "numbers": list(range(-50, 50)),
    "large numbers": [2**70] * 50,
    "reals": [float("inf"), *np.linspace(0, 1, 99).tolist()],
    "booleans": [True, False] * 50,
    "numpy numbers": list(np.arange(99)),
    "tuple": tuple("abc" * 30),
    "set": set(range(99)),
    "frozenset": frozenset("abc"),
    "dict": {"b": 1, "a": [2], 3: None, (4, "x"): 5},
    "long dict": {f"word{i}": i for i in range(99)},
    "ordered dict": OrderedDict(b=1, a=2),
    "slice": slice(None, 3, np.int64(1)),
}


@pytest.mark.parametrize("obj", CONTAINERS.values(), ids=CONTAINERS)
def test_round_trip(obj, round_trip):
    found = round_trip(obj)
    assert type(found) is type(obj)
    assert found == obj
    if not isinstance(obj, slice):
        assert [type(each) for each in found] == [type(each) for each in obj]
    if isinstance(obj, dict):
        assert list(found) == list(obj)


def test_subclasses_raise(round_trip):
    class Own(list):
        pass

    with pytest.raises(TypeError, match="Own"):
        round_trip(Own())


class Arrays:
    """A substitute for a decoder."""

    def __init__(self, *arrays):
        self.arrays = arrays

    def array(self, number):
        return self.arrays[number]

    def value(self, value):
        return value


@pytest.mark.parametrize(
    "lengths",
    [
        np.array([2, 2], np.uint8),
        np.array([2**64 - 1, 4], np.uint64),
        np.array([3], np.int64),
        np.array([[3]], np.uint8),
        np.array([], np.uint8),
    ],
)
def test_invalid_texts(lengths):
    text = np.frombuffer(b"abc", np.uint8)
    with pytest.raises(InvalidFileError, match=r"strings|a string"):
        decode_items({"str": 0, "lengths": 1}, Arrays(text, lengths))


def test_invalid_lists():
    for items in (None, {}, 3, "ab"):
        with pytest.raises(InvalidFileError, match="invalid list"):
            decode_items(items, Arrays())
    with pytest.raises(InvalidFileError, match="wrong type"):
        decode_items({"int": 0}, Arrays(np.zeros(3)))
