"""What the learning hashers share: latent features, drawn rows, ridges."""

from abc import abstractmethod
from numbers import Integral

import numpy as np
from sklearn.utils import check_random_state

from skhash.shallow._base import ShallowHasher
from skhash.shallow._projections import project
from skhash.utils._compat import Interval
from skhash.utils._labels import check_partial_labels, require_two_classes
from skhash.utils._linalg import singular_directions, unit_rows


class LatentHasher(ShallowHasher):
    """Base class of hashers that learn in a latent space of moderate size.

    Rows are projected on the leading singular directions (latent semantic analysis,
    for sparse and dense rows alike, without centering) and brought to unit length, so
    that Euclidean distances in that space order rows as the cosine does. At most
    `max_samples` rows take part in learning, labeled ones first.

    A subclass learns in `_fit_latent` and encodes in `_encode_latent`. One that uses
    labels says so by `_uses_labels`, and by `_needs_labels` if it cannot do without.
    """

    _parameter_constraints: dict = {
        **ShallowHasher._parameter_constraints,
        "n_components": [Interval(Integral, 1, None, closed="left")],
        "normalize": ["boolean"],
        "max_samples": [Interval(Integral, 2, None, closed="left")],
        "random_state": ["random_state"],
    }
    _uses_labels = False
    _needs_labels = False

    @abstractmethod
    def _fit_latent(self, features, targets, labeled, random_state):
        """Learn from latent features.

        `targets` of shape (n_samples, n_classes) are class memberships, zeros for rows
        that are not `labeled`; both are None for a subclass that uses no labels.
        """

    @abstractmethod
    def _decide_latent(self, features):
        """Return bits and doubtful rows of rows in the latent space."""

    def _fit(self, X, y):
        random_state = check_random_state(self.random_state)
        labels = self._check_labels(y, X.shape[0]) if self._uses_labels else None
        labeled = None if labels is None else labels.labeled
        rows = draw_rows(
            X.shape[0], self.max_samples, random_state=random_state, first=labeled
        )
        X = X[rows]
        self.components_ = singular_directions(
            X, self._count_components(), random_state=random_state
        )
        features = self._latent_features(X)
        if labels is None:
            self._fit_latent(features, None, None, random_state)
        else:
            targets = labels.targets(rows).astype(features.dtype)
            self._fit_latent(features, targets, labeled[rows], random_state)

    def _count_components(self):
        return self.n_components

    def _check_labels(self, y, n_samples):
        labels = check_partial_labels(y, n_samples)
        require_two_classes(labels, or_none=not self._needs_labels)
        if self._needs_labels and not labels.n_classes:
            name = type(self).__name__
            raise ValueError(
                f"{name} requires y to be passed, but the target y is None or all -1: "
                "it learns from labels only. Label some rows (the others carry -1), or "
                "use a hasher that needs no labels, such as ITQHasher."
            )
        # Fitted anew without labels, it must not keep the classes of before.
        self.__dict__.pop("classes_", None)
        if labels.n_classes:
            self.classes_ = labels.classes
        return labels

    def _latent_features(self, X):
        features = project(X, self.components_)
        return unit_rows(features)[0] if self.normalize else features

    def _decide(self, X):
        features = X.project(self.components_)
        return self._decide_latent(features.unit() if self.normalize else features)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.target_tags.required = self._needs_labels
        return tags


def draw_rows(n_samples, max_samples, *, random_state, first=None):
    """Draw the rows that a costly step learns from.

    Parameters
    ----------
    n_samples : int
        How many rows there are.
    max_samples : int
        How many to draw at most.
    random_state : RandomState instance
        Draws them.
    first : ndarray of shape (n_samples,), bool, default=None
        Rows to draw before all others, such as the labeled ones.

    Returns
    -------
    rows : slice or ndarray of int, ascending
        All rows where there are no more than `max_samples`.
    """
    if n_samples <= max_samples:
        return slice(None)
    order = random_state.permutation(n_samples)
    if first is not None:
        order = order[np.argsort(~first[order], kind="stable")]
    return np.sort(order[:max_samples])


def add_ridge(gram, share):
    """Return a Gram matrix with a ridge.

    Parameters
    ----------
    gram : ndarray of shape (n, n)
        Positive semidefinite.
    share : float
        The ridge as a share of the mean of the diagonal.

    Returns
    -------
    ridged : ndarray of shape (n, n)
        Positive definite.
    """
    ridge = share * np.trace(gram) / len(gram) or 1.0
    return gram + ridge * np.eye(len(gram), dtype=gram.dtype)
