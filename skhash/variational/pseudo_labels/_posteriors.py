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
from skhash.utils._views import ViewRows, stacked, views_of
from skhash.variational.pseudo_labels._class_models import ClassModel
from skhash.variational.pseudo_labels._graph import (
    LATENT_DIMENSIONS,
    LatentNeighbors,
    NeighborGraph,
)
from skhash.variational.pseudo_labels._view_models import (
    ViewClassModel,
    latent_space,
    row_class_model,
)

_EM_STEPS = 8
_N_FOLDS = 3
# The penalty of ridge regression, in mean squared norms of a row.
_RIDGE = 0.3
# Candidate values of the calibration. Gaussian posteriors of dense rows are more
# overconfident than those of words, and need smaller powers too.
_EM_POWERS = (0.0, 0.1, 0.15, 0.25, 0.35, 0.5, 0.7, 1.0)
_DENSE_EM_POWERS = (0.0, 0.01, 0.02, 0.04, 0.07, *_EM_POWERS[1:])
_RIDGE_FACTORS = (0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0, 12.0, 16.0)
_PRIOR_WEIGHTS = (0.0, 0.03, 0.1, 0.2, 0.4, 0.7, 1.0)
# How often the estimates of each of several views are calibrated.
_CALIBRATION_ROUNDS = 2
# A calibration is rated by its mean loss plus this many standard errors: among a
# hundred labels, overconfident posteriors win by chance, and do more harm than none.
# Dense rows and several views need less: with 1 % of the labels of five dense sets and
# four sets of two views, 1 gave a loss that was lower by 0.06 to 0.24 than 4.
_N_STANDARD_ERRORS, _N_STANDARD_ERRORS_OF_WORDS = 1.0, 4.0
# More held-out samples do not change the choice.
_MAX_CALIBRATION_SAMPLES = 2000
_TINY = 1e-9
# Labels have a confidence of 1, and posteriors less.
_MAX_CONFIDENCE = 0.999


class Calibration(NamedTuple):
    """How the posterior is computed from the two estimates.

    The log-odds are the sum over the views of `em_powers` times the log posteriors of
    EM plus `ridge_factors` times the predictions of ridge regression. The posterior is
    mixed with the class prior with the weight `prior_weight`.
    """

    em_powers: tuple[float, ...]
    ridge_factors: tuple[float, ...]
    prior_weight: float

    def with_view(
        self, view: int, em_power: float, ridge_factor: float, prior_weight: float
    ) -> "Calibration":
        """Return the calibration with other values for one view."""
        powers, factors = list(self.em_powers), list(self.ridge_factors)
        powers[view], factors[view] = em_power, ridge_factor
        return Calibration(tuple(powers), tuple(factors), prior_weight)


class ClassPosteriorEstimator:
    """Class posteriors from features and neighbors, given a few labels.

    Semi-supervised expectation maximization [1]_ starts from label propagation [2]_,
    with votes of the neighbors in every step; ridge regression of the labels is added.
    EM is better with few labels, ridge regression with many.

    Parameters
    ----------
    rows : {ndarray, CSR} of shape (n_samples, n_features), or ViewRows
        Scaled rows: unit length if sparse, standardized if dense. Each of several views
        has its own estimates.
    graph : NeighborGraph
        The neighbors of the samples.

    References
    ----------
    .. [1] K. Nigam et al., "Text classification from labeled and unlabeled documents
       using EM", Machine Learning 39, 2000. doi:10.1023/A:1007692713085
    .. [2] D. Zhou et al., "Learning with local and global consistency", NIPS 2003.
    """

    def __init__(self, rows: Rows | ViewRows, graph: NeighborGraph):
        self.rows = rows
        self.views = views_of(rows)
        self.models = [row_class_model(view) for view in self.views]
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
        n_estimates = 2 * len(self.views)
        held_out = np.empty(
            (n_estimates, len(given), targets.shape[1]), dtype=np.float32
        )
        for fold in range(_N_FOLDS):
            asked = given[fold::_N_FOLDS]
            rest = labeled.copy()
            rest[asked] = False
            held_out[:, fold::_N_FOLDS] = self._learn(targets, rest)[:, asked]
        self.prior = self._class_prior(targets, labeled)
        self.calibration = self._best_calibration(held_out, targets[given])
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
        views = views_of(rows)
        inferred = [
            _expectation(model, view, votes, self.prior)
            for model, view in zip(self.models, views)
        ]
        return self._calibrated(self._evidence(views, inferred))

    def _best_calibration(
        self, evidence: NDArray[np.float32], targets: NDArray[np.float32]
    ) -> Calibration:
        """Return the calibration of the least loss on held-out samples.

        The estimates of one view are calibrated by all combinations of the candidates;
        those of several views view by view, the others as they are, a few times.
        """
        n_views = len(self.views)
        is_words = sp.issparse(self.rows)
        n_errors = _N_STANDARD_ERRORS_OF_WORDS if is_words else _N_STANDARD_ERRORS
        best = Calibration((0.0,) * n_views, (0.0,) * n_views, 0.0)

        def loss(calibration: Calibration) -> np.floating:
            posteriors = self._combine(evidence, calibration)
            return _loss_bound(posteriors, targets, n_errors)

        for view in list(range(n_views)) * (1 if n_views == 1 else _CALIBRATION_ROUNDS):
            powers = _EM_POWERS if is_words else _DENSE_EM_POWERS
            candidates = [
                best.with_view(view, *candidate)
                for candidate in product(powers, _RIDGE_FACTORS, _PRIOR_WEIGHTS)
            ]
            best = min(candidates, key=loss)
        return best

    def _learn(
        self, targets: NDArray[np.float32], labeled: NDArray[np.bool_]
    ) -> NDArray[np.float32]:
        """Fit all models to the labels, and return their evidence on all samples."""
        inferred = self._expectation_maximization(targets, labeled)
        self.ridges: list[Ridge] = []
        for view in self.views if labeled.any() else ():
            rows = stacked(view)[labeled]
            squares = rows.multiply(rows) if sp.issparse(rows) else np.square(rows)
            penalty = _RIDGE * max(squares.sum() / len(targets[labeled]), _TINY)
            ridge = Ridge(alpha=penalty, tol=1e-2)
            self.ridges.append(ridge.fit(rows, targets[labeled]))
        return self._evidence(self.views, inferred)

    def _evidence(
        self, views: list[Rows | ViewRows], inferred: list[NDArray[np.float32]]
    ) -> NDArray[np.float32]:
        """Return the estimates of all views, (2 * n_views, n_rows, n_classes).

        For each view the log posteriors of EM, and the predictions of the regression.
        """
        shape = (2 * len(views), *inferred[0].shape)
        evidence = np.zeros(shape, dtype=np.float32)
        for view, posteriors in enumerate(inferred):
            np.log(np.clip(posteriors, _TINY, 1), out=evidence[2 * view])
        for view, ridge in enumerate(self.ridges):
            evidence[2 * view + 1] = ridge.predict(stacked(views[view]))
        return evidence

    def _expectation_maximization(
        self, targets: NDArray[np.float32], labeled: NDArray[np.bool_]
    ) -> list[NDArray[np.float32]]:
        """Return posteriors of each view by EM with votes of the neighbors."""
        prior = self._class_prior(targets, labeled)
        known = np.where(labeled[:, None], targets, np.float32(0))
        propagated = self._propagated(known, prior)
        inferred = []
        for model, view in zip(self.models, self.views):
            posteriors = propagated.copy()
            for _ in range(_EM_STEPS):
                posteriors[labeled] = targets[labeled]
                model.fit(posteriors)
                votes = self.graph.average @ posteriors
                posteriors = _expectation(model, view, votes, prior)
            inferred.append(posteriors)
        return inferred

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
        em_powers, ridge_factors, prior_weight = calibration
        log_odds = np.float32(0)
        for view, (em_power, factor) in enumerate(zip(em_powers, ridge_factors)):
            part = em_power * evidence[2 * view] + factor * evidence[2 * view + 1]
            log_odds = log_odds + part
        posteriors = softmax(log_odds, axis=1)
        return (1 - prior_weight) * posteriors + prior_weight * self.prior


def _expectation(
    model: ClassModel | ViewClassModel,
    rows: Rows,
    votes: NDArray[np.float32],
    prior: NDArray[np.float32],
) -> NDArray[np.float32]:
    """Return posteriors from features, neighbor votes and class prior."""
    scores = model.scores(rows)
    posteriors = softmax(scores + np.log(prior) + votes, axis=1)
    return posteriors.astype(np.float32, copy=False)


def infer_posteriors(
    rows: Rows | ViewRows,
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
    latent = latent_space(rows, LATENT_DIMENSIONS, random_state).transform(rows)
    search = LatentNeighbors(latent, min(n_neighbors, len(targets) - 1))
    graph = NeighborGraph(*search.nearest(latent, np.arange(len(targets))))
    estimator = ClassPosteriorEstimator(rows, graph)
    return estimator.infer(targets, labeled, random_state, class_weights)[0]


def _loss_bound(
    posteriors: NDArray[np.float32], targets: NDArray[np.float32], n_errors: float
) -> np.floating:
    """Return the mean log loss plus some standard errors."""
    losses = -(targets * np.log(np.clip(posteriors, _TINY, 1))).sum(axis=1)
    return losses.mean() + n_errors * losses.std() / np.sqrt(len(losses))


def _relative_entropy(posteriors: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the entropy of each posterior relative to a uniform distribution."""
    entropy = -(posteriors * np.log(posteriors + _TINY)).sum(axis=1)
    return np.clip(entropy / np.log(np.float32(posteriors.shape[1])), 0, 1)
