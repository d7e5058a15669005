"""HammingNearestNeighbors: an index of binary codes that can grow and shrink."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from skhash._hamming._index import CodeIndex
from skhash.neighbors._asymmetric import AsymmetricKNeighborsMixin
from skhash.neighbors._base import PARAMETERS, Packed
from skhash.neighbors._contents import Contents
from skhash.neighbors._growing import Labels
from skhash.neighbors._ids import Ids
from skhash.neighbors._pairs import RadiusPairsMixin
from skhash.neighbors._validation import check_ids_of, check_labels, check_presence
from skhash.utils._compat import fit_context
from skhash.utils._docstrings import substitute
from skhash.utils._labels import check_partial_labels, warn_of_unlabeled


@substitute(**PARAMETERS)
class HammingNearestNeighbors(AsymmetricKNeighborsMixin, RadiusPairsMixin):
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
    ids_ : ndarray of shape (n_samples_fit_,), int64, uint64 or str, or None
        The ids of the indexed codes; read-only.
    codes_ : ndarray of shape (n_samples_fit_, n_bits or n_bytes), uint8
        The indexed codes in the form that they were given in. They are read from the
        index each time.
    {attributes}

    See Also
    --------
    HammingNeighborsTransformer : The graph of nearest codes as a step of a pipeline.
    HammingRadiusNeighborsTransformer : The graph of codes within a radius.

    Notes
    -----
    `fit`, `partial_fit`, `merge` and `remove` replace the whole fitted state by one
    assignment, one thread at a time. A search runs on the state that it began with, and
    an error or an interrupt at any point leaves the old state or the new one.

    Ids take 16 bytes per code for integers, and for strings 8 bytes and 4 per character
    of the longest one.

    docs/search.md in the repository explains how it works and how fast it is,
    docs/retrieval.md how to serve an index.

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
        **AsymmetricKNeighborsMixin._parameter_constraints,
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

    @property
    def ids_(self) -> NDArray | None:
        """Ids of the indexed codes; read-only."""
        ids = self._fitted("ids_").ids
        return None if ids is None else ids.values

    @property
    def codes_(self) -> NDArray[np.uint8]:
        """The indexed codes in the form that they were given in; a new array."""
        contents: Contents = self._fitted("codes_")
        rows = contents.codes.rows()
        if contents.packed:
            return rows
        return np.unpackbits(rows, axis=1, count=contents.codes.n_bits)

    @fit_context(prefer_skip_nested_validation=True)
    def fit(
        self,
        X: ArrayLike,
        y: ArrayLike | None = None,
        ids: ArrayLike | None = None,
    ) -> HammingNearestNeighbors:
        """Index codes.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_bits or n_bytes)
            Codes: bits, or packed codes with ``packed=True``. There may be none if the
            constructor was given `n_bits`; y and ids are then empty lists if there will
            be labels and ids.
        y : array-like of shape (n_samples,) or (n_samples, n_classes), default=None
            Labels, kept for :meth:`score`; -1 for an unlabeled sample.
        ids : array-like of shape (n_samples,), int or str, default=None
            Unique ids of the codes, by which they can be found, filtered and removed.

        Returns
        -------
        self : HammingNearestNeighbors

        Raises
        ------
        ValueError
            If `X` is not binary, its length is not that of `y`, `ids` or `n_bits`, a
            label could mean something else, or an id is no integer or string or occurs
            twice.
        """
        return self._change(self._labeled, X, y, ids)

    def _labeled(
        self, X: ArrayLike, y: ArrayLike | None, ids: ArrayLike | None
    ) -> Contents:
        contents = self._indexed(X, least=1 if self.n_bits is None else 0)
        labels = None if y is None else Labels(np.array(check_labels(y, X)))
        named = None if ids is None else Ids(check_ids_of(ids, X))
        return contents.replaced(contents.codes, labels, named)

    @fit_context(prefer_skip_nested_validation=True)
    def partial_fit(
        self,
        X: ArrayLike,
        y: ArrayLike | None = None,
        ids: ArrayLike | None = None,
    ) -> HammingNearestNeighbors:
        """Add codes at the end of the index.

        The time is that of copying the new codes, labels and ids, averaged over many
        calls; only what has doubled is built again. The first call is a `fit`.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_bits or n_bytes)
            Codes in the form of those in the index.
        y : array-like of shape (n_samples,) or (n_samples, n_classes), default=None
            Their labels; required exactly if the index has labels.
        ids : array-like of shape (n_samples,), int or str, default=None
            Their ids, none of which is in the index; required exactly if the index has
            ids.

        Returns
        -------
        self : HammingNearestNeighbors

        Raises
        ------
        ValueError
            If `X`, `y` or `ids` does not fit what is in the index.
        """
        return self._change(self._extended, X, y, ids)

    def _extended(
        self, X: ArrayLike, y: ArrayLike | None, ids: ArrayLike | None
    ) -> Contents:
        if "_contents" not in self.__dict__:
            return self._labeled(X, y, ids)
        old: Contents = self._contents
        check_presence("y", "labels", y, old.labels)
        check_presence("ids", "ids", ids, old.ids)
        rows = self._check_queries(X)
        labels = None if y is None else check_labels(y, rows)
        named = None if ids is None else check_ids_of(ids, rows)
        return self._appended(rows, labels, named)

    def _appended(
        self, rows: Packed, labels: NDArray | None, ids: NDArray | None
    ) -> Contents:
        """Return the contents and more, all validated, with what the index has."""
        old: Contents = self._contents
        n_bits, n_rows = old.codes.n_bits, old.codes.n_rows
        self._check_sizes(n_rows + len(rows), rows.shape[1], n_bits)
        if not len(rows):
            return old
        if n_rows:
            codes = old.codes.append(rows)
        else:
            how = {
                name: getattr(old.codes, name) for name in ("algorithm", "max_memory")
            }
            codes = CodeIndex(rows, n_bits, **how)
        held, named = old.labels, old.ids
        if held is not None and labels is not None:
            held = held.append(labels)
        if named is not None and ids is not None:
            named = named.append(ids)
        return old.replaced(codes, held, named)

    def merge(self, other: HammingNearestNeighbors) -> HammingNearestNeighbors:
        """Add the codes, labels and ids of another index at the end of this one.

        Parameters
        ----------
        other : HammingNearestNeighbors
            A fitted index of codes of the same length, with labels and ids exactly if
            this one has them. It is not changed.

        Returns
        -------
        self : HammingNearestNeighbors

        Raises
        ------
        NotFittedError
            If one of the two has no index yet.
        TypeError
            If `other` is not an index.
        ValueError
            If the length of the codes differs, only one of the two has labels or ids,
            or an id is in both.
        """
        if not isinstance(other, HammingNearestNeighbors):
            raise TypeError(
                "other must be a HammingNearestNeighbors; got one of type "
                f"{type(other).__name__}."
            )
        self._snapshot()  # raises if there is no index
        return self._change(self._merged, other._snapshot()._contents)

    def _merged(self, other: Contents) -> Contents:
        old: Contents = self._contents
        if other.codes.n_bits != old.codes.n_bits:
            raise ValueError(
                f"other must have codes of {old.codes.n_bits} bits, as this index; got "
                f"{other.codes.n_bits}."
            )
        check_presence("other.labels_", "labels", other.labels, old.labels)
        check_presence("other.ids_", "ids", other.ids, old.ids)
        labels = None if other.labels is None else other.labels.values
        ids = None if other.ids is None else other.ids.values
        return self._appended(other.codes.rows(), labels, ids)

    def remove(
        self, indices: ArrayLike | None = None, *, ids: ArrayLike | None = None
    ) -> HammingNearestNeighbors:
        """Remove codes from the index.

        The others keep their order and move up, as with :func:`numpy.delete`: the index
        is then the one that a `fit` on the others gives. All codes may be removed.

        Parameters
        ----------
        indices : array-like of int, default=None
            Indices of the codes to remove.
        ids : array-like of int or str, default=None
            The ids of the codes to remove, in place of `indices`.

        Returns
        -------
        self : HammingNearestNeighbors

        Raises
        ------
        ValueError
            If an index is out of range, an id is not in the index, or not exactly one
            of `indices` and `ids` is given.
        """
        self._snapshot()  # raises if there is no index
        return self._change(self._reduced, indices, ids)

    def _reduced(self, indices: ArrayLike | None, ids: ArrayLike | None) -> Contents:
        old: Contents = self._contents
        positions = self._check_positions(indices, ids)
        removed = np.unique(positions).astype(np.intp, copy=False)
        if not len(removed):
            return old
        return old.replaced(
            old.codes.without(removed),
            None if old.labels is None else old.labels.without(removed),
            None if old.ids is None else old.ids.without(removed),
        )

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
        from skhash.metrics._stored_codes import precision_of_stored_codes

        snapshot = self._snapshot()
        labels, n_labeled = snapshot._check_labeled()
        queries = snapshot._check_queries(X)
        warn_of_unlabeled(check_partial_labels(y, len(queries), chunk=True))
        k = snapshot._check_n_neighbors(None, None, False)
        k = min(k, n_labeled)
        precision = precision_of_stored_codes(snapshot._index, labels, queries, y, k=k)
        return float(precision.mean())

    def _check_labeled(self) -> tuple[NDArray, int]:
        """Return the labels, and how many codes have one; raise if none has."""
        labels = self.labels_
        known = check_partial_labels(labels, self.n_samples_fit_, chunk=True).labeled
        if labels is None or not known.any():
            raise ValueError(
                "score needs the labels of the indexed codes: give y to fit, with some "
                "other than -1."
            )
        return labels, int(np.count_nonzero(known))
