"""Cluster samples several times, as pseudo-classes of the codes."""

import warnings

import numpy as np
from numpy.typing import NDArray
from scipy.special import softmax
from sklearn.cluster import KMeans
from sklearn.exceptions import ConvergenceWarning

from skhash.utils._scaling import Rows
from skhash.variational.pseudo_labels._view_models import row_class_model

_N_CLUSTERINGS = 4
_MAX_CLUSTERS = 32
# Smaller clusters are dominated by noise.
_ROWS_PER_CLUSTER = 20
# Further directions of the latent space are noise to k-means.
_N_DIRECTIONS = 50
_EM_STEPS = 16
# Posteriors of naive Bayes are overconfident: multiplying log-likelihoods by this power
# keeps similar clusters visible.
_POWER = 0.25


class ClusterEnsemble:
    """Several soft clusterings of the samples, each from another start.

    Each clustering is k-means in the latent space, refined by expectation maximization
    of a class model of the features. Codes that separate the clusters keep the topics
    of a collection, whereas reconstruction alone spends bits on frequent words. An
    ensemble depends less on the start than one clustering.

    Parameters
    ----------
    rows : {ndarray, CSR} of shape (n_samples, n_features)
        Scaled rows to learn from.
    latent : ndarray of shape (n_samples, n_dimensions)
        The same samples in the latent space.
    random_state : RandomState
        Draws the starts.

    Attributes
    ----------
    weights : ndarray of shape (n_features, n_clusterings * n_clusters), float32
        Weights of the log-likelihoods of all clusters side by side, so that one product
        scores a row.
    offsets : ndarray of shape (n_clusterings * n_clusters,), float32
        Their offsets, log priors included.
    n_clusterings, n_clusters : int
        Number of clusterings, and of clusters in each.
    power : float
        Posteriors are the softmax of the log-likelihoods times this power.
    """

    n_clusterings = _N_CLUSTERINGS
    power = _POWER

    def __init__(
        self,
        rows: Rows,
        latent: NDArray[np.float32],
        random_state: np.random.RandomState,
    ):
        n_clusters = min(_MAX_CLUSTERS, len(latent) // _ROWS_PER_CLUSTER + 2)
        self.n_clusters = min(n_clusters, len(latent))
        directions = np.ascontiguousarray(latent[:, :_N_DIRECTIONS])
        model = row_class_model(rows)
        weights, offsets = [], []
        for _ in range(_N_CLUSTERINGS):
            posteriors = self._k_means(directions, random_state)
            for _ in range(_EM_STEPS):
                sizes = posteriors.sum(axis=0) + 1
                prior = sizes / (len(posteriors) + self.n_clusters)
                log_prior = np.log(prior).astype(np.float32)
                scores = model.fit(posteriors).scores(rows)
                posteriors = softmax(scores + log_prior, axis=1)
            weights.append(model.weights)
            offsets.append(model.offsets + log_prior)
        self.weights = np.hstack(weights)
        self.offsets = np.concatenate(offsets)

    def _k_means(
        self, directions: NDArray, random_state: np.random.RandomState
    ) -> NDArray[np.float32]:
        """Return hard assignments (n_samples, n_clusters)."""
        means = KMeans(self.n_clusters, max_iter=20, random_state=random_state)
        with warnings.catch_warnings():
            # Fewer distinct samples than clusters are not a fault.
            warnings.simplefilter("ignore", ConvergenceWarning)
            groups = means.fit_predict(directions)
        return np.eye(self.n_clusters, dtype=np.float32)[groups]
