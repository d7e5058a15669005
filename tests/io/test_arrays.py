"""Test arrays, sparse matrices, scalars, dtypes and random states."""

import numpy as np
import pytest
import scipy.sparse as sp
from numpy.testing import assert_array_equal

from skhash import io
from skhash.io import InvalidFileError
from skhash.io._file import ArrayFile, write_file

RNG = np.random.RandomState(0)
ARRAYS = {
    **{name: (9 * RNG.randn(3, 4)).astype(name) for name in "bBhHiIlLefdFD?"},
    "texts": np.array(["a", "é𝄞", ""]),
    "bytes": np.array([b"a", b"bcd"]),
    "dates": np.array(["2020-01-01", "NaT"], dtype="M8[D]"),
    "durations": np.array([3, 4], dtype="m8[25us]"),
    "no axis": np.array(3.5),
    "text without axis": np.array("abc"),
    "empty": np.empty((0, 3), dtype=np.float32),
    "empty texts": np.empty((2, 0), dtype="U3"),
    "big endian": np.arange(3, dtype=">i4"),
    "strided": np.arange(10.0)[::2],
    "objects": np.array(["a", None, 1.5, np.arange(3)], dtype=object),
    "object matrix": np.array([["a", "b"], ["c", "d"]], dtype=object),
    "object scalar": np.array(None, dtype=object),
}


@pytest.mark.parametrize("array", ARRAYS.values(), ids=ARRAYS)
def test_round_trip(array, round_trip):
    found = round_trip(array)
    assert type(found) is np.ndarray
    assert found.dtype == array.dtype.newbyteorder("=")
    assert found.shape == array.shape
    assert found.flags.writeable
    assert str(found.tolist()) == str(array.tolist())


def test_order_in_memory(round_trip):
    """Products round differently with another order."""
    for array in (np.ones((3, 4)), np.ones((3, 4), order="F"), np.ones((2, 3, 4)).T):
        found = round_trip(array)
        assert found.flags.c_contiguous == array.flags.c_contiguous
        assert found.flags.f_contiguous == array.flags.f_contiguous


@pytest.mark.parametrize(
    "array", [np.zeros(2, "i4,f4"), np.zeros(2, np.longdouble), np.ma.zeros(3)]
)
def test_unsupported_arrays(array, round_trip):
    with pytest.raises(TypeError, match="cannot be saved"):
        round_trip(array)


def test_memory_maps_are_saved_as_arrays(tmp_path, round_trip):
    mapped = np.memmap(tmp_path / "map", np.uint8, "w+", shape=(5,))
    mapped[:] = 7
    found = round_trip(mapped)
    assert type(found) is np.ndarray
    assert_array_equal(found, mapped)


@pytest.mark.parametrize(
    "number",
    [
        *(np.float32(0.1), np.float64("nan"), np.int64(-3), np.uint8(255)),
        *(np.bool_(True), np.str_("é"), np.complex64(1j), np.datetime64("2020")),
    ],
)
def test_scalars(number, round_trip):
    found = round_trip([number])[0]
    assert type(found) is type(number)
    assert str(found) == str(number)


def test_dtypes_and_types(round_trip):
    kept = [np.dtype("f4"), np.dtype(object), np.dtype("U5"), np.float32, np.int8]
    kept += [float, int, bool, str, object, np.bool_]
    assert round_trip(kept) == kept
    with pytest.raises(TypeError, match="class dict"):
        round_trip(dict)


@pytest.mark.parametrize("kind", ["array", "matrix"])
@pytest.mark.parametrize("form", ["csr", "csc", "coo", "dia"])
def test_sparse(form, kind, round_trip):
    dense = np.diag([1.5, 0, 2]) + np.eye(3, k=1)
    matrix = getattr(sp, f"{form}_{kind}")(dense)
    found = round_trip(matrix)
    assert type(found) is type(matrix)
    assert_array_equal(found.toarray(), dense)


def forged(tmp_path, matrix, change):
    """Return a file with a sparse matrix one of whose parts is changed."""
    path = tmp_path / "sparse"
    io.save(path, matrix)
    with ArrayFile(path) as file:
        graph = file.graph()
        arrays = [file.array(i) for i in range(len(graph["checksums"]))]
    change(arrays)
    write_file(path, graph, arrays, {})
    return path


@pytest.mark.parametrize("form", ["csr", "csc", "coo"])
@pytest.mark.parametrize("value", [-1, 3, 2**31 - 1])
def test_indices_out_of_range(form, value, tmp_path):
    """scipy would read and write out of bounds."""
    matrix = getattr(sp, f"{form}_array")(np.eye(3))

    def change(arrays):
        arrays[1][1] = value

    with pytest.raises(InvalidFileError):
        io.load(forged(tmp_path, matrix, change))


def test_random_state(round_trip):
    for seed in (0, 1):
        state = np.random.RandomState(seed)
        state.randn(3)  # leaves a second number for the next call
        found = round_trip(state)
        assert_array_equal(found.randn(700), state.randn(700))
    with pytest.raises(TypeError, match="Generator"):
        round_trip(np.random.default_rng(0))


@pytest.mark.parametrize(
    ("name", "value"), [("position", 625), ("position", -1), ("gauss", [2, 0.5])]
)
def test_invalid_random_state(name, value, tmp_path):
    path = tmp_path / "state"
    io.save(path, np.random.RandomState(0))
    with ArrayFile(path) as file:
        graph = file.graph()
        key = file.array(0)
    graph["nodes"][0][name] = value
    write_file(path, graph, [key], {})
    with pytest.raises(InvalidFileError, match="invalid random state"):
        io.load(path)
