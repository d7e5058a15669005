"""Self-taught hashing: bits from a neighborhood graph, then one classifier per bit."""

from numbers import Integral, Real

from numpy.typing import ArrayLike
from sklearn.utils import check_random_state

from skhash.shallow._base import ShallowHasher
from skhash.shallow._docs import TEXTS
from skhash.shallow._latent import draw_rows
from skhash.utils._compat import Interval
from skhash.utils._docstrings import substitute
from skhash.utils._linalg import unit_rows
from skhash.utils._rounding import BoundedRows, Decision
from skhash.utils._self_taught import cosine_graph, graph_bits, learn_bits
from skhash.utils._typing import Output, Rows, Seed


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
        graph = cosine_graph(X, self.n_neighbors)
        bits = graph_bits(graph, self.n_bits, random_state=random_state)
        self.coef_, self.intercept_ = learn_bits(
            X, bits, C=self.C, random_state=random_state
        )

    def _decide(self, X: BoundedRows) -> Decision:
        return X.unit().project(self.coef_).shift(self.intercept_).above()
