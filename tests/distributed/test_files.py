"""Check that a folder holds the last complete state, whatever ends a change."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from skhash import distributed
from skhash.distributed import ShardedHammingNearestNeighbors
from skhash.distributed._files import MANIFEST, Manifest, ShardFile, ShardFolder
from skhash.io import InvalidFileError, NewerFileError
from tests.faults import interrupted_at

ROWS = np.random.default_rng(0).integers(0, 256, (200, 2), dtype=np.uint8)
MANIFEST_OF_ONE = Manifest(16, True, True, (("0a.shard", 200),))

FOLDER = str(Path(distributed.__file__).parent)


def files_in(path):
    return sorted(each.name for each in path.iterdir() if each.suffix == ".shard")


@pytest.mark.parametrize("ids", [None, "int", "uint", "str"])
@pytest.mark.parametrize("mmap", [True, False])
def test_file_of_a_shard(tmp_path, ids, mmap):
    given = None
    if ids == "str":
        given = np.array([f"id{i * i}" for i in range(200)])
    elif ids is not None:
        given = np.arange(200)[::-1].astype(np.int64 if ids == "int" else np.uint64)
    file = ShardFile(str(tmp_path / "a.shard"), 200, 16, given is not None)
    file.write(ROWS, given)
    planes, found, ascending = file.map(mmap=mmap)
    assert planes.ctypes.data % 64 == 0 or not mmap
    # 64 codes per block, one line per byte.
    lines = np.zeros((256, 2), dtype=np.uint8)
    lines[:200] = ROWS
    expected = lines.reshape(4, 64, 2).transpose(0, 2, 1).ravel()
    np.testing.assert_array_equal(planes, expected)
    assert not ascending
    if given is None:
        assert found is None
    else:
        assert found.dtype == given.dtype
        np.testing.assert_array_equal(found, given)


def test_another_file_in_its_place(tmp_path):
    file = ShardFile(str(tmp_path / "a.shard"), 200, 16, False)
    file.write(ROWS, None)
    for n_rows, n_bits, has_ids in ((199, 16, False), (200, 15, False), (200, 16, 1)):
        wrong = ShardFile(file.path, n_rows, n_bits, bool(has_ids))
        with pytest.raises(InvalidFileError, match="not the shard that is listed"):
            wrong.map()


def test_manifest(tmp_path):
    folder = ShardFolder(tmp_path / "new")
    assert not folder.exists()
    with pytest.raises(FileNotFoundError):
        folder.read()
    with folder.locked(None):
        first = folder.commit(MANIFEST_OF_ONE)
    assert folder.read() == first != MANIFEST_OF_ONE
    with folder.locked(first):
        second = folder.commit(MANIFEST_OF_ONE)
    assert second.token != first.token
    with pytest.raises(RuntimeError, match="changed by another"), folder.locked(first):
        pass


@pytest.mark.parametrize(
    "change",
    [
        {"format": "other"},
        {"n_bits": 0},
        {"n_bits": "16"},
        {"token": None},
        {"more": 1},
        {"shards": [["../secret.shard", 5]]},
        {"shards": [["a.shard", -5]]},
        {"shards": [["a.shard"]]},
        {"shards": {"a.shard": 5}},
        {"format_version": 0},
    ],
)
def test_invalid_manifest(tmp_path, change):
    folder = ShardFolder(tmp_path)
    with folder.locked(None):
        folder.commit(MANIFEST_OF_ONE)
    path = tmp_path / MANIFEST
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(InvalidFileError, match=r"manifest\.json cannot be loaded"):
        folder.read()
    path.write_text("{")
    with pytest.raises(InvalidFileError):
        folder.read()
    path.write_text('{"format": "skhash-shards", "format_version": 2}')
    with pytest.raises(NewerFileError, match="format version 2"):
        folder.read()


def test_leftovers_are_deleted(tmp_path):
    index = ShardedHammingNearestNeighbors(packed=True, path=tmp_path).fit(ROWS)
    (tmp_path / "0b.shard").write_bytes(b"half")
    (tmp_path / ".0c.shard.0123.tmp").write_bytes(b"half")
    (tmp_path / "notes.txt").write_text("not ours")
    index.partial_fit(ROWS)
    assert len(files_in(tmp_path)) == index.n_shards_ == 2
    names = sorted(path.name for path in tmp_path.iterdir())
    others = [name for name in names if not name.endswith(".shard")]
    assert others == [".lock", MANIFEST, "notes.txt"]


CHANGES = {
    "fit": lambda index: index.fit(ROWS[:90], ids=range(90)),
    "partial_fit": lambda index: index.partial_fit(ROWS[:90], ids=range(1000, 1090)),
    "remove": lambda index: index.remove(ids=[3, 150]),
    "compact": lambda index: index.compact(),
}


def state_of(index):
    return index.n_shards_, index.codes_.tolist(), index.ids_.tolist()


@pytest.mark.parametrize("change", CHANGES)
def test_interrupt(tmp_path, change):
    """The folder has the state before or after, and takes the change again."""
    outcomes, n, interrupted = [], 1, True
    while interrupted:
        path = tmp_path / f"{n}"
        index = ShardedHammingNearestNeighbors(packed=True, path=path, shard_size=60)
        index.fit(ROWS[:20], ids=range(20))
        index.partial_fit(ROWS[20:50], ids=range(20, 50))
        index.partial_fit(ROWS[50:], ids=range(50, 200))
        before = state_of(index)
        interrupted = interrupted_at(n, CHANGES[change], index, within=FOLDER)
        opened = ShardedHammingNearestNeighbors.open(path, shard_size=60)
        outcomes.append(state_of(opened))
        if outcomes[-1] == before:
            CHANGES[change](opened)
            outcomes.append(state_of(opened))
        n = n * 3 // 2 + 1
    assert n > 50
    after = state_of(index)
    assert outcomes[-1] == after != before
    assert all(state in (before, after) for state in outcomes)
    assert before in outcomes


CHANGE_FOREVER = """
import sys
import numpy as np
from skhash.distributed import ShardedHammingNearestNeighbors
index = ShardedHammingNearestNeighbors.open(sys.argv[1], shard_size=50_000)
print("ready", flush=True)
while True:
    first = index.n_samples_fit_
    codes = np.arange(first, first + 30_000)[:, None].view(np.uint8)
    index.partial_fit(codes, ids=np.arange(first, first + 30_000))
    index.compact()
    if first > 500_000:
        index.remove(np.arange(30_000, index.n_samples_fit_))
"""


@pytest.mark.skipif(os.name != "posix", reason="needs POSIX signals")
def test_kill(tmp_path):
    """The folder is whole after a process that changes it all the time is killed."""
    index = ShardedHammingNearestNeighbors(packed=True, path=tmp_path)
    index.fit(np.arange(3)[:, None].view(np.uint8), ids=range(3))
    for wait in (0.1, 0.3, 1.0):
        with subprocess.Popen(
            [sys.executable, "-c", CHANGE_FOREVER, str(tmp_path)],
            stdout=subprocess.PIPE,
        ) as process:
            assert process.stdout.readline() == b"ready\n"
            with pytest.raises(subprocess.TimeoutExpired):
                process.wait(wait)
            process.send_signal(signal.SIGKILL)
        found = ShardedHammingNearestNeighbors.open(tmp_path)
        n = found.n_samples_fit_
        np.testing.assert_array_equal(found.codes_.view(np.int64)[:, 0], np.arange(n))
        np.testing.assert_array_equal(found.ids_, np.arange(n))
    assert n > 3
    found.compact()
    assert len(files_in(tmp_path)) == found.n_shards_
