"""What is found out about a collection before the network sees it."""

import numpy as np
from sklearn.utils import gen_batches

from skhash.variational.batches import ROWS_PER_BLOCK
from skhash.variational.beliefs import ClassBeliefs
from skhash.variational.clusterings import Clusterings
from skhash.variational.neighborhood import (
    LatentSpace,
    NeighborhoodGraph,
    index_rows,
    nearest_rows,
)

# Latent space, neighbours, clusters and class models are learned from this many rows
# at most, so that time stays linear, and memory constant, in the size of a collection.
_MAX_SAMPLE = 20_000
_LATENT_DIMENSIONS = 200


class Teacher:
    """Neighbours, clusters and class beliefs of all rows, learned from a sample.

    Parameters
    ----------
    X : {ndarray, CSR} of shape (n_samples, n_features)
        The rows.
    scaling : LengthScaling or StandardScaling
        What scales them.
    targets : ndarray of shape (n_samples, n_classes), float32
        Class memberships, zeros where there is no label; no column without classes.
    labelled : ndarray of shape (n_samples,), bool
        Which rows have a label.
    n_neighbors : int
        The number of neighbours of a row.
    multilabel : bool
        Whether classes are independent.
    random_state : RandomState
        Draws sample, starts and folds.
    clusterings : Clusterings, default=None
        Groups found before, which are then kept.

    Attributes
    ----------
    neighbors : ndarray of shape (n_samples, n_neighbors), int32
        The positions of near rows of each row.
    clusterings : Clusterings
        Groups of rows.
    beliefs : ndarray of shape (n_samples, n_classes), float32
        Class distributions (memberships if multi-label); the labels where given.
    trust : ndarray of shape (n_samples,), float32
        How far to trust them, 1 for labelled rows.
    """

    def __init__(
        self,
        X,
        scaling,
        targets,
        labelled,
        *,
        n_neighbors,
        multilabel,
        random_state,
        clusterings=None,
    ):
        self.X = X
        self.scaling = scaling
        sample = _sample(labelled, random_state)
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
        self.clusterings = clusterings or Clusterings(rows, latent, random_state)
        self.beliefs = targets
        self.trust = labelled.astype(np.float32)
        classes = None
        # Of several labels a row the network makes more than beliefs about each would.
        if labelled.any() and not labelled.all() and not multilabel:
            graph = NeighborhoodGraph(similarities, found)
            classes = ClassBeliefs(rows, graph)
            self.beliefs[sample], self.trust[sample] = classes.infer(
                targets[sample], labelled[sample], random_state
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
                unlabelled = self.trust[rows] == 0
                self.beliefs[rows[unlabelled]] = beliefs[unlabelled]
                self.trust[rows[unlabelled]] = trust[unlabelled]


def _sample(labelled, random_state):
    """Return the rows to learn from, rising: all, or few with the labelled first."""
    n_samples = len(labelled)
    if n_samples <= _MAX_SAMPLE:
        return np.arange(n_samples)
    # Half of the sample may be labelled rows, however few of all they are.
    known = random_state.permutation(np.flatnonzero(labelled))[: _MAX_SAMPLE // 2]
    rest = np.ones(n_samples, dtype=bool)
    rest[known] = False
    others = random_state.choice(
        np.flatnonzero(rest), _MAX_SAMPLE - len(known), replace=False
    )
    return np.sort(np.concatenate([known, others]))
