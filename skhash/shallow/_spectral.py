"""Spectral hashing: eigenfunctions of a uniform distribution on a box."""

import numpy as np

from skhash.shallow._latent import LatentHasher
from skhash.shallow._projections import principal_directions


class SpectralHasher(LatentHasher):
    """Spectral hashing: the slowest waves along the principal components.

    The best balanced and uncorrelated bits are thresholded eigenvectors of the graph
    Laplacian. Where rows are uniform on a box, its eigenfunctions are known: cosines
    along one axis. The box spans the principal components of the rows, and the bits
    are the signs of the `n_bits` smoothest cosines, so that a long axis gets several.

    Parameters
    ----------
    n_bits : int, default=32
        The length of the codes.
    n_components : int, default=64
        The number of latent dimensions in which it works.
    normalize : bool, default=True
        Whether rows get unit length there, so that distances follow the cosine.
    max_samples : int, default=20000
        The number of rows to learn from at most, drawn at random.
    output : {"bits", "packed"}, default="bits"
        The form of the codes: one column per bit, or eight bits per byte.
    random_state : int, RandomState instance or None, default=None
        Draws rows and seeds the randomized SVD.

    Attributes
    ----------
    components_ : ndarray of shape (n_components, n_features)
        The latent directions.
    axes_ : ndarray of shape (n_axes, n_components)
        The principal directions in the latent space, at most `n_bits`.
    lower_, upper_ : ndarray of shape (n_axes,)
        The box: the least and largest projection of the training rows.
    bit_axes_ : ndarray of shape (n_bits,), int
        The axis along which each bit's wave runs.
    bit_modes_ : ndarray of shape (n_bits,), int
        Its number of half waves within the box, from 1.
    n_features_in_ : int
        The number of features seen in fit.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Their names, where `X` had some.

    Notes
    -----
    The waves sin(pi / 2 + k pi x / l) have eigenvalues 1 - exp(-(s k pi / l)^2 / 2),
    which grow with k / l whatever the scale s of the graph; [1]_ derives them under
    "Out of sample extension". The latent space at unit length is ours, and pays on
    text; dense rows with ``normalize=False`` and all dimensions give the published
    form. With n = min(n_samples, max_samples), fit costs O(n_components * nnz(X) + n *
    n_components^2), transform O(n_components * (nnz(X) + n_samples * n_bits)).

    References
    ----------
    .. [1] Y. Weiss, A. Torralba, R. Fergus, "Spectral hashing", NIPS 2008.

    Examples
    --------
    >>> import numpy as np
    >>> from skhash import SpectralHasher
    >>> X = np.c_[np.linspace(0, 9, 50), np.tile([0.0, 1.0], 25)]
    >>> hasher = SpectralHasher(n_bits=3, normalize=False).fit(X)
    >>> hasher.bit_axes_, hasher.bit_modes_
    (array([0, 0, 0]), array([1, 2, 3]))
    """

    def __init__(
        self,
        n_bits=32,
        *,
        n_components=64,
        normalize=True,
        max_samples=20_000,
        output="bits",
        random_state=None,
    ):
        self.n_bits = n_bits
        self.n_components = n_components
        self.normalize = normalize
        self.max_samples = max_samples
        self.output = output
        self.random_state = random_state

    def _fit_latent(self, features, targets, labeled, random_state):
        self.axes_, _ = principal_directions(
            features, min(self.n_bits, *features.shape), random_state=random_state
        )
        V = features @ self.axes_.T
        self.lower_, self.upper_ = V.min(axis=0), V.max(axis=0)
        self.bit_axes_, self.bit_modes_ = slowest_modes(
            self.upper_ - self.lower_, self.n_bits
        )

    def _decide_latent(self, features):
        lengths = np.where(self.upper_ > self.lower_, self.upper_ - self.lower_, 1)
        frequencies = np.pi * self.bit_modes_ / lengths[self.bit_axes_]
        positions = features.project(self.axes_).shift(-self.lower_)
        # The paper has sin(pi/2 + t), which is cos(t).
        waves = positions.take(self.bit_axes_, frequencies).map(np.cos, slope=1.0)
        return waves.above()


def slowest_modes(lengths, n_modes):
    """Return the waves of smallest eigenvalue on a box.

    The eigenvalue of k half waves along an axis of length l grows with k / l.

    Parameters
    ----------
    lengths : ndarray of shape (n_axes,)
        The lengths of the box.
    n_modes : int
        How many waves are wanted.

    Returns
    -------
    axes : ndarray of shape (n_modes,), int
        Along which axis each runs.
    modes : ndarray of shape (n_modes,), int
        How many half waves it has.
    """
    modes = np.arange(1, n_modes + 1)
    with np.errstate(divide="ignore"):
        frequencies = modes / lengths[:, None]
    slowest = np.argsort(frequencies, axis=None, kind="stable")[:n_modes]
    axes, order = np.unravel_index(slowest, frequencies.shape)
    return axes, modes[order]
