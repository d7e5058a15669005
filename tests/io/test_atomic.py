"""Check that a failed save leaves the earlier file: errors, kills, a full disk."""

import os
import signal
import stat
import subprocess
import sys
import time

import pytest

from skhash.io._atomic import replaced_file

posix_only = pytest.mark.skipif(os.name != "posix", reason="needs POSIX signals")

SAVE_FOREVER = """
import sys
import numpy as np
from skhash.io._file import write_file
array = np.zeros(4_000_000)
print("ready", flush=True)
for i in range(1_000_000):
    array[:] = i
    write_file(sys.argv[1], {"i": i}, [array], {})
"""

SAVE_WITH_FULL_DISK = """
import resource, sys
import numpy as np
from skhash.io._file import write_file
write_file(sys.argv[1], {}, [np.zeros(1000)], {})
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
try:
    write_file(sys.argv[1], {}, [np.zeros(1_000_000)], {})
except OSError as error:
    print(type(error).__name__)
"""


def test_new_file(tmp_path):
    path = tmp_path / "file"
    with replaced_file(path) as file:
        file.write(b"new")
        assert not path.exists()
    assert path.read_bytes() == b"new"
    mask = os.umask(0)
    os.umask(mask)
    assert stat.S_IMODE(path.stat().st_mode) == 0o666 & ~mask


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_error(tmp_path, error):
    path = tmp_path / "file"
    path.write_bytes(b"old")

    def write():
        with replaced_file(path) as file:
            file.write(b"new")
            raise error

    with pytest.raises(error):
        write()
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["file"]


def test_permissions_and_links_stay(tmp_path):
    path, link = tmp_path / "file", tmp_path / "link"
    path.write_bytes(b"old")
    path.chmod(0o640)
    link.symlink_to(path)
    with replaced_file(link) as file:
        file.write(b"new")
    assert link.is_symlink()
    assert path.read_bytes() == b"new"
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


def test_folder(tmp_path):
    with pytest.raises(IsADirectoryError), replaced_file(tmp_path):
        pass
    with pytest.raises(FileNotFoundError), replaced_file(tmp_path / "no" / "file"):
        pass


@posix_only
def test_kill(tmp_path):
    """The file is whole after a process that writes it all the time is killed."""
    from skhash.io._file import ArrayFile

    path = tmp_path / "file"
    for wait in (0.05, 0.11, 0.23):
        with subprocess.Popen(
            [sys.executable, "-c", SAVE_FOREVER, str(path)], stdout=subprocess.PIPE
        ) as process:
            assert process.stdout.readline() == b"ready\n"
            while not path.exists():
                time.sleep(0.01)
            time.sleep(wait)
            process.send_signal(signal.SIGKILL)
        with ArrayFile(path) as file:
            graph = file.graph()
            assert (file.array(0) == graph["i"]).all()


@posix_only
def test_full_disk(tmp_path):
    """A write that fails half way leaves the old file, and no other."""
    from skhash.io._file import ArrayFile

    path = tmp_path / "file"
    done = subprocess.run(
        [sys.executable, "-c", SAVE_WITH_FULL_DISK, str(path)],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "OSError\n"
    assert os.listdir(tmp_path) == ["file"]
    with ArrayFile(path) as file:
        file.graph()
        assert file.array(0).shape == (1000,)
