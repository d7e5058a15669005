"""Check that Ctrl-C ends encoding and searching without files or processes left."""

import os
import signal
import subprocess
import sys
import time

import pytest

# The limit is two seconds; on a loaded machine a test waits longer.
MOST_SECONDS = 20

SCRIPT = """
import os, sys, time
from pathlib import Path

import numpy as np
from joblib import parallel_config
from sklearn.base import BaseEstimator

from skhash.distributed import ShardedHammingNearestNeighbors, encode


class SlowHasher(BaseEstimator):
    def fit(self, X):
        self.weights_ = np.zeros(1 << 20)  # as large as what loky maps from files
        return self

    def transform(self, X):
        (Path(os.environ["FOLDER"]) / "started").touch()
        time.sleep(0.05)
        return np.zeros((len(X), 8), dtype=np.uint8)


def blocks():
    while True:
        yield np.zeros((1000, 4))


def work(job, folder):
    if job == "encode":
        for _ in encode(SlowHasher().fit(None), blocks()):
            pass
    rng = np.random.default_rng(0)
    codes = rng.integers(0, 256, (400_000, 8), dtype=np.uint8)
    index = ShardedHammingNearestNeighbors(
        packed=True, path=folder / "index", shard_size=50_000
    ).fit(codes)
    while True:
        (folder / "started").touch()
        index.kneighbors(codes[:20_000])


if __name__ == "__main__":
    job, backend, folder = *sys.argv[1:], Path(os.environ["FOLDER"])
    if backend == "dask":
        from dask.distributed import Client, LocalCluster

        how = {"n_workers": 2, "threads_per_worker": 1, "memory_limit": 0}
        with (
            LocalCluster(dashboard_address=None, **how) as cluster,
            Client(cluster),
            parallel_config("dask"),
        ):
            work(job, folder)
    else:
        with parallel_config(backend, n_jobs=2):
            work(job, folder)
"""


def processes_of(session):
    """Return the processes of a session that are not zombies."""
    found = []
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{name}/stat") as file:
                state, _, _, number = file.read().rpartition(")")[2].split()[:4]
        except OSError:  # it has ended
            continue
        if int(number) == session and state != "Z":
            found.append(int(name))
    return found


def wait_until(condition, seconds):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "not reached in time"
        time.sleep(0.02)


@pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="lists processes by /proc")
@pytest.mark.parametrize("job", ["encode", "search"])
@pytest.mark.parametrize("backend", ["threading", "loky", "dask"])
def test_interrupt(tmp_path, job, backend):
    if backend == "dask":
        pytest.importorskip("distributed")
    script, folder, scratch = (tmp_path / name for name in ("run.py", "own", "scratch"))
    script.write_text(SCRIPT)
    folder.mkdir()
    scratch.mkdir()
    places = "TMPDIR", "JOBLIB_TEMP_FOLDER", "DASK_TEMPORARY_DIRECTORY"
    process = subprocess.Popen(
        [sys.executable, script, job, backend],
        env=os.environ | dict.fromkeys(places, str(scratch)) | {"FOLDER": str(folder)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    try:
        wait_until(lambda: (folder / "started").exists(), 120)
        time.sleep(0.3)
        start = time.monotonic()
        # As a terminal does: to all processes.
        os.killpg(process.pid, signal.SIGINT)
        _, messages = process.communicate(timeout=MOST_SECONDS)
        wait_until(lambda: not processes_of(process.pid), MOST_SECONDS)
        print(f"{job}, {backend}: ended after {time.monotonic() - start:.2f} s")
    finally:
        for number in processes_of(process.pid):
            os.kill(number, signal.SIGKILL)
    assert process.returncode != 0
    assert b"KeyboardInterrupt" in messages
    # Dask keeps the empty files that it locks its folders by.
    left = [
        path for path in scratch.rglob("*") if path.is_file() and path.stat().st_size
    ]
    assert left == []
