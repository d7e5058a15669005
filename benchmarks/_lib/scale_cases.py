"""Measure building and searching sharded indexes, and encoding on several workers."""

import os
import shutil
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from joblib import parallel_config
from joblib.externals.loky import get_reusable_executor
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.pipeline import make_pipeline

from _lib.measure import Watch
from _lib.search_codes import REAL
from skhash import ITQHasher, SSBVAEHasher
from skhash.distributed import ShardedHammingNearestNeighbors, encode

ROWS_PER_BLOCK = 1_000_000
TEXTS_PER_BLOCK = 2_000
N_QUERIES = 1000
STEPS = {"one query": (1, "k"), "1000 queries": (N_QUERIES, "k"), "radius 2": (1, "r")}


def drawn_blocks(n_rows, n_bits, seed):
    """Yield packed codes: those of real texts, with 1 of 8 bits flipped at random.

    Longer codes repeat the 64 bits of a text, each with flips of its own.
    """
    real = REAL["20newsgroups-itq"](np.random.default_rng(0))
    wide = np.tile(real, (1, -(-n_bits // 64)))[:, : n_bits // 8]
    rng = np.random.default_rng(seed)
    for first in range(0, n_rows, ROWS_PER_BLOCK):
        n = min(ROWS_PER_BLOCK, n_rows - first)
        codes = wide[rng.integers(0, len(wide), n)]
        flips = rng.integers(0, 256, (3, *codes.shape), dtype=np.uint8)
        yield codes ^ np.bitwise_and.reduce(flips)


# Workers of Dask keep 256 MB that they free, see docs/guide/scale.md.
_ENVIRONMENT = "distributed.nanny.pre-spawn-environ"
_KEPT_MEMORY = {
    f"{_ENVIRONMENT}.MALLOC_TRIM_THRESHOLD_": 2**28,
    f"{_ENVIRONMENT}.MALLOC_MMAP_THRESHOLD_": 2**25,
}


@contextmanager
def backend_of(name, n_workers):
    """Run joblib on a backend; start and end a cluster for "dask" and "dask-malloc"."""
    if not name.startswith("dask"):
        with parallel_config(name, n_jobs=n_workers):
            yield
        if name == "loky":
            get_reusable_executor().shutdown(wait=True)
        return
    import dask
    from dask.distributed import Client, LocalCluster

    how = {"n_workers": n_workers, "threads_per_worker": 1, "memory_limit": 0}
    with (
        dask.config.set(_KEPT_MEMORY if name == "dask-malloc" else {}),
        LocalCluster(dashboard_address=None, **how) as cluster,
        Client(cluster),
        parallel_config("dask"),
    ):
        yield


def build(path, n_rows, n_bits, shard_size):
    """Write an index; return the rows of the table."""
    drawing = np.zeros(2)  # wall and CPU seconds, which do not count

    def now():
        return np.array([time.perf_counter(), time.process_time()])

    def blocks():
        drawn = drawn_blocks(n_rows, n_bits, 1)
        while True:
            start = now()
            block = next(drawn, None)
            drawing[:] += now() - start
            if block is None:
                return
            yield block

    index = ShardedHammingNearestNeighbors(
        packed=True, n_bits=n_bits, path=path, shard_size=shard_size
    )
    with Watch() as watch:
        index.extend(blocks())
    n_bytes = sum(file.stat().st_size for file in Path(path).iterdir())
    row = _row("build", watch, n_bytes)
    row["seconds"] -= drawing[0]
    row["cpu_seconds"] -= drawing[1]
    return [row | {"shards": index.n_shards_}]


def search(path, n_bits, backend, n_workers, repeats):
    """Search an index; return one row per kind of search."""
    queries = next(drawn_blocks(N_QUERIES, n_bits, 2))
    rows = []
    with backend_of(backend, n_workers):
        index = ShardedHammingNearestNeighbors.open(path, n_neighbors=10)
        n_bytes = index.n_samples_fit_ * (n_bits // 8)
        for step, (n, kind) in STEPS.items():
            call = index.kneighbors if kind == "k" else index.radius_neighbors
            found = []
            for _ in range(repeats if n == 1 else 1):
                with Watch() as watch:
                    call(queries[:n])
                found.append((watch.cpu_seconds, len(found), watch))
            median = sorted(found)[len(found) // 2][2]
            worst = max(watch.megabytes for *_, watch in found)
            row = _row(step, median, n_bytes) | {"memory_mb": worst}
            rows.append(row | {"shards": index.n_shards_})
    return rows


def memory_speed(n_bytes=1 << 28):
    """Return the bytes per CPU second that one thread reads from memory."""
    words = np.ones(n_bytes // 8, dtype=np.uint64)
    times = []
    for _ in range(9):
        start = time.process_time()
        words.sum()
        times.append(time.process_time() - start)
    return words.nbytes / float(np.median(times))


def measure_encode(texts, backend, n_workers, n_bits):
    """Encode texts by a network, alone and in blocks; return the rows."""
    hasher = make_pipeline(
        TfidfVectorizer(max_features=10_000, sublinear_tf=True, dtype=np.float32),
        SSBVAEHasher(n_bits, output="packed", max_epochs=1, random_state=0),
    ).fit(texts[:5000])
    blocks = [
        texts[i : i + TEXTS_PER_BLOCK] for i in range(0, len(texts), TEXTS_PER_BLOCK)
    ]
    rows = []
    with Watch() as watch:
        expected = [hasher.transform(block) for block in blocks]
    rows.append(_row("transform", watch) | {"backend": "none", "workers": 1})
    with backend_of(backend, n_workers):
        list(encode(hasher, [block[:10] for block in blocks[: 4 * n_workers]]))
        with Watch() as watch:
            found = list(encode(hasher, blocks))
    rows.append(_row("encode", watch))
    if not np.array_equal(np.concatenate(found), np.concatenate(expected)):
        raise AssertionError("encode gives other codes than transform.")
    return rows


def measure_pipeline(texts, n_texts, n_bits):
    """Encode, index and search texts in blocks, after fit; return the rows."""
    vectorizer = TfidfVectorizer(
        max_features=10_000, sublinear_tf=True, dtype=np.float32
    )
    with Watch() as fit:
        hasher = make_pipeline(vectorizer, ITQHasher(n_bits, output="packed"))
        hasher.fit(texts[:20_000])
    folder = tempfile.mkdtemp()

    def blocks():
        for first in range(0, n_texts, TEXTS_PER_BLOCK):
            rows = np.arange(first, min(n_texts, first + TEXTS_PER_BLOCK))
            yield [texts[i % len(texts)] for i in rows], rows

    try:
        index = ShardedHammingNearestNeighbors(path=folder, packed=True)
        with Watch() as build:
            index.extend(encode(hasher, blocks()))
        with Watch() as search:
            index.kneighbors(hasher.transform(texts[:N_QUERIES]))
    finally:
        shutil.rmtree(folder)
    rows = [_row("fit", fit), _row("encode and index", build)]
    return [*rows, _row("search 1000", search)]


def _row(step, watch, n_bytes=None):
    return {
        "step": step,
        "seconds": watch.seconds,
        "cpu_seconds": watch.cpu_seconds,
        "memory_mb": watch.megabytes,
        "bytes": n_bytes,
        "load": os.getloadavg()[0],
    }
