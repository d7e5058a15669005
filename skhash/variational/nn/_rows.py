"""Sparse rows as tensors, never densified."""

from typing import NamedTuple

import numpy as np
import scipy.sparse as sp
import torch
from torch import Tensor

from skhash.utils._typing import Rows
from skhash.utils._views import ViewRows

# A sample of features has a multiple of this size where there are enough features.
_FEATURES_STEP = 1024


class CSRRows(NamedTuple):
    """Sparse rows of a batch in the layout of an embedding bag.

    Attributes
    ----------
    columns : Tensor of shape (nnz,), int64
        The feature of each stored value, row after row. A feature may occur twice in
        a row; its values then add up.
    offsets : Tensor of shape (n_rows,), int64
        The position of the first value of each row.
    values : Tensor of shape (nnz,), float32
        The stored values.
    """

    columns: Tensor
    offsets: Tensor
    values: Tensor

    @classmethod
    def from_scipy(cls, X: sp.csr_array | sp.csr_matrix) -> "CSRRows":
        """Convert a CSR matrix or array."""
        return cls(
            torch.from_numpy(X.indices.astype(np.int64, copy=False)),
            torch.from_numpy(X.indptr[:-1].astype(np.int64, copy=False)),
            torch.from_numpy(X.data.astype(np.float32, copy=False)),
        )

    @property
    def n_rows(self) -> int:
        """Number of rows."""
        return len(self.offsets)

    def row_of_value(self) -> Tensor:
        """Return the row of each stored value, int64 of shape (nnz,)."""
        return torch.repeat_interleave(self.counts())

    def counts(self) -> Tensor:
        """Return the number of stored values per row, int64 of shape (n_rows,)."""
        end = self.offsets.new_tensor([len(self.values)])
        return torch.diff(self.offsets, append=end)

    def mixed(self, weight: float) -> "CSRRows":
        """Mix pairs of consecutive rows; the second of each has `weight` in [0, 1]."""
        weights = self.values.new_tensor([1 - weight, weight])
        weights = weights.repeat(self.n_rows // 2).repeat_interleave(self.counts())
        return CSRRows(self.columns, self.offsets[::2], self.values * weights)

    def without_zeros(self) -> "CSRRows":
        """Drop stored values of 0."""
        kept = torch.nonzero(self.values)[:, 0]
        return CSRRows(
            self.columns[kept],
            torch.searchsorted(kept, self.offsets),
            self.values[kept],
        )

    def followed_by(self, other: "CSRRows") -> "CSRRows":
        """Return these rows and then those of `other`."""
        offsets = torch.cat([self.offsets, other.offsets + len(self.values)])
        return CSRRows(
            torch.cat([self.columns, other.columns]),
            offsets,
            torch.cat([self.values, other.values]),
        )

    def transposed(self, n_columns: int) -> "CSRRows":
        """Transpose the rows; on the CPU only.

        SciPy's counting sort takes a fifth of the time of a sort by torch.
        """
        bounds = np.append(self.offsets.numpy(), len(self.values))
        arrays = np.arange(len(self.values)), self.columns.numpy(), bounds
        # With int32 indices SciPy need not search for the largest one.
        parts = tuple(array.astype(np.int32) for array in arrays)
        order = sp.csr_array(parts, shape=(self.n_rows, n_columns)).tocsc()
        return CSRRows(
            torch.from_numpy(order.indices.astype(np.int64, copy=False)),
            torch.from_numpy(order.indptr[:-1].astype(np.int64, copy=False)),
            self.values[torch.from_numpy(order.data)],
        )

    def without_empty(self) -> tuple[Tensor, "CSRRows"]:
        """Return the positions of the rows that have values, and those rows."""
        filled = torch.nonzero(self.counts())[:, 0]
        return filled, self._replace(offsets=self.offsets[filled])

    def to(self, device: torch.device | str) -> "CSRRows":
        """Return the rows on a device."""
        return CSRRows(*(part.to(device) for part in self))


class SampledRows(NamedTuple):
    """Sparse rows over a sample of the features.

    Attributes
    ----------
    rows : CSRRows
        The rows; their columns are positions in `features`.
    features : Tensor of shape (n_sampled,), int64
        The sampled features in ascending order: all features of the rows, and some
        others.
    log_counts : Tensor of shape (n_sampled,), float32
        Logarithm of the number of features that each sampled feature represents.
    """

    rows: CSRRows
    features: Tensor
    log_counts: Tensor

    @classmethod
    def draw(
        cls,
        rows: CSRRows,
        n_features: int,
        n_others: int,
        random_state: np.random.RandomState,
    ) -> "SampledRows":
        """Draw at least `n_others` of the features that no row has.

        The size of the sample is rounded up, so that few different sizes occur: oneDNN
        caches a plan, and its memory, for every shape.
        """
        present = np.zeros(n_features, dtype=bool)
        present[rows.columns.numpy()] = True
        absent = np.flatnonzero(~present)
        n_others += -(n_features - len(absent) + n_others) % _FEATURES_STEP
        others = random_state.permutation(absent)[:n_others]
        count = np.zeros(n_features, dtype=np.float32)
        count[others] = len(absent) / max(1, len(others))
        count[present] = 1
        features = np.flatnonzero(count)
        position = np.empty(n_features, dtype=np.int64)
        position[features] = np.arange(len(features))
        return cls(
            rows._replace(columns=torch.from_numpy(position[rows.columns.numpy()])),
            torch.from_numpy(features),
            torch.from_numpy(np.log(count[features])),
        )

    @property
    def n_rows(self) -> int:
        """Number of rows."""
        return self.rows.n_rows

    def to(self, device: torch.device | str) -> "SampledRows":
        """Return the rows on a device."""
        return SampledRows(
            self.rows.to(device), self.features.to(device), self.log_counts.to(device)
        )


class ViewTensors(NamedTuple):
    """The rows of several views.

    Attributes
    ----------
    parts : tuple of {CSRRows, SampledRows, Tensor}
        The rows of each view. The last column of a tensor is 1 where a row has the
        view, and 0 else.
    widths : tuple of int
        Number of columns of each view.
    """

    parts: tuple
    widths: tuple[int, ...]

    @property
    def n_rows(self) -> int:
        """Number of rows."""
        part = self.parts[0]
        return len(part) if isinstance(part, Tensor) else part.n_rows

    def mixed(self, weight: float) -> "ViewTensors":
        """Mix pairs of consecutive rows; the second of each has `weight` in [0, 1].

        Where one row lacks a dense view, the other counts alone.
        """
        return self._replace(
            parts=tuple(
                _mixed_dense(part, weight)
                if isinstance(part, Tensor)
                else part.mixed(weight)
                for part in self.parts
            )
        )

    def sampled(
        self, n_others: int, random_state: np.random.RandomState
    ) -> "ViewTensors":
        """Draw features of the sparse views; see :meth:`SampledRows.draw`."""
        return self._replace(
            parts=tuple(
                part
                if isinstance(part, Tensor)
                else SampledRows.draw(part, width, n_others, random_state)
                for part, width in zip(self.parts, self.widths, strict=True)
            )
        )

    def to(self, device: torch.device | str) -> "ViewTensors":
        """Return the rows on a device."""
        return self._replace(parts=tuple(part.to(device) for part in self.parts))


def _mixed_dense(pairs: Tensor, weight: float) -> Tensor:
    """Mix pairs of consecutive rows whose last column says whether they count."""
    first, second = pairs[::2], pairs[1::2]
    weighted = (1 - weight) * first + weight * second
    total = weighted[:, -1:]
    return torch.where(total > 0, weighted / total.clamp_min(1e-6), weighted)


def as_tensor_rows(X: Rows | ViewRows) -> CSRRows | Tensor | ViewTensors:
    """Convert rows to tensors: CSR stays sparse, other rows become dense float32.

    Parameters
    ----------
    X : {ndarray, CSR} of shape (n_rows, n_features), or ViewRows
        The rows.

    Returns
    -------
    rows : CSRRows, Tensor of shape (n_rows, n_features), float32, or ViewTensors
    """
    if isinstance(X, ViewRows):
        return ViewTensors(
            tuple(as_tensor_rows(block) for block in X.blocks), tuple(X.widths)
        )
    if sp.issparse(X):
        return CSRRows.from_scipy(X)
    return torch.from_numpy(np.ascontiguousarray(X, dtype=np.float32))
