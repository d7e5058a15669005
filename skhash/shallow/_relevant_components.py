"""Whiten the variation within groups of matching samples, and rotate into codes."""

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from scipy.linalg import eigh

from skhash.shallow._docs import TEXTS
from skhash.shallow._latent import RotatedDirectionsHasher, add_ridge
from skhash.utils._docstrings import substitute
from skhash.utils._labels import PartialLabels


@substitute(**TEXTS)
class RelevantComponentHasher(RotatedDirectionsHasher):
    """Whiten the variation within groups and rotate into codes (RCA-ITQ).

    Learns from few pairs of samples that match, such as two records of one person:
    directions in which matching samples differ count less. Unlike hashers that learn
    classes, it makes codes of samples of other groups as good as those of the given
    ones.

    Parameters
    ----------
    n_bits : int, default=32
        Length of the codes, at least 1.
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
    mean_ : ndarray of shape (n_components,)
        Mean of the samples in the latent space.
    directions_ : ndarray of shape (n_components, n_directions)
        The directions that are kept, scaled by the variation within groups.
    rotation_ : ndarray of shape (n_directions, n_bits)
        Learned rotation with orthonormal rows.
    n_iter_ : int
        Number of alternations of iterative quantization.
    {classes_attribute}
    {feature_attributes}

    See Also
    --------
    skhash.duplicates.match_labels : Makes `y` of pairs of matches.

    Notes
    -----
    The covariance within groups [1]_ is a mean of that of the given groups and of a
    multiple of the total covariance, which has the weight of as many observations as
    there are components: with few matches the codes are nearly those of
    :class:`ITQHasher` on whitened samples. After whitening by it, the directions with
    most variance are rotated by iterative quantization [2]_.

    References
    ----------
    .. [1] A. Bar-Hillel, T. Hertz, N. Shental, D. Weinshall, "Learning distance
       functions using equivalence relations", ICML 2003.
    .. [2] Y. Gong, S. Lazebnik, "Iterative quantization: a Procrustean approach to
       learning binary codes", CVPR 2011. doi:10.1109/CVPR.2011.5995432

    Examples
    --------
    >>> import numpy as np
    >>> from skhash import RelevantComponentHasher
    >>> rng = np.random.RandomState(0)
    >>> X = np.repeat(rng.standard_normal((50, 20)), 2, axis=0)
    >>> X += 0.1 * rng.standard_normal((100, 20))
    >>> y = np.full(100, -1)
    >>> y[:20] = np.arange(20) // 2  # ten pairs that match
    >>> RelevantComponentHasher(8, random_state=0).fit_transform(X, y).shape
    (100, 8)
    """

    def _targets(
        self, labels: PartialLabels, rows: slice | NDArray[np.intp]
    ) -> sp.csr_array:
        # There are about as many groups as samples: too many for dense memberships.
        if labels.indices is None:
            return sp.csr_array(labels.targets(rows))
        groups = labels.indices[rows]
        known = np.flatnonzero(groups >= 0)
        ones = np.ones(len(known), dtype=np.float32)
        shape = len(groups), labels.n_classes
        return sp.csr_array((ones, (known, groups[known])), shape=shape)

    def _fit_latent(
        self,
        features: NDArray,
        targets: sp.csr_array,
        labeled: NDArray[np.bool_],
        random_state: np.random.RandomState,
    ) -> None:
        self.mean_ = features.mean(axis=0)
        centered = features - self.mean_
        total = centered.T @ centered / len(centered)
        within = covariance_within(centered[labeled], targets[labeled], total)
        # Directions without any variance would otherwise divide by zero.
        variances, axes = eigh(add_ridge(within, 1e-6))
        whitening = axes / np.sqrt(variances)
        _, leading = eigh(whitening.T @ total @ whitening)
        kept = leading[:, ::-1][:, : self.n_bits]
        self.directions_ = (whitening @ kept).astype(features.dtype)
        self._fit_rotation(features, random_state)


def covariance_within(Z: NDArray, targets: sp.csr_array, total: NDArray) -> NDArray:
    """Return the covariance of samples within their groups, shrunk to the total one.

    Parameters
    ----------
    Z : ndarray of shape (n_samples, n_components)
        Samples.
    targets : csr_array of shape (n_samples, n_groups)
        Memberships in groups.
    total : ndarray of shape (n_components, n_components)
        The covariance of all samples.

    Returns
    -------
    within : ndarray of shape (n_components, n_components)

    Raises
    ------
    ValueError
        If no group has two samples.
    """
    shares = sp.diags_array(1 / np.maximum(targets.sum(axis=1), 1e-9)) @ targets
    sizes = shares.sum(axis=0)
    means = sp.diags_array(1 / np.maximum(sizes, 1e-9)) @ (shares.T @ Z)
    residuals = Z - shares @ means
    n_observations = len(Z) - np.count_nonzero(sizes)
    if n_observations < 1:
        raise ValueError(
            "y must have at least two samples of one group, a match; got groups of one "
            "sample only."
        )
    within = residuals.T @ residuals / n_observations
    prior = total * (np.trace(within) / (np.trace(total) or 1.0))
    weight = len(total) / (len(total) + n_observations)
    return (1 - weight) * within + weight * prior
