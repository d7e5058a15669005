"""What search_speed.py measures: our search, and the peers that pip installs.

Each class takes packed codes and the options of the command line; `nearest` returns
the distances of the k nearest, `within` the numbers of codes within a radius, and
`memory` is in bytes.
"""

import os

import numpy as np

from skhash.neighbors import HammingNearestNeighbors


def resident_bytes():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


class Ours:
    def __init__(self, rows, args, algorithm="brute", simd=None):
        self.name = f"skhash {algorithm}" + (f" {simd}" if simd else "")
        self.simd = simd
        self.model = HammingNearestNeighbors(
            packed=True, algorithm=algorithm, n_jobs=args.threads
        ).fit(rows)
        index = self.model._index
        self.memory = index.nbytes
        if index._multi_index:
            self.memory += index._multi_index.tables.nbytes

    def nearest(self, queries, k):
        if self.simd:
            index = self.model._index
            return index.nearest(queries, k, simd=self.simd)[0]
        return self.model.kneighbors(queries, k)[0]

    def within(self, queries, radius):
        graph = self.model.radius_neighbors_graph(queries, radius)
        return np.diff(graph.indptr)


class Faiss:
    name = "faiss flat"

    def __init__(self, rows, args):
        import faiss

        faiss.omp_set_num_threads(args.threads)
        self.index = faiss.IndexBinaryFlat(8 * rows.shape[1])
        self.index.add(rows)
        self.memory = rows.nbytes

    def nearest(self, queries, k):
        return self.index.search(queries, k)[0]

    def within(self, queries, radius):
        return np.diff(self.index.range_search(queries, radius + 1)[0])


class FaissMultiHash:
    name = "faiss MultiHash"

    def __init__(self, rows, args):
        import faiss

        faiss.omp_set_num_threads(args.threads)
        n_bits = 8 * rows.shape[1]
        n_tables = max(1, round(n_bits / 20))
        before = resident_bytes()
        self.index = faiss.IndexBinaryMultiHash(n_bits, n_tables, n_bits // n_tables)
        self.index.add(rows)
        self.n_tables = n_tables
        self.memory = resident_bytes() - before

    def within(self, queries, radius):
        self.index.nflip = radius // self.n_tables
        return np.diff(self.index.range_search(queries, radius + 1)[0])


class Usearch:
    name = "usearch exact"
    memory = 0

    def __init__(self, rows, args):
        self.rows, self.threads = rows, args.threads

    def nearest(self, queries, k):
        from usearch.index import MetricKind, search

        found = search(
            self.rows, queries, k, MetricKind.Hamming, exact=True, threads=self.threads
        )
        return found.distances.reshape(len(queries), k)


class Sklearn:
    name = "sklearn brute"

    def __init__(self, rows, args):
        from sklearn.neighbors import NearestNeighbors

        before = resident_bytes()
        self.model = NearestNeighbors(
            algorithm="brute", metric="hamming", n_jobs=args.threads
        ).fit(np.unpackbits(rows, axis=1).astype(bool))
        self.memory = resident_bytes() - before

    def nearest(self, queries, k):
        bits = np.unpackbits(queries, axis=1).astype(bool)
        return np.rint(self.model.kneighbors(bits, k)[0] * bits.shape[1])

    def within(self, queries, radius):
        bits = np.unpackbits(queries, axis=1).astype(bool)
        radius = (radius + 0.5) / bits.shape[1]
        return np.diff(self.model.radius_neighbors_graph(bits, radius).indptr)


class Numpy:
    name = "numpy"
    memory = 0

    def __init__(self, rows, args):
        self.rows = self.words(rows)

    @staticmethod
    def words(rows):
        return rows.view(np.uint64 if rows.shape[1] % 8 == 0 else np.uint8)

    def distances(self, queries):
        for query in self.words(queries):
            yield np.bitwise_count(self.rows ^ query).sum(axis=1, dtype=np.int32)

    def nearest(self, queries, k):
        return np.array(
            [np.sort(np.partition(d, k - 1)[:k]) for d in self.distances(queries)]
        )

    def within(self, queries, radius):
        return np.array([(d <= radius).sum() for d in self.distances(queries)])


PEER_CLASSES = {"faiss": Faiss, "usearch": Usearch, "sklearn": Sklearn, "numpy": Numpy}
