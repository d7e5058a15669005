"""Semi-supervised hashing: directions that fit the labels and spread all samples."""

from numbers import Real
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cholesky, eigh
from sklearn.preprocessing import normalize

from skhash.shallow._docs import TEXTS
from skhash.shallow._latent import LatentHasher
from skhash.utils._compat import Interval, StrOptions
from skhash.utils._docstrings import substitute
from skhash.utils._rounding import BoundedRows, Decision
from skhash.utils._typing import Output, Seed


@substitute(**TEXTS)
class SemiSupervisedHasher(LatentHasher):
    """Find directions that fit labeled pairs and spread all samples (SSH).

    Samples of one class should agree in sign along the directions, samples of different
    classes should not, and the variance over all samples, labeled or not, regularizes
    the directions. Without labels they are the principal components.

    Parameters
    ----------
    n_bits : int, default=32
        Length of the codes, from 1 to min(n_samples, n_features).
    method : {"nonorthogonal", "orthogonal"}, default="nonorthogonal"
        "orthogonal" takes the leading eigenvectors, of which only as many as there are
        classes depend on the labels; "nonorthogonal" lets all bits use the best
        directions.
    eta : float, default=0.1
        Weight of the variance of all samples relative to the labeled pairs, at least 0.
        Both are scaled to unit trace first.
    rho : float, default=1e-3
        Strength, above 0, with which "nonorthogonal" favors orthogonal directions.
    n_components : int, default=200
        {n_components_text}
        At least `n_bits` dimensions are used.
    normalize : bool, default=True
        {normalize_text}
    max_samples : int, default=20000
        {max_labeled_samples_text}
    output : {"bits", "packed"}, default="bits"
        {output_text}
    random_state : int, RandomState instance or None, default=None
        {random_state_text}

    Attributes
    ----------
    {latent_attributes}
    mean_ : ndarray of shape (n_components,)
        Mean of the training samples in the latent space.
    directions_ : ndarray of shape (n_components, n_bits)
        Directions of the bits.
    {optional_classes_attribute}
    {feature_attributes}

    Notes
    -----
    The adjusted covariance M = X_l' S X_l + eta X' X and both methods are those of
    section 4 of [1]_: U, its leading eigenvectors (section 4.1), and L U with the
    Cholesky factor L of I + M / rho (section 4.2). Labeled samples are centered among
    themselves. The matrix of pairs, 2 T T' - 1 1' for unit-length memberships T (+-1
    for one class per sample, graded for several), then only enters by the class sums:
    X' S X = 2 X'T T'X, so that all labeled samples can be used.

    With n = min(n_samples, max_samples), fit costs O(n_components * nnz(X) + n *
    n_components^2 + n_components^3), transform O(n_components * (nnz(X) + n_samples *
    n_bits)).

    References
    ----------
    .. [1] J. Wang, S. Kumar, S.-F. Chang, "Semi-supervised hashing for large-scale
       search", IEEE TPAMI 34(12), 2012. doi:10.1109/TPAMI.2012.48

    Examples
    --------
    >>> from sklearn.datasets import load_wine
    >>> from skhash import SemiSupervisedHasher
    >>> X, y = load_wine(return_X_y=True)
    >>> y[::2] = -1  # unlabeled
    >>> SemiSupervisedHasher(n_bits=8, random_state=0).fit_transform(X, y).shape
    (178, 8)
    """

    _parameter_constraints: dict = {
        **LatentHasher._parameter_constraints,
        "method": [StrOptions({"nonorthogonal", "orthogonal"})],
        "eta": [Interval(Real, 0, None, closed="left")],
        "rho": [Interval(Real, 0, None, closed="neither")],
    }
    _uses_labels = True

    def __init__(
        self,
        n_bits: int = 32,
        *,
        method: Literal["nonorthogonal", "orthogonal"] = "nonorthogonal",
        eta: float = 0.1,
        rho: float = 1e-3,
        n_components: int = 200,
        normalize: bool = True,
        max_samples: int = 20_000,
        output: Output = "bits",
        random_state: Seed = None,
    ) -> None:
        self.n_bits = n_bits
        self.method = method
        self.eta = eta
        self.rho = rho
        self.n_components = n_components
        self.normalize = normalize
        self.max_samples = max_samples
        self.output = output
        self.random_state = random_state

    def _count_components(self) -> int:
        return max(self.n_components, self.n_bits)

    def _fit_latent(
        self,
        features: NDArray,
        targets: NDArray,
        labeled: NDArray[np.bool_],
        random_state: np.random.RandomState,
    ) -> None:
        if self.n_bits > features.shape[1]:
            raise ValueError(
                "n_bits must be at most min(n_samples, n_features), one direction "
                f"per bit; got n_bits={self.n_bits} with n_samples={len(features)} and "
                f"n_features={self.n_features_in_}."
            )
        self.mean_ = features.mean(axis=0)
        fit = pair_covariance(features[labeled], targets[labeled])
        # Without labels the variance is the only criterion.
        eta = self.eta if fit.any() else 1.0
        covariance = fit + eta * _unit_trace(_scatter(features - self.mean_))
        last = len(covariance) - 1
        leading = eigh(covariance, subset_by_index=[last - self.n_bits + 1, last])[1]
        directions = leading[:, ::-1]
        if fit.any() and self.method == "nonorthogonal":
            mixed = np.eye(last + 1) + covariance / self.rho
            directions = cholesky(mixed, lower=True) @ directions
        self.directions_ = directions.astype(features.dtype)

    def _decide_latent(self, features: BoundedRows) -> Decision:
        return features.shift(-self.mean_).project(self.directions_.T).above()


def pair_covariance(Z: NDArray, targets: NDArray) -> NDArray:
    """Return X' S X for labeled samples and the matrix S of their pairs, at unit trace.

    Parameters
    ----------
    Z : ndarray of shape (n_samples, n_components)
        Labeled samples, which are centered here. There may be none.
    targets : ndarray of shape (n_samples, n_classes)
        Class memberships.

    Returns
    -------
    covariance : ndarray of shape (n_components, n_components)
        Zeros without labeled samples.
    """
    if not len(Z):
        return np.zeros((Z.shape[1], Z.shape[1]))
    sums = (Z - Z.mean(axis=0)).T.astype(np.float64) @ normalize(targets)
    return _unit_trace(sums @ sums.T)


def _scatter(Z: NDArray) -> NDArray:
    Z = Z.astype(np.float64)
    return Z.T @ Z


def _unit_trace(matrix: NDArray) -> NDArray:
    return matrix / (np.trace(matrix) or 1.0)
