"""Compare re-ranked search with exact search of the real vectors.

    SKHASH_DATA=path/to/data python benchmarks/bench_reranking.py \
        --dataset 20newsgroups-minilm --hashers itq --bits 32 64 --rows 1000000

Three searches for the ten nearest by cosine run in turns, with the same number of
threads: `RerankedNearestNeighbors`, scikit-learn's brute force, and products of numpy
with `argpartition`. The database is the training samples or, with --rows, that many:
the training samples repeated, with Gaussian noise in all copies but the first. Queries
are test samples.

Prints precision@10 by class, relative to exact search too, the fraction of the
neighbors of exact search that re-ranking finds, and milliseconds per query (medians
over rounds): all queries in one batch, and one at a time.
"""

import argparse
import itertools
import sys
import time
from pathlib import Path

import numpy as np
import scipy.sparse as sp
from sklearn.neighbors import NearestNeighbors
from sklearn.preprocessing import normalize
from threadpoolctl import threadpool_limits

from _lib.hashers import hashers, make_hasher
from _lib.reference_data import LOADERS
from _lib.tables import print_table, write_csv

N_NEIGHBORS = 10
COLUMNS = (
    *("dataset", "rows", "queries", "threads", "search", "precision_at_10"),
    *("of_exact_percent", "found_percent", "batch_ms", "batch_speedup"),
    *("single_ms", "single_speedup"),
)
_ROWS_PER_BLOCK = 100_000
_PRODUCTS_PER_BLOCK = 2**25


class NumpySearch:
    """Search with numpy alone: products, argpartition, argsort."""

    def __init__(self, n_neighbors):
        self.n_neighbors = n_neighbors

    def fit(self, X, y=None):
        self.rows_ = X
        return self

    def kneighbors(self, X, return_distance=False):
        found = np.empty((len(X), self.n_neighbors), dtype=np.intp)
        step = max(1, _PRODUCTS_PER_BLOCK // len(self.rows_))
        for start in range(0, len(X), step):
            block = slice(start, start + step)
            products = X[block] @ self.rows_.T
            nearest = np.argpartition(-products, self.n_neighbors, axis=1)
            nearest = nearest[:, : self.n_neighbors]
            order = np.argsort(-np.take_along_axis(products, nearest, axis=1), axis=1)
            found[block] = np.take_along_axis(nearest, order, axis=1)
        return found


def make_database(X, y, n_rows, noise):
    """Return vectors of unit length and their labels; repeat `X` if it is too short.

    The noise added to copies has the mean length `noise`.
    """
    rng = np.random.default_rng(0)
    rows = np.empty((n_rows, X.shape[1]), dtype=np.float32)
    deviation = noise / np.sqrt(X.shape[1])
    for start in range(0, n_rows, _ROWS_PER_BLOCK):
        block = np.arange(start, min(start + _ROWS_PER_BLOCK, n_rows))
        rows[block] = X[block % len(X)]
        noisy = block[block >= len(X)]
        drawn = rng.standard_normal((len(noisy), X.shape[1]), dtype=np.float32)
        rows[noisy] += deviation * drawn
        normalize(rows[block[0] : block[-1] + 1], copy=False)
    return rows, y[np.arange(n_rows) % len(X)]


def milliseconds(search, queries):
    """Return the wall time per query of one batch."""
    start = time.perf_counter()
    search.kneighbors(queries, return_distance=False)
    return 1e3 * (time.perf_counter() - start) / len(queries)


def measure(searches, queries, n_single, rounds):
    """Return median milliseconds per query, in a batch and alone, by search."""
    times = {name: ([], []) for name in searches}
    for _ in range(rounds):
        for name, search in searches.items():
            batch, single = times[name]
            batch.append(milliseconds(search, queries))
            single.append(
                np.mean([milliseconds(search, queries[[i]]) for i in range(n_single)])
            )
    return {name: [np.median(part) for part in both] for name, both in times.items()}


def precision(found, y_index, y_query):
    """Return the fraction of neighbors that are of the query's class."""
    return np.mean(y_index[found] == y_query[:, None])


def compare(searches, times, queries, y_index, y_query):
    """Return one dict per search; the last search is the exact reference."""
    found = {
        name: search.kneighbors(queries, return_distance=False)
        for name, search in searches.items()
    }
    *_, exact = found
    best = precision(found[exact], y_index, y_query)
    results = []
    for name, rows in found.items():
        overlap = np.mean([np.isin(*pair).mean() for pair in zip(rows, found[exact])])
        of_search = precision(rows, y_index, y_query)
        values = [name, f"{of_search:.4f}", f"{100 * of_search / best:.1f}"]
        values.append(f"{100 * overlap:.1f}")
        for digits, own, reference in zip((3, 2), times[name], times[exact]):
            values += [f"{own:.{digits}f}", f"{reference / own:.1f}"]
        results.append(dict(zip(COLUMNS[4:], values)))
    return results


def parse(argv):
    """Return the options."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--dataset", default="20newsgroups-minilm", choices=LOADERS, metavar="NAME")
    add("--hashers", nargs="+", default=["itq"], choices=hashers(), metavar="NAME")
    add("--bits", nargs="+", type=int, default=[64])
    add("--factors", nargs="+", type=int, default=[10], help="candidates per neighbor")
    add("--rows", type=int, help="size of the database; by default all samples")
    add("--noise", type=float, default=0.3, help="length of the noise of the copies")
    add("--queries", type=int, default=1000, help="test samples in the batch")
    add("--single", type=int, default=10, help="test samples that are searched alone")
    add("--rounds", type=int, default=3)
    add("--threads", type=int, default=1)
    add("--csv", type=Path, help="write one line per search")
    return parser.parse_args(argv)


def main(argv=None):
    """Run what the command line asks for; return the exit status."""
    arguments = parse(argv)
    data = LOADERS[arguments.dataset]()
    if sp.issparse(data.X_train) or data.y_train.ndim > 1:
        print("The data set must be dense, with one label per sample.", file=sys.stderr)
        return 2
    n_rows = arguments.rows or len(data.X_train)
    X, y = make_database(data.X_train, data.y_train, n_rows, arguments.noise)
    order = np.random.default_rng(0).permutation(len(data.y_test))
    order = order[: arguments.queries]
    queries = normalize(data.X_test[order].astype(np.float32))
    with threadpool_limits(arguments.threads):
        searches = fit_searches(X, arguments)
        times = measure(searches, queries, arguments.single, arguments.rounds)
        results = compare(searches, times, queries, y, data.y_test[order])
    print(
        f"\n{arguments.dataset}: {n_rows} x {X.shape[1]} float32, "
        f"{len(queries)} queries, {arguments.threads} thread(s)"
    )
    header = ["search", "precision@10", "% of exact", "% found"]
    header += ["ms, batch", "times", "ms, alone", "times"]
    print_table(header, [list(result.values()) for result in results])
    if arguments.csv:
        about = [arguments.dataset, n_rows, len(queries), arguments.threads]
        about = dict(zip(COLUMNS, about))
        write_csv(arguments.csv, COLUMNS, (about | result for result in results))
    return 0


def fit_searches(X, arguments):
    """Return the fitted searches by name, scikit-learn's exact search last."""
    from skhash import RerankedNearestNeighbors

    searches = {}
    for name, n_bits, factor in itertools.product(
        arguments.hashers, arguments.bits, arguments.factors
    ):
        search = RerankedNearestNeighbors(
            make_hasher(name, n_bits, seed=0),
            n_neighbors=N_NEIGHBORS,
            rerank_factor=factor,
            n_jobs=arguments.threads,
        )
        start = time.perf_counter()
        search.fit(X)
        label = f"{name}, {n_bits} bits, {factor}x"
        print(f"{label}: fit {time.perf_counter() - start:.1f} s")
        searches[label] = search
    # With unit length the Euclidean order is that of the cosine, and it is faster.
    exact = NearestNeighbors(
        n_neighbors=N_NEIGHBORS, algorithm="brute", metric="euclidean"
    )
    searches["numpy"] = NumpySearch(N_NEIGHBORS).fit(X)
    searches["scikit-learn"] = exact.fit(X)
    return searches


if __name__ == "__main__":
    sys.exit(main())
