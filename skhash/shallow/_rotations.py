"""Rotations of the principal components: iterative quantization, isotropic hashing."""

import warnings
from numbers import Integral, Real

import numpy as np
import scipy.sparse as sp
from numpy.typing import ArrayLike, NDArray
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_random_state

from skhash.shallow._base import ShallowHasher
from skhash.shallow._docs import TEXTS
from skhash.shallow._projections import principal_directions, project
from skhash.utils._compat import Interval
from skhash.utils._docstrings import substitute
from skhash.utils._linalg import learn_rotation, unit_rows
from skhash.utils._rounding import BoundedRows, Decision
from skhash.utils._typing import Output, Rows, Seed


@substitute(**TEXTS)
class ITQHasher(ShallowHasher):
    """Rotate principal components to lose little as signs (ITQ).

    Principal components differ in variance, so that their signs represent some
    coordinates of a sample well and others poorly. Iterative quantization rotates them
    until the samples lie close to the corners of a cube. Suits the retrieval of near
    samples, rather than of samples of the same class.

    Parameters
    ----------
    n_bits : int, default=32
        Length of the codes, at least 1. With more bits than principal directions, the
        rotation is overcomplete: a tight frame of `n_bits` directions.
    normalize : bool, default=True
        Whether samples are scaled to unit length among the principal components, so
        that the bits represent directions only. False keeps the lengths, as the paper
        does.
    max_iter : int, default=50
        {itq_max_iter_text}
    output : {"bits", "packed"}, default="bits"
        {output_text}
    random_state : int, RandomState instance or None, default=None
        {random_state_text}

    Attributes
    ----------
    components_ : ndarray of shape (n_components, n_features)
        Principal directions.
    offset_ : ndarray of shape (n_components,)
        Their mean, subtracted before samples are scaled to unit length; zeros for
        sparse samples.
    mean_ : ndarray of shape (n_components,)
        Mean of the scaled samples, subtracted before the rotation.
    rotation_ : ndarray of shape (n_components, n_bits)
        Learned rotation with orthonormal rows.
    quantization_loss_ : ndarray of shape (n_iter_,)
        Mean squared difference between coordinates and their signs after each
        alternation.
    n_iter_ : int
        Number of alternations.
    {feature_attributes}

    Notes
    -----
    Minimizes |B - VR|^2 (equation 2 of [1]_) in turn by B = sgn(VR), which maximizes
    <B, VR> in its expansion (equation 3), and by the orthogonal Procrustes problem for
    R (section 2.2); neither step increases the loss.

    Fit costs O(n_bits * nnz(X) + max_iter * n_samples * n_bits^2), transform
    O(n_bits * nnz(X) + n_samples * n_bits^2).

    References
    ----------
    .. [1] Y. Gong, S. Lazebnik, "Iterative quantization: a Procrustean approach to
       learning binary codes", CVPR 2011. doi:10.1109/CVPR.2011.5995432

    Examples
    --------
    >>> import numpy as np
    >>> from skhash import ITQHasher
    >>> X = np.array([[0.0, 1.0], [0.1, 1.1], [5.0, 3.0], [5.1, 3.1]])
    >>> codes = ITQHasher(n_bits=4, random_state=0).fit_transform(X)
    >>> bool((codes[0] == codes[1]).all()), bool((codes[0] == codes[2]).all())
    (True, False)
    """

    _parameter_constraints: dict = {
        **ShallowHasher._parameter_constraints,
        "normalize": ["boolean"],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "random_state": ["random_state"],
    }
    _encoding_parameters = ("normalize",)

    def __init__(
        self,
        n_bits: int = 32,
        *,
        normalize: bool = True,
        max_iter: int = 50,
        output: Output = "bits",
        random_state: Seed = None,
    ) -> None:
        self.n_bits = n_bits
        self.normalize = normalize
        self.max_iter = max_iter
        self.output = output
        self.random_state = random_state

    def _fit(self, X: Rows, y: ArrayLike | None) -> None:
        random_state = check_random_state(self.random_state)
        self.components_, offset = principal_directions(
            X, min(self.n_bits, *X.shape), random_state=random_state
        )
        # The direction from the origin is informative for sparse samples, which are
        # mostly counts of words; for dense ones it is the direction from the mean.
        self.offset_ = offset * 0 if sp.issparse(X) else offset
        V = project(X, self.components_) - self.offset_
        if self.normalize:
            V = unit_rows(V)[0]
        self.mean_ = V.mean(axis=0)
        self.rotation_, self.quantization_loss_ = learn_rotation(
            V - self.mean_, self.n_bits, self.max_iter, random_state=random_state
        )
        self.n_iter_ = len(self.quantization_loss_)

    def _decide(self, X: BoundedRows) -> Decision:
        V = X.project(self.components_).shift(-self.offset_)
        if self.normalize:
            V = V.unit()
        return V.shift(-self.mean_).project(self.rotation_.T).above()


@substitute(**TEXTS)
class IsotropicHasher(ShallowHasher):
    """Rotate principal components to equal variance (isotropic hashing).

    All bits of a PCA code count the same in the Hamming distance, although the
    components behind them differ in variance. A rotation in the principal subspace
    makes all variances equal without loss of information.

    Parameters
    ----------
    n_bits : int, default=32
        Length of the codes, from 1 to min(n_samples, n_features).
    tol : float, default=1e-6
        Largest relative deviation of a variance from their mean at which the
        alternations stop, above 0.
    max_iter : int, default=1000
        Largest number of alternations, at least 1.
    output : {"bits", "packed"}, default="bits"
        {output_text}
    random_state : int, RandomState instance or None, default=None
        {random_state_text}

    Attributes
    ----------
    components_ : ndarray of shape (n_bits, n_features)
        Rotated principal directions.
    thresholds_ : ndarray of shape (n_bits,)
        Mean projection of the training samples; a bit is set above it.
    n_iter_ : int
        Number of alternations.
    {feature_attributes}

    Warns
    -----
    ConvergenceWarning
        If the variances still differ by more than `tol` after `max_iter` alternations.

    Notes
    -----
    The method "lift and projection" (IsoHash-LP, algorithm 1 of [1]_) minimizes
    |T - Z|^2 in turn over the matrices Z with the variances as eigenvalues and the
    matrices T with a constant diagonal.

    Fit costs O(n_bits * nnz(X) + n_samples * n_bits^2 + max_iter * n_bits^3), transform
    O(n_bits * nnz(X)).

    References
    ----------
    .. [1] W. Kong, W.-J. Li, "Isotropic hashing", NIPS 2012.

    Examples
    --------
    >>> import numpy as np
    >>> from skhash import IsotropicHasher
    >>> X = np.random.RandomState(0).randn(100, 3) * [9, 3, 1]
    >>> hasher = IsotropicHasher(n_bits=3, random_state=0).fit(X)
    >>> variances = (X @ hasher.components_.T).var(axis=0)
    >>> (variances / variances.mean()).round(4)
    array([1., 1., 1.])
    """

    _parameter_constraints: dict = {
        **ShallowHasher._parameter_constraints,
        "tol": [Interval(Real, 0, None, closed="neither")],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        n_bits: int = 32,
        *,
        tol: float = 1e-6,
        max_iter: int = 1000,
        output: Output = "bits",
        random_state: Seed = None,
    ) -> None:
        self.n_bits = n_bits
        self.tol = tol
        self.max_iter = max_iter
        self.output = output
        self.random_state = random_state

    def _fit(self, X: Rows, y: ArrayLike | None) -> None:
        random_state = check_random_state(self.random_state)
        components, means = principal_directions(
            X, self.n_bits, random_state=random_state
        )
        # Exact principal axes within the subspace: those of a truncated SVD are not
        # centered, and those of a randomized one only approximate.
        variances, axes = np.linalg.eigh(
            np.atleast_2d(np.cov(project(X, components).T))
        )
        rotation, self.n_iter_ = equalize_variances(
            variances, self.tol, self.max_iter, random_state=random_state
        )
        rotation = (rotation @ axes.T).astype(components.dtype)
        self.components_ = rotation @ components
        self.thresholds_ = rotation @ means

    def _decide(self, X: BoundedRows) -> Decision:
        return X.project(self.components_).above(self.thresholds_)


def equalize_variances(
    variances: NDArray,
    tol: float,
    max_iter: int,
    *,
    random_state: np.random.RandomState,
) -> tuple[NDArray, int]:
    """Find a rotation after which independent coordinates have equal variance.

    Parameters
    ----------
    variances : ndarray of shape (n_components,)
        The variances.
    tol : float
        Largest relative deviation from their mean at which to stop.
    max_iter : int
        Largest number of alternations.
    random_state : RandomState instance
        Draws the start.

    Returns
    -------
    rotation : ndarray of shape (n_components, n_components)
        Orthogonal; ``rotation @ coordinates`` are the new coordinates.
    n_iter : int
        Number of alternations.

    Warns
    -----
    ConvergenceWarning
        If the deviation is larger than `tol` after `max_iter` alternations.
    """
    mean = variances.mean()
    shape = (len(variances), len(variances))
    rotation = np.linalg.qr(random_state.standard_normal(shape))[0]
    for n_iter in range(max_iter + 1):
        covariance = (rotation * variances) @ rotation.T
        deviation = np.abs(covariance.diagonal() - mean).max()
        if deviation <= tol * mean:
            return rotation, n_iter
        if n_iter < max_iter:
            np.fill_diagonal(covariance, mean)
            rotation = np.linalg.eigh(covariance)[1]
    warnings.warn(
        f"The variances still differ from their mean by {deviation / mean:.1e} of it "
        f"after max_iter={max_iter} alternations; increase max_iter or tol={tol}.",
        ConvergenceWarning,
        stacklevel=2,
    )
    return rotation, max_iter
