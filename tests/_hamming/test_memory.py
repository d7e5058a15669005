"""Check that searches and changes without memory raise, and change nothing."""

import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ON_LINUX = pytest.mark.skipif(
    sys.platform != "linux" or platform.libc_ver()[0] != "glibc",
    reason="replaces functions of glibc, or limits memory as Linux does",
)

EACH_ALLOCATION = """
import ctypes
import numpy as np
from skhash._hamming import _layout, _search
from skhash.neighbors import HammingNearestNeighbors

shim = ctypes.CDLL(None)
shim.failing_malloc_set.argtypes = [ctypes.c_size_t, ctypes.c_size_t, ctypes.c_long]
shim.failing_malloc_left.restype = ctypes.c_long

def address_range(module):
    lines = [line for line in open("/proc/self/maps") if module.__file__ in line]
    edges = [int(x, 16) for line in lines for x in line.split()[0].split("-")]
    return min(edges), max(edges)

def each_allocation_fails(module, call, check):
    first, last = address_range(module)
    for n in range(1, 100):
        shim.failing_malloc_set(first, last, n)
        try:
            call()
        except MemoryError:
            assert shim.failing_malloc_left() == 0
        else:
            if shim.failing_malloc_left() > 0:
                shim.failing_malloc_set(0, 0, 0)
                return n - 1
        shim.failing_malloc_set(0, 0, 0)
        check()
    raise AssertionError("too many allocations")

rng = np.random.default_rng(0)
rows = rng.integers(0, 256, (3000, 8), dtype=np.uint8)
few = rows[rng.integers(0, 20, 3000)]
for codes, how in ((rows, {}), (few, {}), (rows, {"copy": False}),
                   (rows, {"algorithm": "multi_index"})):
    model = HammingNearestNeighbors(packed=True, **how).fit(codes)
    nearest = model.kneighbors(codes[:9], 40)
    within = model.radius_neighbors(codes[:9], 40, return_distance=False)

    def check():
        for got, want in zip(model.kneighbors(codes[:9], 40), nearest):
            np.testing.assert_array_equal(got, want)
        for got, want in zip(model.radius_neighbors(codes[:9], 40)[1], within):
            np.testing.assert_array_equal(got, want)

    for call in (lambda: model.kneighbors(codes[:9], 40),
                 lambda: model.radius_neighbors(codes[:9], 40)):
        n = each_allocation_fails(_search, call, check)
        assert n >= 3, n
    other = HammingNearestNeighbors(packed=True, **how)
    n = each_allocation_fails(_layout, lambda: other.fit(codes), check)
    assert n or len(np.unique(codes, axis=0)) > 1000 or not how.get("copy", True)
print("good")
"""

LIMITED = """
import resource
import numpy as np
from skhash.neighbors import HammingNearestNeighbors

rows = np.random.default_rng(0).integers(0, 256, (2_000_000, 8), dtype=np.uint8)
model = HammingNearestNeighbors(packed=True, n_jobs=1).fit(rows, np.arange(len(rows)))
queries = rows[:5]
want = model.kneighbors(queries, 3)

def used():
    return int(open("/proc/self/statm").read().split()[0]) * 4096

calls = [
    lambda: model.fit(rows, np.arange(len(rows))),
    lambda: model.partial_fit(np.tile(rows, (4, 1)), np.zeros(4 * len(rows))),
    lambda: model.remove(np.arange(1000, len(rows))),
    lambda: model.radius_neighbors(rows[:50], 64),
    lambda: model.kneighbors(rows, 60),
]
n_failed = 0
for call in calls:
    for spare in (1 << 20, 12 << 20):
        resource.setrlimit(resource.RLIMIT_AS, (used() + spare, resource.RLIM_INFINITY))
        try:
            call()
        except MemoryError:
            n_failed += 1
        else:
            raise AssertionError("there was enough memory")
        finally:
            resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY,) * 2)
        assert model.n_samples_fit_ == len(model.labels_) == len(rows)
        for got, expected in zip(model.kneighbors(queries, 3), want):
            np.testing.assert_array_equal(got, expected)
print("good", n_failed)
"""

KILLED = """
import sys, threading, time
import numpy as np
from skhash.neighbors import HammingNearestNeighbors
codes = np.load(sys.argv[1], mmap_mode="r")
model = HammingNearestNeighbors(packed=True, copy=False, n_jobs=2).fit(codes)
threading.Thread(target=lambda: [model.kneighbors(codes[:50]) for _ in iter(int, 1)],
                 daemon=True).start()
print("ready", flush=True)
while True:
    model.partial_fit(codes[:70])
    model.remove(np.arange(5, 5 + 70))
"""


def run_python(code, *arguments, **environment):
    return subprocess.run(
        [sys.executable, "-c", code, *arguments],
        env={**os.environ, "OPENBLAS_NUM_THREADS": "1", **environment},
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )


@ON_LINUX
@pytest.mark.skipif(shutil.which("cc") is None, reason="compiles a small library")
def test_each_allocation_of_the_core_may_fail(tmp_path):
    library, source = tmp_path / "failing_malloc.so", Path(__file__).parent
    command = ["cc", "-O1", "-shared", "-fPIC", "-o", library]
    subprocess.run([*command, source / "failing_malloc.c"], check=True)
    # Built anew, if at all, before memory runs out.
    import skhash._hamming._search  # noqa: F401

    done = run_python(EACH_ALLOCATION, LD_PRELOAD=str(library))
    assert done.stdout.strip() == "good", done.stderr


@ON_LINUX
def test_changes_and_searches_in_limited_memory():
    done = run_python(LIMITED)
    assert done.stdout.startswith("good"), done.stdout + done.stderr


def test_kill_leaves_a_memory_map_as_it_was(tmp_path):
    import numpy as np

    path = tmp_path / "codes.npy"
    rows = np.random.default_rng(0).integers(0, 256, (5000, 8), dtype=np.uint8)
    np.save(path, rows)
    for wait in (0.0, 0.1):
        process = subprocess.Popen(
            [sys.executable, "-c", KILLED, str(path)], stdout=subprocess.PIPE
        )
        with process:
            process.stdout.readline()
            try:
                process.wait(wait)
            except subprocess.TimeoutExpired:
                process.kill()
        assert process.returncode < 0
        np.testing.assert_array_equal(np.load(path), rows)
