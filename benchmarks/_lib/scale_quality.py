"""Measure how good codes are that were learned from a part of a collection."""

import numpy as np

from _lib.measure import Watch
from _lib.reference_data import LOADERS
from skhash import SSBVAEHasher
from skhash.metrics import precision_at_k_score
from skhash.model_selection import mask_labels

DATASETS = ("20newsgroups", "ag-news", "icd10cm")
MOST_INDEXED, MOST_QUERIES = 20_000, 2000


def measure_quality(dataset, n_rows, percent, n_bits):
    """Fit to some samples; return a row, or None if there are fewer samples.

    The vocabulary is that of all training samples, and the database and the queries
    are the same for every number of samples.
    """
    data = LOADERS[dataset]()
    n_train, n_test = data.X_train.shape[0], data.X_test.shape[0]
    if n_rows > n_train:
        return None
    rng = np.random.RandomState(0)
    order = rng.permutation(n_train)
    queries = rng.permutation(n_test)[:MOST_QUERIES]
    kept, indexed = order[:n_rows], order[:MOST_INDEXED]
    y = mask_labels(data.y_train[kept], keep=percent / 100, random_state=0)
    hasher = SSBVAEHasher(n_bits, output="packed", random_state=0)
    with Watch() as watch:
        hasher.fit(data.X_train[kept], y)
    precision = precision_at_k_score(
        hasher.transform(data.X_train[indexed]),
        data.y_train[indexed],
        hasher.transform(data.X_test[queries]),
        data.y_test[queries],
        k=100,
        packed=True,
        n_bits=n_bits,
    )
    return {
        "dataset": dataset,
        "rows": n_rows,
        "step": "fit",
        "seconds": watch.seconds,
        "cpu_seconds": watch.cpu_seconds,
        "memory_mb": watch.megabytes,
        "labels": percent,
        "precision_at_100": float(precision),
    }
