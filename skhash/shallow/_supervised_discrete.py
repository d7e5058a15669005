"""Supervised discrete hashing: codes that a linear classifier tells apart."""

from numbers import Integral, Real
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_factor, cho_solve

from skhash.shallow._anchor_kernel import AnchorKernelHasher
from skhash.shallow._docs import TEXTS
from skhash.shallow._latent import add_ridge
from skhash.utils._compat import Interval
from skhash.utils._docstrings import substitute
from skhash.utils._typing import Output, Seed


@substitute(**TEXTS)
class SupervisedDiscreteHasher(AnchorKernelHasher):
    """Learn codes that a linear classifier separates, without relaxing bits (SDH).

    Alternates between the codes of the labeled samples, bit by bit in closed form, a
    linear classifier on the codes, and the kernel expansions that encode new samples.

    Parameters
    ----------
    n_bits : int, default=32
        {n_bits_text}
    alpha : float, default=1.0
        Regularization strength of the classifier, above 0 (lambda in the paper).
    nu : float, default=1e-5
        Weight of the fit of the kernel expansions to the codes, above 0.
    n_anchors : int, default=1000
        {n_anchors_text}
    gamma : float or "scale", default="scale"
        {gamma_text}
    max_iter : int, default=5
        Number of alternations, at least 1; the default is that of the paper. Learning
        stops earlier once no bit changes.
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
    objective_ : ndarray of shape (n_iter_,)
        Minimized objective after each alternation; it never increases.
    n_iter_ : int
        Number of alternations.
    {classes_attribute}
    {feature_attributes}

    Notes
    -----
    Minimizes |Y - B W|^2 + alpha |W|^2 + nu |B - K P|^2 over codes B, classifier W and
    expansions P (equation 7 of [1]_) in turn: P by least squares (equation 5), with a
    small ridge, W by ridge regression (equation 8), and the bits by cyclic coordinate
    descent, z = sgn(q - B' W' v) for each (equation 15).

    With n labeled samples among `max_samples`, fit costs O(n_components * nnz(X) + n *
    n_anchors * (n_anchors + max_iter * n_bits)), transform O(n_components * nnz(X) +
    n_samples * n_anchors * (n_components + n_bits)).

    References
    ----------
    .. [1] F. Shen, C. Shen, W. Liu, H. T. Shen, "Supervised discrete hashing", CVPR
       2015. doi:10.1109/CVPR.2015.7298598

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from skhash import SupervisedDiscreteHasher
    >>> X, y = load_iris(return_X_y=True)
    >>> y[::2] = -1  # unlabeled
    >>> hasher = SupervisedDiscreteHasher(n_bits=8, random_state=0).fit(X, y)
    >>> hasher.transform(X).shape, hasher.classes_
    ((150, 8), array([0, 1, 2]))
    """

    _parameter_constraints: dict = {
        **AnchorKernelHasher._parameter_constraints,
        "alpha": [Interval(Real, 0, None, closed="neither")],
        "nu": [Interval(Real, 0, None, closed="neither")],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
    }

    def __init__(
        self,
        n_bits: int = 32,
        *,
        alpha: float = 1.0,
        nu: float = 1e-5,
        n_anchors: int = 1000,
        gamma: float | Literal["scale"] = "scale",
        max_iter: int = 5,
        n_components: int = 300,
        normalize: bool = True,
        max_samples: int = 20_000,
        output: Output = "bits",
        random_state: Seed = None,
    ) -> None:
        self.n_bits = n_bits
        self.alpha = alpha
        self.nu = nu
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
        kernel, targets = kernel.astype(np.float64), targets.astype(np.float64)
        gram = kernel.T @ kernel
        ridged = add_ridge(gram, 1e-3)
        ridge = ridged[0, 0] - gram[0, 0]
        factor = cho_factor(ridged)
        shape = (len(kernel), self.n_bits)
        codes = np.where(random_state.standard_normal(shape) > 0, 1.0, -1.0)
        coefficients = cho_solve(factor, kernel.T @ codes)
        objective = []
        for _ in range(self.max_iter):
            classifier = np.linalg.solve(
                codes.T @ codes + self.alpha * np.eye(self.n_bits), codes.T @ targets
            )
            linear = targets @ classifier.T + self.nu * (kernel @ coefficients)
            changed = update_bits(codes, linear, classifier)
            coefficients = cho_solve(factor, kernel.T @ codes)
            fit = np.sum((codes - kernel @ coefficients) ** 2)
            objective.append(
                np.sum((targets - codes @ classifier) ** 2)
                + self.alpha * np.sum(classifier**2)
                + self.nu * (fit + ridge * np.sum(coefficients**2))
            )
            if not changed:
                break
        self.objective_ = np.array(objective)
        self.n_iter_ = len(objective)
        return coefficients


def update_bits(codes: NDArray, linear: NDArray, classifier: NDArray) -> bool:
    """Set each bit of the codes in turn to its best value, in place.

    Parameters
    ----------
    codes : ndarray of shape (n_samples, n_bits)
        Codes of -1 and 1, which are changed.
    linear : ndarray of shape (n_samples, n_bits)
        Linear part of the objective (Q in the paper).
    classifier : ndarray of shape (n_bits, n_classes)
        Weights of the classifier.

    Returns
    -------
    changed : bool
        Whether any bit changed.
    """
    interaction = classifier @ classifier.T
    np.fill_diagonal(interaction, 0)
    changed = False
    for i in range(codes.shape[1]):
        bits = np.where(linear[:, i] - codes @ interaction[i] > 0, 1.0, -1.0)
        changed |= not np.array_equal(bits, codes[:, i])
        codes[:, i] = bits
    return changed
