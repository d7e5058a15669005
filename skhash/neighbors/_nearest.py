"""HammingNearestNeighbors: an index of binary codes that can grow and shrink."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.utils.validation import check_consistent_length

from skhash.neighbors._base import PARAMETERS
from skhash.neighbors._contents import Contents
from skhash.neighbors._mixins import KNeighborsMixin
from skhash.neighbors._pairs import RadiusPairsMixin
from skhash.utils._compat import fit_context
from skhash.utils._docstrings import substitute
from skhash.utils._labels import as_array, check_partial_labels


@substitute(**PARAMETERS)
class HammingNearestNeighbors(KNeighborsMixin, RadiusPairsMixin):
    """Search for the exact nearest neighbors of binary codes by Hamming distance.

    The API of :class:`sklearn.neighbors.NearestNeighbors` for codes: distances are
    numbers of bits, neighbors are ordered by (distance, index), and the results are
    the same for every number of threads, algorithm and instruction set.

    Parameters
    ----------
    n_neighbors : int, default=5
        Number of neighbors in :meth:`kneighbors` by default.
    radius : int, default=2
        Largest distance in :meth:`radius_neighbors` by default, in bits, inclusive.
    {packed}
    {n_bits}
    {algorithm}
    {max_memory}
    {copy}
    {n_jobs}

    Attributes
    ----------
    labels_ : ndarray of shape (n_samples_fit_,) or (n_samples_fit_, n_classes), or None
        The labels `y` of the indexed codes; read-only.
    {attributes}

    See Also
    --------
    HammingNeighborsTransformer : The graph of nearest codes as a step of a pipeline.
    HammingRadiusNeighborsTransformer : The graph of codes within a radius.

    Notes
    -----
    `fit`, `partial_fit` and `remove` replace the whole fitted state by one assignment,
    one thread at a time. A search runs on the state that it began with, and an error
    or an interrupt at any point leaves the old state or the new one.

    docs/search.md in the repository explains how it works and how fast it is.

    Examples
    --------
    >>> import numpy as np
    >>> from skhash.neighbors import HammingNearestNeighbors
    >>> codes = np.array([[0, 0, 0], [0, 1, 1], [1, 1, 1], [0, 1, 1]])
    >>> index = HammingNearestNeighbors(n_neighbors=2).fit(codes)
    >>> distances, indices = index.kneighbors([[1, 1, 1]])
    >>> distances, indices
    (array([[0, 1]], dtype=int32), array([[2, 1]]))
    """

    _parameter_constraints: dict = {
        **KNeighborsMixin._parameter_constraints,
        **RadiusPairsMixin._parameter_constraints,
    }

    def __init__(
        self,
        n_neighbors: int = 5,
        *,
        radius: int = 2,
        packed: bool = False,
        n_bits: int | None = None,
        algorithm: str = "auto",
        max_memory: float = 1.0,
        copy: bool = True,
        n_jobs: int | None = None,
    ) -> None:
        self.n_neighbors = n_neighbors
        self.radius = radius
        self.packed = packed
        self.n_bits = n_bits
        self.algorithm = algorithm
        self.max_memory = max_memory
        self.copy = copy
        self.n_jobs = n_jobs

    @property
    def labels_(self) -> NDArray | None:
        """Labels of the indexed codes; read-only."""
        labels = self._fitted("labels_").labels
        return None if labels is None else labels.values

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: ArrayLike, y: ArrayLike | None = None) -> HammingNearestNeighbors:
        """Index codes.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_bits or n_bytes)
            Codes: bits, or packed codes with ``packed=True``.
        y : array-like of shape (n_samples,) or (n_samples, n_classes), default=None
            Labels, kept for :meth:`score`; -1 for an unlabeled sample.

        Returns
        -------
        self : HammingNearestNeighbors

        Raises
        ------
        ValueError
            If `X` is not binary, or its length is not that of `y` or `n_bits`.
        """
        return self._change(self._labeled, X, y)

    def _labeled(self, X: ArrayLike, y: ArrayLike | None) -> Contents:
        if y is None:
            return self._indexed(X)
        labels = np.array(as_array(y))
        check_consistent_length(X, labels)
        return self._indexed(X, labels)

    @fit_context(prefer_skip_nested_validation=True)
    def partial_fit(
        self, X: ArrayLike, y: ArrayLike | None = None
    ) -> HammingNearestNeighbors:
        """Add codes at the end of the index.

        The time is that of copying the new codes and labels, averaged over many calls;
        only what has doubled is built again. The first call is a `fit`.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_bits or n_bytes)
            Codes in the form of those in the index.
        y : array-like of shape (n_samples,) or (n_samples, n_classes), default=None
            Their labels; required exactly if the index has labels.

        Returns
        -------
        self : HammingNearestNeighbors

        Raises
        ------
        ValueError
            If `X` or `y` does not fit what is in the index.
        """
        return self._change(self._extended, X, y)

    def _extended(self, X: ArrayLike, y: ArrayLike | None) -> Contents:
        if "_contents" not in self.__dict__:
            return self._labeled(X, y)
        old: Contents = self._contents
        if (y is None) != (old.labels is None):
            has, got = ("none", "some") if old.labels is None else ("some", "none")
            raise ValueError(
                f"y must be given if and only if the index has labels; the index has "
                f"{has}, got {got}."
            )
        rows = self._check_queries(X)
        self._check_sizes(old.codes.n_rows + len(rows), rows.shape[1], self.n_bits_)
        labels = old.labels
        if y is not None and labels is not None:
            more = as_array(y)
            if more.ndim == 0 or len(more) != len(rows):
                check_consistent_length(rows, more)
            labels = labels.append(more) if len(more) else labels
        if not len(rows):
            return old
        return old.replaced(old.codes.append(rows), labels)

    def remove(self, indices: ArrayLike) -> HammingNearestNeighbors:
        """Remove codes from the index.

        The others keep their order and move up, as with :func:`numpy.delete`: the index
        is then the one that a `fit` on the others gives.

        Parameters
        ----------
        indices : array-like of int
            Indices of the codes to remove.

        Returns
        -------
        self : HammingNearestNeighbors

        Raises
        ------
        ValueError
            If an index is out of range, or no code would be left.
        """
        self._snapshot()  # raises if there is no index
        return self._change(self._reduced, indices)

    def _reduced(self, indices: ArrayLike) -> Contents:
        old: Contents = self._contents
        removed = np.unique(self._check_indices(indices)).astype(np.intp, copy=False)
        if not len(removed):
            return old
        if len(removed) == old.codes.n_rows:
            raise ValueError(
                "indices must leave at least one code in the index; got all "
                f"{old.codes.n_rows}."
            )
        labels = None if old.labels is None else old.labels.without(removed)
        return old.replaced(old.codes.without(removed), labels)

    def score(self, X: ArrayLike, y: ArrayLike) -> float:
        """Return the mean tie-aware precision among the `n_neighbors` nearest codes.

        Parameters
        ----------
        X : array-like of shape (n_queries, n_bits or n_bytes)
            Query codes.
        y : array-like of shape (n_queries,) or (n_queries, n_classes)
            Their labels; -1 is not a class.

        Returns
        -------
        precision : float
            In [0, 1]: the fraction of indexed codes with the label of the query, in
            expectation over the order of those at equal distance.

        Raises
        ------
        ValueError
            If no code in the index has a label.
        """
        from skhash.metrics import precision_at_k_score

        snapshot = self._snapshot()
        labels = snapshot.labels_
        labeled = check_partial_labels(labels, snapshot.n_samples_fit_).labeled
        if not labeled.any():
            raise ValueError(
                "score needs the labels of the indexed codes: give y to fit, with some "
                "other than -1."
            )
        queries = snapshot._check_queries(X)
        precision = precision_at_k_score(
            snapshot._index.rows(),
            labels,
            queries,
            y,
            k=min(snapshot.n_neighbors, int(np.count_nonzero(labeled))),
            packed=True,
            n_bits=snapshot.n_bits_,
        )
        return float(precision)
