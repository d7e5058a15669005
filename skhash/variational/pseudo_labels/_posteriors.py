"""Estimate class posteriors of unlabeled samples by EM.

Three models with different errors are combined: a class model of the features, label
propagation over the neighbor graph, and ridge regression of the labels. Expectation
maximization couples the first two. Held-out labels decide how much weight each has.
"""

from itertools import product
from typing import NamedTuple

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from scipy.special import softmax
from sklearn.linear_model import Ridge

from skhash.utils._scaling import Rows
from skhash.variational.pseudo_labels._class_models import class_model
from skhash.variational.pseudo_labels._graph import (
    LATENT_DIMENSIONS,
    LatentNeighbors,
    LatentSpace,
    NeighborGraph,
)

_EM_STEPS = 8
_N_FOLDS = 3
# The penalty of ridge regression, in mean squared norms of a row.
_RIDGE = 0.3
# Candidate values of the calibration.
_EM_POWERS = (0.0, 0.1, 0.15, 0.25, 0.35, 0.5, 0.7, 1.0)
_RIDGE_FACTORS = (0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0, 12.0, 16.0)
_PRIOR_WEIGHTS = (0.0, 0.03, 0.1, 0.2, 0.4, 0.7, 1.0)
# A calibration is judged by its mean loss plus this many standard errors: among a
# hundred labels, overconfident posteriors win by chance, and do more harm than none.
_N_STANDARD_ERRORS = 4.0
# More held-out samples do not change the choice.
_MAX_CALIBRATION_SAMPLES = 2000
_TINY = 1e-9
# Labels have a confidence of 1, and posteriors less.
_MAX_CONFIDENCE = 0.999


class Calibration(NamedTuple):
    """How the posterior is computed from the two estimates.

    The log-odds are `em_power` times the log posteriors of EM plus `ridge_factor` times
    the predictions of ridge regression. The posterior is mixed with the class prior
    with the weight `prior_weight`.
    """

    em_power: float
    ridge_factor: float
    prior_weight: float


class ClassPosteriorEstimator:
    """Class posteriors from features and neighbors, given a few labels.

    Semi-supervised expectation maximization [1]_ starts from label propagation [2]_,
    with votes of the neighbors in every step; ridge regression of the labels is added.
    EM is better with few labels, ridge regression with many.

    Parameters
    ----------
    rows : {ndarray, CSR} of shape (n_samples, n_features)
        Scaled rows: unit length if sparse, standardized if dense.
    graph : NeighborGraph
        The neighbors of the samples.

    References
    ----------
    .. [1] K. Nigam et al., "Text classification from labeled and unlabeled documents
       using EM", Machine Learning 39, 2000. doi:10.1023/A:1007692713085
    .. [2] D. Zhou et al., "Learning with local and global consistency", NIPS 2003.
    """

    def __init__(self, rows: Rows, graph: NeighborGraph):
        self.rows = rows
        self.model = class_model(rows)
        self.graph = graph

    def infer(
        self,
        targets: NDArray[np.float32],
        labeled: NDArray[np.bool_],
        random_state: np.random.RandomState,
        class_weights: NDArray[np.float32] | None = None,
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Estimate calibrated posteriors of all samples.

        Parameters
        ----------
        targets : ndarray of shape (n_samples, n_classes), float32
            Class distributions of the labeled samples, zeros elsewhere.
        labeled : ndarray of shape (n_samples,), bool
            Which samples have a label; at least one.
        random_state : RandomState
            Draws the folds of the calibration.
        class_weights : ndarray of shape (n_classes,), float32, default=None
            How much a labeled sample of a class counts for its frequency, where some
            classes have more of their samples labeled than others. If None, 1.

        Returns
        -------
        posteriors : ndarray of shape (n_samples, n_classes), float32
            Class distributions; the given ones for labeled samples.
        confidence : ndarray of shape (n_samples,), float32
            1 for labeled samples, else 1 minus the entropy of the posterior relative
            to that of a uniform distribution.
        """
        self._class_weights = class_weights
        given = random_state.permutation(np.flatnonzero(labeled))
        given = given[:_MAX_CALIBRATION_SAMPLES]
        held_out = np.empty((2, len(given), targets.shape[1]), dtype=np.float32)
        for fold in range(_N_FOLDS):
            asked = given[fold::_N_FOLDS]
            rest = labeled.copy()
            rest[asked] = False
            held_out[:, fold::_N_FOLDS] = self._learn(targets, rest)[:, asked]
        self.prior = self._class_prior(targets, labeled)
        candidates = product(_EM_POWERS, _RIDGE_FACTORS, _PRIOR_WEIGHTS)
        self.calibration = min(
            (Calibration(*candidate) for candidate in candidates),
            key=lambda calibration: _loss_bound(
                self._combine(held_out, calibration), targets[given]
            ),
        )
        posteriors, confidence = self._calibrated(self._learn(targets, labeled))
        posteriors[labeled] = targets[labeled]
        confidence[labeled] = 1
        return posteriors, confidence

    def extend(
        self, rows: Rows, votes: NDArray[np.float32]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Estimate posteriors of samples that were not part of :meth:`infer`.

        Parameters
        ----------
        rows : {ndarray, CSR} of shape (n_rows, n_features)
            Scaled rows.
        votes : ndarray of shape (n_rows, n_classes)
            The mean posterior of the neighbors of each.

        Returns
        -------
        posteriors : ndarray of shape (n_rows, n_classes), float32
        confidence : ndarray of shape (n_rows,), float32
            As from :meth:`infer`.
        """
        inferred = self._expectation(rows, votes, self.prior)
        return self._calibrated(self._evidence(rows, inferred))

    def _learn(
        self, targets: NDArray[np.float32], labeled: NDArray[np.bool_]
    ) -> NDArray[np.float32]:
        """Fit all models to the labels, and return their evidence on all samples."""
        inferred = self._expectation_maximization(targets, labeled)
        self.ridge: Ridge | None = None
        if labeled.any():
            rows = self.rows[labeled]
            squares = rows.multiply(rows) if sp.issparse(rows) else np.square(rows)
            penalty = _RIDGE * max(squares.sum() / len(targets[labeled]), _TINY)
            self.ridge = Ridge(alpha=penalty, tol=1e-2)
            self.ridge.fit(rows, targets[labeled])
        return self._evidence(self.rows, inferred)

    def _evidence(
        self, rows: Rows, inferred: NDArray[np.float32]
    ) -> NDArray[np.float32]:
        """Return log posteriors of EM and ridge predictions (2, n_rows, n_classes)."""
        evidence = np.zeros((2, *inferred.shape), dtype=np.float32)
        np.log(np.clip(inferred, _TINY, 1), out=evidence[0])
        if self.ridge is not None:
            evidence[1] = self.ridge.predict(rows)
        return evidence

    def _expectation_maximization(
        self, targets: NDArray[np.float32], labeled: NDArray[np.bool_]
    ) -> NDArray[np.float32]:
        """Return posteriors by EM with votes of the neighbors."""
        prior = self._class_prior(targets, labeled)
        known = np.where(labeled[:, None], targets, np.float32(0))
        posteriors = self._propagated(known, prior)
        for _ in range(_EM_STEPS):
            posteriors[labeled] = targets[labeled]
            self.model.fit(posteriors)
            votes = self.graph.average @ posteriors
            posteriors = self._expectation(self.rows, votes, prior)
        return posteriors

    def _expectation(
        self, rows: Rows, votes: NDArray[np.float32], prior: NDArray[np.float32]
    ) -> NDArray[np.float32]:
        """Return posteriors from features, neighbor votes and class prior."""
        scores = self.model.scores(rows)
        posteriors = softmax(scores + np.log(prior) + votes, axis=1)
        return posteriors.astype(np.float32, copy=False)

    def _class_prior(
        self, targets: NDArray[np.float32], labeled: NDArray[np.bool_]
    ) -> NDArray[np.float32]:
        """Return the smoothed class frequencies of the labeled samples."""
        counts = targets[labeled].sum(axis=0)
        if self._class_weights is not None:
            counts = counts * self._class_weights
        counts = counts + 1
        return (counts / counts.sum()).astype(np.float32)

    def _propagated(
        self, known: NDArray[np.float32], prior: NDArray[np.float32]
    ) -> NDArray[np.float32]:
        """Return labels spread over the graph, in proportion to the prior."""
        # Propagated as classes of equal size, so that large ones do not displace small
        # ones, and scaled back to their prior afterwards.
        spread = self.graph.propagate(known / np.maximum(known.sum(axis=0), 1) * prior)
        spread *= prior / np.maximum(spread.sum(axis=0), 1e-12)
        spread += _TINY * prior
        return (spread / spread.sum(axis=1, keepdims=True)).astype(np.float32)

    def _calibrated(
        self, evidence: NDArray[np.float32]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        posteriors = self._combine(evidence, self.calibration)
        confidence = 1 - _relative_entropy(posteriors)
        return posteriors, np.minimum(confidence, np.float32(_MAX_CONFIDENCE))

    def _combine(
        self, evidence: NDArray[np.float32], calibration: Calibration
    ) -> NDArray[np.float32]:
        em_power, ridge_factor, prior_weight = calibration
        log_odds = em_power * evidence[0] + ridge_factor * evidence[1]
        posteriors = softmax(log_odds, axis=1)
        return (1 - prior_weight) * posteriors + prior_weight * self.prior


def infer_posteriors(
    rows: Rows,
    targets: NDArray[np.float32],
    labeled: NDArray[np.bool_],
    *,
    n_neighbors: int,
    class_weights: NDArray[np.float32],
    random_state: np.random.RandomState,
) -> NDArray[np.float32]:
    """Estimate class posteriors of samples, and find their neighbors for it.

    Parameters are those of :class:`ClassPosteriorEstimator` and its `infer`.
    """
    latent = LatentSpace(rows, LATENT_DIMENSIONS, random_state).transform(rows)
    search = LatentNeighbors(latent, min(n_neighbors, len(targets) - 1))
    graph = NeighborGraph(*search.nearest(latent, np.arange(len(targets))))
    estimator = ClassPosteriorEstimator(rows, graph)
    return estimator.infer(targets, labeled, random_state, class_weights)[0]


def _loss_bound(
    posteriors: NDArray[np.float32], targets: NDArray[np.float32]
) -> np.floating:
    """Return an upper confidence bound of the log loss."""
    losses = -(targets * np.log(np.clip(posteriors, _TINY, 1))).sum(axis=1)
    return losses.mean() + _N_STANDARD_ERRORS * losses.std() / np.sqrt(len(losses))


def _relative_entropy(posteriors: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the entropy of each posterior relative to a uniform distribution."""
    entropy = -(posteriors * np.log(posteriors + _TINY)).sum(axis=1)
    return np.clip(entropy / np.log(np.float32(posteriors.shape[1])), 0, 1)
