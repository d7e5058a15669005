"""Find the neighbors of samples in a latent space, and spread labels over them."""

from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import DTypeLike, NDArray
from sklearn.neighbors import NearestNeighbors
from sklearn.preprocessing import normalize

from skhash.utils._compat import openmp_effective_n_threads
from skhash.utils._linalg import singular_directions
from skhash.utils._rows import ROWS_PER_BLOCK, row_blocks
from skhash.utils._scaling import Rows

_PROPAGATION_STEPS = 20
# The weight of the neighbors in a step of label propagation; the rest is the label.
_PROPAGATION_WEIGHT = 0.9
# Distances per call of scikit-learn's search, which cannot be interrupted.
_PAIRS_PER_BLOCK = 2**24

#: Of the space in which neighbors of samples are found.
LATENT_DIMENSIONS = 200


class LatentSpace:
    """A low-dimensional space by a truncated SVD.

    Latent semantic analysis of words, principal components of centered rows.

    Parameters
    ----------
    rows : {ndarray, CSR} of shape (n_samples, n_features)
        Scaled rows to learn from.
    n_components : int
        The largest number of dimensions.
    random_state : RandomState
        Seeds the randomized SVD.
    """

    def __init__(
        self, rows: Rows, n_components: int, random_state: np.random.RandomState
    ):
        self.components: NDArray[np.float32] | None = None
        n_components = min(n_components, *(size - 1 for size in rows.shape))
        if n_components > 0:
            directions = singular_directions(
                rows, n_components, n_iter=2, random_state=random_state
            )
            self.components = directions.T.astype(np.float32)

    def transform(self, rows: Rows, dtype: DTypeLike = np.float32) -> NDArray[Any]:
        """Return scaled rows as vectors of length 1 (0 for a row of zeros)."""
        rows = rows.astype(dtype, copy=False)
        if self.components is not None:
            rows = rows @ self.components.astype(dtype, copy=False)
        elif sp.issparse(rows):
            rows = rows.toarray()
        return normalize(rows).astype(dtype, copy=False)


class LatentNeighbors:
    """Search for the nearest samples by cosine in the latent space.

    Parameters
    ----------
    latent : ndarray of shape (n_samples, n_dimensions), float32
        The samples to find, of length 1.
    n_neighbors : int
        The number of neighbors, less than the number of samples.
    """

    def __init__(self, latent: NDArray[np.float32], n_neighbors: int):
        # Of vectors of length 1, Euclidean distance and cosine give the same order.
        self._search = NearestNeighbors(algorithm="brute").fit(latent)
        self.n_neighbors = n_neighbors

    def nearest(
        self, latent: NDArray[np.float32], self_positions: NDArray[np.intp]
    ) -> tuple[NDArray[np.float32], NDArray[np.int32]]:
        """Find the nearest samples of queries, without the queries themselves.

        Parameters
        ----------
        latent : ndarray of shape (n_queries, n_dimensions), float32
            Queries of length 1.
        self_positions : ndarray of shape (n_queries,), int
            The position of each query among the samples, -1 if it is none of them.

        Returns
        -------
        similarities : ndarray of shape (n_queries, n_neighbors), float32
            Cosines in descending order.
        neighbors : ndarray of shape (n_queries, n_neighbors), int32
            Positions of the samples.
        """
        # In blocks, between which an interrupt is noticed; scikit-learn would share a
        # smaller one out between threads in another way.
        n_rows = max(
            _PAIRS_PER_BLOCK // self._search.n_samples_fit_,
            1280 * openmp_effective_n_threads(),
        )
        parts = [
            self._search.kneighbors(latent[block], self.n_neighbors + 1)
            for block in row_blocks(len(latent), min(n_rows, ROWS_PER_BLOCK))
        ]
        distances, found = (np.concatenate(arrays) for arrays in zip(*parts))
        # One more than needed: a query is not its own neighbor. Where it is not found,
        # for instance among many equal samples, the last one is dropped instead.
        drop = found == self_positions[:, None]
        drop[~drop.any(axis=1), -1] = True
        shape = (len(latent), self.n_neighbors)
        similarities = 1 - np.square(distances[~drop].reshape(shape)) / 2
        neighbors = found[~drop].reshape(shape)
        return similarities.astype(np.float32), neighbors.astype(np.int32)


class NeighborGraph:
    """A symmetric graph of neighbors, weighted by the squared cosine.

    Parameters
    ----------
    similarities : ndarray of shape (n_samples, n_neighbors)
        Cosines to the neighbors.
    neighbors : ndarray of shape (n_samples, n_neighbors), int
        Their positions.

    Attributes
    ----------
    average : CSR of shape (n_samples, n_samples)
        Averages over the neighbors of each sample: D^-1 W.
    diffusion : CSR of shape (n_samples, n_samples)
        The symmetric normalization D^-1/2 W D^-1/2 of label propagation [1]_.

    References
    ----------
    .. [1] D. Zhou et al., "Learning with local and global consistency", NIPS 2003,
       equations 1 to 3.
    """

    def __init__(self, similarities: NDArray[np.float32], neighbors: NDArray[np.int32]):
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

    def propagate(self, labels: NDArray[np.float32]) -> NDArray[np.float32]:
        """Spread class memberships (n_samples, n_classes) over the graph."""
        spread = labels
        for _ in range(_PROPAGATION_STEPS):
            spread = (
                _PROPAGATION_WEIGHT * (self.diffusion @ spread)
                + (1 - _PROPAGATION_WEIGHT) * labels
            )
        return spread
