"""Search packed codes with the package, and with peers that pip installs.

Each class takes packed codes and the number of threads. `nearest` returns the distances
of the k nearest codes, `within` the number of codes within a radius. `memory` is the
memory of the index in bytes.
"""

import numpy as np

from _lib.measure import resident_bytes
from skhash.neighbors import HammingNearestNeighbors


class Package:
    """Search with HammingNearestNeighbors."""

    def __init__(self, codes, n_threads, algorithm="brute"):
        self.name = f"skhash {algorithm}"
        before = resident_bytes()
        self.model = HammingNearestNeighbors(
            packed=True, algorithm=algorithm, n_jobs=n_threads
        ).fit(codes)
        self.memory = resident_bytes() - before

    def nearest(self, queries, k):
        return self.model.kneighbors(queries, k)[0]

    def within(self, queries, radius):
        graph = self.model.radius_neighbors_graph(queries, radius)
        return np.diff(graph.indptr)


class Faiss:
    name = "faiss flat"

    def __init__(self, codes, n_threads):
        import faiss

        faiss.omp_set_num_threads(n_threads)
        self.index = faiss.IndexBinaryFlat(8 * codes.shape[1])
        self.index.add(codes)
        self.memory = codes.nbytes

    def nearest(self, queries, k):
        return self.index.search(queries, k)[0]

    def within(self, queries, radius):
        return np.diff(self.index.range_search(queries, radius + 1)[0])


class FaissMultiHash:
    name = "faiss MultiHash"

    def __init__(self, codes, n_threads):
        import faiss

        faiss.omp_set_num_threads(n_threads)
        n_bits = 8 * codes.shape[1]
        n_tables = max(1, round(n_bits / 20))
        before = resident_bytes()
        self.index = faiss.IndexBinaryMultiHash(n_bits, n_tables, n_bits // n_tables)
        self.index.add(codes)
        self.n_tables = n_tables
        self.memory = resident_bytes() - before

    def within(self, queries, radius):
        self.index.nflip = radius // self.n_tables
        return np.diff(self.index.range_search(queries, radius + 1)[0])


class Usearch:
    name = "usearch exact"
    memory = 0

    def __init__(self, codes, n_threads):
        import usearch.index

        self.usearch = usearch.index
        self.codes, self.threads = codes, n_threads

    def nearest(self, queries, k):
        metric = self.usearch.MetricKind.Hamming
        found = self.usearch.search(
            self.codes, queries, k, metric, exact=True, threads=self.threads
        )
        return found.distances.reshape(len(queries), k)


class PyNear:
    name = "pynear MIH"
    is_exact = False

    def __init__(self, codes, n_threads):
        import pynear

        before = resident_bytes()
        # Substrings of 16 bits.
        self.index = pynear.MIHBinaryIndex(max(1, codes.shape[1] // 2))
        self.index.set(codes)
        self.memory = resident_bytes() - before

    def nearest(self, queries, k):
        return self.index.searchKNN(queries, k)[1]


class Sklearn:
    name = "sklearn brute"

    def __init__(self, codes, n_threads):
        from sklearn.neighbors import NearestNeighbors

        before = resident_bytes()
        self.model = NearestNeighbors(
            algorithm="brute", metric="hamming", n_jobs=n_threads
        ).fit(np.unpackbits(codes, axis=1).astype(bool))
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

    def __init__(self, codes, n_threads):
        self.codes = self.words(codes)

    @staticmethod
    def words(codes):
        return codes.view(np.uint64 if codes.shape[1] % 8 == 0 else np.uint8)

    def distances(self, queries):
        for query in self.words(queries):
            yield np.bitwise_count(self.codes ^ query).sum(axis=1, dtype=np.int32)

    def nearest(self, queries, k):
        return np.array(
            [np.sort(np.partition(d, k - 1)[:k]) for d in self.distances(queries)]
        )

    def within(self, queries, radius):
        return np.array([(d <= radius).sum() for d in self.distances(queries)])


PEERS = {
    "faiss": Faiss,
    "usearch": Usearch,
    "pynear": PyNear,
    "sklearn": Sklearn,
    "numpy": Numpy,
}
