"""Kernel supervised hashing: code inner products that follow the label matrix."""

from numbers import Integral
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import eigh
from scipy.optimize import minimize
from sklearn.preprocessing import normalize

from skhash.shallow._anchor_kernel import AnchorKernelHasher
from skhash.shallow._docs import TEXTS
from skhash.shallow._latent import add_ridge
from skhash.utils._compat import Interval
from skhash.utils._docstrings import substitute
from skhash.utils._typing import Output, Seed


@substitute(**TEXTS)
class KernelSupervisedHasher(AnchorKernelHasher):
    """Learn kernel expansions whose code inner products follow the labels (KSH).

    Learns one bit after the other such that the inner products of codes of -1 and +1
    approach n_bits for samples of the same class, and -n_bits otherwise.

    Parameters
    ----------
    n_bits : int, default=32
        {n_bits_text}
    n_anchors : int, default=300
        {n_anchors_text}
    gamma : float or "scale", default="scale"
        {gamma_text}
    max_iter : int, default=30
        Largest number of gradient steps per bit, at least 1. As in the paper, a small
        number ends the optimization early.
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
    {kernel_attributes}
    n_iter_ : int
        Largest number of gradient steps of a bit.
    {classes_attribute}
    {feature_attributes}

    Notes
    -----
    Minimizes |H H' / n_bits - S|^2 (section 3.2 of [1]_), one bit after the other
    (section 3.3): the spectral relaxation of h' R h for the residue R = n_bits S - sum
    of h h' is the start, and gradients of its smooth form, with 2 / (1 + exp(-x)) - 1
    for the sign of x, improve it, here with L-BFGS. The label matrix is never formed:
    similarities are 2 <t, t'> - 1 for unit-length memberships t, which is +-1 for one
    class per sample and graded for several. All labeled samples among `max_samples`
    are used, instead of a few thousand.

    With n of them, fit costs O(n_components * nnz(X) + n_bits * (max_iter * n *
    n_anchors + n_anchors^3)), transform O(n_components * nnz(X) + n_samples * n_anchors
    * (n_components + n_bits)).

    References
    ----------
    .. [1] W. Liu, J. Wang, R. Ji, Y.-G. Jiang, S.-F. Chang, "Supervised hashing with
       kernels", CVPR 2012. doi:10.1109/CVPR.2012.6247912

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from skhash import KernelSupervisedHasher
    >>> X, y = load_iris(return_X_y=True)
    >>> y[::2] = -1  # unlabeled
    >>> KernelSupervisedHasher(n_bits=8, random_state=0).fit(X, y).score(X, y) > 0.9
    True
    """

    _parameter_constraints: dict = {
        **AnchorKernelHasher._parameter_constraints,
        "max_iter": [Interval(Integral, 1, None, closed="left")],
    }

    def __init__(
        self,
        n_bits: int = 32,
        *,
        n_anchors: int = 300,
        gamma: float | Literal["scale"] = "scale",
        max_iter: int = 30,
        n_components: int = 300,
        normalize: bool = True,
        max_samples: int = 20_000,
        output: Output = "bits",
        random_state: Seed = None,
    ) -> None:
        self.n_bits = n_bits
        self.n_anchors = n_anchors
        self.gamma = gamma
        self.max_iter = max_iter
        self.n_components = n_components
        self.normalize = normalize
        self.max_samples = max_samples
        self.output = output
        self.random_state = random_state

    def _fit_kernel(
        self, kernel: NDArray, targets: NDArray, random_state: np.random.RandomState
    ) -> NDArray:
        kernel = kernel.astype(np.float64)
        residue = LabelResidue(targets, self.n_bits)
        gram = kernel.T @ kernel
        metric = add_ridge(gram, 1e-6)
        coefficients = np.empty((kernel.shape[1], self.n_bits))
        self.n_iter_ = 0
        for i in range(self.n_bits):
            first = _spectral_start(kernel, residue, metric)
            best, n_iter = _smooth_ascent(kernel, residue, first, self.max_iter)
            self.n_iter_ = max(self.n_iter_, n_iter)
            # The smooth form may end at signs that are worse than those of the start.
            signs = [np.where(kernel @ a > 0, 1.0, -1.0) for a in (first, best)]
            gains = [residue.quadratic(h) for h in signs]
            chosen = int(gains[1] >= gains[0])
            coefficients[:, i] = (first, best)[chosen]
            residue.subtract(signs[chosen])
        return coefficients


class LabelResidue:
    """The part of the label matrix that earlier bits do not explain, in factors.

    R = n_bits * (2 T T' - 1 1') - sum of h h', as positive and negative columns.

    Parameters
    ----------
    targets : ndarray of shape (n_samples, n_classes)
        Class memberships.
    n_bits : int
        Number of bits.
    """

    def __init__(self, targets: NDArray, n_bits: int) -> None:
        unit = normalize(targets.astype(np.float64))
        self._positive = np.sqrt(2 * n_bits) * unit
        self._negative = [np.full((len(unit), 1), np.sqrt(float(n_bits)))]

    def subtract(self, signs: NDArray) -> None:
        """Subtract h h' for the signs h of a bit."""
        self._negative.append(signs[:, None])

    def multiply(self, v: NDArray) -> NDArray:
        """Return R v."""
        plus, minus = self._positive, np.hstack(self._negative)
        return plus @ (plus.T @ v) - minus @ (minus.T @ v)

    def quadratic(self, v: NDArray) -> float:
        """Return v' R v."""
        return float(v @ self.multiply(v))

    def project(self, kernel: NDArray) -> NDArray:
        """Return K' R K."""
        plus, minus = kernel.T @ self._positive, kernel.T @ np.hstack(self._negative)
        return plus @ plus.T - minus @ minus.T


def _spectral_start(kernel: NDArray, residue: LabelResidue, metric: NDArray) -> NDArray:
    """Return the best coefficients if signs are relaxed to unit variance."""
    last = len(metric) - 1
    vector = eigh(residue.project(kernel), metric, subset_by_index=[last, last])[1]
    values = kernel @ vector[:, 0]
    return vector[:, 0] / max(np.sqrt(np.mean(values**2)), np.finfo(float).tiny)


def _smooth_ascent(
    kernel: NDArray, residue: LabelResidue, start: NDArray, max_iter: int
) -> tuple[NDArray, int]:
    """Improve coefficients with tanh(x / 2) in place of the sign of x."""
    scale = 1 / len(kernel) ** 2

    def cost(coefficients: NDArray) -> tuple[float, NDArray]:
        smooth = np.tanh(kernel @ coefficients / 2)
        product = residue.multiply(smooth)
        gradient = kernel.T @ (product * (1 - smooth**2))
        return -scale * (smooth @ product), -scale * gradient

    options = {"maxiter": max_iter}
    found = minimize(cost, start, jac=True, method="L-BFGS-B", options=options)
    return found.x, max(found.nit, 1)
