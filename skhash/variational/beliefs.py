"""What to believe of the classes of unlabelled rows before the network learns.

A teacher of two parts that see different things: a class-conditional model of the
features, which generalises from words, and the neighbourhood graph, which generalises
from one row to the next. Expectation maximisation lets each correct the other; held-out
labelled rows then tell how far the outcome is to be trusted.
"""

from itertools import product

import numpy as np
import scipy.sparse as sp
from scipy.special import expit, softmax

_PROPAGATION_STEPS = 20
# The share of its neighbours' classes in what a row believes; the rest is its label.
_PROPAGATION_SHARE = 0.9
_EM_STEPS = 8
# How much the words of a row count against its neighbours: rows of unit length carry
# a log-likelihood of about one word.
_WORDS_SCALE = 2.0
_SMOOTHING = 0.1
_N_FOLDS = 3
# Beliefs are raised to one of these powers and mixed with the class prior by one of
# these shares, whatever fits the held-out labels best.
_POWERS = (0.1, 0.15, 0.25, 0.35, 0.5, 0.7, 1.0)
_PRIOR_SHARES = (0.0, 0.03, 0.1, 0.2, 0.4, 0.7, 1.0)
_TINY = 1e-9


class NeighborhoodGraph:
    """A symmetric graph of near rows, its edges weighted by the squared cosine.

    Parameters
    ----------
    similarities : ndarray of shape (n_samples, n_neighbors)
        Cosines to the neighbours.
    neighbors : ndarray of shape (n_samples, n_neighbors), int
        Their positions.

    Attributes
    ----------
    average : CSR of shape (n_samples, n_samples)
        Each row averages over neighbours: D^-1 W.
    diffusion : CSR of shape (n_samples, n_samples)
        The symmetric normalisation D^-1/2 W D^-1/2 of label propagation [1]_.

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


class _WordModel:
    """Log-likelihood ratios of classes under a naive Bayes model of words."""

    def __init__(self, rows, *, multilabel):
        self.rows = rows
        self.columns = rows.T.tocsr()
        self.multilabel = multilabel

    def scores(self, beliefs):
        weights = self._log_frequencies(beliefs)
        if self.multilabel:
            weights -= self._log_frequencies(1 - beliefs)
        return _WORDS_SCALE * (self.rows @ weights.astype(np.float32))

    def _log_frequencies(self, beliefs):
        counts = self.columns @ beliefs + _SMOOTHING
        return np.log(counts / counts.sum(axis=0))


class _GaussianModel:
    """Log-likelihood ratios of classes that are Gaussians of one shared covariance."""

    def __init__(self, rows, *, multilabel):
        self.rows = rows
        self.multilabel = multilabel
        self.covariance = rows.T @ rows / len(rows)

    def scores(self, beliefs):
        means, sizes = self._means(beliefs)
        if self.multilabel:
            other_means, _ = self._means(1 - beliefs)
            directions = np.linalg.solve(self._within(0), (means - other_means).T)
            offsets = ((means + other_means) / 2 * directions.T).sum(axis=1)
        else:
            between = (means.T * (sizes / len(self.rows))) @ means
            directions = np.linalg.solve(self._within(between), means.T)
            offsets = (means * directions.T).sum(axis=1) / 2
        return self.rows @ directions - offsets

    def _means(self, beliefs):
        sizes = beliefs.sum(axis=0) + 1e-3
        return (beliefs.T @ self.rows) / sizes[:, None], sizes

    def _within(self, between):
        within = self.covariance - between
        ridge = _SMOOTHING * np.trace(within) / len(within)
        return within + ridge * np.eye(len(within), dtype=within.dtype)


class ClassBeliefs:
    """Beliefs about classes from features and neighbours, started by a few labels.

    Semi-supervised expectation maximisation [1]_ that starts from label propagation
    [2]_ and in which the neighbours of a row vote in every step.

    Parameters
    ----------
    rows : {ndarray, CSR} of shape (n_samples, n_features)
        Scaled rows: unit length if sparse, standardised if dense.
    graph : NeighborhoodGraph
        Who is near whom.
    multilabel : bool
        Whether classes are independent of each other.

    References
    ----------
    .. [1] K. Nigam et al., "Text classification from labeled and unlabeled documents
       using EM", Machine Learning 39, 2000. doi:10.1023/A:1007692713085
    .. [2] D. Zhou et al., "Learning with local and global consistency", NIPS 2003.
    """

    def __init__(self, rows, graph, *, multilabel):
        model = _WordModel if sp.issparse(rows) else _GaussianModel
        self.model = model(rows, multilabel=multilabel)
        self.graph = graph
        self.multilabel = multilabel

    def infer(self, targets, labelled, random_state):
        """Return calibrated beliefs, and how far to trust each.

        Parameters
        ----------
        targets : ndarray of shape (n_samples, n_classes), float32
            Given memberships, zeros where there is no label.
        labelled : ndarray of shape (n_samples,), bool
            Which rows have a label.
        random_state : RandomState
            Draws the folds of the calibration.

        Returns
        -------
        beliefs : ndarray of shape (n_samples, n_classes), float32
            Class distributions (memberships if multi-label); the labels where given.
        trust : ndarray of shape (n_samples,), float32
            1 for labelled rows, else 1 minus the entropy of the belief over the
            entropy of knowing nothing.
        """
        if labelled.all():
            return targets, np.ones(len(targets), dtype=np.float32)
        given = random_state.permutation(np.flatnonzero(labelled))
        held_out = np.empty((len(given), targets.shape[1]), dtype=np.float32)
        for fold in range(_N_FOLDS):
            rest = labelled.copy()
            rest[given[fold::_N_FOLDS]] = False
            inferred = self._maximise_expectation(targets, rest)
            held_out[fold::_N_FOLDS] = inferred[given[fold::_N_FOLDS]]
        prior = self._prior(targets, labelled)
        power, prior_share = min(
            product(_POWERS, _PRIOR_SHARES),
            key=lambda setting: self._log_loss(
                self._temper(held_out, prior, *setting), targets[given]
            ),
        )
        inferred = self._maximise_expectation(targets, labelled)
        beliefs = self._temper(inferred, prior, power, prior_share)
        beliefs[labelled] = targets[labelled]
        trust = 1 - self._relative_entropy(beliefs)
        trust[labelled] = 1
        return beliefs, trust

    def _maximise_expectation(self, targets, labelled):
        """Return what the features and neighbours of each row say of its classes."""
        prior = self._prior(targets, labelled)
        known = np.where(labelled[:, None], targets, np.float32(0))
        beliefs = self._propagated(known, labelled, prior)
        for _ in range(_EM_STEPS):
            beliefs[labelled] = targets[labelled]
            scores = self.model.scores(beliefs)
            votes = self.graph.average @ beliefs
            if self.multilabel:
                scores += np.log(prior / (1 - prior)) + (2 * votes - 1)
                beliefs = expit(scores).astype(np.float32)
            else:
                beliefs = softmax(scores + np.log(prior) + votes, axis=1)
                beliefs = beliefs.astype(np.float32, copy=False)
        return beliefs

    def _propagated(self, known, labelled, prior):
        """Return the labels spread over the graph, in proportion to the prior."""
        if self.multilabel:
            spread = self.graph.propagate(known)
            mass = self.graph.propagate(labelled[:, None].astype(np.float32))
            return ((spread + 1e-4 * prior) / (mass + 1e-4)).astype(np.float32)
        # Classes of one size first, so that none drowns; then back to their shares.
        spread = self.graph.propagate(known / np.maximum(known.sum(axis=0), 1) * prior)
        spread *= prior / np.maximum(spread.sum(axis=0), 1e-12)
        spread += _TINY * prior
        return (spread / spread.sum(axis=1, keepdims=True)).astype(np.float32)

    def _prior(self, targets, labelled):
        """Return the smoothed class frequencies of the labelled rows."""
        outcomes = 2 if self.multilabel else targets.shape[1]
        counts = targets[labelled].sum(axis=0) + 1
        return (counts / (labelled.sum() + outcomes)).astype(np.float32)

    def _temper(self, beliefs, prior, power, prior_share):
        tempered = np.clip(beliefs, _TINY, 1) ** power
        if self.multilabel:
            tempered /= tempered + np.clip(1 - beliefs, _TINY, 1) ** power
        else:
            tempered /= tempered.sum(axis=1, keepdims=True)
        mixed = (1 - prior_share) * tempered + prior_share * prior
        return mixed.astype(np.float32, copy=False)

    def _log_loss(self, beliefs, targets):
        losses = targets * np.log(np.clip(beliefs, _TINY, 1))
        if self.multilabel:
            losses += (1 - targets) * np.log(np.clip(1 - beliefs, _TINY, 1))
        return -losses.sum(axis=1).mean()

    def _relative_entropy(self, beliefs):
        """Return the entropy of each row's belief, 1 for knowing nothing."""
        entropy = -(beliefs * np.log(beliefs + _TINY))
        if self.multilabel:
            entropy -= (1 - beliefs) * np.log(1 - beliefs + _TINY)
            return np.clip(entropy.mean(axis=1) / np.log(2), 0, 1)
        return np.clip(entropy.sum(axis=1) / np.log(beliefs.shape[1]), 0, 1)
