"""Measure codes after a hasher learned new classes beside stored codes."""

import numpy as np

from _lib.reference_data import LOADERS
from skhash import SSBVAEHasher
from skhash.metrics import precision_at_k_score
from skhash.model_selection import mask_labels


def measure_classes(dataset, percent, n_bits, seed):
    """Return the precision of old and new queries before and after, and of a new fit.

    A quarter of the classes is new. Old samples keep the codes that they had before;
    queries of old and of new classes search all samples.
    """
    data = LOADERS[dataset]()
    y = mask_labels(data.y_train, keep=percent / 100, random_state=seed)
    classes = np.random.RandomState(seed).permutation(np.unique(data.y_train))
    new = classes[: max(1, len(classes) // 4)]
    is_new, is_new_query = (np.isin(part, new) for part in (data.y_train, data.y_test))

    def precisions(hasher, codes, searched):
        """Return precision@100 of old queries and of new ones in some samples."""
        for wanted in (~is_new_query, is_new_query):
            yield precision_at_k_score(
                codes[searched],
                data.y_train[searched],
                hasher.transform(data.X_test[wanted]),
                data.y_test[wanted],
                k=100,
            )

    hasher = SSBVAEHasher(n_bits, random_state=seed)
    hasher.fit(data.X_train[~is_new], y[~is_new])
    codes = np.zeros((len(y), n_bits), dtype=np.uint8)
    codes[~is_new] = hasher.transform(data.X_train[~is_new])
    old, _ = precisions(hasher, codes, ~is_new)
    rows = [("old classes, before", old)]
    hasher.partial_fit(data.X_train[is_new], y[is_new])
    codes[is_new] = hasher.transform(data.X_train[is_new])
    everything = np.ones(len(y), dtype=bool)
    after = precisions(hasher, codes, everything)
    rows += zip(("old classes, after", "new classes, after"), after)
    full = SSBVAEHasher(n_bits, random_state=seed).fit(data.X_train, y)
    full_codes = full.transform(data.X_train)
    found = precisions(full, full_codes, everything)
    rows += zip(("old classes, new fit", "new classes, new fit"), found)
    return [
        {
            "dataset": dataset,
            "rows": len(y),
            "step": step,
            "labels": percent,
            "precision_at_100": float(precision),
        }
        for step, precision in rows
    ]
