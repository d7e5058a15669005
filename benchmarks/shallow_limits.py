"""Time and memory of every shallow hasher on a large sparse collection.

    python benchmarks/shallow_limits.py --rows 100000 --features 10000

Rows are drawn as training_speed draws them, and all have a label. Each hasher learns
and encodes in a process of its own. Prints the seconds of both, and the peak memory
above that of the input in MB of 10^6 bytes; the exit status is 1 if any hasher fails,
or learns in more than --seconds or --megabytes.
"""

import argparse
import sys
import tempfile
from pathlib import Path

import joblib
from _measure import Watch, in_fresh_process, print_table
from retrieval_quality import make_hasher, shallow_names
from training_speed import draw_rows


def run(path, name, n_bits):
    """Return seconds to fit and to encode, and megabytes; in a process of its own."""
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
    return parser.parse_args(argv)


def main(argv=None):
    """Run what the command line asks for; return the exit status."""
    arguments = parse(argv)
    lines, within = [], True
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rows"
        sizes = arguments.rows, arguments.features, arguments.density
        joblib.dump(draw_rows(*sizes), path)
        for name in arguments.hashers:
            try:
                fit, encode, megabytes = in_fresh_process(
                    run, path, name, arguments.bits
                )
            except Exception as error:  # the others are still worth running
                print(f"failed: {name}: {error!r}", file=sys.stderr, flush=True)
                within = False
                continue
            within &= fit <= arguments.seconds and megabytes <= arguments.megabytes
            lines.append([name, f"{fit:.1f}", f"{encode:.1f}", f"{megabytes:.0f}"])
    print_table(["hasher", "fit, s", "encode, s", "MB"], lines)
    return int(not within)


if __name__ == "__main__":
    sys.exit(main())
