"""Compute singular directions, lengths of rows, and rotations towards signs."""

from itertools import pairwise

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from sklearn.utils.extmath import randomized_svd, row_norms, svd_flip

from skhash.utils._compat import inplace_csr_row_normalize_l2
from skhash.utils._interrupts import interruptible
from skhash.utils._typing import Rows, Seed

# NumPy splits longer sums of products at places that depend on the number of rows.
_COLUMNS_PER_SUM = 4096
# Eigenvalues that differ by less, relative to the largest, count as equal.
_EQUAL_EIGENVALUES = 1e-9


def singular_directions(
    X: Rows,
    n_directions: int,
    *,
    random_state: Seed,
    n_iter: int = 5,
) -> NDArray:
    """Return the leading right singular vectors of `X`, which is not centered.

    The same as the components of :class:`~sklearn.decomposition.TruncatedSVD`,
    without its pass over `X` for variances, and also for a single feature or for
    samples that are all the same.

    Parameters
    ----------
    X : {ndarray, CSR} of shape (n_samples, n_features)
        The samples.
    n_directions : int
        The number of directions, at least 1; fewer are returned if `X` has fewer
        rows or columns.
    random_state : int, RandomState instance or None
        Seeds the randomized SVD.
    n_iter : int, default=5
        The number of power iterations.

    Returns
    -------
    directions : ndarray of shape (n_directions, n_features)
        Orthonormal rows.
    """
    left, _, right = interruptible(
        randomized_svd,
        X,
        n_components=min(n_directions, *X.shape),
        n_iter=n_iter,
        flip_sign=False,
        random_state=random_state,
    )
    return svd_flip(left, right, u_based_decision=False)[1]


def settle_equal_eigenvalues(values: NDArray, vectors: NDArray) -> NDArray:
    """Choose one basis of the eigenvectors of each eigenvalue that occurs repeatedly.

    LAPACK returns any of them, which depends on rounding and so on the number of
    threads that BLAS has at the moment.

    Parameters
    ----------
    values : ndarray of shape (n_vectors,)
        Eigenvalues, ascending or descending.
    vectors : ndarray of shape (n_dimensions, n_vectors)
        Their eigenvectors, orthonormal.

    Returns
    -------
    settled : ndarray of shape (n_dimensions, n_vectors)
        Eigenvectors of the same eigenvalues; those of other ones are as they were.
    """
    gaps = np.abs(np.diff(values)) > _EQUAL_EIGENVALUES * np.abs(values).max(initial=0)
    edges = np.concatenate([[0], np.flatnonzero(gaps) + 1, [len(values)]])
    settled = vectors.copy()
    for first, last in pairwise(edges):
        if last - first > 1:
            space = vectors[:, first:last]
            # The projections of fixed vectors depend on the space alone.
            drawn = np.random.default_rng(0).standard_normal((len(space), last - first))
            basis, triangle = np.linalg.qr(space @ (space.T @ drawn))
            settled[:, first:last] = basis * np.where(np.diag(triangle) < 0, -1, 1)
    return settled


def unit_rows(X: Rows) -> tuple[Rows, NDArray]:
    """Divide rows by their Euclidean length, whatever the scale.

    Parameters
    ----------
    X : {ndarray, CSR} of shape (n_samples, n_columns)
        The rows. Rows of zeros stay as they are.

    Returns
    -------
    rows : {ndarray, CSR} of shape (n_samples, n_columns)
        Each depends on its row of `X` alone.
    lengths : ndarray of shape (n_samples,)
        The lengths of the rows of `X`.
    """
    # Powers of two scale without rounding, and squares neither overflow nor vanish.
    if sp.issparse(X):
        exponents = _exponents(abs(X).max(axis=1).toarray().ravel())
        X = X.copy()
        X.data = np.ldexp(X.data, np.repeat(-exponents, np.diff(X.indptr)))
        lengths = row_norms(X)
        inplace_csr_row_normalize_l2(X)
    else:
        exponents = _exponents(np.maximum(X.max(axis=1), -X.min(axis=1)))
        X = np.ldexp(X, -exponents[:, None], order="C")
        lengths = np.sqrt(row_squares(X))
        X /= np.where(lengths > 0, lengths, 1)[:, None]
    return X, np.ldexp(lengths, exponents)


def extreme_exponent(X: Rows) -> int:
    """Return the binary exponent of the largest magnitude if it is extreme, else 0.

    Parameters
    ----------
    X : {ndarray, CSR} of shape (n_samples, n_columns)
        The rows.

    Returns
    -------
    exponent : int
        Not 0 if sums of fourth powers of the values could overflow or underflow.
    """
    values = X.data if sp.issparse(X) else X
    largest = max(values.max(initial=0), -values.min(initial=0))
    exponent = int(np.frexp(largest)[1])
    return exponent if abs(exponent) > np.finfo(values.dtype).maxexp // 5 else 0


def _exponents(largest: NDArray) -> NDArray[np.integer]:
    return np.where(np.isfinite(largest), np.frexp(largest)[1], 0)


def row_squares(X: NDArray) -> NDArray:
    """Return the squared Euclidean length of each row, which depends on it alone.

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_columns)
        The rows.

    Returns
    -------
    squares : ndarray of shape (n_samples,)
        The sums of squares.
    """
    squares = np.zeros(X.shape[0], dtype=X.dtype)
    for first in range(0, X.shape[1], _COLUMNS_PER_SUM):
        part = X[:, first : first + _COLUMNS_PER_SUM]
        squares += np.einsum("ij,ij->i", part, part)
    return squares


def learn_rotation(
    V: NDArray, n_bits: int, max_iter: int, *, random_state: np.random.RandomState
) -> tuple[NDArray, NDArray]:
    """Learn the rotation that loses least if only the signs are kept.

    Parameters
    ----------
    V : ndarray of shape (n_samples, n_components)
        Centered samples; no more columns than bits.
    n_bits : int
        Number of bits.
    max_iter : int
        Number of alternations; fewer if no bit changes any more.
    random_state : RandomState instance
        Draws the first rotation.

    Returns
    -------
    rotation : ndarray of shape (n_components, n_bits)
        Orthonormal rows.
    losses : ndarray of shape (n_iter,)
        Mean of (B - V R)^2 after each alternation, for V scaled to a mean square of 1
        per bit; it never increases.
    """
    n_components = V.shape[1]
    start = random_state.standard_normal((n_bits, n_components))
    rotation = np.linalg.qr(start)[0].T.astype(V.dtype)
    # |B - VR|^2 = |B|^2 + |V|^2 - 2 <B, VR>, of which only the last term varies.
    scale = np.sqrt(V.size and np.sum(V**2, dtype=np.float64) / (len(V) * n_bits))
    losses: list[float] = []
    previous = None
    for _ in range(max_iter):
        signs = V @ rotation > 0
        if previous is not None and np.array_equal(signs, previous):
            break
        previous = signs
        correlation = V.T @ np.where(signs, V.dtype.type(1), V.dtype.type(-1))
        left, _, right = np.linalg.svd(correlation, full_matrices=False)
        rotation = left @ right
        agreement = np.sum(correlation * rotation, dtype=np.float64)
        losses.append(2 - 2 * agreement / (signs.size * scale) if scale else 1.0)
    return rotation, np.array(losses)


def ridge_weights(
    inputs: NDArray[np.float64], targets: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the weights of a ridge regression with a penalty of 1.

    Parameters
    ----------
    inputs : ndarray of shape (n_rows, n_inputs)
        The inputs.
    targets : ndarray of shape (n_rows, n_targets)
        What to predict.

    Returns
    -------
    weights : ndarray of shape (n_inputs + 1, n_targets)
        The last row is the intercept.
    """
    with_ones = np.column_stack([inputs, np.ones(len(inputs))])
    gram = with_ones.T @ with_ones
    gram[np.diag_indices_from(gram)] += 1.0
    return np.linalg.solve(gram, with_ones.T @ targets)
