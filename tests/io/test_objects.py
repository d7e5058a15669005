"""Test indexes of codes and objects with attributes, valid and forged."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn.exceptions import InconsistentVersionWarning
from sklearn.preprocessing import StandardScaler

from skhash import HammingNearestNeighbors, ITQHasher, io
from skhash.io import InvalidFileError
from skhash.io._file import ArrayFile, write_file

CODES = np.random.RandomState(0).randint(256, size=(50, 2)).astype(np.uint8) & 0xF0


@pytest.mark.parametrize("algorithm", ["auto", "brute", "multi_index"])
@pytest.mark.parametrize("mmap", [False, True])
def test_settings_of_an_index(algorithm, mmap, round_trip):
    index = HammingNearestNeighbors(packed=True, n_bits=12, algorithm=algorithm)
    index.fit(CODES)
    loaded = round_trip(index, mmap=mmap)
    assert loaded.n_bits_ == 12
    assert loaded._index.algorithm == algorithm
    assert_array_equal(loaded._index.rows(), CODES)


def test_repeated_codes_are_found_again(round_trip):
    """The layout in memory is chosen anew, and answers are the same."""
    index = HammingNearestNeighbors(packed=True).fit(np.repeat(CODES, 100, axis=0))
    loaded = round_trip(index)
    assert type(loaded._index.head) is type(index._index.head)
    for one, other in zip(index.kneighbors(CODES), loaded.kneighbors(CODES)):
        assert_array_equal(one, other)


def test_codes_in_place_are_copied(round_trip):
    index = HammingNearestNeighbors(packed=True, n_bits=12, copy=False).fit(CODES)
    loaded = round_trip(index)
    assert not loaded.copy
    assert_array_equal(loaded._index.rows(), CODES)


def forge_index(path, change):
    """Save an index, change its node and its codes, and write it again."""
    io.save(path, HammingNearestNeighbors(packed=True, n_bits=12).fit(CODES))
    with ArrayFile(path) as file:
        graph = file.graph()
        arrays = [file.array(i) for i in range(len(graph["checksums"]))]
    node = next(each for each in graph["nodes"] if each["kind"] == "index")
    arrays[node["codes"]] = change(node, arrays[node["codes"]])
    write_file(path, graph, arrays, {})


def set_padding(node, codes):
    codes[0, -1] |= 1
    return codes


def set_option(name, value):
    def change(node, codes):
        node["settings"][name] = value
        return codes

    return change


CHANGES = {
    "padding": set_padding,
    "dtype": lambda node, codes: codes.astype(np.int16),
    "dimensions": lambda node, codes: codes.ravel(),
    "width": lambda node, codes: np.ascontiguousarray(codes[:, :1]),
    "n_bits": set_option("n_bits", 2**40),
    "bool n_bits": set_option("n_bits", True),
    "algorithm": set_option("algorithm", "none"),
    "unknown": set_option("simd", "avx512"),
    "copy": set_option("copy", False),
    "max_memory": set_option("max_memory", -1),
}


@pytest.mark.parametrize("mmap", [False, True])
@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_forged_index(change, mmap, tmp_path):
    """The compiled search validates little, so that codes are validated before."""
    path = tmp_path / "index"
    forge_index(path, change)
    with pytest.raises(InvalidFileError):
        io.load(path, mmap=mmap)


@pytest.mark.parametrize(
    "state", [None, [], 3, {"n_bits": 4}, {"fit": None}, {"__dict__": None}]
)
def test_forged_state(state, tmp_path):
    path = tmp_path / "hasher"
    node = {"kind": "object", "class": "skhash.ITQHasher", "state": state}
    write_file(path, {"nodes": [node], "root": {"ref": 0}}, [], {})
    with pytest.raises(InvalidFileError):
        io.load(path)


def test_own_attributes_are_kept(round_trip):
    hasher = ITQHasher(4)
    hasher.note = {"trained": "today"}
    assert round_trip(hasher).note == hasher.note


def test_another_version_of_scikit_learn(tmp_path):
    path = tmp_path / "scaler"
    io.save(path, StandardScaler().fit(CODES))
    with ArrayFile(path) as file:
        graph = file.graph()
        arrays = [file.array(i) for i in range(len(graph["checksums"]))]
    graph["nodes"][-1]["state"]["_sklearn_version"] = "1.0"
    write_file(path, graph, arrays, {})
    with pytest.warns(InconsistentVersionWarning, match=r"from version 1\.0"):
        io.load(path)
