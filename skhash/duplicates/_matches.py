"""Validate pairs of matching samples, and turn them into labels."""

import numpy as np
import scipy.sparse as sp
from numpy.typing import ArrayLike, NDArray
from scipy.sparse.csgraph import connected_components

from skhash.utils._labels import UNLABELED


def match_labels(
    matches: ArrayLike, n_samples: int, n_other: int | None = None
) -> NDArray[np.int64]:
    """Label samples by the group of matches that they belong to.

    Parameters
    ----------
    matches : array-like of shape (n_matches, 2)
        Pairs of samples that match; matches of matches are one group. With `n_other`
        the second of each pair is a sample of another collection.
    n_samples : int
        Number of samples.
    n_other : int, default=None
        Number of samples of the other collection, if there is one.

    Returns
    -------
    y : ndarray of shape (n_samples + n_other,), int64
        The group of each sample, from 0 on in the order of first samples, and -1 for
        samples without a match; first those of the collection, then of the other one.

    Raises
    ------
    TypeError
        If `matches` are not integers.
    ValueError
        If `matches` is empty, has another shape, or a pair is out of range.

    Examples
    --------
    >>> from skhash.duplicates import match_labels
    >>> match_labels([[0, 1], [1, 3]], 5)
    array([ 0,  0, -1,  0, -1])
    >>> match_labels([[0, 1]], 2, 3)
    array([ 0, -1, -1,  0, -1])
    """
    pairs = check_matches(matches, n_samples, n_samples if n_other is None else n_other)
    n_total = n_samples + (n_other or 0)
    first = pairs[:, 0]
    second = pairs[:, 1] + (0 if n_other is None else n_samples)
    edges = sp.coo_array((np.ones(len(pairs)), (first, second)), (n_total, n_total))
    _, group = connected_components(edges, directed=False)
    matched = np.zeros(n_total, dtype=bool)
    matched[first] = matched[second] = True
    y = np.full(n_total, UNLABELED)
    # Components are numbered in the order of their first samples.
    _, y[matched] = np.unique(group[matched], return_inverse=True)
    return y


def check_matches(matches: ArrayLike, n_first: int, n_second: int) -> NDArray[np.intp]:
    """Validate known pairs: indices into two collections, of shape (n_matches, 2)."""
    pairs = np.asarray(matches)
    if pairs.ndim != 2 or pairs.shape[1] != 2 or not len(pairs):
        raise ValueError(
            "matches must be of shape (n_matches, 2), with at least one match; got "
            f"{pairs.shape}."
        )
    if pairs.dtype.kind not in "iu":
        raise TypeError(f"matches must be integers; got dtype {pairs.dtype}.")
    if pairs.min() < 0 or (pairs >= (n_first, n_second)).any():
        raise ValueError(
            f"matches must be indices from 0, below {n_first} in the first column and "
            f"{n_second} in the second; got {pairs.min()} to {pairs.max(axis=0)}."
        )
    return pairs.astype(np.intp)
