"""What the learning hashers share: latent features, drawn rows, thresholds."""

import numpy as np
from sklearn.decomposition import TruncatedSVD
from sklearn.preprocessing import normalize
from sklearn.utils import check_random_state

from skhash.shallow.projections import project


def latent_directions(X, n_components, *, random_state):
    """Return the leading singular directions of rows that are not centred.

    Parameters
    ----------
    X : {ndarray, CSR} of shape (n_samples, n_features)
        The rows.
    n_components : int
        How many directions are wanted; fewer come back where `X` has fewer rows or
        columns.
    random_state : int or RandomState instance
        Seeds the randomised SVD.

    Returns
    -------
    components : ndarray of shape (n_directions, n_features)
        Orthonormal rows.
    """
    n_directions = min(n_components, *X.shape)
    svd = TruncatedSVD(n_directions, random_state=random_state)
    return svd.fit(X).components_


def latent_features(X, components):
    """Return rows in a latent space, at unit length.

    The inner product of two such rows is the cosine of their latent semantic
    representations; a row of zeros stays one.

    Parameters
    ----------
    X : {ndarray, CSR} of shape (n_samples, n_features)
        The rows.
    components : ndarray of shape (n_directions, n_features)
        What :func:`latent_directions` gave.

    Returns
    -------
    features : ndarray of shape (n_samples, n_directions)
    """
    return normalize(project(X, components), copy=False)


def draw_rows(n_samples, max_samples, *, random_state, first=None):
    """Draw the rows that a costly step learns from.

    Parameters
    ----------
    n_samples : int
        How many rows there are.
    max_samples : int
        How many to draw at most.
    random_state : RandomState instance
        Draws them.
    first : ndarray of shape (n_samples,), bool, default=None
        Rows to draw before all others, such as the labelled ones.

    Returns
    -------
    rows : slice or ndarray of int, ascending
        All rows where there are no more than `max_samples`.
    """
    if n_samples <= max_samples:
        return slice(None)
    order = check_random_state(random_state).permutation(n_samples)
    if first is not None:
        order = order[np.argsort(~first[order], kind="stable")]
    return np.sort(order[:max_samples])


def median_thresholds(values):
    """Return thresholds that split every column into halves.

    A threshold lies in the middle of the gap above the median, not on a value, where
    rounding would decide the bit of a training row.

    Parameters
    ----------
    values : ndarray of shape (n_samples, n_bits)
        The real numbers to split.

    Returns
    -------
    thresholds : ndarray of shape (n_bits,)
    """
    ordered = np.sort(values, axis=0)
    medians = ordered[(len(ordered) - 1) // 2]
    above = np.where(ordered > medians, ordered, np.inf).min(axis=0)
    # Where more than half of the values equal the largest, the gap below splits off
    # the others; without any other value the bit is constant.
    below = np.where(ordered < medians, ordered, -np.inf).max(axis=0)
    other = np.where(np.isfinite(above), above, below)
    return np.where(np.isfinite(other), (medians + other) / 2, medians)
