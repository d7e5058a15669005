"""Test the container: JSON and arrays in the safetensors format."""

import json

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from skhash.io import InvalidFileError
from skhash.io._file import ArrayFile, parse_json, write_file

ARRAYS = [
    np.arange(7, dtype=np.uint8),
    np.linspace(0, 1, 6).reshape(2, 3),
    np.array(5, dtype=np.int16),
    np.zeros((0, 4), dtype=np.float32),
    np.array([True, False]),
]


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "file"
    write_file(path, {"a": [1, "é"]}, ARRAYS, {"skhash": "0"})
    return path


def rewritten(path, change):
    """Change the header of a file, without its checksum."""
    content = path.read_bytes()
    length = int.from_bytes(content[:8], "little")
    header = json.loads(content[8 : 8 + length])
    change(header)
    text = json.dumps(header).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text + content[8 + length :])


@pytest.mark.parametrize("mmap", [False, True])
def test_round_trip(path, mmap):
    with ArrayFile(path) as file:
        assert file.graph()["a"] == [1, "é"]
        for i, array in enumerate(ARRAYS):
            found = file.array(i, mmap=mmap)
            assert found.dtype == array.dtype
            assert found.shape == array.shape
            assert_array_equal(found, array)


def test_other_libraries_read_the_file(path):
    safetensors = pytest.importorskip("safetensors")
    with safetensors.safe_open(path, framework="np") as file:
        assert file.metadata()["format"] == "skhash"
        assert set(file.keys()) == {"graph", "0", "1", "2", "3", "4"}
        for i, array in enumerate(ARRAYS):
            assert_array_equal(file.get_tensor(str(i)), array)


def test_arrays_are_aligned(path):
    with ArrayFile(path) as file:
        begin = file._begin
        assert begin % 64 == 0
        for dtype, _, place in file._entries.values():
            assert (begin + place) % dtype.itemsize == 0


@pytest.mark.parametrize("number", [-1, len(ARRAYS)])
def test_unknown_array(path, number):
    with ArrayFile(path) as file:
        file.graph()
        with pytest.raises(InvalidFileError, match="no array"):
            file.array(number)


def test_mapped_arrays_are_read_only(path):
    with ArrayFile(path) as file:
        file.graph()
        with pytest.raises(ValueError, match="read-only"):
            file.array(0, mmap=True)[0] = 1


def test_changed_header(path):
    def change(header):
        header["0"]["shape"] = [1, 7]

    rewritten(path, change)
    with pytest.raises(InvalidFileError, match="checksum of its header"):
        ArrayFile(path)


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ({"dtype": "U8", "shape": [8], "data_offsets": [0, 7]}, "size of array"),
        ({"dtype": "U8", "shape": [7], "data_offsets": [1, 8]}, "out of place"),
        ({"dtype": "U8", "shape": [7.0], "data_offsets": [0, 7]}, "invalid"),
        ({"dtype": "U8", "shape": [-7], "data_offsets": [0, -7]}, "invalid"),
        ({"dtype": "U8", "shape": [True], "data_offsets": [0, 1]}, "invalid"),
        ({"dtype": "O", "shape": [7], "data_offsets": [0, 7]}, "invalid"),
        ({"dtype": "U8", "shape": [7]}, "invalid"),
        ({"dtype": ["U8"], "shape": [7], "data_offsets": [0, 7]}, "invalid"),
        (7, "invalid"),
    ],
)
def test_forged_entry(entry, message):
    from skhash.io._file import _check_entries

    with pytest.raises(InvalidFileError, match=message):
        _check_entries({"0": entry}, 7)


@pytest.mark.parametrize(
    "text", [b"[]", b"{", b'{"a": NaN}', b'{"a": 1, "a": 2}', b"\xff", b"[" * 10**6]
)
def test_invalid_json(text):
    with pytest.raises(InvalidFileError, match=r"not a file of skhash\.io"):
        parse_json(text)


def test_too_many_values(tmp_path, monkeypatch):
    monkeypatch.setattr("skhash.io._file.MAX_GRAPH_BYTES", 100)
    with pytest.raises(ValueError, match="too many separate values"):
        write_file(tmp_path / "file", {"a": "x" * 200}, [], {})
