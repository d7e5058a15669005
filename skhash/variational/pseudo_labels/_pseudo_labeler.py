"""What is found out about a collection before the network sees it."""

import numpy as np
from sklearn.utils import gen_batches

from skhash.variational.nn._batches import ROWS_PER_BLOCK
from skhash.variational.pseudo_labels._clusters import ClusterEnsemble
from skhash.variational.pseudo_labels._graph import (
    LatentSpace,
    NeighborhoodGraph,
    index_rows,
    nearest_rows,
)
from skhash.variational.pseudo_labels._posteriors import ClassPosteriorEstimator

# Latent space, neighbors, clusters and class models are learned from this many rows
# at most, so that time stays linear, and memory constant, in the size of a collection.
_MAX_SAMPLE = 20_000
_LATENT_DIMENSIONS = 200


class PseudoLabeler:
    """Neighbors, clusters and class beliefs of all rows, learned from a sample.

    Parameters
    ----------
    X : {ndarray, CSR} of shape (n_samples, n_features)
        The rows.
    scaling : NormScaler or GlobalStandardScaler
        What scales them.
    targets : ndarray of shape (n_samples, n_classes), float32
        Class memberships, zeros where there is no label; no column without classes.
    labeled : ndarray of shape (n_samples,), bool
        Which rows have a label.
    n_neighbors : int
        The number of neighbors of a row.
    multilabel : bool
        Whether classes are independent.
    random_state : RandomState
        Draws sample, starts and folds.
    clusterings : ClusterEnsemble, default=None
        TieGroups found before, which are then kept.

    Attributes
    ----------
    neighbors : ndarray of shape (n_samples, n_neighbors), int32
        The positions of near rows of each row.
    clusterings : ClusterEnsemble
        TieGroups of rows.
    beliefs : ndarray of shape (n_samples, n_classes), float32
        Class distributions (memberships if multi-label); the labels where given.
    trust : ndarray of shape (n_samples,), float32
        How far to trust them, 1 for labeled rows.
    """

    def __init__(
        self,
        X,
        scaling,
        targets,
        labeled,
        *,
        n_neighbors,
        multilabel,
        random_state,
        clusterings=None,
    ):
        self.X = X
        self.scaling = scaling
        sample = _sample(labeled, random_state)
        rows = scaling.scale(X[sample])
        self._space = LatentSpace(rows, _LATENT_DIMENSIONS, random_state)
        latent = self._space.transform(rows)
        self._search = index_rows(latent)
        self._n_neighbors = min(n_neighbors, len(sample) - 1)
        position = np.full(X.shape[0], -1)
        position[sample] = np.arange(len(sample))
        similarities, found = nearest_rows(
            self._search, latent, position[sample], self._n_neighbors
        )
        self.clusterings = clusterings or ClusterEnsemble(rows, latent, random_state)
        self.beliefs = targets
        self.trust = labeled.astype(np.float32)
        classes = None
        # Of several labels a row the network makes more than beliefs about each would.
        if labeled.any() and not labeled.all() and not multilabel:
            graph = NeighborhoodGraph(similarities, found)
            classes = ClassPosteriorEstimator(rows, graph)
            self.beliefs[sample], self.trust[sample] = classes.infer(
                targets[sample], labeled[sample], random_state
            )
        self.neighbors = np.empty((X.shape[0], self._n_neighbors), dtype=np.int32)
        self.neighbors[sample] = sample[found]
        if len(sample) < X.shape[0]:
            self._teach_others(np.flatnonzero(position < 0), sample, classes)

    def _teach_others(self, others, sample, classes):
        """Find out about the rows beyond the sample, a block at a time."""
        for block in gen_batches(len(others), ROWS_PER_BLOCK):
            rows = others[block]
            scaled = self.scaling.scale(self.X[rows])
            _, found = nearest_rows(
                self._search,
                self._space.transform(scaled),
                np.full(len(rows), -1),
                self._n_neighbors,
            )
            self.neighbors[rows] = sample[found]
            if classes is not None:
                votes = self.beliefs[sample][found].mean(axis=1)
                beliefs, trust = classes.extend(scaled, votes)
                unlabeled = self.trust[rows] == 0
                self.beliefs[rows[unlabeled]] = beliefs[unlabeled]
                self.trust[rows[unlabeled]] = trust[unlabeled]


def _sample(labeled, random_state):
    """Return the rows to learn from, rising: all, or few with the labeled first."""
    n_samples = len(labeled)
    if n_samples <= _MAX_SAMPLE:
        return np.arange(n_samples)
    # Half of the sample may be labeled rows, however few of all they are.
    known = random_state.permutation(np.flatnonzero(labeled))[: _MAX_SAMPLE // 2]
    rest = np.ones(n_samples, dtype=bool)
    rest[known] = False
    others = random_state.choice(
        np.flatnonzero(rest), _MAX_SAMPLE - len(known), replace=False
    )
    return np.sort(np.concatenate([known, others]))
