"""Hashing by random Fourier features of the Gaussian kernel."""

from numbers import Real

import numpy as np
from sklearn.kernel_approximation import RBFSampler
from sklearn.utils import check_random_state

from skhash.shallow._base import ShallowHasher
from skhash.utils._compat import Interval, StrOptions


class ShiftInvariantKernelHasher(ShallowHasher):
    """Random codes whose Hamming distance follows the Gaussian kernel.

    A bit is the sign of a random wave with a random threshold. The share of bits in
    which two rows differ tends to a function of their Gaussian kernel alone, from 0
    for equal rows to a half for unrelated ones. Needs no training; long codes pay.

    Parameters
    ----------
    n_bits : int, default=32
        The length of the codes.
    gamma : float or "scale", default="scale"
        The Gaussian kernel is exp(-gamma * |x - x'|^2); "scale" is
        1 / (n_features * X.var()), as in scikit-learn's SVC.
    output : {"bits", "packed"}, default="bits"
        The form of the codes: one column per bit, or eight bits per byte.
    random_state : int, RandomState instance or None, default=None
        Draws the waves and the thresholds.

    Attributes
    ----------
    components_ : ndarray of shape (n_bits, n_features)
        The frequencies of the waves.
    phases_ : ndarray of shape (n_bits,)
        Their phases, in [0, 2 pi).
    thresholds_ : ndarray of shape (n_bits,)
        The thresholds, in [-1, 1].
    n_features_in_ : int
        The number of features seen in fit.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Their names, where `X` had some.

    Notes
    -----
    The map is sgn(cos(w' x + b) + t), and :func:`expected_difference` the expected
    share of differing bits, 8 / pi^2 * sum over m of (1 - K(m x - m x')) / (4 m^2 - 1),
    both of section 2 of [1]_. Fit costs O(n_bits * n_features), transform
    O(n_bits * nnz(X)).

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

    def __init__(self, n_bits=32, *, gamma="scale", output="bits", random_state=None):
        self.n_bits = n_bits
        self.gamma = gamma
        self.output = output
        self.random_state = random_state

    def _fit(self, X, y):
        random_state = check_random_state(self.random_state)
        sampler = RBFSampler(
            gamma=self.gamma, n_components=self.n_bits, random_state=random_state
        ).fit(X)
        self.components_ = np.ascontiguousarray(sampler.random_weights_.T)
        self.phases_ = sampler.random_offset_
        self.thresholds_ = random_state.uniform(-1, 1, self.n_bits).astype(X.dtype)

    def _decide(self, X):
        waves = X.project(self.components_).shift(self.phases_).map(np.cos, slope=1.0)
        return waves.above(-self.thresholds_)


def expected_difference(kernel, n_terms=1000):
    """Return the expected share of differing bits for a value of the kernel.

    8 / pi^2 * sum over m of (1 - K(m x)) / (4 m^2 - 1), where the Gaussian kernel has
    K(m x) = K(x)^(m^2).

    Parameters
    ----------
    kernel : ndarray
        Values of the kernel, in (0, 1].
    n_terms : int, default=1000
        How many terms of the series to sum.

    Returns
    -------
    share : ndarray
        In [0, 0.5).
    """
    m = np.arange(1, n_terms + 1)
    kernel = np.asarray(kernel)[..., None]
    return 8 / np.pi**2 * ((1 - kernel ** (m**2)) / (4.0 * m**2 - 1)).sum(axis=-1)
