"""Search codes of real vectors for real-valued queries: recall and time of methods.

Each class takes the vectors, of unit length, the bytes that a code may take and the
common codes. `search` returns the indices of the k nearest; `n_bytes` is what a vector
takes in the index.
"""

import gzip
import json
import time
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from _lib.reference_data import data_folder, load_glove
from skhash.neighbors import HammingNearestNeighbors, RerankedNearestNeighbors
from skhash.shallow import ITQHasher

K = 10
_TRAINING = 10_000  # vectors that codebooks are learned from


def _titles():
    """Return sentence embeddings of the titles of questions."""
    from _lib.embeddings import cached_embeddings

    path = data_folder("stackoverflow-titles") / "stackoverflow_titles.jsonl.gz"
    with gzip.open(path, "rt") as file:
        texts = [json.loads(line)["text"][:120] for line in file]
    return cached_embeddings("stackoverflow-titles-minilm", texts)


def _cifar():
    return np.load(data_folder("cifar10-effnet") / "features_f16.npy")


VECTORS = {"titles-minilm": _titles, "glove-50": load_glove, "cifar10-effnet": _cifar}


@dataclass
class Codes:
    """What methods share: a fitted hasher and the packed codes of the vectors."""

    hasher: Any
    packed: NDArray[np.uint8]


class SignBits:
    name = "skhash, Hamming"

    def __init__(self, vectors, n_bytes, codes):
        self.hasher, self.n_bytes = codes.hasher, codes.packed.shape[1]
        index = HammingNearestNeighbors(K, packed=True, n_bits=codes.hasher.n_bits)
        self.index = index.fit(codes.packed)

    def search(self, queries):
        return self.index.kneighbors(self.hasher.transform(queries))[1]


class Asymmetric(SignBits):
    name = "skhash, queries of 4 bits"
    query_bits = 4

    def search(self, queries):
        values = self.hasher.decision_function(queries)
        return self.index.asymmetric_kneighbors(values, query_bits=self.query_bits)[1]


class AsymmetricFine(Asymmetric):
    name = "skhash, queries of 8 bits"
    query_bits = 8


class Reranked:
    """A short list of 3 candidates per neighbor, ordered by the vectors."""

    name = "skhash, re-ranked, Hamming"
    candidates = "hamming"

    def __init__(self, vectors, n_bytes, codes):
        from sklearn.frozen import FrozenEstimator

        self.n_bytes = codes.packed.shape[1] + vectors.nbytes // len(vectors)
        self.model = RerankedNearestNeighbors(
            FrozenEstimator(codes.hasher),
            n_neighbors=K,
            rerank_factor=3,
            candidates=self.candidates,
        ).fit(vectors)

    def search(self, queries):
        return self.model.kneighbors(queries, return_distance=False)


class RerankedAsymmetric(Reranked):
    name = "skhash, re-ranked, queries of 4 bits"
    candidates = "asymmetric"


def _import_faiss():
    import faiss

    faiss.omp_set_num_threads(1)
    return faiss


class FaissFlat:
    name = "faiss Flat (binary)"

    def __init__(self, vectors, n_bytes, codes):
        faiss = _import_faiss()
        self.hasher, self.n_bytes = codes.hasher, codes.packed.shape[1]
        self.index = self.make(faiss, 8 * self.n_bytes)
        self.index.add(codes.packed)

    def make(self, faiss, n_bits):
        return faiss.IndexBinaryFlat(n_bits)

    def search(self, queries):
        return self.index.search(self.hasher.transform(queries), K)[1]


class FaissMultiHash(FaissFlat):
    name = "faiss MultiHash"

    def make(self, faiss, n_bits):
        index = faiss.IndexBinaryMultiHash(n_bits, max(1, n_bits // 16), 16)
        index.nflip = 1
        return index


class FaissRaBitQ:
    name = "faiss RaBitQ"

    def __init__(self, vectors, n_bytes, codes):
        faiss = _import_faiss()
        self.index = faiss.IndexRaBitQ(vectors.shape[1], faiss.METRIC_L2)
        self.index.qb = 8
        self.index.train(vectors)
        self.index.add(vectors)
        self.n_bytes = self.index.code_size

    def search(self, queries):
        return self.index.search(queries, K)[1]


class FaissPQ:
    name = "faiss PQ"

    def __init__(self, vectors, n_bytes, codes):
        faiss = _import_faiss()
        n_columns = vectors.shape[1]
        self.index = self.make(faiss, n_columns, n_bytes)
        self.index.train(vectors[:_TRAINING])
        self.index.add(vectors)

    def make(self, faiss, n_columns, n_bytes):
        fitting = [m for m in range(1, n_bytes + 1) if n_columns % m == 0]
        self.n_bytes = max(fitting)
        return faiss.IndexPQ(n_columns, self.n_bytes, 8)

    def search(self, queries):
        return self.index.search(queries, K)[1]


class FaissOPQ(FaissPQ):
    name = "faiss OPQ"

    def make(self, faiss, n_columns, n_bytes):
        self.n_bytes = n_bytes
        width = n_bytes * max(1, n_columns // n_bytes)
        rotation = faiss.OPQMatrix(n_columns, n_bytes, width)
        rotation.niter, rotation.niter_pq = 5, 4
        return faiss.IndexPreTransform(rotation, faiss.IndexPQ(width, n_bytes, 8))


class Usearch:
    name = "usearch exact (binary)"

    def __init__(self, vectors, n_bytes, codes):
        import usearch.index

        self.usearch = usearch.index
        self.codes, self.hasher = codes.packed, codes.hasher
        self.n_bytes = codes.packed.shape[1]

    def search(self, queries):
        found = self.usearch.search(
            self.codes,
            self.hasher.transform(queries),
            K,
            self.usearch.MetricKind.Hamming,
            exact=True,
            threads=1,
        )
        return found.keys.reshape(len(queries), K).astype(np.intp)


class PyNear:
    name = "pynear MIH"

    def __init__(self, vectors, n_bytes, codes):
        import pynear

        self.hasher, self.n_bytes = codes.hasher, codes.packed.shape[1]
        fitting = [m for m in range(1, self.n_bytes + 1) if self.n_bytes % m == 0]
        n_tables = min(m for m in fitting if self.n_bytes // m <= 2)
        self.index = pynear.MIHBinaryIndex(n_tables)
        self.index.set(codes.packed)

    def search(self, queries):
        found = self.index.searchKNN(self.hasher.transform(queries), K)[0]
        full = np.full((len(queries), K), -1, dtype=np.intp)
        for row, indices in zip(full, found):
            row[: len(indices)] = indices[:K]
        return full


class Sklearn:
    name = "scikit-learn brute, cosine"

    def __init__(self, vectors, n_bytes, codes):
        from sklearn.neighbors import NearestNeighbors

        self.n_bytes = vectors.nbytes // len(vectors)
        self.model = NearestNeighbors(n_neighbors=K, algorithm="brute", metric="cosine")
        self.model.fit(vectors)

    def search(self, queries):
        return self.model.kneighbors(queries, return_distance=False)


METHODS = (
    *(SignBits, Asymmetric, AsymmetricFine, Reranked, RerankedAsymmetric),
    *(FaissFlat, FaissMultiHash, FaissRaBitQ, FaissPQ, FaissOPQ),
    *(Usearch, PyNear, Sklearn),
)


def _make_methods(vectors, n_bytes, codes):
    methods = []
    for make in METHODS:
        try:
            methods.append(make(vectors, n_bytes, codes))
        except ImportError as error:
            print(f"{make.name} is skipped: {error}")
    return methods


def measure_floats(name, n_queries, rounds, seed):
    """Measure all methods with codes as large as those of RaBitQ; return dicts.

    CPU time of one thread, from vectors to indices; medians of the rounds.
    """
    rng = np.random.default_rng(seed)
    vectors = np.asarray(VECTORS[name](), dtype=np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    vectors = vectors[rng.permutation(len(vectors))]
    queries, vectors = vectors[:n_queries], vectors[n_queries:].copy()
    nearest = np.argsort(-(queries @ vectors.T), axis=1, kind="stable")[:, :K]
    n_bytes = -(-vectors.shape[1] // 8) + 8  # RaBitQ: a bit per column and two numbers
    hasher = ITQHasher(8 * n_bytes, output="packed", random_state=seed)
    packed = hasher.fit(vectors[:_TRAINING]).transform(vectors)
    methods = _make_methods(vectors, n_bytes, Codes(hasher, packed))
    times = [[] for _ in methods]
    for _ in range(rounds):
        for method, spent in zip(methods, times):
            start = time.process_time()
            method.found = method.search(queries)
            spent.append((time.process_time() - start) / n_queries)
    rows = []
    for method, spent in zip(methods, times):
        hits = [np.isin(*pair).mean() for pair in zip(nearest, method.found)]
        rows.append(
            {
                "data": name,
                "n_vectors": len(vectors),
                "n_columns": vectors.shape[1],
                "n_queries": n_queries,
                "method": method.name,
                "bytes": method.n_bytes,
                "recall_percent": f"{100 * np.mean(hits):.1f}",
                "us_per_query": f"{np.median(spent) * 1e6:.0f}",
            }
        )
    return rows
