"""Measure encoding, indexing and searching beyond memory, and what to train on.

    SKHASH_DATA=path/to/data python benchmarks/bench_scale.py --case index
    SKHASH_DATA=path/to/data python benchmarks/bench_scale.py --case encode \\
        --backend dask --workers 2

Cases: "index" builds indexes of memory-mapped shards in a temporary folder and searches
them; codes are those of 20 Newsgroups with random flips, and rates are bytes of codes
per CPU second, beside those of a plain sum over an array in memory. "encode" encodes
texts by a network on several workers. "pipeline" encodes, indexes and searches texts in
blocks. "quality" fits hashers to samples of several sizes. "classes" adds a quarter of
the classes by `partial_fit`, and compares with a fit to all samples.

The backend "dask-malloc" is Dask with the memory settings of docs/guide/scale.md. Each
step runs in a fresh process. Seconds are wall time, and depend on what else the
machine does: `load` is the mean number of running processes. Memory is the peak above
that before the step in MB of 10^6 bytes; mapped pages count, workers do not.
"""

import argparse
import itertools
import sys
import tempfile
from pathlib import Path

from _lib.measure import in_fresh_process
from _lib.scale_cases import (
    build,
    measure_encode,
    measure_pipeline,
    memory_speed,
    search,
)
from _lib.scale_classes import measure_classes
from _lib.scale_quality import DATASETS, measure_quality
from _lib.tables import print_table, write_csv
from _lib.texts import load_mixed_texts

COLUMNS = (
    *("case", "dataset", "rows", "bits", "shards", "backend", "workers", "step"),
    *("seconds", "cpu_seconds", "memory_mb", "bytes", "gb_per_cpu_second"),
    *("memory_gb_per_cpu_second", "rows_per_cpu_second", "labels", "precision_at_100"),
    "load",
)


def run_index(arguments):
    """Yield the rows of the case "index"."""
    speed = in_fresh_process(memory_speed) / 1e9
    for n_rows, n_bits in itertools.product(arguments.rows, arguments.bits):
        for n_shards in arguments.shards:
            size = -(-n_rows // n_shards)
            with tempfile.TemporaryDirectory(dir=arguments.folder) as path:
                rows = in_fresh_process(build, path, n_rows, n_bits, size)
                for n_workers in arguments.workers:
                    how = arguments.backend, n_workers, arguments.repeats
                    found = in_fresh_process(search, path, n_bits, *how)
                    workers = {"backend": arguments.backend, "workers": n_workers}
                    rows += [row | workers for row in found]
            for row in rows:
                row |= {"case": "index", "rows": n_rows, "bits": n_bits}
                if row.get("backend", "") in PROCESSES:
                    row["cpu_seconds"] = None  # that of the workers is not known
                else:
                    row["gb_per_cpu_second"] = row["bytes"] / row["cpu_seconds"] / 1e9
                yield row | {"memory_gb_per_cpu_second": speed}


def run_encode(arguments):
    """Yield the rows of the case "encode"."""
    for n_rows, n_workers in itertools.product(arguments.rows, arguments.workers):
        for n_bits in arguments.bits:
            texts = load_mixed_texts(n_rows)
            how = arguments.backend, n_workers, n_bits
            for row in in_fresh_process(measure_encode, texts, *how):
                row = {"backend": arguments.backend, "workers": n_workers} | row
                if row["backend"] in PROCESSES:
                    row["cpu_seconds"] = None
                yield {"case": "encode", "rows": n_rows, "bits": n_bits} | row


def run_pipeline(arguments):
    """Yield the rows of the case "pipeline"."""
    texts = load_mixed_texts(100_000)
    for n_rows, n_bits in itertools.product(arguments.rows, arguments.bits):
        for row in in_fresh_process(measure_pipeline, texts, n_rows, n_bits):
            yield {"case": "pipeline", "rows": n_rows, "bits": n_bits} | row


def run_quality(arguments):
    """Yield the rows of the case "quality"."""
    for dataset, n_rows in itertools.product(arguments.datasets, arguments.rows):
        for percent in arguments.labels:
            how = n_rows, percent, arguments.bits[0]
            row = in_fresh_process(measure_quality, dataset, *how)
            if row:
                yield {"case": "quality", "bits": arguments.bits[0]} | row


def run_classes(arguments):
    """Yield the rows of the case "classes"."""
    for dataset, percent in itertools.product(arguments.datasets, arguments.labels):
        how = percent, arguments.bits[0], arguments.seed
        for row in in_fresh_process(measure_classes, dataset, *how):
            yield {"case": "classes", "bits": arguments.bits[0]} | row


# Backends whose work is done in other processes.
PROCESSES = ("loky", "dask", "dask-malloc")
CASES = {
    "classes": run_classes,
    "index": run_index,
    "encode": run_encode,
    "pipeline": run_pipeline,
    "quality": run_quality,
}
RATED = ("build", "transform", "encode", "encode and index")
ROWS = {
    "classes": [],
    "index": [1_000_000, 10_000_000],
    "encode": [20_000],
    "pipeline": [1_000_000],
    "quality": [500, 1000, 2000, 4000, 8000, 16_000],
}


def parse(argv):
    """Return the options."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--case", choices=CASES, default="index")
    add("--rows", nargs="+", type=int)
    add("--bits", nargs="+", type=int, default=[64])
    add("--shards", nargs="+", type=int, default=[7])
    add("--backend", choices=["threading", *PROCESSES], default="threading")
    add("--workers", nargs="+", type=int, default=[1])
    add("--repeats", type=int, default=7, help="of searches for one query")
    add("--datasets", nargs="+", choices=DATASETS, default=list(DATASETS))
    add("--labels", nargs="+", type=float, default=[10.0], help="in percent")
    add("--seed", type=int, default=0, help="of the case classes")
    add("--folder", type=Path, help="where temporary folders are made")
    add("--csv", type=Path, help="write one line per step")
    arguments = parser.parse_args(argv)
    arguments.rows = arguments.rows or ROWS[arguments.case]
    return arguments


def main(argv=None):
    """Run what the command line asks for."""
    arguments = parse(argv)
    rows = []
    for row in CASES[arguments.case](arguments):
        if row["step"] in RATED and row.get("cpu_seconds"):
            row["rows_per_cpu_second"] = row["rows"] / row["cpu_seconds"]
        rows.append({name: _text(row.get(name)) for name in COLUMNS})
        print({name: text for name, text in rows[-1].items() if text}, flush=True)
    used = [name for name in COLUMNS if any(row[name] for row in rows)]
    print_table(used, [[row[name] for name in used] for row in rows])
    if arguments.csv:
        write_csv(arguments.csv, COLUMNS, rows)


def _text(value):
    if value is None:
        return ""
    return f"{value:.4g}" if isinstance(value, float) else str(value)


if __name__ == "__main__":
    sys.exit(main())
