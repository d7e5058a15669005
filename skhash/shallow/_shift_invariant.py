"""Hashing by random Fourier features of the Gaussian kernel."""

from numbers import Real
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.kernel_approximation import RBFSampler
from sklearn.utils import check_random_state

from skhash.shallow._base import ShallowHasher
from skhash.shallow._docs import TEXTS
from skhash.utils._compat import Interval, StrOptions
from skhash.utils._docstrings import substitute
from skhash.utils._rounding import BoundedRows, Decision
from skhash.utils._typing import Output, Rows, Seed


@substitute(**TEXTS)
class ShiftInvariantKernelHasher(ShallowHasher):
    """Draw random codes whose Hamming distance follows the Gaussian kernel (SKLSH).

    Each bit is the sign of a random cosine wave with a random threshold. The fraction
    of bits in which two samples differ tends to a function of their Gaussian kernel
    alone, from 0 for equal samples to 1/2 for unrelated ones. Needs no training and
    long codes.

    Parameters
    ----------
    n_bits : int, default=32
        {n_bits_text}
    gamma : float or "scale", default="scale"
        Width of the Gaussian kernel exp(-gamma * |x - x'|^2), above 0. "scale" is
        1 / (n_features * X.var()), as in :class:`~sklearn.svm.SVC`.
    output : {"bits", "packed"}, default="bits"
        {output_text}
    random_state : int, RandomState instance or None, default=None
        {random_state_text}

    Attributes
    ----------
    components_ : ndarray of shape (n_bits, n_features)
        Frequencies of the waves.
    phases_ : ndarray of shape (n_bits,)
        Phases of the waves, in [0, 2 pi).
    thresholds_ : ndarray of shape (n_bits,)
        A bit is set where its wave is above, in [-1, 1].
    {feature_attributes}

    Notes
    -----
    The map is sgn(cos(w' x + b) - t), and :func:`expected_difference` the expected
    fraction of differing bits, 8 / pi^2 * sum over m of (1 - K(m x - m x')) /
    (4 m^2 - 1), both of section 2 of [1]_, with the sign of t reversed. Fit costs
    O(n_bits * n_features), transform O(n_bits * nnz(X)).

    References
    ----------
    .. [1] M. Raginsky, S. Lazebnik, "Locality-sensitive binary codes from
       shift-invariant kernels", NIPS 2009.

    Examples
    --------
    >>> import numpy as np
    >>> from skhash import ShiftInvariantKernelHasher
    >>> X = np.array([[0.0, 0.0], [0.01, 0.0], [3.0, 3.0]])
    >>> hasher = ShiftInvariantKernelHasher(256, gamma=1.0, random_state=0)
    >>> codes = hasher.fit_transform(X)
    >>> differing = np.count_nonzero(codes[0] != codes, axis=1)
    >>> bool(differing[1] < 10), bool(differing[2] > 100)
    (True, True)
    """

    _parameter_constraints: dict = {
        **ShallowHasher._parameter_constraints,
        "gamma": [StrOptions({"scale"}), Interval(Real, 0, None, closed="neither")],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        n_bits: int = 32,
        *,
        gamma: float | Literal["scale"] = "scale",
        output: Output = "bits",
        random_state: Seed = None,
    ) -> None:
        self.n_bits = n_bits
        self.gamma = gamma
        self.output = output
        self.random_state = random_state

    def _fit(self, X: Rows, y: ArrayLike | None) -> None:
        random_state = check_random_state(self.random_state)
        sampler = RBFSampler(
            gamma=self.gamma, n_components=self.n_bits, random_state=random_state
        ).fit(X)
        self.components_ = np.ascontiguousarray(sampler.random_weights_.T)
        self.phases_ = sampler.random_offset_
        self.thresholds_ = -random_state.uniform(-1, 1, self.n_bits).astype(X.dtype)

    def _decide(self, X: BoundedRows) -> Decision:
        waves = X.project(self.components_).shift(self.phases_).map(np.cos, slope=1.0)
        return waves.above(self.thresholds_)


def expected_difference(kernel: ArrayLike, n_terms: int = 1000) -> NDArray:
    """Return the expected fraction of differing bits for values of the kernel.

    8 / pi^2 * sum over m of (1 - K(m x)) / (4 m^2 - 1), where the Gaussian kernel has
    K(m x) = K(x)^(m^2).

    Parameters
    ----------
    kernel : array-like
        Values of the kernel, in (0, 1].
    n_terms : int, default=1000
        Number of terms of the series.

    Returns
    -------
    fraction : ndarray
        In [0, 0.5).
    """
    m = np.arange(1, n_terms + 1)
    kernel = np.asarray(kernel)[..., None]
    return 8 / np.pi**2 * ((1 - kernel ** (m**2)) / (4.0 * m**2 - 1)).sum(axis=-1)
