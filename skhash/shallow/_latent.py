"""Base class of the hashers that learn in a latent space, and what they share."""

from abc import abstractmethod
from numbers import Integral

import numpy as np
import scipy.sparse as sp
from numpy.typing import ArrayLike, NDArray
from sklearn.utils import Tags, check_random_state

from skhash.shallow._base import ShallowHasher
from skhash.shallow._projections import project
from skhash.utils._compat import Interval
from skhash.utils._labels import (
    PartialLabels,
    check_partial_labels,
    require_two_classes,
)
from skhash.utils._linalg import learn_rotation, singular_directions, unit_rows
from skhash.utils._rounding import BoundedRows, Decision
from skhash.utils._typing import Output, Rows, Seed


class LatentHasher(ShallowHasher):
    """Base class of hashers that learn in a latent space of moderate dimension.

    Samples are projected on the leading singular directions (latent semantic analysis,
    for sparse and dense samples alike, without centering) and scaled to unit length, so
    that Euclidean distances in that space order samples as the cosine does. At most
    `max_samples` samples are used for learning, labeled ones first.

    A subclass learns in `_fit_latent` and computes values in `_decide_latent`. One that
    uses labels sets `_uses_labels`, and one that requires them `_needs_labels`.
    """

    _parameter_constraints: dict = {
        **ShallowHasher._parameter_constraints,
        "n_components": [Interval(Integral, 1, None, closed="left")],
        "normalize": ["boolean"],
        "max_samples": [Interval(Integral, 2, None, closed="left")],
        "random_state": ["random_state"],
    }
    _encoding_parameters = ("normalize",)
    _uses_labels = False
    _needs_labels = False

    n_bits: int
    n_components: int
    normalize: bool
    max_samples: int
    random_state: Seed

    @abstractmethod
    def _fit_latent(
        self,
        features: NDArray,
        targets: NDArray,
        labeled: NDArray[np.bool_],
        random_state: np.random.RandomState,
    ) -> None:
        """Learn from latent features.

        `targets` of shape (n_samples, n_classes) are class memberships, zeros for
        samples that are not `labeled`; without columns if no labels are used.
        """

    @abstractmethod
    def _decide_latent(self, features: BoundedRows) -> Decision:
        """Return decision values and doubtful samples from latent features."""

    def _fit(self, X: Rows, y: ArrayLike | None) -> None:
        random_state = check_random_state(self.random_state)
        labels = self._check_labels(y, X.shape[0])
        rows = draw_rows(
            X.shape[0],
            self.max_samples,
            random_state=random_state,
            first=labels.labeled if self._uses_labels else None,
        )
        X = X[rows]
        self.components_ = singular_directions(
            X, self._count_components(), random_state=random_state
        )
        features = self._latent_features(X)
        targets = self._targets(labels, rows).astype(features.dtype)
        self._fit_latent(features, targets, labels.labeled[rows], random_state)

    def _targets(
        self, labels: PartialLabels, rows: slice | NDArray[np.intp]
    ) -> NDArray | sp.csr_array:
        """Return the class memberships (n_rows, n_classes) of some samples."""
        return labels.targets(rows)

    def _count_components(self) -> int:
        return self.n_components

    def _check_labels(self, y: ArrayLike | None, n_samples: int) -> PartialLabels:
        if not self._uses_labels:
            return check_partial_labels(None, n_samples)
        labels = check_partial_labels(y, n_samples)
        require_two_classes(labels, or_none=not self._needs_labels)
        if self._needs_labels and not labels.n_classes:
            name = type(self).__name__
            raise ValueError(
                f"{name} requires y to be passed, but the target y is None or all -1: "
                "it learns from labels only. Label some samples (the others carry -1), "
                "or use a hasher that needs no labels, such as ITQHasher."
            )
        self.classes_ = labels.classes
        return labels

    def _latent_features(self, X: Rows) -> NDArray:
        features = project(X, self.components_)
        return unit_rows(features)[0] if self.normalize else features

    def _decide(self, X: BoundedRows) -> Decision:
        features = X.project(self.components_)
        return self._decide_latent(features.unit() if self.normalize else features)

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.target_tags.required = self._needs_labels
        return tags


class RotatedDirectionsHasher(LatentHasher):
    """Base class of hashers that find directions by labels and rotate them into bits.

    A subclass sets `mean_` and `directions_` in `_fit_latent`, and calls
    `_fit_rotation`.
    """

    _parameter_constraints: dict = {
        **LatentHasher._parameter_constraints,
        "max_iter": [Interval(Integral, 1, None, closed="left")],
    }
    _uses_labels = True
    _needs_labels = True

    mean_: NDArray
    directions_: NDArray

    def __init__(
        self,
        n_bits: int = 32,
        *,
        max_iter: int = 50,
        n_components: int = 300,
        normalize: bool = True,
        max_samples: int = 20_000,
        output: Output = "bits",
        random_state: Seed = None,
    ) -> None:
        self.n_bits = n_bits
        self.max_iter = max_iter
        self.n_components = n_components
        self.normalize = normalize
        self.max_samples = max_samples
        self.output = output
        self.random_state = random_state

    def _fit_rotation(
        self, features: NDArray, random_state: np.random.RandomState
    ) -> None:
        """Learn the rotation of the directions that loses least as signs."""
        self.rotation_, losses = learn_rotation(
            (features - self.mean_) @ self.directions_,
            self.n_bits,
            self.max_iter,
            random_state=random_state,
        )
        self.n_iter_ = len(losses)

    def _decide_latent(self, features: BoundedRows) -> Decision:
        projected = features.shift(-self.mean_).project(self.directions_.T)
        return projected.project(self.rotation_.T).above()


def draw_rows(
    n_samples: int,
    max_samples: int,
    *,
    random_state: np.random.RandomState,
    first: NDArray[np.bool_] | None = None,
) -> slice | NDArray[np.intp]:
    """Draw the samples that an expensive step learns from.

    Parameters
    ----------
    n_samples : int
        Number of samples.
    max_samples : int
        Largest number of samples to draw.
    random_state : RandomState instance
        Draws the samples.
    first : ndarray of shape (n_samples,), bool, default=None
        Samples to draw before all others, such as the labeled ones.

    Returns
    -------
    rows : slice or ndarray of int
        Positions in ascending order; all samples if there are at most `max_samples`.
    """
    if n_samples <= max_samples:
        return slice(None)
    order = random_state.permutation(n_samples)
    if first is not None:
        order = order[np.argsort(~first[order], kind="stable")]
    return np.sort(order[:max_samples])


def add_ridge(gram: NDArray, fraction: float) -> NDArray:
    """Return a Gram matrix with a ridge.

    Parameters
    ----------
    gram : ndarray of shape (n, n)
        Positive semidefinite.
    fraction : float
        The ridge as a fraction of the mean of the diagonal.

    Returns
    -------
    ridged : ndarray of shape (n, n)
        Positive definite.
    """
    ridge = fraction * np.trace(gram) / len(gram) or 1.0
    return gram + ridge * np.eye(len(gram), dtype=gram.dtype)
