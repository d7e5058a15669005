"""Spherical hashing: a bit tells whether a row lies within a ball."""

from numbers import Integral, Real

import numpy as np
from sklearn.utils.extmath import row_norms

from skhash.shallow._latent import LatentHasher
from skhash.utils._compat import Interval
from skhash.utils._thresholds import median_thresholds


class SphericalHasher(LatentHasher):
    """Spherical hashing: balls that hold half of the rows and overlap in a quarter.

    A ball bounds a region where a hyperplane does not. The balls push and pull each
    other until every one holds half of the training rows and every two share a
    quarter, which makes the bits balanced and pairwise independent.

    Parameters
    ----------
    n_bits : int, default=32
        The length of the codes.
    tol_mean : float, default=0.1
        Stop once the mean deviation of the overlaps of two balls from a quarter is at
        most this share of a quarter, and `tol_std` holds too.
    tol_std : float, default=0.15
        The same for the standard deviation of the overlaps.
    max_iter : int, default=100
        How often the balls are measured at most; they move in between.
    n_components : int, default=32
        The number of latent dimensions in which it works.
    normalize : bool, default=True
        Whether rows get unit length there, so that distances follow the cosine.
    max_samples : int, default=20000
        The number of rows to learn from at most, drawn at random.
    output : {"bits", "packed"}, default="bits"
        The form of the codes: one column per bit, or eight bits per byte.
    random_state : int, RandomState instance or None, default=None
        Draws rows and the first centers, and seeds the SVD.

    Attributes
    ----------
    components_ : ndarray of shape (n_components, n_features)
        The latent directions.
    centers_ : ndarray of shape (n_bits, n_components)
        The centers of the balls.
    radii_ : ndarray of shape (n_bits,)
        Their squared radii.
    n_iter_ : int
        How often the balls were measured, once more than they moved.
    n_features_in_ : int
        The number of features seen in fit.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Their names, where `X` had some.

    Notes
    -----
    Algorithm 1 of [1]_, with its force (o - 1/4) / (1/4) * (c - c') / 2 between two
    balls that share o of the rows, and its tolerances. Compare codes by the Hamming
    distance; the paper's spherical Hamming distance also divides by the number of
    common ones. The latent space is ours: among raw TF-IDF rows, all of which are far
    apart, balls say little. With n = min(n_samples, max_samples), fit costs
    O(n_components * nnz(X) + max_iter * n * n_bits * (n_bits + n_components)),
    transform O(n_components * (nnz(X) + n_samples * n_bits)).

    References
    ----------
    .. [1] J.-P. Heo, Y. Lee, J. He, S.-F. Chang, S.-E. Yoon, "Spherical hashing", CVPR
       2012. doi:10.1109/CVPR.2012.6248024

    Examples
    --------
    >>> import numpy as np
    >>> from skhash import SphericalHasher
    >>> X = np.random.RandomState(0).randn(200, 5)
    >>> SphericalHasher(n_bits=4, random_state=0).fit_transform(X).mean(axis=0)
    array([0.5, 0.5, 0.5, 0.5])
    """

    _parameter_constraints: dict = {
        **LatentHasher._parameter_constraints,
        "tol_mean": [Interval(Real, 0, None, closed="left")],
        "tol_std": [Interval(Real, 0, None, closed="left")],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
    }

    def __init__(
        self,
        n_bits=32,
        *,
        tol_mean=0.1,
        tol_std=0.15,
        max_iter=100,
        n_components=32,
        normalize=True,
        max_samples=20_000,
        output="bits",
        random_state=None,
    ):
        self.n_bits = n_bits
        self.tol_mean = tol_mean
        self.tol_std = tol_std
        self.max_iter = max_iter
        self.n_components = n_components
        self.normalize = normalize
        self.max_samples = max_samples
        self.output = output
        self.random_state = random_state

    def _fit_latent(self, features, targets, labeled, random_state):
        centers = _first_centers(features, self.n_bits, random_state)
        for n_iter in range(1, self.max_iter + 1):
            distances = _squared_distances(features, centers)
            radii = median_thresholds(distances)
            overlaps = _overlaps(distances <= radii)
            if self._settled(overlaps):
                break
            if n_iter < self.max_iter:
                centers = centers + _forces(overlaps) @ centers
        self.n_iter_ = n_iter
        self.centers_ = centers
        self.radii_ = np.sqrt(np.maximum(radii, 0))

    def _settled(self, overlaps):
        pairs = overlaps[np.triu_indices(self.n_bits, k=1)]
        if not pairs.size:
            return True
        return (
            np.abs(pairs - 0.25).mean() <= self.tol_mean * 0.25
            and pairs.std() <= self.tol_std * 0.25
        )

    def _decide_latent(self, features):
        distances = features.squared_distances(self.centers_)
        outside, doubtful = distances.above(self.radii_**2)
        return ~outside, doubtful


def _squared_distances(features, centers):
    # Plain arithmetic: scikit-learn's function validates at every move.
    squares = row_norms(features, squared=True)[:, None]
    return squares + row_norms(centers, squared=True) - 2 * features @ centers.T


def _first_centers(features, n_centers, random_state, n_rows=5):
    """Return means of a few rows each: centers near the middle of the rows."""
    n_rows = min(n_rows, len(features))
    drawn = [
        random_state.choice(len(features), n_rows, replace=False)
        for _ in range(n_centers)
    ]
    return features[np.stack(drawn)].mean(axis=1)


def _overlaps(inside):
    """Return the share of rows that each two balls hold in common."""
    inside = inside.astype(np.float32)
    return (inside.T @ inside) / len(inside)


def _forces(overlaps):
    """Return, as a combination of the centers, how each of them moves.

    Center i gets the mean over j of (o_ij - 1/4) / (1/4) * (c_i - c_j) / 2.
    """
    strength = (overlaps - 0.25) / 0.25 / 2 / len(overlaps)
    np.fill_diagonal(strength, 0)
    return np.diag(strength.sum(axis=1)) - strength
