"""
Find similar diagnoses with 1 % of the labels
=============================================

Learn 64-bit codes of 47,000 short descriptions of diagnoses (ICD-10-CM), of which one
in a hundred is labeled with its chapter; compare the codes with baselines; and search
them, with TF-IDF for the order, for diagnoses that are similar to a query.

Run this example with ``make demo``.
"""

import logging
import time

import numpy as np
from sklearn.base import clone
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.frozen import FrozenEstimator
from sklearn.metrics.pairwise import linear_kernel
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline

from skhash import (
    HammingNearestNeighbors,
    PCAHasher,
    RandomProjectionHasher,
    RerankedNearestNeighbors,
    SSBVAEHasher,
)
from skhash.datasets import load_icd10cm
from skhash.metrics import precision_at_k_score
from skhash.model_selection import mask_labels

N_QUERIES = 2_000
N_BITS = 64
QUERIES = (
    "fracture of the left wrist",
    "acute viral myocarditis",
    "type 2 diabetes with kidney complications",
)


def main():
    """Learn codes, measure their quality and cost, and search them."""
    # `verbose=1` reports each epoch through the logger "skhash".
    logging.basicConfig(level=logging.INFO, format="%(message)s")

    corpus = load_icd10cm()
    texts, queries, chapters, query_chapters = train_test_split(
        corpus.data, corpus.target, test_size=N_QUERIES, random_state=0
    )
    # One label in a hundred is known; -1 marks unlabeled samples.
    few_labels = mask_labels(chapters, 0.01, random_state=0)
    print(
        f"{len(texts):,} diagnoses in {len(corpus.target_names)} chapters, "
        f"{np.sum(few_labels != -1)} of them labeled.\n"
    )

    tfidf = TfidfVectorizer(
        sublinear_tf=True, token_pattern=r"\w+"
    )  # single digits too
    X = tfidf.fit_transform(texts)
    X_query = tfidf.transform(queries)

    print("Fitting SSBVAEHasher with 1 % labels ...")
    pipeline = make_pipeline(
        clone(tfidf), SSBVAEHasher(N_BITS, verbose=1, random_state=0)
    )
    start = time.perf_counter()
    pipeline.fit(texts, few_labels)
    print(f"... in {time.perf_counter() - start:.0f} s\n")
    hasher = pipeline[-1]

    print("Fitting the same without labels, and the baselines ...")
    hashers = {
        "SSBVAEHasher, 1 % labels": hasher,
        "SSBVAEHasher, no labels": SSBVAEHasher(N_BITS, random_state=0).fit(X),
        "PCAHasher": PCAHasher(N_BITS, random_state=0).fit(X),
        "RandomProjectionHasher": RandomProjectionHasher(N_BITS, random_state=0).fit(X),
    }

    print(f"\n{f'{N_BITS}-bit codes of':<32}{'precision@10':>14}{'precision@100':>15}")
    for name, fitted in hashers.items():
        codes, query_codes = fitted.transform(X), fitted.transform(X_query)
        print_precision(name, codes, chapters, query_codes, query_chapters)
    print_precision(
        "exact cosine of float TF-IDF", X, chapters, X_query, query_chapters, "cosine"
    )

    # From here on eight bits per byte, also in the last step of the pipeline.
    codes = hasher.set_params(output="packed").transform(X)
    query_codes = hasher.transform(X_query)
    index = HammingNearestNeighbors(n_neighbors=10, packed=True).fit(codes)
    # The codes find candidates, and TF-IDF orders them.
    reranked = RerankedNearestNeighbors(
        FrozenEstimator(hasher), n_neighbors=10, rerank_factor=200
    ).fit(X)
    found = reranked.kneighbors(X_query, return_distance=False)
    at_10 = np.mean(chapters[found] == query_chapters[:, None])
    print(f"{'SSBVAEHasher, 1 %, re-ranked':<32}{at_10:>14.3f}")
    print_costs(index, reranked, codes, query_codes, X, X_query)

    nearest = reranked.kneighbors(
        tfidf.transform(QUERIES), n_neighbors=5, return_distance=False
    )
    for query, indices in zip(QUERIES, nearest, strict=True):
        print(f"\nNearest to “{query}”:")
        for i in indices:
            print(f"  {texts[i]}  [{corpus.target_names[chapters[i]]}]")


def print_precision(name, X, y, X_query, y_query, metric="hamming"):
    """Print one line of the table of precisions, exact in the presence of ties."""
    at_10, at_100 = (
        precision_at_k_score(X, y, X_query, y_query, k=k, metric=metric)
        for k in (10, 100)
    )
    print(f"{name:<32}{at_10:>14.3f}{at_100:>15.3f}")


def print_costs(index, reranked, codes, query_codes, X, X_query):
    """Print the memory per document and the time per query."""
    start = time.perf_counter()
    index.kneighbors(query_codes)
    hamming = (time.perf_counter() - start) / len(query_codes)

    start = time.perf_counter()
    reranked.kneighbors(X_query)
    both = (time.perf_counter() - start) / X_query.shape[0]

    start = time.perf_counter()
    for row in range(0, X_query.shape[0], 500):
        similarity = linear_kernel(X_query[row : row + 500], X)
        np.argpartition(-similarity, 10, axis=1)[:, :10]
    cosine = (time.perf_counter() - start) / X_query.shape[0]

    tfidf_bytes = X.data.nbytes + X.indices.nbytes + X.indptr.nbytes
    tfidf_bytes /= X.shape[0]
    print(f"\n{'':<32}{'bytes/document':>14}{'us/query':>15}")
    print(f"{'codes':<32}{codes.shape[1]:>14}{hamming * 1e6:>15.1f}")
    print(
        f"{'codes, re-ranked by TF-IDF':<32}{tfidf_bytes + codes.shape[1]:>14.0f}"
        f"{both * 1e6:>15.1f}"
    )
    print(f"{'float TF-IDF (CSR)':<32}{tfidf_bytes:>14.0f}{cosine * 1e6:>15.1f}")


if __name__ == "__main__":
    main()
