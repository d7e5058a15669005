"""Kernel supervised hashing: code inner products that follow the label matrix."""

from numbers import Integral

import numpy as np
from scipy.linalg import eigh
from scipy.optimize import minimize
from sklearn.preprocessing import normalize

from skhash.shallow._anchor_kernel import AnchorKernelHasher
from skhash.shallow._latent import add_ridge
from skhash.utils._compat import Interval


class KernelSupervisedHasher(AnchorKernelHasher):
    """Kernel supervised hashing (KSH): codes of like labels agree, others oppose.

    Learns kernel expansions, one bit after the other, such that the inner products of
    the +-1 codes come near +n_bits for rows of the same class and -n_bits otherwise.

    Parameters
    ----------
    n_bits : int, default=32
        The length of the codes.
    n_anchors : int, default=300
        The number of anchors of the kernel expansions, drawn at random.
    gamma : float or "scale", default="scale"
        The Gaussian kernel is exp(-gamma * |x - x'|^2); "scale" is the inverse of the
        mean squared distance of two rows.
    max_iter : int, default=30
        The number of gradient steps a bit at most.
    n_components : int, default=300
        The number of latent dimensions in which distances are taken.
    normalize : bool, default=True
        Whether rows get unit length there, so that distances follow the cosine.
    max_samples : int, default=20000
        The number of rows to learn from at most, labeled ones first.
    output : {"bits", "packed"}, default="bits"
        The form of the codes: one column per bit, or eight bits per byte.
    random_state : int, RandomState instance or None, default=None
        Draws rows and anchors and seeds the SVD.

    Attributes
    ----------
    components_ : ndarray of shape (n_components, n_features)
        The latent directions.
    anchors_ : ndarray of shape (n_anchors, n_components)
        The anchors.
    gamma_ : float
        The width of the kernel.
    mean_ : ndarray of shape (n_anchors,)
        The mean kernel features of the training rows.
    dual_coef_ : ndarray of shape (n_anchors, n_bits)
        The coefficients of the expansions.
    n_iter_ : int
        The largest number of gradient steps of a bit.
    classes_ : ndarray of shape (n_classes,)
        The classes, without -1.
    n_features_in_ : int
        The number of features seen in fit.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Their names, where `X` had some.

    Notes
    -----
    Minimizes |H H' / n_bits - S|^2 (section 3.2 of [1]_), one bit after the other
    (section 3.3): the spectral relaxation of h' R h for the residue R = n_bits S - sum
    of h h' is the start, and gradients of its smooth form, with 2 / (1 + exp(-x)) - 1
    for the sign of x, improve it, here with L-BFGS. The label
    matrix never exists: similarities are 2 <t, t'> - 1 for unit-length memberships t,
    which is +-1 for one class a row and graded for several. All labeled rows among
    `max_samples` take part, not a few thousand. With n of them, fit costs
    O(n_components * nnz(X) + n_bits * (max_iter * n * n_anchors + n_anchors^3)),
    transform O(n_components * nnz(X) + n_samples * n_anchors * (n_components +
    n_bits)).

    References
    ----------
    .. [1] W. Liu, J. Wang, R. Ji, Y.-G. Jiang, S.-F. Chang, "Supervised hashing with
       kernels", CVPR 2012. doi:10.1109/CVPR.2012.6247912

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from skhash import KernelSupervisedHasher
    >>> X, y = load_iris(return_X_y=True)
    >>> y[::2] = -1  # no label
    >>> KernelSupervisedHasher(n_bits=8, random_state=0).fit(X, y).score(X, y) > 0.9
    True
    """

    _parameter_constraints: dict = {
        **AnchorKernelHasher._parameter_constraints,
        "max_iter": [Interval(Integral, 1, None, closed="left")],
    }

    def __init__(
        self,
        n_bits=32,
        *,
        n_anchors=300,
        gamma="scale",
        max_iter=30,
        n_components=300,
        normalize=True,
        max_samples=20_000,
        output="bits",
        random_state=None,
    ):
        self.n_bits = n_bits
        self.n_anchors = n_anchors
        self.gamma = gamma
        self.max_iter = max_iter
        self.n_components = n_components
        self.normalize = normalize
        self.max_samples = max_samples
        self.output = output
        self.random_state = random_state

    def _fit_kernel(self, kernel, targets, random_state):
        kernel = kernel.astype(np.float64)
        residue = _Residue(targets, self.n_bits)
        gram = kernel.T @ kernel
        metric = add_ridge(gram, 1e-6)
        coefficients = np.empty((kernel.shape[1], self.n_bits))
        self.n_iter_ = 0
        for i in range(self.n_bits):
            first = _spectral_start(kernel, residue, metric)
            best, n_iter = _smooth_ascent(kernel, residue, first, self.max_iter)
            self.n_iter_ = max(self.n_iter_, n_iter)
            # The smooth form may end at worse signs than it began with.
            signs = [np.where(kernel @ a > 0, 1.0, -1.0) for a in (first, best)]
            gains = [residue.quadratic(h) for h in signs]
            chosen = int(gains[1] >= gains[0])
            coefficients[:, i] = (first, best)[chosen]
            residue.subtract(signs[chosen])
        return coefficients


class _Residue:
    """The label matrix less what earlier bits explain, in factors.

    R = n_bits * (2 T T' - 1 1') - sum of h h', as positive and negative columns.
    """

    def __init__(self, targets, n_bits):
        unit = normalize(targets.astype(np.float64))
        self._positive = np.sqrt(2 * n_bits) * unit
        self._negative = [np.full((len(unit), 1), np.sqrt(float(n_bits)))]

    def subtract(self, signs):
        self._negative.append(signs[:, None])

    def multiply(self, v):
        plus, minus = self._positive, np.hstack(self._negative)
        return plus @ (plus.T @ v) - minus @ (minus.T @ v)

    def quadratic(self, v):
        return float(v @ self.multiply(v))

    def project(self, kernel):
        """Return K' R K."""
        plus, minus = kernel.T @ self._positive, kernel.T @ np.hstack(self._negative)
        return plus @ plus.T - minus @ minus.T


def _spectral_start(kernel, residue, metric):
    """Return the best coefficients where signs are relaxed to unit variance."""
    last = len(metric) - 1
    vector = eigh(residue.project(kernel), metric, subset_by_index=[last, last])[1]
    values = kernel @ vector[:, 0]
    return vector[:, 0] / max(np.sqrt(np.mean(values**2)), np.finfo(float).tiny)


def _smooth_ascent(kernel, residue, start, max_iter):
    """Improve coefficients where tanh(x / 2) stands for the sign of x."""
    scale = 1 / len(kernel) ** 2

    def cost(coefficients):
        smooth = np.tanh(kernel @ coefficients / 2)
        product = residue.multiply(smooth)
        gradient = kernel.T @ (product * (1 - smooth**2))
        return -scale * (smooth @ product), -scale * gradient

    options = {"maxiter": max_iter}
    found = minimize(cost, start, jac=True, method="L-BFGS-B", options=options)
    return found.x, max(found.nit, 1)
