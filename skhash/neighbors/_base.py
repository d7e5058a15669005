"""Validate codes and index them, for all estimators over codes."""

from __future__ import annotations

from collections.abc import Callable
from numbers import Integral, Real
from typing import Any

import numpy as np
from joblib import effective_n_jobs
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import csr_matrix
from sklearn.utils.validation import validate_data

from skhash._hamming._index import CodeIndex
from skhash._hamming._search import MOST_BYTES
from skhash.codes import check_bits, check_packed
from skhash.neighbors._contents import Contents, SnapshotMixin
from skhash.neighbors._ids import Ids
from skhash.utils._compat import Interval, StrOptions, get_feature_names

MOST_BITS = 8 * MOST_BYTES
#: Positions take 32 bits in the hits.
MOST_CODES = 2**32 - 2

Packed = NDArray[np.uint8]

#: Texts of docstrings that the estimators share.
PARAMETERS = {
    "packed": """
        packed : bool, default=False
            False: `X` holds bits, one column of 0 and 1 per bit. True: `X` holds packed
            codes, uint8, in the order of :func:`numpy.packbits`.""",
    "n_bits": """
        n_bits : int, default=None
            Length of the codes. If None, the number of columns, or with ``packed=True``
            eight times that; needed only for packed codes of another length.""",
    "algorithm": """
        algorithm : {"auto", "brute", "multi_index"}, default="auto"
            ``"brute"`` compares a query with all codes. ``"multi_index"`` looks codes
            up in tables by parts of the query, built in `fit`; best for a small radius,
            and needs several times the memory of the codes. ``"auto"`` searches
            distinct codes only where most are repeated, and builds the tables, within
            `max_memory`, once the scans that they would have saved cost as much. The
            results are the same.""",
    "max_memory": """
        max_memory : float, default=1.0
            Memory that ``algorithm="auto"`` may spend on tables, as a multiple of the
            memory of the packed codes. Tables take 3 to 6 times that memory, so that by
            default most indexes are scanned.""",
    "copy": """
        copy : bool, default=True
            False: search packed codes in place, in a memory map for example, without a
            copy. The array must not change afterwards. Each search then takes
            the time to read and rearrange the codes, which matters for few queries.""",
    "n_jobs": """
        n_jobs : int, default=None
            Number of threads per search, as in :class:`joblib.Parallel`; no more than
            there are processors are used.""",
    "attributes": """
        n_bits_ : int
            Length of the codes.
        n_samples_fit_ : int
            Number of indexed codes.
        n_features_in_ : int
            Number of columns of `X`.
        feature_names_in_ : ndarray of shape (n_features_in_,)
            Names of the columns, where `X` had names.""",
}


class HammingNeighborsBase(SnapshotMixin):
    """Validation of codes, and the index."""

    _parameter_constraints: dict = {
        "packed": ["boolean"],
        "n_bits": [Interval(Integral, 1, MOST_BITS, closed="both"), None],
        "algorithm": [StrOptions({"auto", "brute", "multi_index"})],
        "max_memory": [Interval(Real, 0, None, closed="both")],
        "copy": ["boolean"],
        "n_jobs": [Integral, None],
    }

    n_bits: int | None
    packed: bool
    algorithm: str
    max_memory: float
    copy: bool
    n_jobs: int | None

    # Contents -------------------------------------------------------------------------

    @property
    def n_bits_(self) -> int:
        """Length of the codes."""
        return self._fitted("n_bits_").codes.n_bits

    @property
    def n_samples_fit_(self) -> int:
        """Number of indexed codes."""
        return self._fitted("n_samples_fit_").codes.n_rows

    @property
    def _index(self) -> CodeIndex:
        return self._fitted("_index").codes

    def _indexed(self, X: ArrayLike, *, least: int = 1) -> Contents:
        """Return new contents: these codes, validated; at least so many."""
        names = get_feature_names(X)
        if self.packed:
            rows = check_packed(X, n_bits=self.n_bits, contiguous=self.copy)
            n_features = rows.shape[1]
            n_bits = int(self.n_bits or 8 * n_features)
        else:
            bits = check_bits(X, n_bits=self.n_bits)
            n_bits = n_features = bits.shape[1]
            rows = np.packbits(bits, axis=1)
        self._check_sizes(len(rows), n_features, n_bits, least)
        codes = CodeIndex(
            rows,
            n_bits,
            algorithm=self.algorithm,
            copy=self.copy or not self.packed,
            max_memory=self.max_memory,
        )
        return Contents(codes, None, self.packed, n_features, names)

    def _check_sizes(
        self, n_samples: int, n_columns: int, n_bits: int, least: int = 0
    ) -> None:
        if n_samples < least:
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

    # Queries, for a snapshot ----------------------------------------------------------

    def _check_queries(self, X: ArrayLike) -> Packed:
        """Validate codes like those of the index, and return them packed."""
        contents = self._contents
        if contents.packed and self._is_plain_packed(X):
            return np.asarray(X)
        codes = X
        if not hasattr(X, "columns"):  # of a data frame the names are checked first
            codes = check_packed(X) if contents.packed else check_bits(X)
        validate_data(self, X, reset=False, skip_check_array=True)
        if contents.packed:
            return check_packed(codes, n_bits=contents.codes.n_bits)
        return np.packbits(check_bits(codes, n_bits=contents.codes.n_bits), axis=1)

    def _is_plain_packed(self, X: ArrayLike) -> bool:
        """Return whether there is nothing to check or to convert in packed queries.

        The general way takes as long as a scan of a million codes.
        """
        contents = self._contents
        return (
            type(X) is np.ndarray
            and X.dtype == np.uint8
            and X.ndim == 2
            and X.shape[1] == contents.n_features
            and X.flags.c_contiguous
            and contents.codes.n_bits == 8 * X.shape[1]
            and contents.feature_names is None
        )

    def _check_subset(
        self,
        mask: ArrayLike | None,
        indices: ArrayLike | None,
        ids: ArrayLike | None = None,
    ) -> NDArray[np.bool_] | None:
        """Validate a subset of the index; return a boolean mask, or None for all."""
        n = self.n_samples_fit_
        given = [each for each in (mask, indices, ids) if each is not None]
        if not given:
            return None
        if len(given) > 1:
            raise ValueError("Give one of mask, indices and ids; got several.")
        if mask is not None:
            mask = np.asarray(mask)
            if mask.dtype != bool or mask.shape != (n,):
                raise ValueError(
                    f"mask must be a boolean array of shape ({n},), one value per "
                    f"indexed code; got dtype {mask.dtype} and shape {mask.shape}."
                )
            return mask
        subset = np.zeros(n, dtype=bool)
        subset[self._check_positions(indices, ids)] = True
        return subset

    def _check_positions(
        self, indices: ArrayLike | None, ids: ArrayLike | None
    ) -> NDArray[np.integer]:
        """Return the positions of codes that are given by indices or by ids."""
        if (indices is None) == (ids is None):
            raise ValueError("Give either indices or ids; got both, or none of them.")
        if ids is None:
            return self._check_indices(indices)
        return self._check_ids().check_positions(ids)

    def _check_ids(self) -> Ids:
        """Return the ids of the indexed codes; raise if there are none."""
        ids = self._contents.ids
        if ids is None:
            raise ValueError("The index has no ids: give ids to fit.")
        return ids

    def _check_indices(self, indices: ArrayLike | None) -> NDArray[np.integer]:
        n = self.n_samples_fit_
        positions = np.asarray(indices)
        if positions.size == 0:
            return positions.astype(np.intp).ravel()
        if positions.ndim != 1 or positions.dtype.kind not in "iu":
            raise ValueError(
                "indices must be a one-dimensional array of integers; got dtype "
                f"{positions.dtype} and shape {positions.shape}."
            )
        if positions.min() < 0 or positions.max() >= n:
            raise ValueError(
                f"indices must be at least 0 and less than {n}, the number of indexed "
                f"codes; got {positions.min()} to {positions.max()}."
            )
        return positions

    def _find(
        self,
        of_queries: Callable,
        of_others: Callable,
        X: ArrayLike | None,
        limit: int,
        subset: NDArray[np.bool_] | None,
    ) -> Any:
        """Search for queries, or for each indexed code among the others."""
        how: dict[str, Any] = {"mask": subset, "n_threads": self._n_threads()}
        if not self.n_samples_fit_:
            return self._find_nothing(X)
        if X is None:
            return of_others(limit, **how)
        return of_queries(self._check_queries(X), limit, **how)

    def _find_nothing(self, X: ArrayLike | None) -> Any:
        """Return counts, distances and indices for an empty index."""
        n_queries = 0 if X is None else len(self._check_queries(X))
        none = np.zeros(n_queries, dtype=np.int64)
        return none, np.empty(0, dtype=np.int32), np.empty(0, dtype=np.intp)

    def _n_threads(self) -> int:
        return 1 if self.n_jobs == 1 else effective_n_jobs(self.n_jobs)

    def _graph(
        self, counts: NDArray, distances: NDArray, found: NDArray, mode: str
    ) -> csr_matrix:
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


def check_mode(mode: str) -> None:
    """Raise unless the mode of a graph is known."""
    if mode not in ("connectivity", "distance"):
        raise ValueError(f'mode must be "connectivity" or "distance"; got {mode!r}.')
