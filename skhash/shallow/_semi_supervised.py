"""Semi-supervised hashing: directions that fit the labels and spread all rows."""

from numbers import Real

import numpy as np
from scipy.linalg import cholesky, eigh
from sklearn.preprocessing import normalize

from skhash.shallow._latent import LatentHasher
from skhash.utils._compat import Interval, StrOptions


class SemiSupervisedHasher(LatentHasher):
    """Semi-supervised hashing (SSH): fit the labeled pairs, spread all rows.

    Finds directions on which rows of one class agree in sign and others oppose, while
    the variance over all rows, labeled or not, keeps the bits from overfitting.
    Without any label these are the principal components.

    Parameters
    ----------
    n_bits : int, default=32
        The length of the codes; at most min(n_samples, n_features).
    method : {"nonorthogonal", "orthogonal"}, default="nonorthogonal"
        "orthogonal" takes the leading eigenvectors, of which only as many as there are
        classes hear the labels; "nonorthogonal" lets all bits use the best directions.
    eta : float, default=0.1
        The weight of the variance of all rows against the labeled pairs; both are
        scaled to unit trace before.
    rho : float, default=1e-3
        How much "nonorthogonal" holds on to orthogonal directions.
    n_components : int, default=200
        The number of latent dimensions in which directions are sought; at least
        `n_bits` are taken.
    normalize : bool, default=True
        Whether rows get unit length there.
    max_samples : int, default=20000
        The number of rows to learn from at most, labeled ones first.
    output : {"bits", "packed"}, default="bits"
        The form of the codes: one column per bit, or eight bits per byte.
    random_state : int, RandomState instance or None, default=None
        Draws rows and seeds the SVD.

    Attributes
    ----------
    components_ : ndarray of shape (n_components, n_features)
        The latent directions.
    mean_ : ndarray of shape (n_components,)
        The mean of the training rows.
    directions_ : ndarray of shape (n_components, n_bits)
        The directions of the bits.
    classes_ : ndarray of shape (n_classes,)
        The classes, without -1; only if there were labels.
    n_features_in_ : int
        The number of features seen in fit.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Their names, where `X` had some.

    Notes
    -----
    The adjusted covariance M = X_l' S X_l + eta X' X and both methods are those of
    section 4 of [1]_: U, its leading eigenvectors (section 4.1), and L U with the
    Cholesky factor L of I + M / rho (section 4.2). Labeled rows are centered among
    themselves. The matrix of pairs, 2 T T' - 1 1' for unit-length memberships T (+-1
    for one class a row, graded for several), then enters by the class sums alone:
    X' S X = 2 X'T T'X, so that every labeled row takes part. With n = min(n_samples,
    max_samples), fit costs O(n_components * nnz(X) + n * n_components^2 +
    n_components^3), transform O(n_components * (nnz(X) + n_samples * n_bits)).

    References
    ----------
    .. [1] J. Wang, S. Kumar, S.-F. Chang, "Semi-supervised hashing for large-scale
       search", IEEE TPAMI 34(12), 2012. doi:10.1109/TPAMI.2012.48

    Examples
    --------
    >>> from sklearn.datasets import load_wine
    >>> from skhash import SemiSupervisedHasher
    >>> X, y = load_wine(return_X_y=True)
    >>> y[::2] = -1  # no label
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
        n_bits=32,
        *,
        method="nonorthogonal",
        eta=0.1,
        rho=1e-3,
        n_components=200,
        normalize=True,
        max_samples=20_000,
        output="bits",
        random_state=None,
    ):
        self.n_bits = n_bits
        self.method = method
        self.eta = eta
        self.rho = rho
        self.n_components = n_components
        self.normalize = normalize
        self.max_samples = max_samples
        self.output = output
        self.random_state = random_state

    def _count_components(self):
        return max(self.n_components, self.n_bits)

    def _fit_latent(self, features, targets, labeled, random_state):
        if self.n_bits > features.shape[1]:
            raise ValueError(
                "n_bits must be at most min(n_samples, n_features), one direction a "
                f"bit; got n_bits={self.n_bits} with n_samples={len(features)} and "
                f"n_features={self.n_features_in_}."
            )
        self.mean_ = features.mean(axis=0)
        fit = pair_covariance(features[labeled], targets[labeled])
        # Without labels only the variance is left.
        eta = self.eta if fit.any() else 1.0
        covariance = fit + eta * _unit_trace(_scatter(features - self.mean_))
        last = len(covariance) - 1
        leading = eigh(covariance, subset_by_index=[last - self.n_bits + 1, last])[1]
        directions = leading[:, ::-1]
        if fit.any() and self.method == "nonorthogonal":
            mixed = np.eye(last + 1) + covariance / self.rho
            directions = cholesky(mixed, lower=True) @ directions
        self.directions_ = directions.astype(features.dtype)

    def _decide_latent(self, features):
        return features.shift(-self.mean_).project(self.directions_.T).above()


def pair_covariance(Z, targets):
    """Return X' S X for labeled rows and the matrix S of their pairs, at unit trace.

    Parameters
    ----------
    Z : ndarray of shape (n_samples, n_components)
        The labeled rows; they are centered here. There may be none.
    targets : ndarray of shape (n_samples, n_classes)
        Class memberships.

    Returns
    -------
    covariance : ndarray of shape (n_components, n_components)
        Zeros without labeled rows.
    """
    if not len(Z):
        return np.zeros((Z.shape[1], Z.shape[1]))
    sums = (Z - Z.mean(axis=0)).T.astype(np.float64) @ normalize(targets)
    return _unit_trace(sums @ sums.T)


def _scatter(Z):
    Z = Z.astype(np.float64)
    return Z.T @ Z


def _unit_trace(matrix):
    return matrix / (np.trace(matrix) or 1.0)
