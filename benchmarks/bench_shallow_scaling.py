"""Measure time and memory of every shallow hasher on a large sparse collection.

    python benchmarks/bench_shallow_scaling.py --rows 100000 --features 10000

Samples are synthetic documents, all labeled. Each hasher fits and encodes in its own
process. Prints the seconds of both, and the peak memory above the input in MB of 10^6
bytes. The exit status is 1 if a hasher fails, or exceeds --seconds or --megabytes.
"""

import argparse
import sys
import tempfile
from pathlib import Path

import joblib

from _lib.hashers import make_hasher, shallow_names
from _lib.measure import Watch, in_fresh_process
from _lib.synthetic import draw_documents
from _lib.tables import print_table, write_csv

COLUMNS = ["rows", "features", "hasher", "fit_seconds", "encode_seconds", "memory_mb"]


def run(path, name, n_bits):
    """Return seconds to fit and to encode, and megabytes."""
    X, y = joblib.load(path)
    hasher = make_hasher(name, n_bits, seed=0)
    with Watch() as fit:
        hasher.fit(X, y)
    with Watch() as encode:
        hasher.transform(X)
    return fit.seconds, encode.seconds, max(fit.megabytes, encode.megabytes)


def parse(argv):
    """Return the options."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    names = shallow_names()
    add("--hashers", nargs="+", default=names, choices=names, metavar="NAME")
    add("--rows", type=int, default=100_000)
    add("--features", type=int, default=10_000)
    add("--density", type=float, default=0.01)
    add("--bits", type=int, default=32)
    add("--seconds", type=float, default=60)
    add("--megabytes", type=float, default=2000)
    add("--csv", type=Path, help="write one line per hasher")
    return parser.parse_args(argv)


def main(argv=None):
    """Run what the command line asks for; return the exit status."""
    arguments = parse(argv)
    results, within = [], True
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rows"
        sizes = arguments.rows, arguments.features, arguments.density
        joblib.dump(draw_documents(*sizes), path)
        for name in arguments.hashers:
            try:
                fit, encode, megabytes = in_fresh_process(
                    run, path, name, arguments.bits
                )
            except Exception as error:  # the other hashers still matter
                print(f"failed: {name}: {error!r}", file=sys.stderr, flush=True)
                within = False
                continue
            within &= fit <= arguments.seconds and megabytes <= arguments.megabytes
            results.append([name, f"{fit:.1f}", f"{encode:.1f}", f"{megabytes:.0f}"])
    print_table(["hasher", "fit, s", "encode, s", "MB"], results)
    if arguments.csv:
        sizes = {"rows": arguments.rows, "features": arguments.features}
        rows = (sizes | dict(zip(COLUMNS[2:], line)) for line in results)
        write_csv(arguments.csv, COLUMNS, rows)
    return int(not within)


if __name__ == "__main__":
    sys.exit(main())
