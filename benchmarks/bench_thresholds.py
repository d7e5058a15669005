"""Compare the rule that ThresholdHasher chooses with each fixed rule.

    SKHASH_DATA=path/to/data python benchmarks/bench_thresholds.py \
        --dataset glove cifar10 fashion-mnist hiv --bits 0 64 --csv thresholds.csv

For each data set and length (0: one bit per feature), every rule is fitted to samples
without labels. Prints its recall on other samples as queries: the fraction of their 10
nearest neighbors by the cosine that are among the first 100 by code. "auto" is the
hasher with ``threshold="auto"``, with the name of the rule that it chose and the
processor seconds of its fit. `ITQHasher` stands beside up to 512 bits.
"""

import argparse
import sys
import time
from pathlib import Path

import numpy as np
import scipy.sparse as sp
from sklearn.preprocessing import normalize

from _lib.reference_data import LOADERS, load_glove, load_hiv_fingerprints
from _lib.tables import print_table, write_csv

COLUMNS = ("dataset", "n_samples", "n_features", "n_bits")
COLUMNS += ("rule", "recall", "chosen", "fit_seconds")
N_NEIGHBORS, DEPTH = 10, 100
_MOST_ITQ_BITS = 512


def load(name):
    """Return the samples of a data set."""
    if name == "glove":
        return load_glove()
    if name == "hiv":
        return np.unpackbits(load_hiv_fingerprints(), axis=1).astype(np.float32)
    return LOADERS[name]().X_train


def split(X, n_samples, n_queries, seed):
    """Return samples to index and other ones as queries."""
    order = np.random.default_rng(seed).permutation(X.shape[0])
    return X[order[n_queries:][:n_samples]], X[order[:n_queries]]


def nearest(X, queries):
    """Return a matrix with 1 for the nearest neighbors of each query by the cosine."""
    similarities = normalize(queries) @ normalize(X).T
    if sp.issparse(similarities):
        similarities = similarities.toarray()
    found = np.argpartition(-similarities, N_NEIGHBORS, axis=1)[:, :N_NEIGHBORS]
    relevance = np.zeros(similarities.shape, dtype=np.float32)
    np.put_along_axis(relevance, found, 1, axis=1)
    return relevance


def fit_all(X, n_bits, seed):
    """Yield name, fitted hasher, and processor seconds of fit, "auto" first."""
    from skhash import ITQHasher, ThresholdHasher
    from skhash.shallow._threshold_rules import RULES, applicable_rules

    start = time.process_time()
    hasher = ThresholdHasher(n_bits, threshold="auto", random_state=seed).fit(X)
    yield "auto", hasher, time.process_time() - start
    for name in applicable_rules(X, n_bits):
        start = time.process_time()
        rule = RULES[name](X, n_bits, np.random.RandomState(seed + 1))
        yield name, rule, time.process_time() - start
    if n_bits <= _MOST_ITQ_BITS:
        start = time.process_time()
        hasher = ITQHasher(n_bits, random_state=seed).fit(X)
        yield "ITQHasher", hasher, time.process_time() - start


def run(name, X, n_bits, arguments):
    """Yield one line per rule."""
    from skhash.metrics import recall_at_k_score

    X, queries = split(X, arguments.max_rows, arguments.queries, arguments.seed)
    n_bits = min(n_bits or X.shape[1], X.shape[1])
    relevance = nearest(X, queries)
    for rule, hasher, seconds in fit_all(X, n_bits, arguments.seed):
        codes = hasher.transform(X), None, hasher.transform(queries), None
        recall = recall_at_k_score(*codes, k=DEPTH, relevance=relevance)
        chosen = hasher.rule_ if rule == "auto" else ""
        values = [name, *map(str, (*X.shape, n_bits)), rule, f"{recall:.3f}", chosen]
        yield dict(zip(COLUMNS, [*values, f"{seconds:.1f}"]))


def parse(argv):
    """Return the options."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    names = sorted([*LOADERS, "glove", "hiv"])
    default = ["glove", "cifar10", "fashion-mnist", "hiv"]
    add("--dataset", nargs="+", default=default, choices=names, metavar="NAME")
    add("--bits", nargs="+", type=int, default=[0, 64], help="lengths of the codes")
    add("--max-rows", type=int, default=20_000, help="number of samples to index")
    add("--queries", type=int, default=1000)
    add("--seed", type=int, default=0)
    add("--csv", type=Path, help="write one line per rule")
    return parser.parse_args(argv)


def main(argv=None):
    """Run what the command line asks for; return the exit status."""
    arguments = parse(argv)
    rows = []
    for name in arguments.dataset:
        X = load(name)
        for n_bits in arguments.bits:
            new = list(run(name, X, n_bits, arguments))
            print_table(COLUMNS, [list(row.values()) for row in new])
            rows += new
            if arguments.csv:
                write_csv(arguments.csv, COLUMNS, rows)
    return 0


if __name__ == "__main__":
    sys.exit(main())
