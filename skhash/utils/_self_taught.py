"""The two steps of self-taught hashing: bits by a graph, and linear models of bits."""

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from scipy.sparse.linalg import LinearOperator, eigsh
from sklearn import config_context
from sklearn.neighbors import kneighbors_graph
from sklearn.svm import LinearSVC

from skhash.utils._thresholds import median_thresholds
from skhash.utils._typing import Rows

# Similarities that are computed at a time.
_MEGABYTES_PER_BLOCK = 16


def cosine_graph(X: Rows, n_neighbors: int) -> sp.csr_array:
    """Return the graph of the nearest neighbors by cosine similarity.

    Parameters
    ----------
    X : {ndarray, CSR} of shape (n_samples, n_features)
        At least two samples.
    n_neighbors : int
        Number of neighbors that a sample is linked to.

    Returns
    -------
    graph : CSR of shape (n_samples, n_samples)
        Symmetric weights: the cosines, 0 instead of negative ones, and half of it if
        only one of the two samples is a neighbor of the other.
    """
    n_neighbors = min(n_neighbors, X.shape[0] - 1)
    # In blocks of rows, between which an interrupt is noticed.
    with config_context(working_memory=_MEGABYTES_PER_BLOCK):
        graph = kneighbors_graph(X, n_neighbors, mode="distance", metric="cosine")
    graph.data = np.maximum(1 - graph.data, 0)
    return (graph + graph.T) / 2


def graph_bits(
    graph: sp.csr_array, n_bits: int, *, random_state: np.random.RandomState
) -> NDArray[np.bool_]:
    """Return balanced bits of samples by Laplacian eigenmaps.

    Parameters
    ----------
    graph : CSR of shape (n_samples, n_samples)
        Symmetric, non-negative weights.
    n_bits : int
        Number of bits, less than n_samples.
    random_state : RandomState instance
        Draws the start of the eigensolver.

    Returns
    -------
    bits : ndarray of shape (n_samples, n_bits), bool
        Each column has as many ones as zeros, up to ties.
    """
    eigenvectors = smooth_eigenvectors(graph, n_bits, random_state=random_state)
    return eigenvectors > median_thresholds(eigenvectors)


def learn_bits(
    X: Rows,
    bits: NDArray[np.bool_],
    *,
    C: float,
    random_state: np.random.RandomState,
) -> tuple[NDArray, NDArray]:
    """Fit a linear support vector machine to each bit.

    Parameters
    ----------
    X : {ndarray, CSR} of shape (n_samples, n_features)
        Samples of unit length.
    bits : ndarray of shape (n_samples, n_bits), bool
        Their bits.
    C : float
        Inverse of the regularization strength, above 0.
    random_state : RandomState instance
        Draws the order of the samples.

    Returns
    -------
    coef : ndarray of shape (n_bits, n_features)
        Weights; zeros for a bit that is the same for all samples.
    intercept : ndarray of shape (n_bits,)
        Intercepts; 1 or -1 for such a bit.
    """
    if sp.issparse(X):
        # LIBLINEAR needs 32-bit indices.
        X.indices = X.indices.astype(np.int32, copy=False)
        X.indptr = X.indptr.astype(np.int32, copy=False)
    coef = np.zeros((bits.shape[1], X.shape[1]), dtype=X.dtype)
    intercept = np.where(bits.all(axis=0), 1, -1).astype(X.dtype)
    for i in np.flatnonzero(bits.any(axis=0) & ~bits.all(axis=0)):
        classifier = LinearSVC(C=C, tol=1e-2, random_state=random_state)
        classifier.fit(X, bits[:, i])
        coef[i], intercept[i] = classifier.coef_[0], classifier.intercept_[0]
    return coef, intercept


def smooth_eigenvectors(
    graph: sp.csr_array,
    n_vectors: int,
    *,
    random_state: np.random.RandomState,
    joint: float = 1e-2,
) -> NDArray:
    """Return the smoothest non-constant eigenvectors of a graph's Laplacian.

    They solve L v = lambda D v. The largest eigenvalues of the normalized graph are
    found directly, which is many times as fast on these dense neighborhoods as
    scikit-learn's SpectralEmbedding, which inverts a shifted Laplacian.

    Parameters
    ----------
    graph : CSR of shape (n_samples, n_samples)
        Symmetric, non-negative weights.
    n_vectors : int
        Number of eigenvectors, less than n_samples.
    random_state : RandomState instance
        Draws the start.
    joint : float, default=1e-2
        Total weight of the edges between a sample and all samples, as a fraction of
        the mean degree.

    Returns
    -------
    eigenvectors : ndarray of shape (n_samples, n_vectors)
        In descending order of smoothness.
    """
    n_samples = graph.shape[0]
    graph = graph.astype(np.float64)
    degrees = np.asarray(graph.sum(axis=1)).ravel()
    weak = joint * degrees.mean() or 1.0
    scale = 1 / np.sqrt(degrees + weak)

    def multiply(v: NDArray) -> NDArray:
        v = scale * v.ravel()
        return scale * (graph @ v + weak * v.mean())

    if n_samples < 10 * (n_vectors + 1):
        dense = graph.toarray() + weak / n_samples
        values, vectors = np.linalg.eigh(scale[:, None] * dense * scale)
    else:
        values, vectors = eigsh(
            LinearOperator((n_samples, n_samples), multiply, dtype=np.float64),
            n_vectors + 1,
            which="LA",
            v0=random_state.uniform(-1, 1, n_samples),
            tol=1e-4,
        )
    order = np.argsort(-values, kind="stable")[1 : n_vectors + 1]
    return scale[:, None] * vectors[:, order]
