"""Self-taught hashing: bits from a neighborhood graph, then one classifier per bit."""

from numbers import Integral, Real

import numpy as np
import scipy.sparse as sp
from numpy.typing import ArrayLike, NDArray
from scipy.sparse.linalg import LinearOperator, eigsh
from sklearn import config_context
from sklearn.neighbors import kneighbors_graph
from sklearn.svm import LinearSVC
from sklearn.utils import check_random_state

from skhash.shallow._base import ShallowHasher
from skhash.shallow._docs import TEXTS
from skhash.shallow._latent import draw_rows
from skhash.utils._compat import Interval
from skhash.utils._docstrings import substitute
from skhash.utils._linalg import unit_rows
from skhash.utils._rounding import BoundedRows, Decision
from skhash.utils._thresholds import median_thresholds
from skhash.utils._typing import Output, Rows, Seed

# Similarities that are computed at a time.
_MEGABYTES_PER_BLOCK = 16


@substitute(**TEXTS)
class SelfTaughtHasher(ShallowHasher):
    """Learn balanced bits from a neighborhood graph, then predict them (STH).

    First, the training samples get codes: the smoothest eigenvectors of the Laplacian
    of their nearest-neighbor graph (Laplacian eigenmaps), split at the median. Then one
    linear support vector machine per bit learns to predict it from the features, and
    encodes new samples. Suits text without labels.

    Parameters
    ----------
    n_bits : int, default=32
        Length of the codes, from 1 to the number of training samples minus 1.
    n_neighbors : int, default=10
        Number of neighbors by cosine similarity that a sample is linked to, at least 1.
    C : float, default=0.1
        Inverse of the regularization strength of the classifiers, above 0; samples have
        unit length.
    max_samples : int, default=10000
        Largest number of samples to learn from, at least 2. They are drawn at random.
        The graph takes the similarities of all pairs, block by block.
    output : {"bits", "packed"}, default="bits"
        {output_text}
    random_state : int, RandomState instance or None, default=None
        {random_state_text}

    Attributes
    ----------
    coef_ : ndarray of shape (n_bits, n_features)
        Weights of the classifiers.
    intercept_ : ndarray of shape (n_bits,)
        Intercepts of the classifiers.
    {feature_attributes}

    Notes
    -----
    Both stages are those of section 3 of [1]_: edges are weighted by the cosine, the
    eigenvectors solve L v = lambda D v, and the classifiers have no kernel. A weak
    edge between all samples joins the components of the graph, whose eigenvectors would
    otherwise mark single samples.

    With n = min(n_samples, max_samples), fit costs O(n * nnz(X)) for the graph, O(n *
    n_bits * (n_neighbors + n_bits)) per restart of the eigensolver and
    O(n_bits * nnz(X)) per iteration of the classifiers; transform costs
    O(n_bits * nnz(X)).

    References
    ----------
    .. [1] D. Zhang, J. Wang, D. Cai, J. Lu, "Self-taught hashing for fast similarity
       search", SIGIR 2010. doi:10.1145/1835449.1835455

    Examples
    --------
    >>> import numpy as np
    >>> from skhash import SelfTaughtHasher
    >>> X = np.random.RandomState(0).rand(100, 5)
    >>> hasher = SelfTaughtHasher(n_bits=4, random_state=0).fit(X)
    >>> hasher.transform(X).shape
    (100, 4)
    """

    _parameter_constraints: dict = {
        **ShallowHasher._parameter_constraints,
        "n_neighbors": [Interval(Integral, 1, None, closed="left")],
        "C": [Interval(Real, 0, None, closed="neither")],
        "max_samples": [Interval(Integral, 2, None, closed="left")],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        n_bits: int = 32,
        *,
        n_neighbors: int = 10,
        C: float = 0.1,
        max_samples: int = 10_000,
        output: Output = "bits",
        random_state: Seed = None,
    ) -> None:
        self.n_bits = n_bits
        self.n_neighbors = n_neighbors
        self.C = C
        self.max_samples = max_samples
        self.output = output
        self.random_state = random_state

    def _fit(self, X: Rows, y: ArrayLike | None) -> None:
        random_state = check_random_state(self.random_state)
        X = X[draw_rows(X.shape[0], self.max_samples, random_state=random_state)]
        if self.n_bits >= X.shape[0]:
            raise ValueError(
                "n_bits must be less than the number of samples to learn from, one "
                f"eigenvector of their graph per bit; got n_bits={self.n_bits} with "
                f"n_samples={X.shape[0]}."
            )
        X = unit_rows(X)[0]
        if sp.issparse(X):
            # LIBLINEAR needs 32-bit indices, which suffice for `max_samples` samples.
            X.indices = X.indices.astype(np.int32)
            X.indptr = X.indptr.astype(np.int32)
        bits = graph_bits(X, self.n_bits, self.n_neighbors, random_state=random_state)
        self.coef_ = np.zeros((self.n_bits, X.shape[1]), dtype=X.dtype)
        self.intercept_ = np.where(bits.all(axis=0), 1, -1).astype(X.dtype)
        for i in np.flatnonzero(bits.any(axis=0) & ~bits.all(axis=0)):
            classifier = LinearSVC(C=self.C, tol=1e-2, random_state=random_state)
            classifier.fit(X, bits[:, i])
            self.coef_[i] = classifier.coef_[0]
            self.intercept_[i] = classifier.intercept_[0]

    def _decide(self, X: BoundedRows) -> Decision:
        return X.unit().project(self.coef_).shift(self.intercept_).above()


def graph_bits(
    X: Rows, n_bits: int, n_neighbors: int, *, random_state: np.random.RandomState
) -> NDArray[np.bool_]:
    """Return balanced bits of samples by Laplacian eigenmaps.

    Parameters
    ----------
    X : {ndarray, CSR} of shape (n_samples, n_features)
        Samples of unit length, more than bits.
    n_bits : int
        Number of bits.
    n_neighbors : int
        Number of neighbors in the graph.
    random_state : RandomState instance
        Draws the start of the eigensolver.

    Returns
    -------
    bits : ndarray of shape (n_samples, n_bits), bool
        Each column has as many ones as zeros, up to ties.
    """
    n_neighbors = min(n_neighbors, X.shape[0] - 1)
    # In blocks of rows, between which an interrupt is noticed.
    with config_context(working_memory=_MEGABYTES_PER_BLOCK):
        graph = kneighbors_graph(X, n_neighbors, mode="distance", metric="cosine")
    graph.data = np.maximum(1 - graph.data, 0)
    graph = (graph + graph.T) / 2
    eigenvectors = smooth_eigenvectors(graph, n_bits, random_state=random_state)
    return eigenvectors > median_thresholds(eigenvectors)


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
