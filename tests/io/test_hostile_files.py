"""Check that damaged, forged or malicious files raise errors and do nothing else."""

import json
import os
import pickle
import random
import tracemalloc

import numpy as np
import pytest
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skhash import HammingNearestNeighbors, ITQHasher, SSBVAEHasher, io
from skhash.io import InvalidFileError, NewerFileError
from skhash.io._file import FORMAT_VERSION, ArrayFile, write_file

#: How many files are damaged, one bit or one value each.
N_FLIPS = int(os.environ.get("SKHASH_N_FLIPS", "300"))


@pytest.fixture
def path(tmp_path):
    return tmp_path / "estimator.skhash"


@pytest.fixture(scope="module")
def whole(tmp_path_factory, small_texts):
    """Return the bytes of a file with text, arrays, a network and an index."""
    texts, topics = small_texts
    path = tmp_path_factory.mktemp("whole") / "file"
    hasher = SSBVAEHasher(
        4, hidden_layer_sizes=(4,), random_state=0, max_epochs=2, batch_size=50
    )
    pipeline = make_pipeline(TfidfVectorizer(), hasher).fit(texts, topics)
    codes = pipeline.transform(texts)
    index = HammingNearestNeighbors().fit(codes, topics.astype(str))
    io.save(path, [pipeline, index])
    return path.read_bytes()


def test_flipped_bits(whole, path):
    path.write_bytes(whole)
    io.load(path)
    draw = random.Random(0)
    for _ in range(N_FLIPS):
        damaged = bytearray(whole)
        # One in three within the header, where a length or a name may be hit.
        length = len(damaged) if draw.random() < 2 / 3 else 3000
        damaged[draw.randrange(length)] ^= 1 << draw.randrange(8)
        path.write_bytes(damaged)
        with pytest.raises(InvalidFileError, match=r"estimator\.skhash cannot be"):
            io.load(path)


def test_cut_and_extended(whole, path):
    cuts = [0, 1, 7, 8, 9, 100, 5000, len(whole) // 2, len(whole) - 1]
    for damaged in [*(whole[:cut] for cut in cuts), whole + b"\0", b"\0" * 64]:
        path.write_bytes(damaged)
        with pytest.raises(InvalidFileError):
            io.load(path)


def test_other_files(tmp_path, path):
    for other in (b"PK\x03\x04" * 99, pickle.dumps(ITQHasher()), b"{}", b"\xff" * 99):
        path.write_bytes(other)
        with pytest.raises(InvalidFileError):
            io.load(path)
    safetensors = pytest.importorskip("safetensors.numpy")
    safetensors.save_file({"a": np.zeros(3)}, path)
    with pytest.raises(InvalidFileError, match=r"not written by skhash\.io\.save"):
        io.load(path)
    with pytest.raises(InvalidFileError, match="not a regular file"):
        io.load(tmp_path)
    with pytest.raises(FileNotFoundError):
        io.load(tmp_path / "missing")


def test_newer_format(whole, path):
    old = f'"format_version":"{FORMAT_VERSION}"'.encode()
    path.write_bytes(whole.replace(old, b'"format_version":"7"'))
    with pytest.raises(NewerFileError, match=r"format version 7.*Install a newer"):
        io.load(path)


# Forged files: all checksums are right


def forge(path, nodes, arrays=(), root=None):
    root = {"ref": len(nodes) - 1} if root is None else root
    arrays = [np.asarray(array) for array in arrays]
    write_file(path, {"nodes": nodes, "root": root}, arrays, {})


def test_large_declared_sizes_take_no_memory(whole, path):
    """Sizes beyond the file are found before memory is taken."""
    huge = [2**59] * 2
    header = json.dumps(
        {
            "__metadata__": {"format": "skhash", "format_version": "1"},
            "graph": {"dtype": "U8", "shape": huge, "data_offsets": [0, 2**60]},
        }
    ).encode()
    for content in (
        (2**62).to_bytes(8, "little") + whole[8:],
        len(header).to_bytes(8, "little") + header,
        (12 << 20).to_bytes(8, "little") + b"[" * (12 << 20),
    ):
        path.write_bytes(content)
        tracemalloc.start()
        with pytest.raises(InvalidFileError):
            io.load(path)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < 4 * len(content) + (1 << 20)


MALICIOUS = {
    "another class": {"kind": "object", "class": "os.system", "state": {}},
    "a private class": {"kind": "object", "class": "skhash._search", "state": {}},
    "a function": {"kind": "object", "class": "skhash.show_versions", "state": {}},
    "an unknown function": {"kind": "function", "name": "builtins.eval"},
    "an unknown layer": {"kind": "layer", "class": "torch.Tensor"},
    "an unknown kind": {"kind": "reduce", "function": "eval"},
    "a hidden method": {
        "kind": "object",
        "class": "skhash.ITQHasher",
        "state": {"transform": 1},
    },
    "a special attribute": {
        "kind": "object",
        "class": "skhash.NormScaler",
        "state": {"__class__": "x"},
    },
    "an invalid parameter": {
        "kind": "object",
        "class": "skhash.ITQHasher",
        "state": {"n_bits": -1, "n_iter": 3, "output": "bits", "random_state": None},
    },
    "a missing parameter": {
        "kind": "object",
        "class": "skhash.ITQHasher",
        "state": {},
    },
    "a class as a list": {"kind": "object", "class": ["skhash"], "state": {}},
    "itself": {"kind": "list", "items": [{"ref": 0}]},
    "a later node": {"kind": "list", "items": [{"ref": 1}]},
    "a list as a key": {"kind": "dict", "keys": [[]], "values": [1]},
    "no node": 3,
    "a missing array": {"kind": "array", "dtype": "<f8", "fortran": False, "array": 0},
}


@pytest.mark.parametrize("node", MALICIOUS.values(), ids=MALICIOUS)
def test_malicious_node(node, path):
    forge(path, [node])
    with pytest.raises(InvalidFileError, match=r"estimator\.skhash cannot be loaded"):
        io.load(path)


def test_malicious_cache(path):
    """A pipeline with a cache would load pickles from a folder when it is fitted."""
    io.save(path, make_pipeline(StandardScaler()))
    with ArrayFile(path) as file:
        graph = file.graph()
    graph["nodes"][-1]["state"]["memory"] = "evil"
    forge(path, graph["nodes"])
    with pytest.raises(InvalidFileError, match="memory must be None"):
        io.load(path)


def test_deep_nesting(path):
    deep = [{"kind": "tuple", "items": []}]
    deep += [{"kind": "tuple", "items": [{"ref": i}]} for i in range(100_000)]
    forge(path, deep)
    with pytest.raises(InvalidFileError, match="nested too deeply"):
        io.load(path)


def test_an_array_is_used_once(path):
    node = {"kind": "array", "dtype": "<f8", "fortran": False, "array": 0}
    forge(path, [node] * 2, [np.zeros(10)])
    with pytest.raises(InvalidFileError, match="array twice"):
        io.load(path)


def mutated(value, draw, nodes):
    """Return a JSON value with something in it replaced."""
    if isinstance(value, dict) and value and draw.random() < 0.9:
        key = draw.choice(list(value))
        return {**value, key: mutated(value[key], draw, nodes)}
    if isinstance(value, list) and value and draw.random() < 0.9:
        place = draw.randrange(len(value))
        changed = mutated(value[place], draw, nodes)
        return [*value[:place], changed, *value[place + 1 :]]
    other = draw.choice(nodes)
    choices = [None, True, -1, 2**40, 0.5, "x", [], {}, {"ref": draw.randrange(200)}]
    return draw.choice([*choices, draw.choice(list(other.values()))])


def test_forged_graphs(whole, path):
    """A changed description loads or raises InvalidFileError, nothing else."""
    path.write_bytes(whole)
    with ArrayFile(path) as file:
        graph = file.graph()
        arrays = [file.array(i) for i in range(len(graph["checksums"]))]
    draw = random.Random(1)
    n_refused = 0
    for _ in range(N_FLIPS):
        nodes = list(graph["nodes"])
        place = draw.randrange(len(nodes))
        nodes[place] = mutated(nodes[place], draw, nodes)
        forge(path, nodes, arrays, graph["root"])
        try:
            io.load(path)
        except InvalidFileError:
            n_refused += 1
    assert n_refused > N_FLIPS / 4
