"""Spectral hashing: eigenfunctions of a uniform distribution on a box."""

import numpy as np
from numpy.typing import NDArray

from skhash.shallow._docs import TEXTS
from skhash.shallow._latent import LatentHasher
from skhash.shallow._projections import principal_directions
from skhash.utils._docstrings import substitute
from skhash.utils._rounding import BoundedRows, Decision
from skhash.utils._typing import Output, Seed


@substitute(**TEXTS)
class SpectralHasher(LatentHasher):
    """Take signs of the smoothest cosine waves along principal components (SH).

    The best balanced and uncorrelated bits are thresholded eigenvectors of the graph
    Laplacian. For samples that are uniform on a box its eigenfunctions are known:
    cosines along one axis. The box is spanned by the principal components of the
    samples, and the bits are the signs of the `n_bits` smoothest cosines, of which a
    long axis has several.

    Parameters
    ----------
    n_bits : int, default=32
        {n_bits_text}
    n_components : int, default=64
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
    axes_ : ndarray of shape (n_axes, n_components)
        Principal directions in the latent space, at most `n_bits`.
    lower_, upper_ : ndarray of shape (n_axes,)
        The box: smallest and largest projection of the training samples.
    bit_axes_ : ndarray of shape (n_bits,), int
        Axis of the wave of each bit.
    bit_modes_ : ndarray of shape (n_bits,), int
        Number of half waves of each bit within the box, at least 1.
    {feature_attributes}

    Notes
    -----
    The waves sin(pi / 2 + k pi x / l) have eigenvalues 1 - exp(-(s k pi / l)^2 / 2),
    which increase with k / l for any scale s of the graph; [1]_ derives them under
    "Out of sample extension". Unlike [1]_, samples are scaled to unit length in a
    latent space, which improves codes of text; dense samples with ``normalize=False``
    and all dimensions give the published form.

    With n = min(n_samples, max_samples), fit costs O(n_components * nnz(X) + n *
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
        n_bits: int = 32,
        *,
        n_components: int = 64,
        normalize: bool = True,
        max_samples: int = 20_000,
        output: Output = "bits",
        random_state: Seed = None,
    ) -> None:
        self.n_bits = n_bits
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
        self.axes_, _ = principal_directions(
            features, min(self.n_bits, *features.shape), random_state=random_state
        )
        V = features @ self.axes_.T
        self.lower_, self.upper_ = V.min(axis=0), V.max(axis=0)
        self.bit_axes_, self.bit_modes_ = slowest_modes(
            self.upper_ - self.lower_, self.n_bits
        )

    def _decide_latent(self, features: BoundedRows) -> Decision:
        lengths = np.where(self.upper_ > self.lower_, self.upper_ - self.lower_, 1)
        frequencies = np.pi * self.bit_modes_ / lengths[self.bit_axes_]
        positions = features.project(self.axes_).shift(-self.lower_)
        # The paper has sin(pi/2 + t), which is cos(t).
        waves = positions.take(self.bit_axes_, frequencies).map(np.cos, slope=1.0)
        return waves.above()


def slowest_modes(
    lengths: NDArray, n_modes: int
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return the waves of smallest eigenvalue on a box.

    The eigenvalue of k half waves along an axis of length l increases with k / l.

    Parameters
    ----------
    lengths : ndarray of shape (n_axes,)
        Lengths of the box.
    n_modes : int
        Number of waves.

    Returns
    -------
    axes : ndarray of shape (n_modes,), int
        Axis of each wave.
    modes : ndarray of shape (n_modes,), int
        Number of half waves of each wave.
    """
    modes = np.arange(1, n_modes + 1)
    with np.errstate(divide="ignore"):
        frequencies = modes / lengths[:, None]
    slowest = np.argsort(frequencies, axis=None, kind="stable")[:n_modes]
    axes, order = np.unravel_index(slowest, frequencies.shape)
    return axes, modes[order]
