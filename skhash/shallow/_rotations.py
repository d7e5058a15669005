"""Rotations of the principal components: iterative quantization, isotropic hashing."""

from numbers import Integral, Real

import numpy as np
import scipy.sparse as sp
from sklearn.utils import check_random_state

from skhash.shallow._base import ShallowHasher
from skhash.shallow._projections import principal_directions, project
from skhash.utils._compat import Interval
from skhash.utils._linalg import unit_rows


class ITQHasher(ShallowHasher):
    """Iterative quantization: principal components, rotated to lose little as signs.

    Principal components differ in variance, so that their signs keep some coordinates
    of a row well and others not at all. ITQ rotates them until the rows lie close to
    the corners of a cube. The choice where near rows are wanted, rather than rows of
    the same class.

    Parameters
    ----------
    n_bits : int, default=32
        The length of the codes. With more bits than principal directions, the
        rotation is overcomplete: a tight frame of `n_bits` directions.
    normalize : bool, default=True
        Whether rows get unit length among the principal components, so that the bits
        keep directions only. False keeps the lengths, as the paper does.
    max_iter : int, default=50
        The number of alternations at most.
    output : {"bits", "packed"}, default="bits"
        The form of the codes: one column per bit, or eight bits per byte.
    random_state : int, RandomState instance or None, default=None
        Seeds the randomized SVD and draws the first rotation.

    Attributes
    ----------
    components_ : ndarray of shape (n_components, n_features)
        The principal directions.
    offset_ : ndarray of shape (n_components,)
        Their mean, subtracted before rows get unit length: zeros for sparse rows.
    mean_ : ndarray of shape (n_components,)
        The mean of the principal components, subtracted before the rotation.
    rotation_ : ndarray of shape (n_components, n_bits)
        The learned rotation; its rows are orthonormal.
    quantization_loss_ : ndarray of shape (n_iter_,)
        The mean squared distance of a coordinate to its sign, by alternation.
    n_iter_ : int
        The number of alternations until no bit changed.
    n_features_in_ : int
        The number of features seen in fit.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Their names, where `X` had some.

    Notes
    -----
    Minimizes |B - VR|^2 (equation 2 of [1]_) in turn by B = sgn(VR), which maximizes
    <B, VR> in its expansion (equation 3), and by the orthogonal Procrustes problem for
    R (section 2.2); neither step raises the loss. Fit costs
    O(n_bits * nnz(X) + max_iter * n_samples * n_bits^2), transform
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

    def __init__(
        self,
        n_bits=32,
        *,
        normalize=True,
        max_iter=50,
        output="bits",
        random_state=None,
    ):
        self.n_bits = n_bits
        self.normalize = normalize
        self.max_iter = max_iter
        self.output = output
        self.random_state = random_state

    def _fit(self, X, y):
        random_state = check_random_state(self.random_state)
        self.components_, offset = principal_directions(
            X, min(self.n_bits, *X.shape), random_state=random_state
        )
        # Sparse rows, counts of words mostly, mean something by their direction from
        # the origin; dense ones by their direction from the mean.
        self.offset_ = offset * 0 if sp.issparse(X) else offset
        V = project(X, self.components_) - self.offset_
        if self.normalize:
            V = unit_rows(V)[0]
        self.mean_ = V.mean(axis=0)
        self.rotation_, self.quantization_loss_ = learn_rotation(
            V - self.mean_, self.n_bits, self.max_iter, random_state=random_state
        )
        self.n_iter_ = len(self.quantization_loss_)

    def _decide(self, X):
        V = X.project(self.components_).shift(-self.offset_)
        if self.normalize:
            V = V.unit()
        return V.shift(-self.mean_).project(self.rotation_.T).above()


class IsotropicHasher(ShallowHasher):
    """Isotropic hashing: principal components, rotated to equal variance.

    Each bit of a PCA code counts the same in the Hamming distance, although the
    components behind them differ in variance. A rotation in the principal subspace
    makes all variances equal, and loses nothing of the subspace.

    Parameters
    ----------
    n_bits : int, default=32
        The length of the codes; at most min(n_samples, n_features).
    tol : float, default=1e-6
        Stop when no variance differs from their mean by more than this share of it.
    max_iter : int, default=1000
        The number of alternations at most.
    output : {"bits", "packed"}, default="bits"
        The form of the codes: one column per bit, or eight bits per byte.
    random_state : int, RandomState instance or None, default=None
        Seeds the randomized SVD and draws the first rotation.

    Attributes
    ----------
    components_ : ndarray of shape (n_bits, n_features)
        The rotated principal directions.
    thresholds_ : ndarray of shape (n_bits,)
        The mean projection of the training rows; a bit is set above it.
    n_iter_ : int
        The number of alternations.
    n_features_in_ : int
        The number of features seen in fit.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Their names, where `X` had some.

    Notes
    -----
    The method "lift and projection" (IsoHash-LP, algorithm 1 of [1]_) minimizes
    |T - Z|^2 in turn over the matrices Z with the variances as eigenvalues and the
    matrices T with a constant diagonal. Fit costs O(n_bits * nnz(X) + n_samples *
    n_bits^2 + max_iter * n_bits^3), transform O(n_bits * nnz(X)).

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
        n_bits=32,
        *,
        tol=1e-6,
        max_iter=1000,
        output="bits",
        random_state=None,
    ):
        self.n_bits = n_bits
        self.tol = tol
        self.max_iter = max_iter
        self.output = output
        self.random_state = random_state

    def _fit(self, X, y):
        random_state = check_random_state(self.random_state)
        components, means = principal_directions(
            X, self.n_bits, random_state=random_state
        )
        # Exact principal axes within the subspace: those of a truncated SVD are not
        # centered, and those of a randomized one only close.
        variances, axes = np.linalg.eigh(
            np.atleast_2d(np.cov(project(X, components).T))
        )
        rotation, self.n_iter_ = equalize_variances(
            variances, self.tol, self.max_iter, random_state=random_state
        )
        rotation = (rotation @ axes.T).astype(components.dtype)
        self.components_ = rotation @ components
        self.thresholds_ = rotation @ means

    def _decide(self, X):
        return X.project(self.components_).above(self.thresholds_)


def learn_rotation(V, n_bits, max_iter, *, random_state):
    """Learn the rotation that loses least when only the signs are kept.

    Parameters
    ----------
    V : ndarray of shape (n_samples, n_components)
        Centered rows; no more columns than bits.
    n_bits : int
        The number of bits.
    max_iter : int
        The number of alternations.
    random_state : RandomState instance
        Draws the first rotation.

    Returns
    -------
    rotation : ndarray of shape (n_components, n_bits)
        Orthonormal rows.
    losses : ndarray of shape (n_iter,)
        The mean of (B - V R)^2 after each alternation, for V scaled to a mean square
        of 1 a bit; it never rises.
    """
    n_components = V.shape[1]
    start = random_state.standard_normal((n_bits, n_components))
    rotation = np.linalg.qr(start)[0].T.astype(V.dtype)
    # |B - VR|^2 = |B|^2 + |V|^2 - 2 <B, VR>, where only the last term varies.
    scale = np.sqrt(V.size and np.sum(V**2, dtype=np.float64) / (len(V) * n_bits))
    losses = []
    signs = None
    for _ in range(max_iter):
        previous, signs = signs, V @ rotation > 0
        if previous is not None and np.array_equal(signs, previous):
            break
        correlation = V.T @ np.where(signs, V.dtype.type(1), V.dtype.type(-1))
        left, _, right = np.linalg.svd(correlation, full_matrices=False)
        rotation = left @ right
        agreement = np.sum(correlation * rotation, dtype=np.float64)
        losses.append(2 - 2 * agreement / (signs.size * scale) if scale else 1.0)
    return rotation, np.array(losses)


def equalize_variances(variances, tol, max_iter, *, random_state):
    """Find a rotation after which independent coordinates have equal variance.

    Parameters
    ----------
    variances : ndarray of shape (n_components,)
        The variances, ascending.
    tol : float
        The largest relative difference to allow.
    max_iter : int
        The number of alternations at most.
    random_state : RandomState instance
        Draws the start.

    Returns
    -------
    rotation : ndarray of shape (n_components, n_components)
        Orthogonal; ``rotation @ coordinates`` are the new ones.
    n_iter : int
        The number of alternations made.
    """
    mean = variances.mean()
    shape = (len(variances), len(variances))
    rotation = np.linalg.qr(random_state.standard_normal(shape))[0]
    for n_iter in range(max_iter):
        covariance = (rotation * variances) @ rotation.T
        if np.abs(covariance.diagonal() - mean).max() <= tol * mean:
            return rotation, n_iter
        np.fill_diagonal(covariance, mean)
        rotation = np.linalg.eigh(covariance)[1]
    return rotation, max_iter
