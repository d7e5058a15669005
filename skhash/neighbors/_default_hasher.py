"""Choose the hasher of re-ranked search by the neighbors that its short lists hold."""

from typing import Any

import numpy as np
from sklearn.utils import check_random_state, resample

from skhash.metrics._short_lists import ShortListTask
from skhash.shallow import ITQHasher, RandomProjectionHasher
from skhash.utils._typing import Rows, Seed

# With fewer samples the first hasher is taken, whose short list holds a large part.
_MIN_SAMPLES = 1000
# With more features, as of hashed text, 256 directions take more than 256 MB.
_MAX_FEATURES = 2**17
# On few samples principal components look better than they are on many.
_MAX_SAMPLES = 20_000
# Samples that the chosen hasher learns from.
_MAX_FIT_SAMPLES = 100_000
# Longer codes take more time and memory, which less than this gain is not worth.
_MIN_GAIN = 0.01


def choose_hasher(
    X: Rows,
    *,
    n_neighbors: int,
    depth: int,
    metric: str,
    random_state: Seed,
) -> ITQHasher | RandomProjectionHasher:
    """Choose the hasher whose codes find most true neighbors of held-out samples.

    Parameters
    ----------
    X : {ndarray, CSR} of shape (n_samples, n_features)
        The samples, of which at most 20,000 are drawn.
    n_neighbors : int
        Number of true neighbors to find.
    depth : int
        Length of the short list.
    metric : {"cosine", "euclidean", "inner_product"}
        What makes true neighbors.
    random_state : int, RandomState instance or None
        Draws samples, and seeds the hasher.

    Returns
    -------
    hasher : estimator
        Not fitted: the one with the shortest codes whose recall is at most 0.01 below
        the best.
    """
    hashers = [
        ITQHasher(64, random_state=random_state),
        ITQHasher(128, random_state=random_state),
        RandomProjectionHasher(256, random_state=random_state),
    ]
    if X.shape[0] < _MIN_SAMPLES or X.shape[1] > _MAX_FEATURES:
        return hashers[0]
    task = ShortListTask.draw(
        X,
        max_samples=_MAX_SAMPLES,
        n_neighbors=n_neighbors,
        depth=depth,
        metric=metric,
        random_state=check_random_state(random_state),
    )
    recalls = np.array([task.recall(hasher.fit(task.X)) for hasher in hashers])
    return hashers[int(np.argmax(recalls >= recalls.max() - _MIN_GAIN))]


def fit_default_hasher(X: Any, samples: Rows, **options: Any) -> Any:
    """Choose a hasher and fit it.

    Parameters
    ----------
    X : {array-like, sparse matrix} of shape (n_samples, n_features)
        The samples as they came, whose columns may have names.
    samples : {ndarray, CSR} of shape (n_samples, n_features)
        The same samples, validated.
    **options
        Those of :func:`choose_hasher`.

    Returns
    -------
    hasher : estimator
        Fitted to at most 100,000 samples.
    """
    hasher = choose_hasher(samples, **options)
    if samples.shape[0] > _MAX_FIT_SAMPLES:
        seed = options["random_state"]
        X = resample(X, replace=False, n_samples=_MAX_FIT_SAMPLES, random_state=seed)
    return hasher.fit(X)
