"""Hold real vectors, dense or sparse, that are immutable and cheap to append to."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from skhash.neighbors._growing import GrowingArray


class DenseVectors(GrowingArray):
    """The rows of an array.

    Parameters
    ----------
    values : ndarray of shape (n_samples, n_features)
        The vectors; not copied.
    """

    @property
    def matrix(self) -> NDArray:
        """All vectors."""
        return self.values

    def append(self, more: Any) -> DenseVectors:
        """Return these vectors and more, an array or a sparse matrix."""
        return super().append(more.toarray() if sp.issparse(more) else more)

    def _joint_dtype(self, more: NDArray) -> np.dtype:
        return self._buffer.dtype


class SparseVectors:
    """The rows of a sparse matrix in CSR format.

    Parameters
    ----------
    matrix : {csr_array, csr_matrix} of shape (n_samples, n_features)
        The vectors; not copied.
    """

    def __init__(self, matrix: Any) -> None:
        self._n_features = matrix.shape[1]
        self._data = GrowingArray(matrix.data)
        self._indices = GrowingArray(matrix.indices)
        self._indptr = GrowingArray(matrix.indptr)

    def __len__(self) -> int:
        return len(self._indptr) - 1

    @property
    def matrix(self) -> Any:
        """All vectors."""
        arrays = self._data.values, self._indices.values, self._indptr.values
        return sp.csr_array(arrays, shape=(len(self), self._n_features))

    def append(self, more: Any) -> SparseVectors:
        """Return these vectors and more, an array or a sparse matrix."""
        more = sp.csr_array(more)
        n_before = len(self._data)
        largest = np.min_scalar_type(-(n_before + more.nnz) - 1)
        dtype = np.promote_types(self._indices.values.dtype, largest)
        longer = object.__new__(SparseVectors)
        longer._n_features = self._n_features
        longer._data = self._data.append(more.data.astype(self._data.values.dtype))
        longer._indices = self._indices.append(more.indices.astype(dtype))
        longer._indptr = self._indptr.append(more.indptr[1:].astype(dtype) + n_before)
        return longer

    def without(self, positions: NDArray[np.intp]) -> SparseVectors:
        """Return the vectors without those at `positions`."""
        kept = np.ones(len(self), dtype=bool)
        kept[positions] = False
        return SparseVectors(self.matrix[kept])


def store_vectors(vectors: Any) -> DenseVectors | SparseVectors:
    """Return vectors in the form that they came in, ready to be searched and changed.

    Parameters
    ----------
    vectors : {ndarray, csr_array, csr_matrix} of shape (n_samples, n_features)
        The vectors; not copied.
    """
    return SparseVectors(vectors) if sp.issparse(vectors) else DenseVectors(vectors)
