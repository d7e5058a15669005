"""Re-ranked search against exact search of the real vectors: what is lost and gained.

    SKHASH_DATA=path/to/data python benchmarks/reranking.py \
        --dataset 20newsgroups-minilm --hashers itq --bits 32 64 --rows 1000000

Three searches for the ten nearest by the cosine take turns: `RerankedNearestNeighbors`,
scikit-learn's brute force, and products of numpy with `argpartition`, all on as many
threads. The index is the training rows or, with --rows, that many: the training rows
over and over, each copy after the first with Gaussian noise. Queries are test rows.

Prints precision@10 by class, what share of exact search's that is, the share of exact
search's neighbors that re-ranking finds, and milliseconds a query (medians over
rounds): all queries in one batch, and one at a time.
"""

import argparse
import sys
import time

import numpy as np
import scipy.sparse as sp
from _measure import print_table
from reference_data import LOADERS
from retrieval_quality import hashers, make_hasher
from sklearn.neighbors import NearestNeighbors
from sklearn.preprocessing import normalize
from threadpoolctl import threadpool_limits

_ROWS_PER_BLOCK = 100_000
_PRODUCTS_PER_BLOCK = 2**25


class NumpySearch:
    """What one writes without a library: products, argpartition, argsort."""

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


def make_index(X, y, n_rows, noise):
    """Return rows of unit length and their labels, copies of `X` if it is too short.

    A row of noise is `noise` long on average.
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
    """Return the wall time of one query, in a batch of all."""
    start = time.perf_counter()
    search.kneighbors(queries, return_distance=False)
    return 1e3 * (time.perf_counter() - start) / len(queries)


def measure(searches, queries, n_single, rounds):
    """Return medians of milliseconds a query, in a batch and alone, by search."""
    times = {name: ([], []) for name in searches}
    for _ in range(rounds):
        for name, search in searches.items():
            batch, single = times[name]
            batch.append(milliseconds(search, queries))
            single.append(
                np.mean([milliseconds(search, queries[[i]]) for i in range(n_single)])
            )
    return {name: [np.median(part) for part in both] for name, both in times.items()}


def share_of(found, y_index, y_query):
    """Return the share of neighbors that are of the query's class."""
    return np.mean(y_index[found] == y_query[:, None])


def show(searches, times, queries, y_index, y_query):
    """Print the table; the last of the searches is the exact one to compare with."""
    found = {
        name: search.kneighbors(queries, return_distance=False)
        for name, search in searches.items()
    }
    *_, exact = found
    lines = []
    for name, rows in found.items():
        precision = share_of(rows, y_index, y_query)
        relative = precision / share_of(found[exact], y_index, y_query)
        overlap = np.mean([np.isin(*pair).mean() for pair in zip(rows, found[exact])])
        batch, single = times[name]
        faster = [times[exact][i] / times[name][i] for i in range(2)]
        line = [name, f"{precision:.4f}", f"{100 * relative:.1f} %"]
        line += [f"{100 * overlap:.1f} %", f"{batch:.3f}", f"{faster[0]:.1f}"]
        lines.append([*line, f"{single:.2f}", f"{faster[1]:.1f}"])
    header = ["search", "precision@10", "of exact", "found of exact's 10"]
    header += ["ms, batch", "faster", "ms, alone", "faster"]
    print_table(header, lines)


def parse(argv):
    """Return the options."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--dataset", default="20newsgroups-minilm", choices=LOADERS, metavar="NAME")
    add("--hashers", nargs="+", default=["itq"], choices=hashers(), metavar="NAME")
    add("--bits", nargs="+", type=int, default=[64])
    add("--factors", nargs="+", type=int, default=[10], help="candidates a neighbor")
    add("--rows", type=int, help="size of the index; all training rows by default")
    add("--noise", type=float, default=0.3, help="length of the noise of the copies")
    add("--queries", type=int, default=1000, help="test rows in the batch")
    add("--single", type=int, default=10, help="test rows that are asked alone")
    add("--rounds", type=int, default=3)
    add("--threads", type=int, default=1)
    return parser.parse_args(argv)


def main(argv=None):
    """Run what the command line asks for; return the exit status."""
    from skhash import RerankedNearestNeighbors

    arguments = parse(argv)
    data = LOADERS[arguments.dataset]()
    if sp.issparse(data.X_train) or data.y_train.ndim > 1:
        print("the data set must be dense, with one label a row", file=sys.stderr)
        return 2
    n_rows = arguments.rows or len(data.X_train)
    X, y = make_index(data.X_train, data.y_train, n_rows, arguments.noise)
    order = np.random.default_rng(0).permutation(len(data.y_test))
    order = order[: arguments.queries]
    queries = normalize(data.X_test[order].astype(np.float32))
    with threadpool_limits(arguments.threads):
        searches = {}
        for name in arguments.hashers:
            for n_bits in arguments.bits:
                for factor in arguments.factors:
                    search = RerankedNearestNeighbors(
                        make_hasher(name, n_bits, seed=0),
                        n_neighbors=10,
                        rerank_factor=factor,
                        n_jobs=arguments.threads,
                    )
                    start = time.perf_counter()
                    search.fit(X)
                    label = f"{name}, {n_bits} bits, {factor}x"
                    print(f"{label}: fit {time.perf_counter() - start:.1f} s")
                    searches[label] = search
        brute = NearestNeighbors(n_neighbors=10, algorithm="brute", metric="euclidean")
        # For unit length the order is the cosine's, and this metric is the faster one.
        searches["numpy"] = NumpySearch(10).fit(X)
        searches["scikit-learn"] = brute.fit(X)
        times = measure(searches, queries, arguments.single, arguments.rounds)
        print(
            f"\n{arguments.dataset}: {n_rows} rows of {X.shape[1]} float32, "
            f"{len(queries)} queries, {arguments.threads} thread(s)"
        )
        show(searches, times, queries, y, data.y_test[order])
    return 0


if __name__ == "__main__":
    sys.exit(main())
