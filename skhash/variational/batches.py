"""Rows and partial labels as tensors, a whole batch at a time and never densified."""

from typing import NamedTuple

import numpy as np
import scipy.sparse as sp
import torch
from torch.utils.data import Dataset


class CSRRows(NamedTuple):
    """Sparse rows of a batch, in the form that an embedding bag reads.

    Attributes
    ----------
    columns : Tensor of shape (nnz,), int64
        The features of the stored values, row after row. A feature may occur twice in
        a row; its values then add up.
    offsets : Tensor of shape (n_rows,), int64
        Where each row begins.
    values : Tensor of shape (nnz,), float32
        The stored values.
    """

    columns: torch.Tensor
    offsets: torch.Tensor
    values: torch.Tensor

    @classmethod
    def from_scipy(cls, X):
        """Take the rows of a CSR matrix or array."""
        return cls(
            torch.from_numpy(X.indices.astype(np.int64, copy=False)),
            torch.from_numpy(X.indptr[:-1].astype(np.int64, copy=False)),
            torch.from_numpy(X.data.astype(np.float32, copy=False)),
        )

    def row_of_value(self):
        """Return the row of each stored value, int64 of shape (nnz,)."""
        ends = torch.cat(
            [self.offsets[1:], self.offsets.new_tensor([len(self.values)])]
        )
        return torch.repeat_interleave(ends - self.offsets)

    def to(self, device):
        """Return the rows on a device."""
        return CSRRows(*(part.to(device) for part in self))


class Batch(NamedTuple):
    """What one training step sees.

    Attributes
    ----------
    rows : Tensor of shape (n_rows,), int64
        The positions of the rows in the training set.
    inputs : CSRRows or Tensor of shape (n_rows, n_features)
        What the encoder reads.
    reconstruction : CSRRows or Tensor of shape (n_rows, n_features)
        What the decoder should give; rows that sum to 1 for a softmax decoder.
    targets : Tensor of shape (n_rows, n_classes), float32
        What the label head should give: memberships or beliefs, zeros if nothing is
        known.
    weights : Tensor of shape (n_rows,), float32
        How far `targets` is to be trusted: 1 for a given label, 0 for no idea.
    """

    rows: torch.Tensor
    inputs: CSRRows | torch.Tensor
    reconstruction: CSRRows | torch.Tensor
    targets: torch.Tensor
    weights: torch.Tensor

    def to(self, device):
        """Return the batch on a device."""
        return Batch(*(part.to(device) for part in self))


def as_tensor_rows(X):
    """Return rows as tensors: CSR stays sparse, anything else becomes float32.

    Parameters
    ----------
    X : {ndarray, CSR} of shape (n_rows, n_features)
        Some rows.

    Returns
    -------
    rows : CSRRows or Tensor of shape (n_rows, n_features), float32
    """
    if sp.issparse(X):
        return CSRRows.from_scipy(X)
    return torch.from_numpy(np.ascontiguousarray(X, dtype=np.float32))
