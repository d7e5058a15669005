"""Iterative quantization of the directions that correlate with labels."""

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import eigh
from sklearn.covariance import ledoit_wolf

from skhash.shallow._docs import TEXTS
from skhash.shallow._latent import RotatedDirectionsHasher, add_ridge
from skhash.utils._docstrings import substitute


@substitute(**TEXTS)
class CCAITQHasher(RotatedDirectionsHasher):
    """Rotate canonical correlation directions to lose little as signs (CCA-ITQ).

    Finds the directions of the samples that correlate best with their labels, scales
    each by its correlation and rotates them so that little is lost by keeping signs
    only. Fits in seconds; among the best hashers where a tenth of the samples is
    labeled.

    Parameters
    ----------
    n_bits : int, default=32
        Length of the codes, at least 1. There are fewer directions than classes; with
        more bits than directions the rotation is overcomplete: a tight frame.
    max_iter : int, default=50
        {itq_max_iter_text}
    n_components : int, default=300
        {n_components_text}
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
    directions_ : ndarray of shape (n_components, n_directions)
        Canonical directions, scaled by their correlations.
    correlations_ : ndarray of shape (n_directions,)
        Canonical correlations in descending order, in [0, 1].
    mean_ : ndarray of shape (n_components,)
        Mean of the labeled samples in the latent space.
    rotation_ : ndarray of shape (n_directions, n_bits)
        Learned rotation with orthonormal rows.
    n_iter_ : int
        Number of alternations of iterative quantization.
    {classes_attribute}
    {feature_attributes}

    Notes
    -----
    Solves C_xy C_yy^-1 C_yx w = r^2 C_xx w (section 4 of [1]_); the ridge on C_xx is
    chosen by Ledoit-Wolf shrinkage from the labeled samples. The rotation minimizes
    equation 2, as in :class:`ITQHasher`. Unlabeled samples contribute to the latent
    space and to the rotation.

    With n = min(n_samples, max_samples), fit costs O(n_components * nnz(X) + n *
    n_components^2 + n_components^3 + max_iter * n * n_bits * n_classes), transform
    O(n_components * (nnz(X) + n_samples * n_bits)).

    References
    ----------
    .. [1] Y. Gong, S. Lazebnik, "Iterative quantization: a Procrustean approach to
       learning binary codes", CVPR 2011. doi:10.1109/CVPR.2011.5995432

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from skhash import CCAITQHasher
    >>> X, y = load_iris(return_X_y=True)
    >>> y[::2] = -1  # unlabeled
    >>> codes = CCAITQHasher(n_bits=8, random_state=0).fit_transform(X, y)
    >>> codes.shape
    (150, 8)
    """

    def _fit_latent(
        self,
        features: NDArray,
        targets: NDArray,
        labeled: NDArray[np.bool_],
        random_state: np.random.RandomState,
    ) -> None:
        given = features[labeled]
        self.mean_ = given.mean(axis=0)
        directions, self.correlations_ = canonical_directions(
            given - self.mean_, targets[labeled], self.n_bits
        )
        self.directions_ = directions * self.correlations_
        self._fit_rotation(features, random_state)


def canonical_directions(
    Z: NDArray, targets: NDArray, n_directions: int
) -> tuple[NDArray, NDArray]:
    """Return the directions of samples that correlate best with class memberships.

    Parameters
    ----------
    Z : ndarray of shape (n_samples, n_components)
        Centered samples.
    targets : ndarray of shape (n_samples, n_classes)
        Class memberships.
    n_directions : int
        Largest number of directions. Fewer are returned if there are fewer classes, of
        which one counts less, or if memberships are linearly dependent.

    Returns
    -------
    directions : ndarray of shape (n_components, n_directions)
        Directions of unit variance in descending order of correlation.
    correlations : ndarray of shape (n_directions,)
        Their correlations, in [0, 1].

    Raises
    ------
    ValueError
        If all samples have the same memberships.
    """
    n_samples = len(Z)
    targets = targets - targets.mean(axis=0)
    within = ledoit_wolf(Z, assume_centered=True)[0]
    # Directions without any variance would otherwise divide by zero.
    within = add_ridge(within, 1e-6)
    # With an orthonormal basis of the memberships, (C_yy)^-1 is the identity.
    left, sizes, _ = np.linalg.svd(targets, full_matrices=False)
    basis = left[:, sizes > 1e-4 * max(sizes[0], 1e-4)]
    if not basis.shape[1]:
        raise ValueError(
            "y must have labeled samples of different classes; got the same classes in "
            "all of them."
        )
    cross = Z.T @ basis / np.sqrt(n_samples)
    n_found = min(n_directions, *cross.shape)
    first = len(within) - n_found
    squares, directions = eigh(
        cross @ cross.T, within, subset_by_index=[first, len(within) - 1]
    )
    correlations = np.sqrt(np.clip(squares[::-1], 0, 1)).astype(Z.dtype)
    return directions[:, ::-1].astype(Z.dtype), correlations
