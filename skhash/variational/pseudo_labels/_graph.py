"""Which rows of a collection are near each other, found through a latent space."""

import numpy as np
import scipy.sparse as sp
from sklearn.neighbors import NearestNeighbors
from sklearn.preprocessing import normalize

from skhash.utils._linalg import singular_directions

_PROPAGATION_STEPS = 20
# The share of its neighbors' classes in what a row believes; the rest is its label.
_PROPAGATION_SHARE = 0.9


class LatentSpace:
    """A low-dimensional space where near means alike.

    Rows get there by a truncated SVD: latent semantic analysis of words, principal
    components of centered rows.

    Parameters
    ----------
    rows : {ndarray, CSR} of shape (n_samples, n_features)
        Scaled rows to learn from.
    n_components : int
        The dimension wanted.
    random_state : RandomState
        Seeds the randomized SVD.
    """

    def __init__(self, rows, n_components, random_state):
        self.components = None
        n_components = min(n_components, *(size - 1 for size in rows.shape))
        if n_components > 0:
            directions = singular_directions(
                rows, n_components, n_iter=2, random_state=random_state
            )
            self.components = directions.T.astype(np.float32)

    def transform(self, rows):
        """Return scaled rows as float32 vectors of length 1 (0 for a row of zeros)."""
        if self.components is not None:
            rows = rows @ self.components
        elif sp.issparse(rows):
            rows = rows.toarray()
        return normalize(rows).astype(np.float32, copy=False)


def nearest_rows(search, latent, own, n_neighbors):
    """Return the nearest indexed rows of some rows by cosine, but not the row itself.

    Parameters
    ----------
    search : NearestNeighbors
        A fitted index of latent rows of length 1.
    latent : ndarray of shape (n_rows, n_dimensions), float32
        Rows of length 1.
    own : ndarray of shape (n_rows,), int
        The position of each row in the index, -1 if it is not there.
    n_neighbors : int
        How many are wanted, less than there are indexed rows.

    Returns
    -------
    similarities : ndarray of shape (n_rows, n_neighbors), float32
        Cosines, falling.
    neighbors : ndarray of shape (n_rows, n_neighbors), int32
        Positions in the index.
    """
    distances, found = search.kneighbors(latent, n_neighbors + 1)
    # One too many was asked for: a row is not its own neighbor. Where it is not in the
    # index, or not found among many equal ones, the last one goes instead.
    drop = found == own[:, None]
    drop[~drop.any(axis=1), -1] = True
    shape = (len(latent), n_neighbors)
    similarities = 1 - np.square(distances[~drop].reshape(shape)) / 2
    return similarities.astype(np.float32), found[~drop].reshape(shape).astype(np.int32)


def index_rows(latent):
    """Return a search index of latent rows of length 1, for :func:`nearest_rows`."""
    # Between vectors of length 1 the order of Euclidean distance is that of the cosine.
    return NearestNeighbors(algorithm="brute").fit(latent)


class NeighborhoodGraph:
    """A symmetric graph of near rows, its edges weighted by the squared cosine.

    Parameters
    ----------
    similarities : ndarray of shape (n_samples, n_neighbors)
        Cosines to the neighbors.
    neighbors : ndarray of shape (n_samples, n_neighbors), int
        Their positions.

    Attributes
    ----------
    average : CSR of shape (n_samples, n_samples)
        Each row averages over neighbors: D^-1 W.
    diffusion : CSR of shape (n_samples, n_samples)
        The symmetric normalization D^-1/2 W D^-1/2 of label propagation [1]_.

    References
    ----------
    .. [1] D. Zhou et al., "Learning with local and global consistency", NIPS 2003,
       equations 1 to 3.
    """

    def __init__(self, similarities, neighbors):
        n_samples, n_neighbors = neighbors.shape
        weights = np.square(np.maximum(similarities, 0)) + 1e-6
        edges = (
            weights.ravel(),
            neighbors.ravel(),
            np.arange(0, n_samples * n_neighbors + 1, n_neighbors),
        )
        graph = sp.csr_array(edges, shape=(n_samples, n_samples), dtype=np.float32)
        graph = graph.maximum(graph.T)
        degree = graph.sum(axis=1)
        self.average = (sp.diags_array(1 / degree) @ graph).tocsr()
        root = sp.diags_array(degree**-0.5)
        self.diffusion = (root @ graph @ root).tocsr()

    def propagate(self, classes):
        """Spread class memberships (n_samples, n_classes) over the graph."""
        spread = classes
        for _ in range(_PROPAGATION_STEPS):
            spread = (
                _PROPAGATION_SHARE * (self.diffusion @ spread)
                + (1 - _PROPAGATION_SHARE) * classes
            )
        return spread
