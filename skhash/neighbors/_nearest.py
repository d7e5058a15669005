"""HammingNearestNeighbors: the search as an estimator."""

from numbers import Integral

import numpy as np
from sklearn.utils.validation import check_consistent_length

from skhash._hamming import _merge
from skhash.codes import unpack_bits
from skhash.neighbors._base import HammingNeighborsBase, check_mode
from skhash.utils._compat import Interval, fit_context
from skhash.utils._labels import as_array, check_partial_labels, concatenate_labels


class HammingNearestNeighbors(HammingNeighborsBase):
    """Exact nearest neighbors of binary codes by Hamming distance.

    The API of :class:`sklearn.neighbors.NearestNeighbors` for codes: distances are
    numbers of bits, neighbors are ordered by (distance, index), and the results are
    the same for every number of threads, algorithm and instruction set.

    Parameters
    ----------
    n_neighbors : int, default=5
        Number of neighbors in :meth:`kneighbors` by default.
    radius : int, default=2
        Largest distance in :meth:`radius_neighbors` by default, in bits, inclusive.
    packed : bool, default=False
        False: `X` holds bits, one column of 0 and 1 each. True: `X` holds packed codes,
        uint8, in the order of :func:`numpy.packbits`.
    n_bits : int, default=None
        Length of the codes. If None, the number of columns, or with ``packed=True``
        eight times that; needed only for packed codes of another length.
    algorithm : {"auto", "brute", "multi_index"}, default="auto"
        ``"brute"`` compares a query with all codes. ``"multi_index"`` looks codes up in
        tables by parts of the query, built in `fit`; best for a small radius, and
        needs several times the memory of the codes. ``"auto"`` searches distinct codes
        only where most are repeated, and builds the tables once radius queries have
        been asked that would have paid for them. The results are the same.
    copy : bool, default=True
        False: search packed codes where they are, a memory map for example, and make
        no copy. The array must not change afterwards. Each search then takes the time
        to read and rearrange the codes, which matters for few queries.
    n_jobs : int, default=None
        Number of threads for a search, as in :class:`joblib.Parallel`.

    Attributes
    ----------
    n_bits_ : int
        Length of the codes.
    n_samples_fit_ : int
        Number of indexed codes.
    labels_ : ndarray of shape (n_samples_fit,) or (n_samples_fit, n_classes), or None
        The labels `y` of the indexed codes.
    n_features_in_ : int
        Number of columns of `X`.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the columns, where `X` had names.

    See Also
    --------
    HammingNeighborsTransformer : The graph of neighbors as a step of a pipeline.

    Notes
    -----
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
        **HammingNeighborsBase._parameter_constraints,
        "radius": [Interval(Integral, 0, None, closed="left")],
    }

    def __init__(
        self,
        n_neighbors=5,
        *,
        radius=2,
        packed=False,
        n_bits=None,
        algorithm="auto",
        copy=True,
        n_jobs=None,
    ):
        self.n_neighbors = n_neighbors
        self.radius = radius
        self.packed = packed
        self.n_bits = n_bits
        self.algorithm = algorithm
        self.copy = copy
        self.n_jobs = n_jobs

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y=None):
        """Index codes.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_bits or n_bytes)
            Codes: bits, or packed codes with ``packed=True``.
        y : array-like of shape (n_samples,) or (n_samples, n_classes), default=None
            Labels, kept for :meth:`score`; -1 where there is none.

        Returns
        -------
        self : HammingNearestNeighbors

        Raises
        ------
        ValueError
            If `X` is not binary, or its length is not that of `y` or `n_bits`.
        """
        labels = None if y is None else np.array(as_array(y))
        if labels is not None:
            check_consistent_length(X, labels)
        self._fit(X)
        self.labels_ = labels
        return self

    @fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X, y=None):
        """Add codes at the end of the index.

        The time is that of copying the new codes, averaged over many calls; nothing is
        built again but what has doubled. The first call is a `fit`.

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
        if "_index" not in self.__dict__:
            return self.fit(X, y)
        if (y is None) != (self.labels_ is None):
            has, got = ("none", "some") if self.labels_ is None else ("some", "none")
            raise ValueError(
                f"y must be given if and only if the index has labels; the index has "
                f"{has}, got {got}."
            )
        rows = self._check_codes(X, reset=False)
        self._check_sizes(self.n_samples_fit_ + len(rows), rows.shape[1], self.n_bits_)
        if y is not None:
            y = as_array(y)
            check_consistent_length(rows, y)
            self.labels_ = concatenate_labels([self.labels_, y])
        self._index.append(np.ascontiguousarray(rows))
        self.n_samples_fit_ = self._index.n_rows
        return self

    def remove(self, indices):
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
        self._check_fitted()
        kept = np.ones(self.n_samples_fit_, dtype=bool)
        kept[self._check_indices(indices)] = False
        if not kept.any():
            raise ValueError(
                "indices must leave at least one code in the index; got all "
                f"{self.n_samples_fit_}."
            )
        self._index.keep(kept)
        if self.labels_ is not None:
            self.labels_ = self.labels_[kept]
        self.n_samples_fit_ = self._index.n_rows
        return self

    def radius_neighbors(
        self, X=None, radius=None, return_distance=True, *, mask=None, indices=None
    ):
        """Find all codes within a distance of each query.

        Parameters
        ----------
        X : array-like of shape (n_queries, n_bits or n_bytes), default=None
            Query codes; see :meth:`kneighbors`.
        radius : int, default=None
            Largest distance in bits, inclusive; that of the constructor if None.
        return_distance : bool, default=True
            Whether to return the distances too.
        mask, indices : default=None
            The indexed codes that may be found; see :meth:`kneighbors`.

        Returns
        -------
        distances : ndarray of shape (n_queries,) of ndarrays, int32
            For each query the distances, ascending. Only if `return_distance`.
        indices : ndarray of shape (n_queries,) of ndarrays, intp
            For each query the indices; at equal distance in ascending order.

        Raises
        ------
        NotFittedError
            If there is no index yet.
        TypeError
            If `radius` is no int, or packed codes are not of dtype uint8.
        ValueError
            If `X` has the wrong length of code or is not binary, `radius` is negative,
            or `mask` or `indices` do not fit the index.
        """
        counts, distances, found = self._within(X, radius, mask, indices)
        found = _ragged(counts, found)
        return (_ragged(counts, distances), found) if return_distance else found

    def radius_neighbors_graph(
        self, X=None, radius=None, mode="connectivity", *, mask=None, indices=None
    ):
        """Return the graph of all codes within a distance of each query.

        Parameters
        ----------
        X : array-like of shape (n_queries, n_bits or n_bytes), default=None
            Query codes; see :meth:`kneighbors`.
        radius : int, default=None
            Largest distance in bits, inclusive; that of the constructor if None.
        mode : {"connectivity", "distance"}, default="connectivity"
            Whether edges weigh 1 or the distance in bits.
        mask, indices : default=None
            The indexed codes that may be found; see :meth:`kneighbors`.

        Returns
        -------
        graph : csr_matrix of shape (n_queries, n_samples_fit), float64
            Distances of zero are stored; neighbors of a row by (distance, index).

        Raises
        ------
        NotFittedError, TypeError, ValueError
            As :meth:`radius_neighbors`; ValueError for a `mode` that is none of these.
        """
        check_mode(mode)
        return self._graph(*self._within(X, radius, mask, indices), mode)

    def _within(self, X, radius, mask, indices):
        """Return counts, distances and indices of all codes within the radius."""
        self._check_fitted()
        if radius is None:
            radius = self.radius
        if not isinstance(radius, Integral) or isinstance(radius, bool):
            raise TypeError(
                f"radius must be an int, a number of bits; got {radius!r} of type "
                f"{type(radius).__name__}."
            )
        if radius < 0:
            raise ValueError(f"radius must be at least 0; got {radius}.")
        subset = self._check_subset(mask, indices)
        if X is None:
            queries = self._index.rows()
        else:
            queries = self._check_codes(X, reset=False)
        result = self._index.within(
            queries,
            min(int(radius), self.n_bits_),
            mask=subset,
            n_threads=self._n_threads(),
        )
        return _merge.drop_self_within(*result) if X is None else result

    def score(self, X, y):
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
            In [0, 1]; the share of indexed codes with the label of the query, in
            expectation over the order of those at equal distance.

        Raises
        ------
        ValueError
            If no code in the index has a label.
        """
        from skhash.metrics import precision_at_k_score

        self._check_fitted()
        labeled = check_partial_labels(self.labels_, self.n_samples_fit_).labeled
        if not labeled.any():
            raise ValueError(
                "score needs the labels of the indexed codes: give y to fit, with some "
                "other than -1."
            )
        queries = self._check_codes(X, reset=False)
        return precision_at_k_score(
            unpack_bits(self._index.rows(), self.n_bits_),
            self.labels_,
            unpack_bits(queries, self.n_bits_),
            y,
            k=min(self.n_neighbors, np.count_nonzero(labeled)),
        )


def _ragged(counts, values):
    """Cut values into an object array of arrays, one a query."""
    arrays = np.empty(len(counts), dtype=object)
    end = 0
    for i, count in enumerate(counts.tolist()):
        start, end = end, end + count
        arrays[i] = values[start:end]
    return arrays
