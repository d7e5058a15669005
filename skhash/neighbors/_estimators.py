"""Nearest-neighbour estimators over binary codes."""

from numbers import Integral

import numpy as np
from joblib import effective_n_jobs
from scipy.sparse import csr_matrix
from sklearn.base import (
    BaseEstimator,
    ClassNamePrefixFeaturesOutMixin,
    TransformerMixin,
    _fit_context,
)
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import (
    check_consistent_length,
    check_is_fitted,
    validate_data,
)

from skhash.codes import check_bits, check_packed, unpack_bits
from skhash.neighbors import _scan
from skhash.neighbors._index import CodeIndex

#: Distances take 16 bits in the kernels, positions 32 in the hits.
MOST_BITS = 65_528
MOST_CODES = 2**32 - 2


class _HammingNeighbors(BaseEstimator):
    """What both estimators share: codes in, an index, the nearest of a query out."""

    _parameter_constraints: dict = {
        "n_neighbors": [Interval(Integral, 1, None, closed="left")],
        "packed": ["boolean"],
        "n_bits": [Interval(Integral, 1, MOST_BITS, closed="both"), None],
        "algorithm": [StrOptions({"auto", "brute", "multi_index"})],
        "copy": ["boolean"],
        "n_jobs": [Integral, None],
    }

    # Input ----------------------------------------------------------------------------

    def _check_codes(self, X, *, reset):
        """Validate codes and return them packed; `reset` in fit."""
        n_bits = self.n_bits if reset else self.n_bits_
        if not reset and self.packed and self._is_plain_packed(X):
            return X
        codes = X
        if not hasattr(X, "columns"):  # of a data frame the names are checked first
            codes = check_packed(X) if self.packed else check_bits(X)
        validate_data(self, X, reset=reset, skip_check_array=True)
        if self.packed:
            rows = check_packed(codes, n_bits=n_bits)
        else:
            rows = np.packbits(check_bits(codes, n_bits=n_bits), axis=1)
        if reset:
            self._check_sizes(*rows.shape)
            self.n_bits_ = n_bits or (8 if self.packed else 1) * self.n_features_in_
        return rows

    def _is_plain_packed(self, X):
        """Whether there is nothing to check or to convert in packed queries.

        The general way takes as long as a scan of a million codes.
        """
        return (
            type(X) is np.ndarray
            and X.dtype == np.uint8
            and X.ndim == 2
            and X.shape[1] == self.n_features_in_
            and X.flags.c_contiguous
            and self.n_bits_ == 8 * X.shape[1]
            and not hasattr(self, "feature_names_in_")
        )

    def _check_sizes(self, n_samples, n_columns):
        if n_samples < 1:
            raise ValueError(
                f"Found array with 0 sample(s) (shape=({n_samples}, {n_columns})) "
                f"while a minimum of 1 is required by {type(self).__name__}."
            )
        if n_samples > MOST_CODES:
            raise ValueError(
                f"An index holds at most {MOST_CODES} codes; got {n_samples}."
            )

    def _check_n_neighbors(self, n_neighbors, n_candidates, to_self):
        """Validate the number of neighbours against the codes that may be found."""
        if n_neighbors is None:
            n_neighbors = self.n_neighbors
        if not isinstance(n_neighbors, Integral) or isinstance(n_neighbors, bool):
            raise TypeError(
                f"n_neighbors must be an int; got {n_neighbors!r} of type "
                f"{type(n_neighbors).__name__}."
            )
        if n_neighbors < 1:
            raise ValueError(f"n_neighbors must be at least 1; got {n_neighbors}.")
        if n_neighbors > n_candidates - to_self:
            least = "less than" if to_self else "at most"
            raise ValueError(
                f"n_neighbors must be {least} the number of indexed codes that may be "
                f"found; got n_neighbors={n_neighbors}, n_samples={n_candidates}."
            )
        return int(n_neighbors)

    def _check_subset(self, mask, indices):
        """Validate a subset of the index; return a boolean mask, or None for all."""
        n = self.n_samples_fit_
        if mask is None and indices is None:
            return None
        if mask is not None and indices is not None:
            raise ValueError("Give mask or indices, not both.")
        if mask is not None:
            mask = np.asarray(mask)
            if mask.dtype != bool or mask.shape != (n,):
                raise ValueError(
                    f"mask must be a boolean array of shape ({n},), one value for each "
                    f"indexed code; got dtype {mask.dtype} and shape {mask.shape}."
                )
            return mask
        mask = np.zeros(n, dtype=bool)
        mask[self._check_indices(indices)] = True
        return mask

    def _check_indices(self, indices):
        n = self.n_samples_fit_
        indices = np.asarray(indices)
        if indices.size == 0:
            return indices.astype(np.intp)
        if indices.ndim != 1 or indices.dtype.kind not in "iu":
            raise ValueError(
                "indices must be a one-dimensional array of integers; got dtype "
                f"{indices.dtype} and shape {indices.shape}."
            )
        if indices.min() < 0 or indices.max() >= n:
            raise ValueError(
                f"indices must be at least 0 and less than {n}, the number of indexed "
                f"codes; got {indices.min()} to {indices.max()}."
            )
        return indices

    def _check_fitted(self):
        # check_is_fitted alone takes as long as a scan of a hundred thousand codes.
        if "_index" not in self.__dict__:
            check_is_fitted(self, "_index")

    def _n_threads(self):
        return 1 if self.n_jobs == 1 else effective_n_jobs(self.n_jobs)

    # Index and queries ----------------------------------------------------------------

    def _fit(self, X):
        rows = self._check_codes(X, reset=True)
        self._index = CodeIndex(
            rows,
            self.n_bits_,
            algorithm=self.algorithm,
            copy=self.copy or not self.packed,
        )
        self.n_samples_fit_ = self._index.n_rows
        return self

    def kneighbors(
        self, X=None, n_neighbors=None, return_distance=True, *, mask=None, indices=None
    ):
        """Find the nearest codes of each query.

        Parameters
        ----------
        X : array-like of shape (n_queries, n_bits or n_bytes), default=None
            Query codes in the form the index was fitted with. If None, every indexed
            code is a query, and is not its own neighbour (by its index: an equal code
            at another index still is).
        n_neighbors : int, default=None
            Number of neighbours; that of the constructor if None.
        return_distance : bool, default=True
            Whether to return the distances too.
        mask : ndarray of shape (n_samples_fit,), bool, default=None
            The indexed codes that may be found; all if None.
        indices : array-like of int, default=None
            The same as a list of indices.

        Returns
        -------
        distances : ndarray of shape (n_queries, n_neighbors), int32
            Differing bits, ascending. Only if `return_distance`.
        indices : ndarray of shape (n_queries, n_neighbors), intp
            Indices of the neighbours; at equal distance in ascending order.

        Raises
        ------
        NotFittedError
            If there is no index yet.
        ValueError
            If `X` has the wrong length of code or is not binary, or `n_neighbors` is
            larger than the number of codes that may be found.
        """
        self._check_fitted()
        subset = self._check_subset(mask, indices)
        n_candidates = self.n_samples_fit_ if subset is None else int(subset.sum())
        k = self._check_n_neighbors(n_neighbors, n_candidates, X is None)
        if X is None:
            queries = self._index.rows()
            k += 1
        else:
            queries = self._check_codes(X, reset=False)
        distances, found = self._index.nearest(
            queries, k, mask=subset, n_threads=self._n_threads()
        )
        if X is None:
            distances, found = _scan.drop_self_nearest(distances, found)
        return (distances, found) if return_distance else found

    def kneighbors_graph(
        self, X=None, n_neighbors=None, mode="connectivity", *, mask=None, indices=None
    ):
        """Return the graph of the nearest codes of each query.

        Parameters
        ----------
        X : array-like of shape (n_queries, n_bits or n_bytes), default=None
            Query codes; see :meth:`kneighbors`.
        n_neighbors : int, default=None
            Number of neighbours; that of the constructor if None.
        mode : {"connectivity", "distance"}, default="connectivity"
            Whether edges weigh 1 or the distance in bits.
        mask, indices : default=None
            The indexed codes that may be found; see :meth:`kneighbors`.

        Returns
        -------
        graph : csr_matrix of shape (n_queries, n_samples_fit), float64
            Distances of zero are stored; neighbours of a row by (distance, index).
        """
        _check_mode(mode)
        distances, found = self.kneighbors(X, n_neighbors, mask=mask, indices=indices)
        n_queries, k = found.shape
        counts = np.full(n_queries, k)
        return self._graph(counts, distances.ravel(), found.ravel(), mode)

    def _graph(self, counts, distances, found, mode):
        """Build a graph from the numbers of neighbours and all neighbours."""
        indptr = np.zeros(len(counts) + 1, dtype=np.int64)
        np.cumsum(counts, out=indptr[1:])
        if mode == "connectivity":
            data = np.ones(len(found))
        else:
            data = distances.astype(np.float64)
        return csr_matrix(
            (data, found, indptr), shape=(len(counts), self.n_samples_fit_)
        )


class HammingNearestNeighbors(_HammingNeighbors):
    """Exact nearest neighbours of binary codes by Hamming distance.

    The API of :class:`sklearn.neighbors.NearestNeighbors` for codes: distances are
    numbers of bits, neighbours are ordered by (distance, index), and the results are
    the same for every number of threads, algorithm and instruction set.

    Parameters
    ----------
    n_neighbors : int, default=5
        Number of neighbours in :meth:`kneighbors` by default.
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
    HammingNeighborsTransformer : The graph of neighbours as a step of a pipeline.

    Notes
    -----
    The page "Search" of the documentation explains how it works and how fast it is.

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
        **_HammingNeighbors._parameter_constraints,
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

    @_fit_context(prefer_skip_nested_validation=True)
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
        labels = None if y is None else np.array(y)
        if labels is not None:
            check_consistent_length(X, labels)
        self._fit(X)
        self.labels_ = labels
        return self

    @_fit_context(prefer_skip_nested_validation=True)
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
        self._check_sizes(self.n_samples_fit_ + len(rows), rows.shape[1])
        if y is not None:
            check_consistent_length(rows, y)
            self.labels_ = np.concatenate([self.labels_, np.asarray(y)])
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
            Distances of zero are stored; neighbours of a row by (distance, index).
        """
        _check_mode(mode)
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
        return _scan.drop_self_within(*result) if X is None else result

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
            If the index has no labels.
        """
        from skhash.metrics import precision_at_k_score

        self._check_fitted()
        if self.labels_ is None:
            raise ValueError(
                "score needs the labels of the indexed codes: give y to fit."
            )
        queries = self._check_codes(X, reset=False)
        return precision_at_k_score(
            unpack_bits(self._index.rows(), self.n_bits_),
            self.labels_,
            unpack_bits(queries, self.n_bits_),
            y,
            k=min(self.n_neighbors, self.n_samples_fit_),
        )


class HammingNeighborsTransformer(
    ClassNamePrefixFeaturesOutMixin, TransformerMixin, _HammingNeighbors
):
    """Transform codes into the graph of their nearest neighbours in an index.

    The API of :class:`sklearn.neighbors.KNeighborsTransformer` for codes: a step before
    estimators that take a sparse graph with ``metric="precomputed"``.

    Parameters
    ----------
    n_neighbors : int, default=5
        Number of neighbours of each code. With ``mode="distance"`` one more is given,
        as codes of the index come out as their own neighbours.
    mode : {"distance", "connectivity"}, default="distance"
        Whether edges weigh the distance in bits, or 1.
    packed : bool, default=False
        False: `X` holds bits, one column of 0 and 1 each. True: packed codes, uint8.
    n_bits : int, default=None
        Length of the codes; see :class:`HammingNearestNeighbors`.
    algorithm : {"auto", "brute", "multi_index"}, default="auto"
        How to search; see :class:`HammingNearestNeighbors`.
    copy : bool, default=True
        False: search packed codes where they are.
    n_jobs : int, default=None
        Number of threads for a search, as in :class:`joblib.Parallel`.

    Attributes
    ----------
    n_bits_ : int
        Length of the codes.
    n_samples_fit_ : int
        Number of indexed codes.
    n_features_in_ : int
        Number of columns of `X`.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the columns, where `X` had names.

    See Also
    --------
    HammingNearestNeighbors : The search itself.

    Examples
    --------
    >>> import numpy as np
    >>> from skhash.neighbors import HammingNeighborsTransformer
    >>> codes = np.array([[0, 0, 0], [0, 1, 1], [1, 1, 1]])
    >>> HammingNeighborsTransformer(n_neighbors=1).fit_transform(codes).toarray()
    array([[0., 2., 0.],
           [0., 0., 1.],
           [0., 1., 0.]])
    """

    _parameter_constraints: dict = {
        **_HammingNeighbors._parameter_constraints,
        "mode": [StrOptions({"distance", "connectivity"})],
    }

    def __init__(
        self,
        n_neighbors=5,
        *,
        mode="distance",
        packed=False,
        n_bits=None,
        algorithm="auto",
        copy=True,
        n_jobs=None,
    ):
        self.n_neighbors = n_neighbors
        self.mode = mode
        self.packed = packed
        self.n_bits = n_bits
        self.algorithm = algorithm
        self.copy = copy
        self.n_jobs = n_jobs

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y=None):
        """Index codes.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_bits or n_bytes)
            Codes: bits, or packed codes with ``packed=True``.
        y : Ignored

        Returns
        -------
        self : HammingNeighborsTransformer
        """
        self._fit(X)
        self._n_features_out = self.n_samples_fit_
        return self

    def transform(self, X):
        """Return the graph of the nearest indexed codes of each query.

        Parameters
        ----------
        X : array-like of shape (n_queries, n_bits or n_bytes)
            Query codes.

        Returns
        -------
        graph : csr_matrix of shape (n_queries, n_samples_fit), float64
            Distances of zero are stored; neighbours of a row by (distance, index).
        """
        self._check_fitted()
        itself = self.mode == "distance"
        return self.kneighbors_graph(
            X, n_neighbors=self.n_neighbors + itself, mode=self.mode
        )


def _check_mode(mode):
    if mode not in ("connectivity", "distance"):
        raise ValueError(f'mode must be "connectivity" or "distance"; got {mode!r}.')


def _ragged(counts, values):
    """Cut values into an object array of arrays, one a query."""
    arrays = np.empty(len(counts), dtype=object)
    end = 0
    for i, count in enumerate(counts.tolist()):
        start, end = end, end + count
        arrays[i] = values[start:end]
    return arrays
