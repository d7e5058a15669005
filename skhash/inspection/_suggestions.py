"""Suggest samples to label next."""

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.utils import check_array

from skhash.codes import unpack_bits
from skhash.duplicates._pairs import check_codes, distinct_rows

# The most uncertain codes, from which samples are chosen: at least this many, and this
# many per sample.
_FEWEST, _CANDIDATES_PER_SAMPLE = 3000, 4
# The similarity of two codes falls by a factor of e per this fraction of the bits.
_DECAY = 0.05
_LEAST = 1e-6


def suggest_samples(
    codes: ArrayLike,
    proba: ArrayLike,
    n_samples: int,
    *,
    labeled: ArrayLike | None = None,
    packed: bool = False,
    n_bits: int | None = None,
) -> NDArray[np.intp]:
    """Suggest samples to label next: uncertain ones with codes unlike each other.

    Parameters
    ----------
    codes : array-like of shape (n_samples_total, n_bits or n_bytes)
        Codes of the collection.
    proba : array-like of shape (n_samples_total, n_classes)
        Predicted class probabilities, for example
        ``SSBVAEHasher.predict_proba(X)``.
    n_samples : int
        Number of samples to suggest, at most that of unlabeled samples.
    labeled : array-like of shape (n_samples_total,), bool, default=None
        Which samples have a label already, for example ``y != -1``; none of them is
        suggested.
    packed : bool, default=False
        Whether codes are packed.
    n_bits : int, default=None
        Length of the codes. If None, the number of columns, or eight times that for
        packed codes.

    Returns
    -------
    indices : ndarray of shape (n_samples,), intp
        The samples in the order in which to label them. Deterministic.

    Raises
    ------
    ValueError
        If codes and probabilities do not fit each other, or too few samples are
        unlabeled.

    Notes
    -----
    Samples are chosen greedily by their uncertainty: 1 less the margin between the two
    likeliest classes. Each choice lowers the scores of samples with similar codes, and
    a code is chosen again only after all others.

    Examples
    --------
    >>> import numpy as np
    >>> from skhash.inspection import suggest_samples
    >>> codes = np.array([[0, 0, 0, 0], [0, 0, 0, 0], [1, 1, 1, 1]])
    >>> proba = np.array([[0.5, 0.5], [0.6, 0.4], [0.7, 0.3]])
    >>> suggest_samples(codes, proba, 2)
    array([0, 2])
    """
    rows, n_bits = check_codes(codes, packed=packed, n_bits=n_bits, name="codes")
    posteriors = check_array(proba, dtype=np.float64, input_name="proba")
    if len(posteriors) != len(rows):
        raise ValueError(
            f"proba must have one row per code, {len(rows)}; got {len(posteriors)}."
        )
    free = _unlabeled(labeled, len(rows), n_samples)
    uncertainty = _uncertainty(posteriors[free])
    # Of equal codes the most uncertain sample comes first.
    order = np.argsort(-uncertainty, kind="stable")
    first = np.sort(distinct_rows(rows[free[order]]).first)
    n_distinct = min(n_samples, len(first))
    n_candidates = max(_FEWEST, _CANDIDATES_PER_SAMPLE * n_distinct)
    candidates = order[first[:n_candidates]]
    chosen = candidates[
        _choose(
            unpack_bits(rows[free[candidates]], n_bits),
            uncertainty[candidates],
            n_distinct,
        )
    ]
    rest = order[~np.isin(order, chosen)][: n_samples - n_distinct]
    return free[np.concatenate([chosen, rest])]


def _unlabeled(
    labeled: ArrayLike | None, n_rows: int, n_samples: int
) -> NDArray[np.intp]:
    """Return the positions of unlabeled samples; raise if they are too few."""
    mask = np.zeros(n_rows, dtype=bool) if labeled is None else np.asarray(labeled)
    if mask.dtype != bool or mask.shape != (n_rows,):
        raise ValueError(
            f"labeled must be a bool array of shape ({n_rows},), for example y != -1; "
            f"got dtype {mask.dtype} and shape {mask.shape}."
        )
    free = np.flatnonzero(~mask)
    if not isinstance(n_samples, int | np.integer) or isinstance(n_samples, bool):
        raise TypeError(f"n_samples must be an int; got {n_samples!r}.")
    if not 1 <= n_samples <= len(free):
        raise ValueError(
            f"n_samples must be from 1 to the number of unlabeled samples, "
            f"{len(free)}; got {n_samples}."
        )
    return free


def _uncertainty(proba: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return 1 less the margin between the two likeliest classes."""
    if proba.shape[1] < 2:
        raise ValueError(
            f"proba must have one column per class, at least 2; got {proba.shape[1]}."
        )
    two = np.partition(proba, -2, axis=1)[:, -2:]
    return 1 - (two[:, 1] - two[:, 0])


def _choose(
    bits: NDArray[np.uint8], scores: NDArray[np.float64], n_samples: int
) -> NDArray[np.intp]:
    """Choose rows greedily; each choice lowers the scores of similar codes."""
    n_bits = bits.shape[1]
    signs = 2 * bits.astype(np.float32) - 1
    # Added, so that rows without any uncertainty are chosen by their distance.
    scores = scores + _LEAST
    chosen = np.empty(n_samples, dtype=np.intp)
    for i in range(n_samples):
        chosen[i] = best = scores.argmax()
        distances = (n_bits - signs @ signs[best]) / 2
        scores *= -np.expm1(-distances / (_DECAY * n_bits))
        scores[best] = -1
    return chosen
