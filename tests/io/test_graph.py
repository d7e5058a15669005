"""Test nodes and references: identity, nesting, numbers that JSON lacks."""

import math

import numpy as np
import pytest

from skhash import io
from skhash.io import InvalidFileError
from skhash.io._graph import MAX_DEPTH, Decoder


@pytest.mark.parametrize(
    "value", [None, True, 0, -(2**70), 1.5, 1e-320, 0.1, -0.0, "", "é\ud800\0", "𝄞"]
)
def test_values(value, round_trip):
    (found,) = round_trip([value])
    assert type(found) is type(value)
    assert found == value
    assert str(found) == str(value)


def test_numbers_that_json_lacks(round_trip):
    nan, inf, minus_inf = round_trip([math.nan, math.inf, -math.inf])
    assert math.isnan(nan)
    assert (inf, minus_inf) == (math.inf, -math.inf)


def test_identity(round_trip):
    """One object stays one, and equal objects stay different."""
    shared, array = [1], np.zeros(3)
    found = round_trip([shared, shared, [1], array, {"a": array}, np.zeros(3)])
    assert found[0] is found[1]
    assert found[0] is not found[2]
    assert found[3] is found[4]["a"]
    assert found[3] is not found[5]


def test_depth(round_trip, tmp_path):
    nested = []
    for _ in range(MAX_DEPTH - 1):
        nested = [nested]
    assert round_trip(nested) == nested
    with pytest.raises(ValueError, match="nested 100 deep"):
        io.save(tmp_path / "file", [nested])


@pytest.mark.parametrize(
    "value",
    [{"ref": -1}, {"ref": 0}, {"ref": "0"}, {"ref": True}, {"float": "1"}, {}, [], [1]],
)
def test_invalid_values(value):
    with pytest.raises(InvalidFileError, match="invalid value"):
        Decoder(None, mmap=False).value(value)


@pytest.mark.parametrize("graph", [{}, {"nodes": 1}, {"nodes": [1]}, {"nodes": [{}]}])
def test_invalid_graphs(graph):
    with pytest.raises(InvalidFileError, match=r"no object|unknown kind"):
        Decoder(None, mmap=False).decode(graph)
