"""TieGroups of rows found without labels, as pseudo-classes for the codes."""

import warnings

import numpy as np
import torch
from scipy.special import softmax
from sklearn.cluster import KMeans
from sklearn.exceptions import ConvergenceWarning

from skhash.variational.nn._batches import CSRRows, as_tensor_rows
from skhash.variational.nn._sparse_layer import sparse_product
from skhash.variational.pseudo_labels._class_models import class_model

N_CLUSTERINGS = 4
N_CLUSTERS = 32
# Fewer rows than this a cluster say little of it.
_ROWS_PER_CLUSTER = 20
# Directions of the latent space beyond these are noise to k-means.
_N_DIRECTIONS = 50
_EM_STEPS = 16
# Posteriors of naive Bayes are far too sure; this power lets near clusters show.
_POWER = 0.25


class ClusterEnsemble:
    """Several soft clusterings of the rows, each from another start.

    Each is k-means in the latent space, refined by expectation maximization of a model
    of the features. Codes that tell the clusters apart keep the topics of a collection,
    where reconstruction alone spends bits on frequent words. Several, because one
    clustering is as arbitrary as its start.

    Parameters
    ----------
    rows : {ndarray, CSR} of shape (n_samples, n_features)
        Scaled rows to learn from.
    latent : ndarray of shape (n_samples, n_dimensions)
        The same in the latent space.
    random_state : RandomState
        Draws the starts.
    """

    def __init__(self, rows, latent, random_state):
        n_clusters = min(N_CLUSTERS, len(latent) // _ROWS_PER_CLUSTER + 2)
        n_clusters = min(n_clusters, len(latent))
        directions = np.ascontiguousarray(latent[:, :_N_DIRECTIONS])
        model = class_model(rows)
        weights, offsets = [], []
        for _ in range(N_CLUSTERINGS):
            means = KMeans(n_clusters, max_iter=20, random_state=random_state)
            with warnings.catch_warnings():
                # Where rows are repeated, fewer groups than asked for are as good.
                warnings.simplefilter("ignore", ConvergenceWarning)
                groups = means.fit_predict(directions)
            posteriors = np.eye(n_clusters, dtype=np.float32)[groups]
            for _ in range(_EM_STEPS):
                prior = (posteriors.sum(axis=0) + 1) / (len(posteriors) + n_clusters)
                log_prior = np.log(prior).astype(np.float32)
                scores = model.fit(posteriors).scores(rows)
                posteriors = softmax(scores + log_prior, axis=1)
            weights.append(model.weights)
            offsets.append(model.offsets + log_prior)
        # Side by side, so that one product scores a row for all of them.
        self.weights = np.hstack(weights)
        self.offsets = np.concatenate(offsets)
        self.n_clusters = n_clusters

    def posteriors(self, rows):
        """Return the clusters of scaled rows.

        Parameters
        ----------
        rows : {ndarray, CSR} of shape (n_rows, n_features)
            Scaled rows.

        Returns
        -------
        posteriors : ndarray of shape (n_rows, n_clusterings, n_clusters), float32
            Distributions over the clusters of each clustering.
        """
        rows, weights = as_tensor_rows(rows), torch.from_numpy(self.weights)
        sparse = isinstance(rows, CSRRows)
        scores = sparse_product(rows, weights) if sparse else rows @ weights
        scores += torch.from_numpy(self.offsets)
        scores = scores.view(-1, N_CLUSTERINGS, self.n_clusters)
        return torch.softmax(_POWER * scores, dim=2).numpy()
