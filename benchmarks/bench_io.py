"""Measure files of skhash.io: their size, and the time to save and to load.

    python benchmarks/bench_io.py --csv io.csv

Estimators are saved to a temporary folder and loaded:

- index: HammingNearestNeighbors of random packed codes, loaded into memory and by
  memory map; the first query then reads the pages that it needs;
- index with ids: the same with an id of 20 characters per code;
- hasher: SSBVAEHasher(64), fitted for one epoch to random sparse rows.

Size is in multiples of the arrays of the estimator. Times are medians of the CPU time
in milliseconds, without waits for a disk; files are in the cache of the system.
"""

import argparse
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import scipy.sparse as sp

from _lib.tables import print_table, write_csv

COLUMNS = (
    *("case", "rows", "bits", "size", "save_ms", "load_ms", "mapped_ms"),
    "first_query_ms",
)


def indexes(n_rows, n_bits):
    """Yield the name of a case, an index, the bytes of its arrays, and a query."""
    from skhash import HammingNearestNeighbors

    rng = np.random.default_rng(0)
    codes = rng.integers(0, 256, (n_rows, n_bits // 8), dtype=np.uint8)
    index = HammingNearestNeighbors(packed=True).fit(codes)
    yield "index", index, codes.nbytes, codes[:1]
    ids = np.char.zfill(np.arange(n_rows).astype(str), 20)
    index = HammingNearestNeighbors(packed=True).fit(codes, ids=ids)
    yield "index with ids", index, codes.nbytes + ids.nbytes, None


def hashers(n_features):
    """Yield the same of a hasher, whose arrays are those of its network and classes."""
    from skhash import SSBVAEHasher

    rng = np.random.default_rng(0)
    X = sp.random_array((2000, n_features), density=0.01, format="csr", rng=rng)
    y = np.where(rng.random(2000) < 0.1, rng.integers(20, size=2000), -1)
    hasher = SSBVAEHasher(64, max_epochs=1, random_state=0).fit(X, y)
    yield "hasher", hasher, array_bytes(hasher), None


def array_bytes(estimator):
    """Return the bytes of all distinct arrays and tensors of an estimator."""
    import torch

    sizes, waiting, seen = {}, [estimator], {}
    while waiting:
        item = waiting.pop()
        if id(item) in seen:
            continue
        seen[id(item)] = item  # keeps it, and its id with it
        if isinstance(item, torch.Tensor):
            sizes[item.data_ptr()] = item.numel() * item.element_size()
        elif isinstance(item, np.ndarray):
            sizes[item.__array_interface__["data"][0]] = item.nbytes
        elif isinstance(item, list | tuple):
            waiting += item
        else:
            held = item if isinstance(item, dict) else getattr(item, "__dict__", {})
            waiting += held.values()
    return sum(sizes.values())


def measure(estimator, n_bytes, query, repeats):
    """Return the figures of one estimator."""
    from skhash import io

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "saved.skhash"
        figures = {"save_ms": median_ms(lambda: io.save(path, estimator), repeats)}
        figures["size"] = f"{path.stat().st_size / n_bytes:.3f}"
        figures["load_ms"] = median_ms(lambda: io.load(path), repeats)
        if query is not None:
            figures["mapped_ms"] = median_ms(lambda: io.load(path, mmap=True), repeats)
            loaded = io.load(path, mmap=True)
            first = median_ms(lambda: loaded.kneighbors(query), 1)
            figures["first_query_ms"] = first
    return figures


def median_ms(function, repeats):
    """Return the median CPU time of a call in milliseconds, as a string."""
    seconds = []
    for _ in range(repeats):
        start = time.process_time()
        function()
        seconds.append(time.process_time() - start)
    return f"{1e3 * np.median(seconds):.1f}"


def parse(argv):
    """Return the options."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, default=1_000_000, help="codes of an index")
    parser.add_argument("--bits", type=int, default=64)
    parser.add_argument("--features", type=int, default=10_000, help="of the hasher")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--csv", type=Path, help="write one line per case")
    return parser.parse_args(argv)


def main(argv=None):
    """Measure all cases."""
    arguments = parse(argv)
    results = []
    for case, estimator, n_bytes, query in (
        *indexes(arguments.rows, arguments.bits),
        *hashers(arguments.features),
    ):
        about = {"case": case, "rows": arguments.rows, "bits": arguments.bits}
        if case == "hasher":
            about |= {"rows": "", "bits": 64}
        results.append(about | measure(estimator, n_bytes, query, arguments.repeats))
    print_table(COLUMNS, [[str(r.get(key, "")) for key in COLUMNS] for r in results])
    if arguments.csv:
        write_csv(arguments.csv, COLUMNS, results)


if __name__ == "__main__":
    sys.exit(main())
