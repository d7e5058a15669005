"""Rules of binary quantization, and the choice among them by held-out neighbors."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TypeAlias

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from skhash.metrics._short_lists import ShortListTask
from skhash.shallow._latent import draw_rows
from skhash.shallow._projections import principal_directions, project
from skhash.utils._linalg import learn_rotation, unit_rows
from skhash.utils._rounding import BoundedRows, Decision, consistent_values
from skhash.utils._thresholds import median_thresholds
from skhash.utils._typing import Rows

# The choice: samples to draw, true neighbors, and length of the short list.
_MAX_SAMPLES = 3000
_N_NEIGHBORS = 10
_DEPTH = 100
# A longer part of few samples would hold all neighbors by any rule.
_SAMPLES_PER_PLACE = 20

# Samples that rotations are learned from, and alternations of iterative quantization.
_MAX_ROTATION_SAMPLES = 10_000
_MAX_ITER = 30
# An alternation costs O(n_bits^3): seconds for all up to this length.
_MAX_ITERATED_BITS = 512
# Numbers in a rotation: 128 MB in double precision.
_MAX_ENTRIES = 2**24


@dataclass(frozen=True)
class FittedRule:
    """A bit per threshold, set where a coordinate of a sample is above it.

    Attributes
    ----------
    thresholds : ndarray of shape (n_bits,)
        The thresholds.
    components : ndarray of shape (n_bits, n_features) or None
        Directions whose coordinates count, for samples scaled to unit length; None for
        the first `n_bits` features as they are.
    """

    thresholds: NDArray
    components: NDArray | None = None

    def decision_values(self, X: Rows) -> NDArray[np.floating]:
        """Return numbers (n_samples, n_bits) whose signs do not depend on the batch."""
        if self.components is not None:
            return consistent_values(self._decide, X)
        X = X[:, : len(self.thresholds)]
        # One block of samples, as large as its values, becomes dense.
        with np.errstate(over="ignore"):
            return (X.toarray() if sp.issparse(X) else X) - self.thresholds

    def _decide(self, X: BoundedRows) -> Decision:
        return X.unit().project(self.components).above(self.thresholds)

    def transform(self, X: Rows) -> NDArray[np.uint8]:
        """Return the bits of samples."""
        return (self.decision_values(X) > 0).view(np.uint8)


RuleFit: TypeAlias = Callable[[Rows, int, np.random.RandomState], FittedRule]


def _zero(X: Rows, n_bits: int, random_state: np.random.RandomState) -> FittedRule:
    return FittedRule(np.zeros(n_bits, dtype=X.dtype))


def _mean(X: Rows, n_bits: int, random_state: np.random.RandomState) -> FittedRule:
    return FittedRule(np.asarray(X[:, :n_bits].mean(axis=0)).ravel())


def _median(X: Rows, n_bits: int, random_state: np.random.RandomState) -> FittedRule:
    return FittedRule(median_thresholds(X[:, :n_bits]))


def _random(
    X: Rows, n_bits: int, random_state: np.random.RandomState, *, center: bool
) -> FittedRule:
    directions = _frame(X.shape[1], n_bits, random_state).T
    if not center:
        return FittedRule(np.zeros(n_bits), directions)
    X = _rotation_samples(X, random_state)
    return FittedRule(directions @ np.asarray(X.mean(axis=0)).ravel(), directions)


def _principal(
    X: Rows, n_bits: int, random_state: np.random.RandomState, *, iterate: bool
) -> FittedRule:
    X = _rotation_samples(X, random_state)
    axes, mean = principal_directions(
        X, min(n_bits, X.shape[0]), random_state=random_state
    )
    if iterate:
        coordinates = project(X, axes) - mean
        rotation = learn_rotation(
            coordinates, n_bits, _MAX_ITER, random_state=random_state
        )[0].T
    else:
        rotation = _frame(n_bits, len(axes), random_state)
    return FittedRule(rotation @ mean, rotation @ axes)


#: How each rule is fitted, from the simplest to the one that learns most.
RULES: dict[str, RuleFit] = {
    "zero": _zero,
    "mean": _mean,
    "median": _median,
    "random": partial(_random, center=False),
    "centered_random": partial(_random, center=True),
    "pca_random": partial(_principal, iterate=False),
    "itq": partial(_principal, iterate=True),
}


def applicable_rules(X: Rows, n_bits: int) -> list[str]:
    """Return the names of the rules that suit samples and a length.

    Medians of sparse samples are mostly zero, large rotations cost too much, and in all
    principal directions a random rotation is one of the features.
    """
    small = n_bits * X.shape[1] <= _MAX_ENTRIES
    suits = {
        "zero": True,
        "mean": True,
        "median": not sp.issparse(X),
        "random": small,
        "centered_random": small,
        "pca_random": small and n_bits < X.shape[1],
        "itq": small and n_bits <= _MAX_ITERATED_BITS,
    }
    return [name for name, fits in suits.items() if fits]


def choose_rule(
    X: Rows, n_bits: int, *, random_state: np.random.RandomState
) -> tuple[str, dict[str, float]]:
    """Choose the rule whose codes find most true neighbors of held-out samples.

    Parameters
    ----------
    X : {ndarray, CSR} of shape (n_samples, n_features)
        The samples, of which some are drawn.
    n_bits : int
        Length of the codes, at most n_features.
    random_state : RandomState instance
        Draws samples and rotations.

    Returns
    -------
    name : str
        Key in RULES; of rules with equal recall the first.
    recalls : dict
        Recall by name of the rule; empty for a single sample, which has no neighbor.
    """
    if X.shape[0] < 2:
        return "zero", {}
    depth = min(_DEPTH, max(_N_NEIGHBORS, X.shape[0] // _SAMPLES_PER_PLACE))
    task = ShortListTask.draw(
        X,
        max_samples=_MAX_SAMPLES,
        n_neighbors=_N_NEIGHBORS,
        depth=depth,
        random_state=random_state,
    )
    recalls = {
        name: task.recall(RULES[name](task.X, n_bits, random_state))
        for name in applicable_rules(X, n_bits)
    }
    return max(recalls, key=lambda name: recalls[name]), recalls


def _frame(n_rows: int, n_columns: int, random_state: np.random.RandomState) -> NDArray:
    """Draw a matrix (n_rows, n_columns) of no more, orthonormal, columns than rows."""
    return np.linalg.qr(random_state.standard_normal((n_rows, n_columns)))[0]


def _rotation_samples(X: Rows, random_state: np.random.RandomState) -> Rows:
    """Draw samples to learn a rotation from, at unit length."""
    rows = draw_rows(X.shape[0], _MAX_ROTATION_SAMPLES, random_state=random_state)
    return unit_rows(X[rows])[0]
