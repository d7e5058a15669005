"""Compare the rule that ThresholdHasher chooses with each fixed rule.

    SKHASH_DATA=path/to/data python benchmarks/bench_thresholds.py \
        --dataset glove cifar10 fashion-mnist hiv --bits 0 64 --csv thresholds.csv

For each data set and length (0: one bit per feature), every rule is fitted to samples
without labels. Prints its recall on other samples as queries: the fraction of their 10
nearest neighbors by the cosine that are among the first 100 by code. "auto" is the
hasher with ``threshold="auto"``, with the names of the rules that it chose by seed and
the processor seconds of its fit. `ITQHasher` stands beside up to 512 bits.
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
_WITHOUT_SEED = ("zero", "mean", "median")


def load(name):
    """Return the samples of a data set."""
    if name == "glove":
        return load_glove()
    if name == "hiv":
        return np.unpackbits(load_hiv_fingerprints(), axis=1).astype(np.float32)
    return LOADERS[name]().X_train


def split(X, n_samples, n_queries, seed=0):
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


def fit_one(name, X, n_bits, seed):
    """Return a fitted hasher and the processor seconds of its fit."""
    from skhash import ITQHasher, ThresholdHasher
    from skhash.shallow._threshold_rules import RULES

    start = time.process_time()
    if name == "auto":
        fitted = ThresholdHasher(n_bits, threshold="auto", random_state=seed).fit(X)
    elif name == "ITQHasher":
        fitted = ITQHasher(n_bits, random_state=seed).fit(X)
    else:
        fitted = RULES[name](X, n_bits, np.random.RandomState(seed))
    return fitted, time.process_time() - start


def run(name, X, n_bits, arguments):
    """Yield one line per rule, with means over seeds."""
    from skhash.metrics import recall_at_k_score
    from skhash.shallow._threshold_rules import applicable_rules

    X, queries = split(X, arguments.max_rows, arguments.queries)
    relevance = nearest(X, queries)
    rules = ["auto", *applicable_rules(X, n_bits)]
    rules += ["ITQHasher"] if n_bits <= _MOST_ITQ_BITS else []
    for rule in rules:
        recalls, times, chosen = [], [], {}
        for seed in [0] if rule in _WITHOUT_SEED else arguments.seeds:
            hasher, seconds = fit_one(rule, X, n_bits, seed)
            codes = hasher.transform(X), None, hasher.transform(queries), None
            recalls.append(recall_at_k_score(*codes, k=DEPTH, relevance=relevance))
            times.append(seconds)
            if rule == "auto":
                chosen[hasher.rule_] = None
        values = [name, *map(str, (*X.shape, n_bits)), rule]
        values += [f"{np.mean(recalls):.3f}", " ".join(chosen)]
        yield dict(zip(COLUMNS, [*values, f"{np.mean(times):.1f}"]))


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
    add("--seeds", nargs="+", type=int, default=[0, 1, 2])
    add("--csv", type=Path, help="write one line per rule")
    return parser.parse_args(argv)


def main(argv=None):
    """Run what the command line asks for; return the exit status."""
    arguments = parse(argv)
    rows = []
    for name in arguments.dataset:
        X = load(name)
        lengths = [min(n_bits or X.shape[1], X.shape[1]) for n_bits in arguments.bits]
        for n_bits in dict.fromkeys(lengths):
            new = list(run(name, X, n_bits, arguments))
            print_table(COLUMNS, [list(row.values()) for row in new])
            rows += new
            if arguments.csv:
                write_csv(arguments.csv, COLUMNS, rows)
    return 0


if __name__ == "__main__":
    sys.exit(main())
