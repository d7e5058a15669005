"""Self-taught hashing: bits from a neighborhood graph, then a classifier a bit."""

from numbers import Integral, Real

import numpy as np
import scipy.sparse as sp
from scipy.sparse.linalg import LinearOperator, eigsh
from sklearn.neighbors import kneighbors_graph
from sklearn.svm import LinearSVC
from sklearn.utils import check_random_state

from skhash.shallow._base import ShallowHasher
from skhash.shallow._latent import draw_rows
from skhash.utils._compat import Interval
from skhash.utils._linalg import unit_rows
from skhash.utils._thresholds import median_thresholds


class SelfTaughtHasher(ShallowHasher):
    """Self-taught hashing: balanced bits from a neighborhood graph, then learned.

    First, the training rows get codes: the smoothest eigenvectors of the Laplacian of
    their nearest-neighbor graph (Laplacian eigenmaps), split at the median. Then a
    linear support vector machine for each bit learns to tell it from the features, and
    encodes any row. Strong on text without labels.

    Parameters
    ----------
    n_bits : int, default=32
        The length of the codes; less than the number of training rows.
    n_neighbors : int, default=10
        The number of neighbors, by the cosine, that a row is linked to.
    C : float, default=0.1
        The inverse of the strength of regularization of the classifiers; rows have
        unit length.
    max_samples : int, default=10000
        The number of rows to learn from at most, drawn at random: the graph takes the
        similarities of all pairs, block by block.
    output : {"bits", "packed"}, default="bits"
        The form of the codes: one column per bit, or eight bits per byte.
    random_state : int, RandomState instance or None, default=None
        Draws rows and seeds the eigensolver and the classifiers.

    Attributes
    ----------
    coef_ : ndarray of shape (n_bits, n_features)
        The weights of the classifiers.
    intercept_ : ndarray of shape (n_bits,)
        Their constants.
    n_features_in_ : int
        The number of features seen in fit.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Their names, where `X` had some.

    Notes
    -----
    The two stages of section 3 of [1]_: links weigh the cosine, the eigenvectors solve
    L v = lambda D v, and the classifiers have no kernel. A weak
    link between all rows joins the parts of a graph in pieces, whose eigenvectors
    would otherwise mark single rows. With n = min(n_samples, max_samples), fit costs
    O(n * nnz(X)) for the graph, O(n * n_bits * (n_neighbors + n_bits)) a restart of the
    eigensolver and O(n_bits * nnz(X)) an iteration of the classifiers; transform costs
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
        n_bits=32,
        *,
        n_neighbors=10,
        C=0.1,
        max_samples=10_000,
        output="bits",
        random_state=None,
    ):
        self.n_bits = n_bits
        self.n_neighbors = n_neighbors
        self.C = C
        self.max_samples = max_samples
        self.output = output
        self.random_state = random_state

    def _fit(self, X, y):
        random_state = check_random_state(self.random_state)
        X = X[draw_rows(X.shape[0], self.max_samples, random_state=random_state)]
        if self.n_bits >= X.shape[0]:
            raise ValueError(
                "n_bits must be less than the number of rows to learn from, one "
                f"eigenvector of their graph a bit; got n_bits={self.n_bits} with "
                f"n_samples={X.shape[0]}."
            )
        X = unit_rows(X)[0]
        if sp.issparse(X):
            # LIBLINEAR reads 32-bit indices only, which the sample always fits in.
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

    def _decide(self, X):
        return X.unit().project(self.coef_).shift(self.intercept_).above()


def graph_bits(X, n_bits, n_neighbors, *, random_state):
    """Return balanced bits of rows by Laplacian eigenmaps.

    Parameters
    ----------
    X : {ndarray, CSR} of shape (n_samples, n_features)
        Rows of unit length, more than bits.
    n_bits : int
        The number of bits.
    n_neighbors : int
        The number of neighbors in the graph.
    random_state : RandomState instance
        Draws the start of the eigensolver.

    Returns
    -------
    bits : ndarray of shape (n_samples, n_bits), bool
    """
    n_neighbors = min(n_neighbors, X.shape[0] - 1)
    graph = kneighbors_graph(X, n_neighbors, mode="distance", metric="cosine")
    graph.data = np.maximum(1 - graph.data, 0)
    graph = (graph + graph.T) / 2
    eigenvectors = smooth_eigenvectors(graph, n_bits, random_state=random_state)
    return eigenvectors > median_thresholds(eigenvectors)


def smooth_eigenvectors(graph, n_vectors, *, random_state, joint=1e-2):
    """Return the smoothest eigenvectors of a graph's Laplacian but the constant one.

    They solve L v = lambda D v. The largest eigenvalues of the normalized graph are
    found directly: many times as fast here as scikit-learn's SpectralEmbedding, which
    inverts a shifted Laplacian of these dense neighborhoods.

    Parameters
    ----------
    graph : CSR of shape (n_samples, n_samples)
        Symmetric weights, not negative.
    n_vectors : int
        How many, less than n_samples.
    random_state : RandomState instance
        Draws the start.
    joint : float, default=1e-2
        The weight that a row shares with all rows, as a share of the mean degree.

    Returns
    -------
    eigenvectors : ndarray of shape (n_samples, n_vectors)
        By falling smoothness.
    """
    n_samples = graph.shape[0]
    graph = graph.astype(np.float64)
    degrees = np.asarray(graph.sum(axis=1)).ravel()
    weak = joint * degrees.mean() or 1.0
    scale = 1 / np.sqrt(degrees + weak)

    def multiply(v):
        v = scale * v.ravel()
        return scale * (graph @ v + weak * v.mean())

    shape = (n_samples, n_samples)
    if n_samples < 10 * (n_vectors + 1):
        dense = graph.toarray() + weak / n_samples
        values, vectors = np.linalg.eigh(scale[:, None] * dense * scale)
    else:
        values, vectors = eigsh(
            LinearOperator(shape, multiply, dtype=np.float64),
            n_vectors + 1,
            which="LA",
            v0=random_state.uniform(-1, 1, n_samples),
            tol=1e-4,
        )
    order = np.argsort(-values, kind="stable")[1 : n_vectors + 1]
    return scale[:, None] * vectors[:, order]
