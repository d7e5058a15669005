"""Anchor graph hashing: Laplacian eigenvectors of a graph through few anchors."""

from numbers import Integral

import numpy as np
import scipy.sparse as sp
from sklearn.cluster import MiniBatchKMeans
from sklearn.metrics.pairwise import euclidean_distances

from skhash.shallow._latent import LatentHasher
from skhash.utils._compat import Interval, Options

# What a threshold is multiplied by, to lie off the numbers that equal it.
_BEYOND_TIES = 1.00001


class AnchorGraphHasher(LatentHasher):
    """Anchor graph hashing: eigenvectors of a neighborhood graph, by anchors.

    The bits are signs of the smoothest eigenvectors of the Laplacian of a graph in
    which rows are neighbors if they share near anchors (centers of k-means). The
    eigenvectors follow from a matrix of the anchors alone, and extend to new rows.

    Parameters
    ----------
    n_bits : int, default=32
        The length of the codes; less than the number of anchors with one layer.
    n_layers : {1, 2}, default=1
        With 2, each of n_bits / 2 eigenvectors gives two bits: its sign, and whether it
        is beyond a second threshold on that side of zero.
    n_anchors : int, default=300
        The number of anchors; at most one a row.
    n_nearest : int, default=3
        The number of anchors that a row is linked to.
    n_components : int, default=200
        The number of latent dimensions in which distances are taken.
    normalize : bool, default=True
        Whether rows get unit length there, so that distances follow the cosine.
    max_samples : int, default=20000
        The number of rows to learn from at most, drawn at random.
    output : {"bits", "packed"}, default="bits"
        The form of the codes: one column per bit, or eight bits per byte.
    random_state : int, RandomState instance or None, default=None
        Draws rows and anchors and seeds the SVD.

    Attributes
    ----------
    components_ : ndarray of shape (n_components, n_features)
        The latent directions.
    anchors_ : ndarray of shape (n_anchors, n_components)
        The anchors.
    bandwidth_ : float
        The bandwidth of the kernel between rows and anchors.
    projection_ : ndarray of shape (n_anchors, n_eigenvectors)
        From links to anchors to eigenvectors.
    thresholds_ : ndarray of shape (2, n_eigenvectors)
        The second layer's thresholds above and below zero; only with two layers.
    n_features_in_ : int
        The number of features seen in fit.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Their names, where `X` had some.

    Notes
    -----
    Links Z = exp(-d^2 / t), whose rows sum to 1, the eigenvectors Y = sqrt(n) Z D^-1/2
    V S^-1/2, for D = diag(Z' 1) and the eigenpairs (S, V) of D^-1/2 Z' Z D^-1/2, and
    their extension to new rows are those of section 3 of [1]_, the second layer that of
    section 4: its thresholds minimize f' L f for the shifted eigenvector f with
    1' f = 0, in a closed form that is derived anew.
    The bandwidth t is the mean squared distance to the farthest linked anchor. The
    latent space is ours: among raw TF-IDF rows, all of which are far apart, anchors
    say little. With n = min(n_samples, max_samples), fit costs O(n_components * nnz(X)
    + n * n_anchors * n_components + n_anchors^3), transform
    O(n_components * (nnz(X) + n_samples * n_anchors)).

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
        n_bits=32,
        *,
        n_layers=1,
        n_anchors=300,
        n_nearest=3,
        n_components=200,
        normalize=True,
        max_samples=20_000,
        output="bits",
        random_state=None,
    ):
        self.n_bits = n_bits
        self.n_layers = n_layers
        self.n_anchors = n_anchors
        self.n_nearest = n_nearest
        self.n_components = n_components
        self.normalize = normalize
        self.max_samples = max_samples
        self.output = output
        self.random_state = random_state

    def _fit_latent(self, features, targets, labeled, random_state):
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
            vectors = links @ self.projection_
            self.thresholds_ = _second_thresholds(links, vectors)

    def _nearest(self, distances):
        n_nearest = self.n_nearest_
        return np.argpartition(distances, n_nearest - 1, axis=1)[:, :n_nearest]

    def _links(self, distances, nearest):
        """Return weights of links to the nearest anchors, CSR, whose rows sum to 1."""
        linked = np.take_along_axis(distances, nearest, axis=1)
        # The smallest distance cancels in the normalized weights, and subtracting it
        # keeps far rows from dividing zero by zero.
        linked -= linked.min(axis=1, keepdims=True)
        weights = np.exp(-linked / self.bandwidth_)
        weights /= weights.sum(axis=1, keepdims=True)
        starts = np.arange(0, nearest.size + 1, nearest.shape[1])
        return sp.csr_array(
            (weights.ravel(), nearest.ravel(), starts), shape=distances.shape
        )

    def _decide_latent(self, features):
        distances = features.squared_distances(self.anchors_)
        nearest = self._nearest(distances.values)
        size = np.abs(self.projection_).max()
        vectors = distances.map(
            lambda squares: self._links(squares, nearest) @ self.projection_,
            slope=2 * self.n_nearest_ * size / self.bandwidth_,
            size=size,
        )
        positive, doubtful = vectors.above()
        doubtful |= distances.has_tie(nearest)
        if self.thresholds_ is None:
            return positive, doubtful
        # In a graph of several parts many rows have the very number of a threshold, and
        # rounding would decide on their bits.
        upper, lower = _BEYOND_TIES * self.thresholds_
        above, above_doubtful = vectors.above(upper)
        _, below_doubtful = vectors.above(lower)
        second = np.where(positive, above, vectors.values < lower)
        bits = np.hstack([positive, second])[:, : self.n_bits]
        return bits, doubtful | above_doubtful | below_doubtful


def _eigenvector_map(links, n_vectors):
    """Return the map from links to the smoothest eigenvectors but the constant one."""
    weights = np.asarray(links.sum(axis=0)).ravel()
    scale = np.divide(
        1, np.sqrt(weights), out=np.zeros_like(weights), where=weights > 0
    )
    small = scale[:, None] * (links.T @ links).toarray() * scale
    # The constant vector of the rows is known here, and taken out: in a graph of
    # several parts, others have the same eigenvalue and would mix with it.
    constant = np.sqrt(weights / weights.sum())
    small -= constant[:, None] * constant
    eigenvalues, eigenvectors = np.linalg.eigh(small)
    chosen = np.arange(len(weights) - 1, len(weights) - 1 - n_vectors, -1)
    roots = np.sqrt(np.maximum(eigenvalues[chosen], np.finfo(small.dtype).eps))
    return np.sqrt(links.shape[0]) * scale[:, None] * eigenvectors[:, chosen] / roots


def _second_thresholds(links, vectors):
    """Return the thresholds above and below zero that split each eigenvector again.

    With u = |y|, e the rows above zero and L the Laplacian, of which L 1 = 0, the
    second layer f = u - b+ e + b- (1 - e) has the cost f' L f, a parabola in b+ + b-,
    and 1' f = 0 fixes the difference.
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
    # Without a link across zero every sum costs the same: split at the means.
    split = cut > 1e-6 * len(vectors)
    means = sum_above / np.maximum(n_above, 1) - sum_below / np.maximum(n_below, 1)
    both = np.where(split, mixed / np.where(split, cut, 1), means)
    above = (sum_above + sum_below + n_below * both) / len(vectors)
    return np.stack([above, both - above])
