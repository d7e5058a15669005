"""What to believe of the classes of unlabeled rows before the network learns.

A teacher of three parts that see different things: a class-conditional model of the
features, which generalizes from words; the neighborhood graph, which generalizes from
one row to the next; and a discriminant, which only looks at labeled rows and is the
better the more there are. Expectation maximization lets the first two correct each
other; held-out labeled rows then tell how much to make of either outcome.
"""

from itertools import product

import numpy as np
import scipy.sparse as sp
from scipy.special import softmax
from sklearn.linear_model import Ridge

from skhash.variational.pseudo_labels._class_models import class_model

_EM_STEPS = 8
_N_FOLDS = 3
# The penalty of the discriminant, in mean squared lengths of a row.
_RIDGE = 0.3
# The log-odds of a row are a sum of the logarithms of the inferred beliefs times one of
# these powers and the scores of the discriminant times one of these factors; its belief
# is then mixed with the class prior by one of these shares. Whatever fits the held-out
# labels best, with caution.
_POWERS = (0.0, 0.1, 0.15, 0.25, 0.35, 0.5, 0.7, 1.0)
_FACTORS = (0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0, 12.0, 16.0)
_PRIOR_SHARES = (0.0, 0.03, 0.1, 0.2, 0.4, 0.7, 1.0)
# The loss of a choice is taken to be its mean and this many standard errors. Among a
# hundred labels, beliefs that are too sure of themselves win by luck; what they then
# do is worse than to know nothing.
_CAUTION = 4.0
# This many held-out rows are enough to choose.
_MAX_CALIBRATION = 2000
_TINY = 1e-9
# No belief is trusted as a given label is, which counts 1.
_MOST_TRUST = 0.999


class ClassPosteriorEstimator:
    """Beliefs about classes from features and neighbors, started by a few labels.

    Semi-supervised expectation maximization [1]_ that starts from label propagation
    [2]_ and in which the neighbors of a row vote in every step, and ridge regression
    of the given labels. With few labels the former says more, with many the latter.

    Parameters
    ----------
    rows : {ndarray, CSR} of shape (n_samples, n_features)
        Scaled rows: unit length if sparse, standardized if dense.
    graph : NeighborhoodGraph
        Who is near whom.

    References
    ----------
    .. [1] K. Nigam et al., "Text classification from labeled and unlabeled documents
       using EM", Machine Learning 39, 2000. doi:10.1023/A:1007692713085
    .. [2] D. Zhou et al., "Learning with local and global consistency", NIPS 2003.
    """

    def __init__(self, rows, graph):
        self.rows = rows
        self.model = class_model(rows)
        self.graph = graph

    def infer(self, targets, labeled, random_state):
        """Return calibrated beliefs, and how far to trust each.

        Parameters
        ----------
        targets : ndarray of shape (n_samples, n_classes), float32
            Given memberships, zeros where there is no label.
        labeled : ndarray of shape (n_samples,), bool
            Which rows have a label; at least one.
        random_state : RandomState
            Draws the folds of the calibration.

        Returns
        -------
        beliefs : ndarray of shape (n_samples, n_classes), float32
            Class distributions; the labels where given.
        trust : ndarray of shape (n_samples,), float32
            1 for labeled rows, else 1 minus the entropy of the belief over the
            entropy of knowing nothing.
        """
        given = random_state.permutation(np.flatnonzero(labeled))[:_MAX_CALIBRATION]
        held_out = np.empty((2, len(given), targets.shape[1]), dtype=np.float32)
        for fold in range(_N_FOLDS):
            asked = given[fold::_N_FOLDS]
            rest = labeled.copy()
            rest[asked] = False
            held_out[:, fold::_N_FOLDS] = self._learn(targets, rest)[:, asked]
        self.prior = self._prior(targets, labeled)
        self.calibration = min(
            product(_POWERS, _FACTORS, _PRIOR_SHARES),
            key=lambda calibration: _highest_loss(
                self._combine(held_out, *calibration), targets[given]
            ),
        )
        beliefs, trust = self._calibrated(self._learn(targets, labeled))
        beliefs[labeled] = targets[labeled]
        trust[labeled] = 1
        return beliefs, trust

    def extend(self, rows, votes):
        """Return beliefs about rows that were not there, and how far to trust each.

        Parameters
        ----------
        rows : {ndarray, CSR} of shape (n_rows, n_features)
            Scaled rows.
        votes : ndarray of shape (n_rows, n_classes)
            The average belief about the neighbors of each.

        Returns
        -------
        beliefs : ndarray of shape (n_rows, n_classes), float32
            As from :meth:`infer`.
        trust : ndarray of shape (n_rows,), float32
            As from :meth:`infer`.
        """
        inferred = self._expectation(rows, votes, self.prior)
        return self._calibrated(self._evidence(rows, inferred))

    def _learn(self, targets, labeled):
        """Learn from labels, and return the evidence about all rows."""
        inferred = self._maximize_expectation(targets, labeled)
        self.discriminant = None
        if labeled.any():
            rows = self.rows[labeled]
            squares = rows.multiply(rows) if sp.issparse(rows) else np.square(rows)
            penalty = _RIDGE * max(squares.sum() / len(targets[labeled]), _TINY)
            self.discriminant = Ridge(alpha=penalty, tol=1e-2)
            self.discriminant.fit(rows, targets[labeled])
        return self._evidence(self.rows, inferred)

    def _evidence(self, rows, inferred):
        """Return log-beliefs and scores (2, n_rows, n_classes) about some rows."""
        evidence = np.zeros((2, *inferred.shape), dtype=np.float32)
        np.log(np.clip(inferred, _TINY, 1), out=evidence[0])
        if self.discriminant is not None:
            evidence[1] = self.discriminant.predict(rows)
        return evidence

    def _maximize_expectation(self, targets, labeled):
        """Return what the features and neighbors of each row say of its classes."""
        prior = self._prior(targets, labeled)
        known = np.where(labeled[:, None], targets, np.float32(0))
        beliefs = self._propagated(known, prior)
        for _ in range(_EM_STEPS):
            beliefs[labeled] = targets[labeled]
            self.model.fit(beliefs)
            beliefs = self._expectation(self.rows, self.graph.average @ beliefs, prior)
        return beliefs

    def _expectation(self, rows, votes, prior):
        """Return the class distributions that features and neighbors agree on."""
        scores = self.model.scores(rows)
        beliefs = softmax(scores + np.log(prior) + votes, axis=1)
        return beliefs.astype(np.float32, copy=False)

    def _propagated(self, known, prior):
        """Return the labels spread over the graph, in proportion to the prior."""
        # Classes of one size first, so that none drowns; then back to their shares.
        spread = self.graph.propagate(known / np.maximum(known.sum(axis=0), 1) * prior)
        spread *= prior / np.maximum(spread.sum(axis=0), 1e-12)
        spread += _TINY * prior
        return (spread / spread.sum(axis=1, keepdims=True)).astype(np.float32)

    def _prior(self, targets, labeled):
        """Return the smoothed class frequencies of the labeled rows."""
        counts = targets[labeled].sum(axis=0) + 1
        return (counts / counts.sum()).astype(np.float32)

    def _calibrated(self, evidence):
        beliefs = self._combine(evidence, *self.calibration)
        trust = 1 - _relative_entropy(beliefs)
        return beliefs, np.minimum(trust, np.float32(_MOST_TRUST))

    def _combine(self, evidence, power, factor, prior_share):
        beliefs = softmax(power * evidence[0] + factor * evidence[1], axis=1)
        return (1 - prior_share) * beliefs + prior_share * self.prior


def _highest_loss(beliefs, targets):
    """Return how high the log loss may be that some rows are a sample of."""
    losses = -(targets * np.log(np.clip(beliefs, _TINY, 1))).sum(axis=1)
    return losses.mean() + _CAUTION * losses.std() / np.sqrt(len(losses))


def _relative_entropy(beliefs):
    """Return the entropy of each row's belief, 1 for knowing nothing."""
    entropy = -(beliefs * np.log(beliefs + _TINY)).sum(axis=1)
    return np.clip(entropy / np.log(np.float32(beliefs.shape[1])), 0, 1)
