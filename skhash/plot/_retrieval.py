"""Plot the quality of retrieval by codes."""

from collections.abc import Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from skhash.metrics import retrieval_report
from skhash.metrics._texts import MatrixLike
from skhash.plot._display import TEXTS, Display, encode, estimator_name
from skhash.utils._docstrings import substitute

__all__ = ["PrecisionAtKDisplay", "RadiusDisplay"]


@substitute(**TEXTS)
class PrecisionAtKDisplay(Display):
    """Plot precision at k against k.

    Parameters
    ----------
    depths : ndarray of shape (n_depths,)
        The values of k.
    precisions : ndarray of shape (n_depths,)
        The precision at each, in [0, 1].
    {name}

    Attributes
    ----------
    {attributes}

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from skhash import ITQHasher
    >>> from skhash.plot import PrecisionAtKDisplay
    >>> X, y = load_digits(return_X_y=True)
    >>> hasher = ITQHasher(random_state=0).fit(X)
    >>> display = PrecisionAtKDisplay.from_estimator(hasher, X, y, k=(1, 10, 100))
    >>> display.precisions.shape
    (3,)
    """

    def __init__(
        self, depths: NDArray, precisions: NDArray, *, name: str | None = None
    ):
        self.depths = depths
        self.precisions = precisions
        self.name = name

    @classmethod
    @substitute(**TEXTS)
    def from_estimator(
        cls,
        estimator: Any,
        X: MatrixLike,
        y: ArrayLike,
        X_query: MatrixLike | None = None,
        y_query: ArrayLike | None = None,
        *,
        k: Sequence[int] = (1, 3, 10, 30, 100),
        name: str | None = None,
        ax: Any = None,
        **kwargs: Any,
    ) -> Self:
        """Encode samples and plot the precision of their codes.

        Parameters
        ----------
        {estimator}
        {samples}
        k : sequence of int, default=(1, 3, 10, 30, 100)
            The numbers of neighbors, at least 1.
        {name}
        {ax}
        {kwargs}

        Returns
        -------
        display : PrecisionAtKDisplay
        """
        codes, query_codes = encode(estimator, X), encode(estimator, X_query)
        name = estimator_name(estimator, name)
        return cls.from_predictions(
            codes, y, query_codes, y_query, k=k, name=name, ax=ax, **kwargs
        )

    @classmethod
    @substitute(**TEXTS)
    def from_predictions(
        cls,
        codes: MatrixLike,
        y: ArrayLike,
        query_codes: MatrixLike | None = None,
        y_query: ArrayLike | None = None,
        *,
        k: Sequence[int] = (1, 3, 10, 30, 100),
        metric: str = "hamming",
        name: str | None = None,
        ax: Any = None,
        **kwargs: Any,
    ) -> Self:
        """Plot the precision of codes.

        Parameters
        ----------
        {codes}
        k : sequence of int, default=(1, 3, 10, 30, 100)
            The numbers of neighbors, at least 1.
        metric : str, default="hamming"
            As in :func:`skhash.metrics.retrieval_report`.
        {name}
        {ax}
        {kwargs}

        Returns
        -------
        display : PrecisionAtKDisplay
        """
        report = retrieval_report(
            codes, y, query_codes, y_query, k=tuple(k), radius=(), metric=metric
        )
        precisions = np.array([report[f"precision_at_{depth}"] for depth in k])
        display = cls(np.asarray(k), precisions, name=name)
        return display.plot(ax=ax, **kwargs)

    @substitute(**TEXTS)
    def plot(self, ax: Any = None, **kwargs: Any) -> Self:
        """Plot the precisions.

        Parameters
        ----------
        {ax}
        {kwargs}

        Returns
        -------
        self : PrecisionAtKDisplay
        """
        ax = self._set_axes(ax)
        ax.plot(
            self.depths, self.precisions, **{"marker": "o", "label": self.name} | kwargs
        )
        ax.set(xscale="log", xlabel="k", ylabel="precision@k", ylim=(0, 1.02))
        ax.set_xticks(self.depths, [str(depth) for depth in self.depths], minor=False)
        ax.set_xticks([], minor=True)
        if self.name is not None:
            ax.legend()
        return self


@substitute(**TEXTS)
class RadiusDisplay(Display):
    """Plot precision, recall and the rate of empty balls against the radius.

    Parameters
    ----------
    radii : ndarray of shape (n_radii,)
        The radii in bits.
    precisions, recalls, empty_rates : ndarray of shape (n_radii,)
        The measures within each radius, in [0, 1].

    Attributes
    ----------
    {attributes}
    """

    def __init__(
        self,
        radii: NDArray,
        precisions: NDArray,
        recalls: NDArray,
        empty_rates: NDArray,
    ):
        self.radii = radii
        self.precisions = precisions
        self.recalls = recalls
        self.empty_rates = empty_rates

    @classmethod
    @substitute(**TEXTS)
    def from_estimator(
        cls,
        estimator: Any,
        X: MatrixLike,
        y: ArrayLike,
        X_query: MatrixLike | None = None,
        y_query: ArrayLike | None = None,
        *,
        radii: Sequence[int] = tuple(range(9)),
        ax: Any = None,
        **kwargs: Any,
    ) -> Self:
        """Encode samples and plot the measures of their codes.

        Parameters
        ----------
        {estimator}
        {samples}
        radii : sequence of int, default=(0, 1, ..., 8)
            The radii in bits.
        {ax}
        {kwargs}

        Returns
        -------
        display : RadiusDisplay
        """
        codes, query_codes = encode(estimator, X), encode(estimator, X_query)
        return cls.from_predictions(
            codes, y, query_codes, y_query, radii=radii, ax=ax, **kwargs
        )

    @classmethod
    @substitute(**TEXTS)
    def from_predictions(
        cls,
        codes: MatrixLike,
        y: ArrayLike,
        query_codes: MatrixLike | None = None,
        y_query: ArrayLike | None = None,
        *,
        radii: Sequence[int] = tuple(range(9)),
        ax: Any = None,
        **kwargs: Any,
    ) -> Self:
        """Plot the measures of codes.

        Parameters
        ----------
        {codes}
        radii : sequence of int, default=(0, 1, ..., 8)
            The radii in bits.
        {ax}
        {kwargs}

        Returns
        -------
        display : RadiusDisplay
        """
        report = retrieval_report(
            codes, y, query_codes, y_query, k=(), radius=tuple(radii)
        )
        values = (
            np.array([report[f"{measure}_within_{radius}"] for radius in radii])
            for measure in ("precision", "recall", "empty_balls")
        )
        return cls(np.asarray(radii), *values).plot(ax=ax, **kwargs)

    @substitute(**TEXTS)
    def plot(self, ax: Any = None, **kwargs: Any) -> Self:
        """Plot the measures.

        Parameters
        ----------
        {ax}
        {kwargs}

        Returns
        -------
        self : RadiusDisplay
        """
        ax = self._set_axes(ax)
        options = {"marker": "o"} | kwargs
        ax.plot(self.radii, self.precisions, label="precision", **options)
        ax.plot(self.radii, self.recalls, label="recall", **options)
        ax.plot(self.radii, self.empty_rates, label="queries without result", **options)
        ax.set(xlabel="radius, bits", ylim=(-0.02, 1.02))
        ax.legend()
        return self
