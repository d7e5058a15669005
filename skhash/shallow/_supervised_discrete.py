"""Supervised discrete hashing: codes that a linear classifier tells apart."""

from numbers import Integral, Real

import numpy as np
from scipy.linalg import cho_factor, cho_solve

from skhash.shallow._anchor_kernel import AnchorKernelHasher
from skhash.shallow._latent import add_ridge
from skhash.utils._compat import Interval


class SupervisedDiscreteHasher(AnchorKernelHasher):
    """Supervised discrete hashing (SDH): codes that are good to classify linearly.

    Learns the codes of the labeled rows as codes, without relaxing the bits to real
    numbers: bit by bit in closed form, in turn with a linear classifier on the codes
    and with the kernel expansions that encode new rows.

    Parameters
    ----------
    n_bits : int, default=32
        The length of the codes.
    alpha : float, default=1.0
        The strength of regularization of the classifier (lambda in the paper).
    nu : float, default=1e-5
        The weight of the fit of the kernel expansions to the codes.
    n_anchors : int, default=1000
        The number of anchors of the kernel expansions, drawn at random.
    gamma : float or "scale", default="scale"
        The Gaussian kernel is exp(-gamma * |x - x'|^2); "scale" is the inverse of the
        mean squared distance of two rows.
    max_iter : int, default=5
        The number of alternations, as in the paper.
    n_components : int, default=300
        The number of latent dimensions in which distances are taken.
    normalize : bool, default=True
        Whether rows get unit length there, so that distances follow the cosine.
    max_samples : int, default=20000
        The number of rows to learn from at most, labeled ones first.
    output : {"bits", "packed"}, default="bits"
        The form of the codes: one column per bit, or eight bits per byte.
    random_state : int, RandomState instance or None, default=None
        Draws rows, anchors and the first codes, and seeds the SVD.

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
    objective_ : ndarray of shape (n_iter_,)
        What is minimized, after each alternation; it never rises.
    n_iter_ : int
        The number of alternations.
    classes_ : ndarray of shape (n_classes,)
        The classes, without -1.
    n_features_in_ : int
        The number of features seen in fit.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Their names, where `X` had some.

    Notes
    -----
    Minimizes |Y - B W|^2 + alpha |W|^2 + nu |B - K P|^2 over codes B, classifier W and
    expansions P (equation 7 of [1]_) in turn: P by least squares (equation 5), with a
    slight ridge, W by ridge regression (equation 8), and the bits by cyclic coordinate
    descent, z = sgn(q - B' W' v) for each (equation 15). With n labeled rows among
    `max_samples`, fit costs O(n_components * nnz(X) + n * n_anchors * (n_anchors +
    max_iter * n_bits)), transform O(n_components * nnz(X) + n_samples * n_anchors *
    (n_components + n_bits)).

    References
    ----------
    .. [1] F. Shen, C. Shen, W. Liu, H. T. Shen, "Supervised discrete hashing", CVPR
       2015. doi:10.1109/CVPR.2015.7298598

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from skhash import SupervisedDiscreteHasher
    >>> X, y = load_iris(return_X_y=True)
    >>> y[::2] = -1  # no label
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
        n_bits=32,
        *,
        alpha=1.0,
        nu=1e-5,
        n_anchors=1000,
        gamma="scale",
        max_iter=5,
        n_components=300,
        normalize=True,
        max_samples=20_000,
        output="bits",
        random_state=None,
    ):
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

    def _fit_kernel(self, kernel, targets, random_state):
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
            wanted = targets @ classifier.T + self.nu * (kernel @ coefficients)
            changed = update_bits(codes, wanted, classifier)
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


def update_bits(codes, wanted, classifier):
    """Set every bit of the codes in turn to its best value, in place.

    Parameters
    ----------
    codes : ndarray of shape (n_samples, n_bits)
        Of -1 and 1; changed.
    wanted : ndarray of shape (n_samples, n_bits)
        Q in the paper: the linear part of the objective.
    classifier : ndarray of shape (n_bits, n_classes)
        The weights of the classifier.

    Returns
    -------
    changed : bool
        Whether any bit changed.
    """
    interaction = classifier @ classifier.T
    np.fill_diagonal(interaction, 0)
    changed = False
    for i in range(codes.shape[1]):
        bits = np.where(wanted[:, i] - codes @ interaction[i] > 0, 1.0, -1.0)
        changed |= not np.array_equal(bits, codes[:, i])
        codes[:, i] = bits
    return changed
