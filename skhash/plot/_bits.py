"""Plot balance and correlation of bits, and distances of classes."""

from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from skhash.codes import check_bits
from skhash.metrics._texts import MatrixLike
from skhash.plot._display import TEXTS, Display, encode
from skhash.utils._docstrings import substitute
from skhash.utils._labels import check_partial_labels

__all__ = ["BitBalanceDisplay", "DistanceDisplay"]


@substitute(**TEXTS)
class BitBalanceDisplay(Display):
    """Plot the fraction of ones of each bit and the correlation of bits.

    Parameters
    ----------
    means : ndarray of shape (n_bits,)
        The fraction of ones of each bit, in [0, 1].
    correlation : ndarray of shape (n_bits, n_bits)
        The Pearson correlation of each pair of bits; 0 for a constant bit.

    Attributes
    ----------
    axes_ : ndarray of two matplotlib Axes
        The axes with the fractions and with the correlations.
    figure_ : matplotlib Figure
        Their figure.

    See Also
    --------
    skhash.codes.bit_statistics : The same in numbers.

    Examples
    --------
    >>> from skhash.plot import BitBalanceDisplay
    >>> display = BitBalanceDisplay.from_predictions([[0, 1], [1, 0], [0, 1], [1, 0]])
    >>> display.means
    array([0.5, 0.5])
    """

    def __init__(self, means: NDArray, correlation: NDArray):
        self.means = means
        self.correlation = correlation

    @classmethod
    @substitute(**TEXTS)
    def from_estimator(cls, estimator: Any, X: MatrixLike, *, axes: Any = None) -> Self:
        """Encode samples and plot the bits of their codes.

        Parameters
        ----------
        {estimator}
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The samples.
        axes : sequence of two matplotlib Axes, default=None
            Where to plot. If None, a new figure is made.

        Returns
        -------
        display : BitBalanceDisplay
        """
        return cls.from_predictions(encode(estimator, X), axes=axes)

    @classmethod
    def from_predictions(cls, codes: ArrayLike, *, axes: Any = None) -> Self:
        """Plot the bits of codes.

        Parameters
        ----------
        codes : array-like of shape (n_samples, n_bits)
            Zeros and ones; at least one row.
        axes : sequence of two matplotlib Axes, default=None
            Where to plot. If None, a new figure is made.

        Returns
        -------
        display : BitBalanceDisplay

        Raises
        ------
        ValueError
            If a value is neither 0 nor 1.
        """
        bits = check_bits(codes, name="codes", min_samples=1)
        means = bits.mean(axis=0)
        deviations = np.sqrt(means * (1 - means))
        deviations[deviations == 0] = np.inf
        standard = (bits - means) / deviations
        correlation = standard.T @ standard / len(bits)
        return cls(means, correlation).plot(axes=axes)

    def plot(self, axes: Any = None) -> Self:
        """Plot the fractions and the correlations.

        Parameters
        ----------
        axes : sequence of two matplotlib Axes, default=None
            Where to plot. If None, a new figure is made.

        Returns
        -------
        self : BitBalanceDisplay
        """
        plt = self._import_pyplot()
        if axes is None:
            _, axes = plt.subplots(1, 2, figsize=(9, 3.5), layout="constrained")
        balance, correlation = axes
        balance.bar(range(len(self.means)), self.means)
        balance.axhline(0.5, color="gray", linestyle="--")
        balance.set(xlabel="bit", ylabel="fraction of ones", ylim=(0, 1))
        image = correlation.imshow(self.correlation, vmin=-1, vmax=1, cmap="RdBu_r")
        correlation.set(xlabel="bit", ylabel="bit")
        balance.figure.colorbar(image, ax=correlation, label="correlation")
        self.axes_, self.figure_ = np.asarray(axes), balance.figure
        return self


@substitute(**TEXTS)
class DistanceDisplay(Display):
    """Plot the distances of codes within classes and between classes.

    Parameters
    ----------
    within, between : ndarray of shape (n_bits + 1,)
        The fractions of the pairs of the same class, and of different classes, at each
        distance from 0 to `n_bits`.

    Attributes
    ----------
    {attributes}

    Examples
    --------
    >>> from skhash.plot import DistanceDisplay
    >>> codes = [[0, 0], [0, 0], [1, 1], [1, 1]]
    >>> display = DistanceDisplay.from_predictions(codes, [0, 0, 1, 1])
    >>> display.within, display.between
    (array([1., 0., 0.]), array([0., 0., 1.]))
    """

    def __init__(self, within: NDArray, between: NDArray):
        self.within = within
        self.between = between

    @classmethod
    @substitute(**TEXTS)
    def from_estimator(
        cls,
        estimator: Any,
        X: MatrixLike,
        y: ArrayLike,
        *,
        n_pairs: int = 200_000,
        random_state: int | None = 0,
        ax: Any = None,
        **kwargs: Any,
    ) -> Self:
        """Encode samples and plot the distances of their codes.

        Parameters
        ----------
        {estimator}
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The samples.
        y : array-like of shape (n_samples,)
            Their classes, -1 for an unlabeled sample, which is left out.
        {pairs}
        {ax}
        {kwargs}

        Returns
        -------
        display : DistanceDisplay
        """
        codes = encode(estimator, X)
        return cls.from_predictions(
            codes, y, n_pairs=n_pairs, random_state=random_state, ax=ax, **kwargs
        )

    @classmethod
    @substitute(**TEXTS)
    def from_predictions(
        cls,
        codes: ArrayLike,
        y: ArrayLike,
        *,
        n_pairs: int = 200_000,
        random_state: int | None = 0,
        ax: Any = None,
        **kwargs: Any,
    ) -> Self:
        """Plot the distances of codes.

        Parameters
        ----------
        codes : array-like of shape (n_samples, n_bits)
            Zeros and ones.
        y : array-like of shape (n_samples,)
            Their classes, -1 for an unlabeled sample, which is left out.
        {pairs}
        {ax}
        {kwargs}

        Returns
        -------
        display : DistanceDisplay

        Raises
        ------
        ValueError
            If `y` has no two classes with two samples each in total, or several labels
            per sample.
        """
        bits = check_bits(codes, name="codes", min_samples=2)
        labels = check_partial_labels(y, len(bits))
        if labels.indices is None:
            raise ValueError(
                f"y must have one class per sample; got labels of kind {labels.kind!r}."
            )
        bits, classes = bits[labels.labeled], labels.indices[labels.labeled]
        first, second = _pairs(len(bits), n_pairs, random_state)
        distances = (bits[first] != bits[second]).sum(axis=1)
        same = classes[first] == classes[second]
        within, between = (
            _fractions(distances[chosen], bits.shape[1]) for chosen in (same, ~same)
        )
        return cls(within, between).plot(ax=ax, **kwargs)

    @substitute(**TEXTS)
    def plot(self, ax: Any = None, **kwargs: Any) -> Self:
        """Plot the two distributions.

        Parameters
        ----------
        {ax}
        {kwargs}

        Returns
        -------
        self : DistanceDisplay
        """
        ax = self._set_axes(ax)
        distances = np.arange(len(self.within))
        options = {"alpha": 0.6, "width": 1.0} | kwargs
        ax.bar(distances, self.within, label="same class", **options)
        ax.bar(distances, self.between, label="different classes", **options)
        ax.set(xlabel="Hamming distance, bits", ylabel="fraction of pairs")
        ax.legend()
        return self


def _pairs(
    n_samples: int, n_pairs: int, random_state: int | None
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return all pairs of samples, or as many drawn ones if there are more."""
    if n_samples * (n_samples - 1) // 2 <= n_pairs:
        first, second = np.triu_indices(n_samples, k=1)
        return first, second
    generator = np.random.default_rng(random_state)
    first = generator.integers(n_samples, size=n_pairs)
    # Any other sample: an offset of 1 to n_samples - 1.
    offset = generator.integers(1, n_samples, size=n_pairs)
    return first, (first + offset) % n_samples


def _fractions(distances: NDArray, n_bits: int) -> NDArray[np.float64]:
    """Return the fraction of the pairs at each distance; zeros without a pair."""
    counts = np.bincount(distances, minlength=n_bits + 1)
    return counts / max(len(distances), 1)
