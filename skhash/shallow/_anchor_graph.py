"""Anchor graph hashing: Laplacian eigenvectors of a graph through few anchors."""

from numbers import Integral
from typing import Literal

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from sklearn.cluster import MiniBatchKMeans
from sklearn.metrics.pairwise import euclidean_distances

from skhash.shallow._docs import TEXTS
from skhash.shallow._latent import LatentHasher
from skhash.utils._compat import Interval, Options
from skhash.utils._docstrings import substitute
from skhash.utils._linalg import settle_equal_eigenvalues
from skhash.utils._rounding import BoundedRows, Decision
from skhash.utils._typing import Output, Seed

# In a graph of several components many samples have exactly the value of a threshold.
# The factor moves the thresholds off these values.
_TIE_MARGIN = 1.00001
# Entries of an eigenvector below this fraction of its largest one.
_NO_MORE_THAN_ROUNDING = 1e-9


@substitute(**TEXTS)
class AnchorGraphHasher(LatentHasher):
    """Encode samples by eigenvectors of a neighborhood graph through anchors (AGH).

    Each bit is the sign of a smooth eigenvector of the Laplacian of a graph in which
    samples are neighbors if they are close to the same anchors (centers of k-means).
    The eigenvectors follow from a matrix of the size of the anchors and extend to new
    samples.

    Parameters
    ----------
    n_bits : int, default=32
        Length of the codes; less than the number of anchors with one layer, less than
        twice that number with two.
    n_layers : {1, 2}, default=1
        With 2, each of ceil(n_bits / 2) eigenvectors gives two bits: its sign, and
        whether it is beyond a second threshold on that side of zero.
    n_anchors : int, default=300
        Number of anchors, at least 2; at most the number of samples is used.
    n_nearest : int, default=3
        Number of anchors that a sample is linked to, at least 1.
    n_components : int, default=200
        {n_components_text}
    normalize : bool, default=True
        {normalize_text}
    max_samples : int, default=20000
        {max_samples_text}
    output : {"bits", "packed"}, default="bits"
        {output_text}
    random_state : int, RandomState instance or None, default=None
        {random_state_text}

    Attributes
    ----------
    {latent_attributes}
    anchors_ : ndarray of shape (n_anchors, n_components)
        Anchors in the latent space.
    n_nearest_ : int
        Number of anchors that a sample is linked to.
    bandwidth_ : float
        Bandwidth of the kernel between samples and anchors.
    projection_ : ndarray of shape (n_anchors, n_eigenvectors)
        Map from links to eigenvectors.
    thresholds_ : ndarray of shape (2, n_eigenvectors) or None
        Thresholds of the second layer above and below zero; None with one layer.
    {feature_attributes}

    Notes
    -----
    Links Z = exp(-d^2 / t), whose rows sum to 1, the eigenvectors Y = sqrt(n) Z D^-1/2
    V S^-1/2, for D = diag(Z' 1) and the eigenpairs (S, V) of D^-1/2 Z' Z D^-1/2, and
    their extension to new samples are those of section 3 of [1]_, the second layer is
    that of section 4: its thresholds minimize f' L f for the shifted eigenvector f with
    1' f = 0, for which a closed form is derived here. The bandwidth t is the mean
    squared distance to the farthest linked anchor. Unlike [1]_, distances are taken in
    a latent space: raw TF-IDF samples are all far apart, so that anchors among them
    separate little.

    With n = min(n_samples, max_samples), fit costs O(n_components * nnz(X) + n *
    n_anchors * n_components + n_anchors^3), transform O(n_components * (nnz(X) +
    n_samples * n_anchors)).

    References
    ----------
    .. [1] W. Liu, J. Wang, S. Kumar, S.-F. Chang, "Hashing with graphs", ICML 2011.

    Examples
    --------
    >>> import numpy as np
    >>> from skhash import AnchorGraphHasher
    >>> X = np.array([[0.0, 1.0], [0.1, 1.0], [1.0, 0.0], [1.0, 0.1]])
    >>> hasher = AnchorGraphHasher(n_bits=1, n_anchors=4, n_nearest=2, random_state=0)
    >>> codes = hasher.fit_transform(X).ravel()
    >>> bool(codes[0] == codes[1] != codes[2] == codes[3])
    True
    """

    _parameter_constraints: dict = {
        **LatentHasher._parameter_constraints,
        "n_layers": [Options(Integral, {1, 2})],
        "n_anchors": [Interval(Integral, 2, None, closed="left")],
        "n_nearest": [Interval(Integral, 1, None, closed="left")],
    }

    def __init__(
        self,
        n_bits: int = 32,
        *,
        n_layers: Literal[1, 2] = 1,
        n_anchors: int = 300,
        n_nearest: int = 3,
        n_components: int = 200,
        normalize: bool = True,
        max_samples: int = 20_000,
        output: Output = "bits",
        random_state: Seed = None,
    ) -> None:
        self.n_bits = n_bits
        self.n_layers = n_layers
        self.n_anchors = n_anchors
        self.n_nearest = n_nearest
        self.n_components = n_components
        self.normalize = normalize
        self.max_samples = max_samples
        self.output = output
        self.random_state = random_state

    def _fit_latent(
        self,
        features: NDArray,
        targets: NDArray,
        labeled: NDArray[np.bool_],
        random_state: np.random.RandomState,
    ) -> None:
        n_anchors = min(self.n_anchors, len(features))
        n_vectors = -(-self.n_bits // self.n_layers)
        if n_vectors >= n_anchors:
            raise ValueError(
                f"n_bits / n_layers must be less than the number of anchors, which is "
                f"at most n_samples; got n_bits={self.n_bits}, "
                f"n_layers={self.n_layers}, n_anchors={self.n_anchors} and "
                f"n_samples={len(features)}."
            )
        kmeans = MiniBatchKMeans(
            n_anchors,
            n_init=1,
            batch_size=2048,
            reassignment_ratio=0,
            random_state=random_state,
        )
        self.anchors_ = kmeans.fit(features).cluster_centers_
        self.n_nearest_ = min(self.n_nearest, n_anchors)
        distances = euclidean_distances(features, self.anchors_, squared=True)
        nearest = self._nearest(distances)
        farthest = np.take_along_axis(distances, nearest, axis=1).max(axis=1)
        self.bandwidth_ = float(farthest.mean()) or 1.0
        links = self._links(distances, nearest)
        self.projection_ = _eigenvector_map(links, n_vectors)
        self.thresholds_ = None
        if self.n_layers == 2:
            self.thresholds_ = _second_thresholds(links, links @ self.projection_)

    def _nearest(self, distances: NDArray) -> NDArray[np.intp]:
        """Return the positions of the linked anchors, (n_samples, n_nearest)."""
        n_nearest = self.n_nearest_
        return np.argpartition(distances, n_nearest - 1, axis=1)[:, :n_nearest]

    def _links(self, distances: NDArray, nearest: NDArray[np.intp]) -> sp.csr_array:
        """Return weights of links to the nearest anchors, CSR, whose rows sum to 1."""
        linked = np.take_along_axis(distances, nearest, axis=1)
        # The smallest distance cancels in the normalized weights. Without it the
        # weights of a distant sample cannot all be zero.
        linked -= linked.min(axis=1, keepdims=True)
        weights = np.exp(-linked / self.bandwidth_)
        weights /= weights.sum(axis=1, keepdims=True)
        starts = np.arange(0, nearest.size + 1, nearest.shape[1])
        return sp.csr_array(
            (weights.ravel(), nearest.ravel(), starts), shape=distances.shape
        )

    def _decide_latent(self, features: BoundedRows) -> Decision:
        distances = features.squared_distances(self.anchors_)
        nearest = self._nearest(distances.values)
        size = np.abs(self.projection_).max()
        vectors = distances.map(
            lambda squares: self._links(squares, nearest) @ self.projection_,
            slope=4 * self.n_nearest_ * size / self.bandwidth_,
            size=size,
        )
        first, doubtful = vectors.above()
        doubtful |= distances.has_tie(nearest)
        if self.thresholds_ is None:
            return first, doubtful
        upper, lower = _TIE_MARGIN * self.thresholds_
        above, above_doubtful = vectors.above(upper)
        below, below_doubtful = vectors.above(lower)
        second = np.where(first > 0, above, -below)
        values = np.hstack([first, second])[:, : self.n_bits]
        return values, doubtful | above_doubtful | below_doubtful


def _eigenvector_map(links: sp.csr_array, n_vectors: int) -> NDArray:
    """Return the map from links to the smoothest non-constant eigenvectors."""
    weights = np.asarray(links.sum(axis=0)).ravel()
    scale = np.divide(
        1, np.sqrt(weights), out=np.zeros_like(weights), where=weights > 0
    )
    small = scale[:, None] * (links.T @ links).toarray() * scale
    # The constant vector of the samples is known here and removed: in a graph of
    # several components, other vectors have the same eigenvalue and would mix with it.
    constant = np.sqrt(weights / weights.sum())
    small -= constant[:, None] * constant
    eigenvalues, eigenvectors = np.linalg.eigh(small)
    eigenvectors = settle_equal_eigenvalues(eigenvalues, eigenvectors)
    chosen = np.arange(len(weights) - 1, len(weights) - 1 - n_vectors, -1)
    roots = np.sqrt(np.maximum(eigenvalues[chosen], np.finfo(small.dtype).eps))
    vectors = scale[:, None] * eigenvectors[:, chosen] / roots
    # In other components of the graph a vector is zero up to rounding, which must not
    # decide on bits.
    vectors[np.abs(vectors) < _NO_MORE_THAN_ROUNDING * np.abs(vectors).max(axis=0)] = 0
    return np.sqrt(links.shape[0]) * vectors


def _second_thresholds(links: sp.csr_array, vectors: NDArray) -> NDArray:
    """Return the thresholds above and below zero that split each eigenvector again.

    With u = |y|, e the samples above zero and L the Laplacian, of which L 1 = 0, the
    second layer f = u - b+ e + b- (1 - e) has the cost f' L f, a parabola in b+ + b-,
    and 1' f = 0 determines the difference.
    """
    weights = np.asarray(links.sum(axis=0)).ravel()
    weights[weights == 0] = 1
    positive = (vectors > 0).astype(vectors.dtype)
    sizes = np.abs(vectors)
    linked = (links.T @ positive) / weights[:, None]
    sum_above = (sizes * positive).sum(axis=0)
    sum_below = sizes.sum(axis=0) - sum_above
    n_above = positive.sum(axis=0)
    n_below = len(vectors) - n_above
    cut = n_above - (links.T @ positive * linked).sum(axis=0)
    mixed = sum_above - (links.T @ sizes * linked).sum(axis=0)
    # Without a link across zero each sum costs the same: split at the means.
    split = cut > 1e-6 * len(vectors)
    means = sum_above / np.maximum(n_above, 1) - sum_below / np.maximum(n_below, 1)
    both = np.where(split, mixed / np.where(split, cut, 1), means)
    above = (sum_above + sum_below + n_below * both) / len(vectors)
    return np.stack([above, both - above])
