"""Rows and partial labels as tensors, a whole batch at a time and never densified."""

from typing import NamedTuple

import numpy as np
import scipy.sparse as sp
import torch
from sklearn.preprocessing import normalize
from sklearn.utils import gen_batches
from sklearn.utils.sparsefuncs import mean_variance_axis
from torch.utils.data import Dataset

from skhash.utils._compat import (
    inplace_csr_row_normalize_l1,
    inplace_csr_row_normalize_l2,
)

# Rows that are scaled at a time where all are needed.
ROWS_PER_BLOCK = 4096

# A sample of features is a multiple of this, where there are enough.
_FEATURES_STEP = 1024


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
        return torch.repeat_interleave(self.counts())

    def counts(self):
        """Return the number of stored values of each row, int64 of shape (n_rows,)."""
        end = self.offsets.new_tensor([len(self.values)])
        return torch.diff(self.offsets, append=end)

    def mixed(self, share):
        """Return the mixture of each two rows, the second with a share in [0, 1]."""
        shares = self.values.new_tensor([1 - share, share])
        shares = shares.repeat(len(self.offsets) // 2).repeat_interleave(self.counts())
        return CSRRows(self.columns, self.offsets[::2], self.values * shares)

    def without_zeros(self):
        """Return the rows without stored values of 0."""
        kept = torch.nonzero(self.values)[:, 0]
        return CSRRows(
            self.columns[kept],
            torch.searchsorted(kept, self.offsets),
            self.values[kept],
        )

    def followed_by(self, other):
        """Return these rows and then others."""
        offsets = torch.cat([self.offsets, other.offsets + len(self.values)])
        return CSRRows(
            torch.cat([self.columns, other.columns]),
            offsets,
            torch.cat([self.values, other.values]),
        )

    def transposed(self, n_columns):
        """Return the columns as rows; on the CPU only.

        SciPy counts where each goes, in a fifth of the time of torch's sorting.
        """
        bounds = np.append(self.offsets.numpy(), len(self.values))
        parts = np.arange(len(self.values)), self.columns.numpy(), bounds
        # As SciPy wants them, which else would look for the largest.
        parts = tuple(part.astype(np.int32) for part in parts)
        order = sp.csr_array(parts, shape=(len(self.offsets), n_columns)).tocsc()
        return CSRRows(
            torch.from_numpy(order.indices.astype(np.int64, copy=False)),
            torch.from_numpy(order.indptr[:-1].astype(np.int64, copy=False)),
            self.values[torch.from_numpy(order.data)],
        )

    def without_empty(self):
        """Return the positions of the rows that have values, and those rows."""
        filled = torch.nonzero(self.counts())[:, 0]
        return filled, self._replace(offsets=self.offsets[filled])

    def to(self, device):
        """Return the rows on a device."""
        return CSRRows(*(part.to(device) for part in self))


class SampledRows(NamedTuple):
    """Sparse rows, and a sample of the features of which they are a distribution.

    Attributes
    ----------
    rows : CSRRows
        The rows; their columns are positions in `features`.
    features : Tensor of shape (n_sampled,), int64
        Features, rising: all that the rows have, and some of the others.
    log_counts : Tensor of shape (n_sampled,), float32
        The logarithm of how many features each stands for.
    """

    rows: CSRRows
    features: torch.Tensor
    log_counts: torch.Tensor

    @classmethod
    def draw(cls, rows, n_features, n_others, random_state):
        """Draw `n_others` of the features that the rows do not have, or some more.

        So many more that few numbers of features come up: oneDNN keeps a plan, and its
        memory, for every shape that it meets.
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

    def to(self, device):
        """Return the rows on a device."""
        return SampledRows(*(part.to(device) for part in self))


class Batch(NamedTuple):
    """What one training step sees.

    Attributes
    ----------
    rows : Tensor of shape (n_rows,), int64
        The positions of the rows in the training set.
    inputs : CSRRows or Tensor of shape (n_rows, n_features)
        What the encoder reads.
    reconstruction : CSRRows, SampledRows or Tensor (n_reconstructed, n_features)
        What the decoder should give for the first rows; sums to 1 for a softmax
        decoder.
    targets : Tensor of shape (n_rows, n_classes), float32
        What the label head should give: memberships or beliefs, zeros if nothing is
        known.
    trust : Tensor of shape (n_rows,), float32
        How far `targets` is to be trusted: 1 for a given label, 0 for no idea.
    clusters : Tensor of shape (n_rows, n_clusterings, n_clusters), float32
        Distributions over the clusters of some clusterings, if any.
    """

    rows: torch.Tensor
    inputs: CSRRows | torch.Tensor
    reconstruction: CSRRows | SampledRows | torch.Tensor
    targets: torch.Tensor
    trust: torch.Tensor
    clusters: torch.Tensor

    @property
    def n_reconstructed(self):
        """The number of rows, the first ones, that the decoder is asked for."""
        rows = self.reconstruction
        if isinstance(rows, SampledRows):
            rows = rows.rows
        return len(rows.offsets if isinstance(rows, CSRRows) else rows)

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


def _normalized(X, norm):
    """As scikit-learn's normalize, but without its checks, which take longer."""
    if not sp.issparse(X):
        return normalize(X, norm=norm)
    X = X.copy()
    if norm == "l1":
        inplace_csr_row_normalize_l1(X)
    else:
        inplace_csr_row_normalize_l2(X)
    return X


class NormScaler:
    """Non-negative rows: unit length for the encoder, a distribution for the decoder.

    Sparse rows stay sparse. A row of zeros stays zero.
    """

    def scale(self, X):
        """Scale rows to Euclidean length 1."""
        return _normalized(X, "l2")

    def targets(self, X):
        """Scale rows to sum 1."""
        return _normalized(X, "l1")

    def mean_output(self, X):
        """Return the decoder output that gives the average row: log frequencies."""
        total = np.zeros(X.shape[1])
        for rows in gen_batches(X.shape[0], ROWS_PER_BLOCK):
            total += np.asarray(self.targets(X[rows]).sum(axis=0)).ravel()
        return np.log(total / X.shape[0] + 1e-6).astype(np.float32)

    def weight_scale(self, n_features):
        """Return the deviation of initial weights that read such rows."""
        return 0.05


class GlobalStandardScaler:
    """Signed rows: features to mean 0 and, over all of them, to mean variance 1.

    One scale for all: which of the features vary most says what the rows are near to,
    as with the components of an embedding. Features in different units are for the
    user to standardize.

    Parameters
    ----------
    X : {ndarray, CSR} of shape (n_samples, n_features)
        The training rows. Sparse rows become dense a batch at a time.
    """

    def __init__(self, X):
        mean, variance = mean_variance(X)
        self.mean = mean.astype(np.float32)
        # Rows that are all the same say nothing and must not divide by zero.
        self.deviation = np.float32(np.sqrt(variance.mean()) or 1)

    def scale(self, X):
        """Center and scale rows."""
        dense = X.toarray() if sp.issparse(X) else X
        return ((dense - self.mean) / self.deviation).astype(np.float32, copy=False)

    def targets(self, X):
        """Center and scale rows."""
        return self.scale(X)

    def mean_output(self, X):
        """Return the decoder output that gives the average row: zeros."""
        return np.zeros(X.shape[1], dtype=np.float32)

    def weight_scale(self, n_features):
        """Return the deviation of initial weights that read such rows."""
        return n_features**-0.5

    def inverse(self, rows):
        """Return scaled rows in their original units."""
        return rows * self.deviation + self.mean


def mean_variance(X):
    """Return mean and variance of each feature of CSR or dense rows, as float64."""
    if sp.issparse(X):
        return mean_variance_axis(X, axis=0)
    return X.mean(axis=0, dtype=np.float64), X.var(axis=0, dtype=np.float64)


class TrainingRows(Dataset):
    """Rows, what is known of their classes, and their neighbors.

    Parameters
    ----------
    X : {ndarray, CSR} of shape (n_samples, n_features)
        The rows; nothing of them is copied but one batch at a time.
    scaling : NormScaler or GlobalStandardScaler
        What turns rows into inputs and targets.
    beliefs : ndarray of shape (n_samples, n_classes), float32
        Class memberships: given, or believed.
    trust : ndarray of shape (n_samples,), float32
        How far each row of `beliefs` is to be trusted, 1 for given labels.
    random_state : RandomState
        Draws batches and neighbors.
    neighbors : ndarray of shape (n_samples, n_neighbors), int, default=None
        Near rows of each row. The decoder is asked for the words of a random one too.
    neighbor_weight : float, default=0.5
        The share of the neighbor in what the decoder is asked for, in [0, 1).
    reconstructed_share : float, default=1.0
        The share of the rows of a batch, in (0, 1], that the decoder is asked for: the
        first ones, at least one.
    clusterings : ClusterEnsemble, default=None
        Tells the clusters of rows.
    n_sampled_features : int, default=None
        Of the features that a batch of sparse rows lacks, the decoder sees about this
        many; all without a number.
    """

    def __init__(
        self,
        X,
        scaling,
        beliefs,
        trust,
        *,
        random_state,
        neighbors=None,
        neighbor_weight=0.5,
        reconstructed_share=1.0,
        clusterings=None,
        n_sampled_features=None,
    ):
        self.X = X
        self.scaling = scaling
        self.beliefs = beliefs
        self.trust = trust
        self.neighbors = neighbors
        self.neighbor_weight = neighbor_weight
        self.reconstructed_share = reconstructed_share
        self.clusterings = clusterings
        self.n_sampled_features = n_sampled_features
        self.random_state = random_state

    def __len__(self):
        return self.X.shape[0]

    def __getitems__(self, rows):
        X = self.X[rows]
        scaled = self.scaling.scale(X)
        clusters = (
            np.empty((len(rows), 0, 0), dtype=np.float32)
            if self.clusterings is None
            else self.clusterings.posteriors(scaled)
        )
        return Batch(
            torch.from_numpy(rows),
            as_tensor_rows(scaled),
            self._reconstruction(X, rows),
            torch.from_numpy(self.beliefs[rows]),
            torch.from_numpy(self.trust[rows]),
            torch.from_numpy(clusters),
        )

    def _reconstruction(self, X, rows):
        n_rows = max(1, round(self.reconstructed_share * len(rows)))
        targets = self._mixtures(X[:n_rows], rows[:n_rows])
        if self.n_sampled_features is None or not isinstance(targets, CSRRows):
            return targets
        return SampledRows.draw(
            targets, X.shape[1], self.n_sampled_features, self.random_state
        )

    def _mixtures(self, X, rows):
        if self.neighbors is None:
            return as_tensor_rows(self.scaling.targets(X))
        column = self.random_state.randint(self.neighbors.shape[1], size=len(rows))
        pairs = np.column_stack([rows, self.neighbors[rows, column]]).ravel()
        targets = as_tensor_rows(self.scaling.targets(self.X[pairs]))
        if isinstance(targets, CSRRows):
            return targets.mixed(self.neighbor_weight)
        return torch.lerp(targets[::2], targets[1::2], self.neighbor_weight)

    def batches(self, batch_size):
        """Yield the rows once in random order, in batches of nearly equal size.

        Nearly equal, because a last batch of a row or two would leave batch
        normalization without a variance.
        """
        order = self.random_state.permutation(len(self))
        for rows in np.array_split(order, self.n_batches(batch_size)):
            yield self.__getitems__(rows)

    def n_batches(self, batch_size):
        """Return the number of batches of about `batch_size` rows, of two at least."""
        return max(1, min(-(-len(self) // batch_size), len(self) // 2))
