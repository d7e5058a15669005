"""Which rows of a collection are near each other, found through a latent space."""

import numpy as np
import scipy.sparse as sp
from sklearn.decomposition import TruncatedSVD
from sklearn.neighbors import NearestNeighbors
from sklearn.preprocessing import normalize

# More rows than this are not searched one by one; every row then looks for its
# neighbours among a random sample of this size, so that the time stays linear.
_MAX_CANDIDATES = 20_000


def latent_rows(X, n_components, random_state):
    """Return rows in a low-dimensional space where near means alike.

    Sparse rows by latent semantic analysis; dense ones as they are.

    Parameters
    ----------
    X : {ndarray, CSR} of shape (n_samples, n_features)
        Scaled rows.
    n_components : int
        The dimension wanted for sparse rows.
    random_state : RandomState
        Seeds the randomised SVD.

    Returns
    -------
    latent : ndarray of shape (n_samples, n_dimensions), float32
        Rows of length 1, or 0 for rows of zeros.
    """
    if sp.issparse(X):
        n_components = min(n_components, *(size - 1 for size in X.shape))
        if n_components < 1:
            return normalize(X.toarray()).astype(np.float32)
        svd = TruncatedSVD(n_components, n_iter=2, random_state=random_state)
        X = svd.fit_transform(X)
    return normalize(X).astype(np.float32, copy=False)


def nearest_rows(latent, n_neighbors, random_state):
    """Return the nearest other rows of each row by cosine.

    Parameters
    ----------
    latent : ndarray of shape (n_samples, n_dimensions), float32
        Rows of length 1.
    n_neighbors : int
        How many are wanted; fewer if there are not so many rows.
    random_state : RandomState
        Draws the candidates if there are too many rows to look at all.

    Returns
    -------
    similarities : ndarray of shape (n_samples, n_neighbors), float32
        Cosines, falling.
    neighbors : ndarray of shape (n_samples, n_neighbors), int64
        The positions of the neighbours.
    """
    n_samples = len(latent)
    candidates = np.arange(n_samples)
    if n_samples > _MAX_CANDIDATES:
        candidates = np.sort(
            random_state.choice(n_samples, _MAX_CANDIDATES, replace=False)
        )
    n_neighbors = min(n_neighbors, len(candidates) - 1)
    search = NearestNeighbors(algorithm="brute").fit(latent[candidates])
    distances, found = search.kneighbors(latent, n_neighbors + 1)
    found = candidates[found]
    # One too many was asked for: a row is not its own neighbour. Where many rows are
    # equal it need not be among those found, and the last one goes instead.
    own = found == np.arange(n_samples)[:, None]
    own[~own.any(axis=1), -1] = True
    shape = (n_samples, n_neighbors)
    similarities = 1 - np.square(distances[~own].reshape(shape)) / 2
    return similarities.astype(np.float32), found[~own].reshape(shape)
