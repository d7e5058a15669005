"""Hold what an estimator over codes has indexed, and change it as a whole."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from skhash._hamming._index import CodeIndex
from skhash.neighbors._growing import Labels
from skhash.neighbors._ids import Ids
from skhash.utils._documentation import DocumentedMixin
from skhash.utils._state import VersionedStateMixin, mutex_of

Self = TypeVar("Self", bound="SnapshotMixin")


@dataclass(frozen=True)
class Contents:
    """What has been indexed: one state of an estimator over codes.

    Attributes
    ----------
    codes : CodeIndex
        The codes.
    labels : Labels or None
        Their labels.
    packed : bool
        Whether `X` holds packed codes.
    n_features : int
        Number of columns of `X`.
    feature_names : ndarray of shape (n_features,) or None
        Names of the columns.
    ids : Ids or None
        Their ids.
    """

    codes: CodeIndex
    labels: Labels | None
    packed: bool
    n_features: int
    feature_names: NDArray[np.object_] | None
    ids: Ids | None = None

    def replaced(
        self, codes: CodeIndex, labels: Labels | None, ids: Ids | None
    ) -> Contents:
        """Return these contents with other codes, labels and ids."""
        return Contents(
            codes, labels, self.packed, self.n_features, self.feature_names, ids
        )


class SnapshotMixin(VersionedStateMixin, DocumentedMixin, BaseEstimator):
    """Estimators whose fitted state is one immutable object, replaced as a whole.

    Whatever ends a change early, and whatever runs beside it, finds the state before or
    after. The state, `_contents`, has at least `n_features` and `feature_names`.
    """

    _contents: Any
    # They are assembled on demand, at the cost of a copy.
    _hidden_attributes = frozenset({"codes_", "ids_"})

    def __sklearn_is_fitted__(self) -> bool:
        return "_contents" in self.__dict__

    def _change(self: Self, change: Callable[..., Any], *arguments: Any) -> Self:
        """Put in place what `change` returns; one thread at a time."""
        mutex_of(self).run(self._replace, change, arguments)
        return self

    def _replace(self, change: Callable[..., Any], arguments: tuple) -> None:
        self._contents = change(*arguments)

    def _snapshot(self: Self) -> Self:
        """Return the fitted estimator as it is now: later changes do not reach it.

        Every search begins with this.
        """
        if "_contents" not in self.__dict__:
            check_is_fitted(self)
        snapshot = object.__new__(type(self))
        snapshot.__dict__.update(self.__dict__)
        return snapshot

    def _fitted(self, name: str) -> Any:
        """Return the contents, or raise as for an attribute that is not there yet."""
        contents = self.__dict__.get("_contents")
        if contents is None:
            raise AttributeError(
                f"{type(self).__name__!r} object has no attribute {name!r}"
            )
        return contents

    @property
    def n_features_in_(self) -> int:
        """Number of columns of `X`."""
        return self._fitted("n_features_in_").n_features

    @property
    def feature_names_in_(self) -> NDArray[np.object_]:
        """Names of the columns of `X`, where it had names."""
        names = self._fitted("feature_names_in_").feature_names
        if names is None:
            raise AttributeError("X had no feature names in fit.")
        return names
