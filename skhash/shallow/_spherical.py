"""Spherical hashing: each bit is set for the samples within a ball."""

import warnings
from numbers import Integral, Real

import numpy as np
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.extmath import row_norms

from skhash.shallow._docs import TEXTS
from skhash.shallow._latent import LatentHasher
from skhash.utils._compat import Interval
from skhash.utils._docstrings import substitute
from skhash.utils._rounding import BoundedRows, Decision
from skhash.utils._thresholds import median_thresholds
from skhash.utils._typing import Output, Seed


@substitute(**TEXTS)
class SphericalHasher(LatentHasher):
    """Place balls that hold half of the samples and overlap in a quarter (SpH).

    A ball bounds a region, unlike a hyperplane. Centers attract and repel each other
    until each ball holds half of the training samples and each two balls share a
    quarter, which makes the bits balanced and pairwise independent.

    Parameters
    ----------
    n_bits : int, default=32
        {n_bits_text}
    tol_mean : float, default=0.1
        Largest mean absolute deviation of the overlaps of two balls from a quarter, as
        a fraction of a quarter, at which learning stops; at least 0. `tol_std` must
        hold too.
    tol_std : float, default=0.15
        Largest standard deviation of the overlaps, as a fraction of a quarter, at which
        learning stops; at least 0.
    max_iter : int, default=100
        Largest number of iterations, at least 1.
    n_components : int, default=32
        {n_components_text}
    normalize : bool, default=True
        {normalize_text}
    max_samples : int, default=20000
        {max_samples_text}
    output : {"bits", "packed"}, default="bits"
        {output_text}
    random_state : int, RandomState instance or None, default=None
        {random_state_text}

    Attributes
    ----------
    {latent_attributes}
    centers_ : ndarray of shape (n_bits, n_components)
        Centers of the balls.
    radii_ : ndarray of shape (n_bits,)
        Radii of the balls.
    n_iter_ : int
        Number of iterations, one more than the centers moved.
    {feature_attributes}

    Warns
    -----
    ConvergenceWarning
        If the overlaps are not within both tolerances after `max_iter` iterations.

    Notes
    -----
    Algorithm 1 of [1]_, with its force (o - 1/4) / (1/4) * (c - c') / 2 between two
    balls that share a fraction o of the samples, and its tolerances. Codes are compared
    by the Hamming distance; the spherical Hamming distance of the paper also divides by
    the number of common ones. Unlike [1]_, balls are placed in a latent space: raw
    TF-IDF samples are all far apart, so that balls among them separate little.

    With n = min(n_samples, max_samples), fit costs O(n_components * nnz(X) + max_iter *
    n * n_bits * (n_bits + n_components)), transform O(n_components * (nnz(X) +
    n_samples * n_bits)).

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
        n_bits: int = 32,
        *,
        tol_mean: float = 0.1,
        tol_std: float = 0.15,
        max_iter: int = 100,
        n_components: int = 32,
        normalize: bool = True,
        max_samples: int = 20_000,
        output: Output = "bits",
        random_state: Seed = None,
    ) -> None:
        self.n_bits = n_bits
        self.tol_mean = tol_mean
        self.tol_std = tol_std
        self.max_iter = max_iter
        self.n_components = n_components
        self.normalize = normalize
        self.max_samples = max_samples
        self.output = output
        self.random_state = random_state

    def _fit_latent(
        self,
        features: NDArray,
        targets: NDArray,
        labeled: NDArray[np.bool_],
        random_state: np.random.RandomState,
    ) -> None:
        centers = _first_centers(features, self.n_bits, random_state)
        for n_iter in range(1, self.max_iter + 1):
            squares = _squared_distances(features, centers)
            thresholds = median_thresholds(squares)
            overlaps = _overlaps(squares <= thresholds)
            if self._has_converged(overlaps):
                break
            if n_iter < self.max_iter:
                centers = centers + _forces(overlaps) @ centers
        else:
            warnings.warn(
                "The overlaps of the balls are not within tol_mean and tol_std after "
                f"max_iter={self.max_iter} iterations; increase one of these.",
                ConvergenceWarning,
                stacklevel=2,
            )
        self.n_iter_ = n_iter
        self.centers_ = centers
        self.radii_ = np.sqrt(np.maximum(thresholds, 0))

    def _has_converged(self, overlaps: NDArray) -> bool:
        pairs = overlaps[np.triu_indices(self.n_bits, k=1)]
        if not pairs.size:
            return True
        return bool(
            np.abs(pairs - 0.25).mean() <= self.tol_mean * 0.25
            and pairs.std() <= self.tol_std * 0.25
        )

    def _decide_latent(self, features: BoundedRows) -> Decision:
        squares = features.squared_distances(self.centers_)
        return squares.at_most(self.radii_**2)


def _squared_distances(features: NDArray, centers: NDArray) -> NDArray:
    # The function of scikit-learn would validate both arrays in each iteration.
    squares = row_norms(features, squared=True)[:, None]
    return squares + row_norms(centers, squared=True) - 2 * features @ centers.T


def _first_centers(
    features: NDArray,
    n_centers: int,
    random_state: np.random.RandomState,
    n_rows: int = 5,
) -> NDArray:
    """Return means of a few samples each: centers near the middle of the samples."""
    n_rows = min(n_rows, len(features))
    drawn = [
        random_state.choice(len(features), n_rows, replace=False)
        for _ in range(n_centers)
    ]
    return features[np.stack(drawn)].mean(axis=1)


def _overlaps(inside: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Return the fraction of samples that each two balls share."""
    members = inside.astype(np.float32)
    return (members.T @ members) / np.float32(len(members))


def _forces(overlaps: NDArray) -> NDArray:
    """Return the moves of the centers as combinations of the centers.

    Center i moves by the mean over j of (o_ij - 1/4) / (1/4) * (c_i - c_j) / 2.
    """
    strength = (overlaps - 0.25) / 0.25 / 2 / len(overlaps)
    np.fill_diagonal(strength, 0)
    return np.diag(strength.sum(axis=1)) - strength
