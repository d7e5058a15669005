"""Compare the default hasher of RerankedNearestNeighbors with those it chooses among.

    SKHASH_DATA=path/to/data python benchmarks/bench_default_hasher.py \
        --dataset stackoverflow web-snippets --csv default_hasher.csv

For each data set, `RerankedNearestNeighbors` indexes the training samples, without
labels, and searches for the 10 nearest by the cosine of test samples. Prints the
percent of the neighbors of exact search that it finds with 100 candidates, and the
processor seconds of its fit; for "default" also the hasher that it chose. Data without
test samples are split at random.
"""

import argparse
import sys
import time
from pathlib import Path

import numpy as np

from _lib.reference_data import LOADERS, load_glove
from _lib.tables import print_table, write_csv
from bench_thresholds import N_NEIGHBORS, nearest, split

COLUMNS = ("dataset", "n_samples", "hasher", "found_percent", "chosen", "fit_seconds")


def load(name, n_queries, seed):
    """Return the samples to index and the queries."""
    if name == "glove":
        X = load_glove()
        return split(X, len(X), n_queries, seed)
    data = LOADERS[name]()
    order = np.random.default_rng(seed).permutation(data.X_test.shape[0])
    return data.X_train, data.X_test[order[:n_queries]]


def describe(hasher):
    """Return the class and length of a hasher."""
    return f"{type(hasher).__name__}({hasher.n_bits})"


def run(name, arguments):
    """Yield one line per hasher."""
    from skhash import ITQHasher, RandomProjectionHasher, RerankedNearestNeighbors

    X, queries = load(name, arguments.queries, arguments.seed)
    relevance = nearest(X, queries)
    seed = arguments.seed
    hashers = [ITQHasher(64, random_state=seed), ITQHasher(128, random_state=seed)]
    hashers.append(RandomProjectionHasher(256, random_state=seed))
    for hasher in (*hashers, None):
        search = RerankedNearestNeighbors(
            hasher, n_neighbors=N_NEIGHBORS, random_state=seed
        )
        start = time.process_time()
        search.fit(X)
        seconds = time.process_time() - start
        found = search.kneighbors(queries, return_distance=False)
        percent = 100 * np.take_along_axis(relevance, found, axis=1).mean()
        chosen = "" if hasher else describe(search.hasher_)
        label = describe(hasher) if hasher else "default"
        values = (name, str(X.shape[0]), label, f"{percent:.1f}", chosen)
        yield dict(zip(COLUMNS, [*values, f"{seconds:.1f}"]))


def parse(argv):
    """Return the options."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    names = sorted([*LOADERS, "glove"])
    default = ["stackoverflow", "web-snippets", "icd10cm", "20newsgroups"]
    default += ["fashion-mnist", "cifar10", "glove"]
    add("--dataset", nargs="+", default=default, choices=names, metavar="NAME")
    add("--queries", type=int, default=1000)
    add("--seed", type=int, default=0)
    add("--csv", type=Path, help="write one line per hasher")
    return parser.parse_args(argv)


def main(argv=None):
    """Run what the command line asks for; return the exit status."""
    arguments = parse(argv)
    rows = []
    for name in arguments.dataset:
        new = list(run(name, arguments))
        print_table(COLUMNS, [list(row.values()) for row in new])
        rows += new
        if arguments.csv:
            write_csv(arguments.csv, COLUMNS, rows)
    return 0


if __name__ == "__main__":
    sys.exit(main())
