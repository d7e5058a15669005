"""What the estimators over codes share: codes in, an index, neighbors out."""

from numbers import Integral

import numpy as np
from joblib import effective_n_jobs
from scipy.sparse import csr_matrix
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted, validate_data

from skhash._hamming import _merge
from skhash._hamming._index import CodeIndex
from skhash.codes import check_bits, check_packed
from skhash.utils._compat import Interval, StrOptions

#: Distances take 16 bits in the kernels, positions 32 in the hits.
MOST_BITS = 65_528
MOST_CODES = 2**32 - 2


class HammingNeighborsBase(BaseEstimator):
    """Validation of codes, the index, and the nearest codes of a query."""

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
            n_bits = n_bits or (8 if self.packed else 1) * self.n_features_in_
            self._check_sizes(*rows.shape, n_bits)
            self.n_bits_ = n_bits
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

    def _check_sizes(self, n_samples, n_columns, n_bits):
        if n_samples < 1:
            raise ValueError(
                f"Found array with 0 sample(s) (shape=({n_samples}, {n_columns})) "
                f"while a minimum of 1 is required by {type(self).__name__}."
            )
        if n_samples > MOST_CODES:
            raise ValueError(
                f"An index holds at most {MOST_CODES} codes; got {n_samples}."
            )
        if n_bits > MOST_BITS:
            raise ValueError(
                f"X must hold codes of at most {MOST_BITS} bits; got {n_bits}."
            )

    def _check_n_neighbors(self, n_neighbors, n_candidates, to_self):
        """Validate the number of neighbors against the codes that may be found."""
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
            code is a query, and is not its own neighbor (by its index: an equal code
            at another index still is).
        n_neighbors : int, default=None
            Number of neighbors; that of the constructor if None.
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
            Indices of the neighbors; at equal distance in ascending order.

        Raises
        ------
        NotFittedError
            If there is no index yet.
        TypeError
            If `n_neighbors` is no int, or packed codes are not of dtype uint8.
        ValueError
            If `X` has the wrong length of code or is not binary, `n_neighbors` is not
            from 1 to the number of codes that may be found, or `mask` or `indices` do
            not fit the index.
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
            distances, found = _merge.drop_self_nearest(distances, found)
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
            Number of neighbors; that of the constructor if None.
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
            As :meth:`kneighbors`; ValueError for a `mode` that is none of these.
        """
        check_mode(mode)
        distances, found = self.kneighbors(X, n_neighbors, mask=mask, indices=indices)
        n_queries, k = found.shape
        counts = np.full(n_queries, k)
        return self._graph(counts, distances.ravel(), found.ravel(), mode)

    def _graph(self, counts, distances, found, mode):
        """Build a graph from the numbers of neighbors and all neighbors."""
        indptr = np.zeros(len(counts) + 1, dtype=np.int64)
        np.cumsum(counts, out=indptr[1:])
        if mode == "connectivity":
            data = np.ones(len(found))
        else:
            data = distances.astype(np.float64)
        return csr_matrix(
            (data, found, indptr), shape=(len(counts), self.n_samples_fit_)
        )


def check_mode(mode):
    if mode not in ("connectivity", "distance"):
        raise ValueError(f'mode must be "connectivity" or "distance"; got {mode!r}.')
