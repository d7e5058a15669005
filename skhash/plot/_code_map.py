"""Plot codes as points in the plane."""

from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.manifold import TSNE

from skhash.codes import check_bits
from skhash.metrics._texts import MatrixLike
from skhash.plot._display import TEXTS, Display, encode
from skhash.utils._docstrings import substitute
from skhash.utils._labels import check_partial_labels

__all__ = ["CodeMapDisplay"]

_FEWEST_CODES = 4
_UNLABELED = "lightgray"
# Area of the point of a code of one sample, in square points.
_AREA = 12

_MAP_TEXTS = TEXTS | {
    "map": """
        embedding : estimator, default=None
            What places the codes: its `fit_transform` takes bits and returns two
            columns. If None, t-SNE of the Hamming distances. With
            ``umap.UMAP(metric="hamming")`` the map is one of UMAP.
        n_codes : int, default=1000
            Number of codes to show: the most frequent ones.
        random_state : int or None, default=0
            Seed of the default embedding.
        """
}


@substitute(**_MAP_TEXTS)
class CodeMapDisplay(Display):
    """Plot a map of codes: one point per distinct code, near codes near each other.

    Parameters
    ----------
    positions : ndarray of shape (n_codes, 2)
        The place of each code on the map.
    counts : ndarray of shape (n_codes,), int
        The number of samples that have the code.
    labels : ndarray of shape (n_codes,), default=None
        The most frequent class of these samples, -1 where none is labeled; None
        without labels.

    Attributes
    ----------
    {attributes}

    See Also
    --------
    skhash.inspection.describe_codes : The features that codes stand for.

    Notes
    -----
    A map of two dimensions cannot preserve all distances of codes. Distances between
    far groups have no meaning.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from skhash import ITQHasher
    >>> from skhash.plot import CodeMapDisplay
    >>> X, y = load_digits(return_X_y=True)
    >>> hasher = ITQHasher(16, random_state=0).fit(X)
    >>> display = CodeMapDisplay.from_estimator(hasher, X, y, n_codes=100)
    >>> display.positions.shape
    (100, 2)
    """

    def __init__(
        self, positions: NDArray, counts: NDArray, labels: NDArray | None = None
    ):
        self.positions = positions
        self.counts = counts
        self.labels = labels

    @classmethod
    @substitute(**_MAP_TEXTS)
    def from_estimator(
        cls,
        estimator: Any,
        X: MatrixLike,
        y: ArrayLike | None = None,
        *,
        embedding: Any = None,
        n_codes: int = 1000,
        random_state: int | None = 0,
        ax: Any = None,
        **kwargs: Any,
    ) -> Self:
        """Encode samples and plot a map of their codes.

        Parameters
        ----------
        {estimator}
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The samples.
        y : array-like of shape (n_samples,), default=None
            Their classes, -1 for an unlabeled sample: the colors of the map.
        {map}
        {ax}
        {kwargs}

        Returns
        -------
        display : CodeMapDisplay
        """
        options = {"embedding": embedding, "n_codes": n_codes}
        options |= {"random_state": random_state, "ax": ax} | kwargs
        return cls.from_predictions(encode(estimator, X), y, **options)

    @classmethod
    @substitute(**_MAP_TEXTS)
    def from_predictions(
        cls,
        codes: ArrayLike,
        y: ArrayLike | None = None,
        *,
        embedding: Any = None,
        n_codes: int = 1000,
        random_state: int | None = 0,
        ax: Any = None,
        **kwargs: Any,
    ) -> Self:
        """Plot a map of codes.

        Parameters
        ----------
        codes : array-like of shape (n_samples, n_bits)
            Zeros and ones.
        y : array-like of shape (n_samples,), default=None
            Their classes, -1 for an unlabeled sample: the colors of the map.
        {map}
        {ax}
        {kwargs}

        Returns
        -------
        display : CodeMapDisplay

        Raises
        ------
        ValueError
            If there are fewer than four distinct codes, or several labels per sample.
        """
        bits = check_bits(codes, name="codes", min_samples=_FEWEST_CODES)
        distinct, number, counts = np.unique(
            bits, axis=0, return_inverse=True, return_counts=True
        )
        most = np.argsort(-counts, kind="stable")[:n_codes]
        if len(most) < _FEWEST_CODES:
            raise ValueError(
                f"A map needs at least {_FEWEST_CODES} distinct codes; got {len(most)}."
            )
        if embedding is None:
            embedding = _default_embedding(len(most), random_state)
        positions = embedding.fit_transform(distinct[most])
        labels = None if y is None else _labels(number.ravel(), len(distinct), y)[most]
        return cls(positions, counts[most], labels).plot(ax=ax, **kwargs)

    @substitute(**TEXTS)
    def plot(self, ax: Any = None, **kwargs: Any) -> Self:
        """Plot the map.

        Parameters
        ----------
        {ax}
        {kwargs}

        Returns
        -------
        self : CodeMapDisplay
        """
        ax = self._set_axes(ax)
        areas = _AREA * np.sqrt(self.counts)
        options = {"alpha": 0.8, "linewidths": 0} | kwargs
        if self.labels is None:
            ax.scatter(*self.positions.T, s=areas, **options)
        else:
            self._plot_classes(ax, self.labels, areas, options)
        ax.set(xticks=[], yticks=[], xlabel="one point per code; area by samples")
        return self

    def _plot_classes(
        self, ax: Any, labels: NDArray, areas: NDArray, options: dict[str, Any]
    ) -> None:
        plt = self._import_pyplot()
        classes = np.unique(labels[labels != -1])
        palette = plt.get_cmap("tab10" if len(classes) <= 10 else "tab20")
        colors = {label: palette(i % palette.N) for i, label in enumerate(classes)}
        # Unlabeled codes first: they lie under the others.
        for label in [-1, *classes]:
            chosen = labels == label
            if chosen.any():
                name = "no label" if label == -1 else str(label)
                color = {"color": colors.get(label, _UNLABELED), "label": name}
                ax.scatter(
                    *self.positions[chosen].T, s=areas[chosen], **(color | options)
                )
        legend = {"loc": "center left", "bbox_to_anchor": (1, 0.5), "fontsize": "small"}
        handles = ax.legend(**legend).legend_handles
        for handle in handles:
            handle.set_sizes([4 * _AREA])


def _default_embedding(n_codes: int, random_state: int | None) -> TSNE:
    # The Manhattan distance of bits is the Hamming distance.
    return TSNE(
        perplexity=min(30, (n_codes - 1) / 3),
        metric="manhattan",
        init="random",
        random_state=random_state,
    )


def _labels(number: NDArray[np.intp], n_codes: int, y: ArrayLike) -> NDArray:
    """Return the most frequent class of each code, -1 where no sample is labeled."""
    labels = check_partial_labels(y, len(number))
    if labels.indices is None:
        raise ValueError(
            f"y must have one class per sample; got labels of kind {labels.kind!r}."
        )
    classes = np.asarray(labels.classes, dtype=object)
    counts = np.zeros((n_codes, len(classes)), dtype=np.intp)
    known = labels.labeled
    np.add.at(counts, (number[known], labels.indices[known]), 1)
    found = np.full(n_codes, -1, dtype=object)
    has_label = counts.any(axis=1)
    found[has_label] = classes[counts[has_label].argmax(axis=1)]
    return found
