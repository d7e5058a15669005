"""Batches of samples with the targets of decoder and heads."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset

from skhash.utils._scaling import Rows, Scaler
from skhash.variational.nn._rows import (
    CSRRows,
    SampledRows,
    ViewTensors,
    as_tensor_rows,
)
from skhash.variational.nn._sparse_layer import sparse_product
from skhash.variational.nn._view_layers import view_product


class Batch(NamedTuple):
    """The data of one training step.

    Attributes
    ----------
    rows : Tensor of shape (n_rows,), int64
        The positions of the samples in the training set.
    inputs : CSRRows, ViewTensors or Tensor of shape (n_rows, n_features)
        The input of the encoder.
    reconstruction : CSRRows, SampledRows, ViewTensors or Tensor
        The target (n_reconstructed, n_features) of the decoder for the first rows; sums
        to 1 for a softmax decoder.
    targets : Tensor of shape (n_rows, n_classes), float32
        The target of the label heads: labels or pseudo-labels, zeros if unknown.
    confidence : Tensor of shape (n_rows,), float32
        The confidence of `targets`: 1 for a label, 0 if nothing is known.
    clusters : Tensor of shape (n_rows, n_clusterings, n_clusters), float32
        Posteriors of the clusters of each clustering; may be empty.
    """

    rows: Tensor
    inputs: CSRRows | ViewTensors | Tensor
    reconstruction: CSRRows | SampledRows | ViewTensors | Tensor
    targets: Tensor
    confidence: Tensor
    clusters: Tensor

    @property
    def n_reconstructed(self) -> int:
        """The number of rows, the first ones, that the decoder reconstructs."""
        if isinstance(self.reconstruction, Tensor):
            return len(self.reconstruction)
        return self.reconstruction.n_rows

    def to(self, device: torch.device | str) -> "Batch":
        """Return the batch on a device."""
        parts: Any = (part.to(device) for part in self)
        return Batch(*parts)


class ClusterScorer:
    """Linear models of the clusters of several clusterings.

    Parameters
    ----------
    weights : ndarray of shape (n_features, n_clusterings * n_clusters), float32
        Weights of the log-likelihoods of the clusters.
    offsets : ndarray of shape (n_clusterings * n_clusters,), float32
        Their offsets, log priors included.
    n_clusterings : int
        Number of clusterings.
    power : float
        Log-likelihoods are multiplied by it before the softmax.
    """

    def __init__(
        self,
        weights: NDArray[np.float32],
        offsets: NDArray[np.float32],
        n_clusterings: int,
        power: float,
    ):
        self.weights = torch.from_numpy(weights)
        self.offsets = torch.from_numpy(offsets)
        self.n_clusterings = n_clusterings
        self.power = power

    @property
    def n_clusters(self) -> int:
        """Number of clusters per clustering."""
        return len(self.offsets) // self.n_clusterings

    def posteriors(self, X: Rows) -> Tensor:
        """Return the posteriors (n_rows, n_clusterings, n_clusters) of scaled rows."""
        rows = as_tensor_rows(X)
        if isinstance(rows, ViewTensors):
            scores = view_product(rows, self.weights.split(rows.widths))
        elif isinstance(rows, CSRRows):
            scores = sparse_product(rows, self.weights)
        else:
            scores = rows @ self.weights
        scores += self.offsets
        scores = scores.view(-1, self.n_clusterings, self.n_clusters)
        return torch.softmax(self.power * scores, dim=2)


class TrainingRows(Dataset):
    """The training samples with their labels, pseudo-labels and neighbors.

    Parameters
    ----------
    X : {ndarray, CSR} of shape (n_samples, n_features)
        The samples; only one batch at a time is copied.
    scaler : NormScaler or GlobalStandardScaler
        Makes inputs and decoder targets of the samples.
    targets : ndarray of shape (n_samples, n_classes), float32
        Labels or pseudo-labels as class distributions or memberships.
    confidence : ndarray of shape (n_samples,), float32
        The confidence of each row of `targets`, 1 for labels.
    random_state : RandomState
        Draws batches and neighbors.
    neighbors : ndarray of shape (n_samples, n_neighbors), int, default=None
        Near samples of each sample. The decoder reconstructs a mixture of the sample
        and a random one of them.
    neighbor_weight : float, default=0.5
        The weight of the neighbor in that mixture, in [0, 1).
    reconstructed_fraction : float, default=1.0
        The fraction of the rows of a batch, in (0, 1], that the decoder reconstructs:
        the first ones, at least one.
    clusters : ClusterScorer, default=None
        Gives the clusters of the samples.
    n_sampled_features : int, default=None
        Of the features that a batch of sparse rows lacks, the decoder reconstructs
        about this many; all if None.
    """

    def __init__(
        self,
        X: Rows,
        scaler: Scaler,
        targets: NDArray[np.float32],
        confidence: NDArray[np.float32],
        *,
        random_state: np.random.RandomState,
        neighbors: NDArray[np.int32] | None = None,
        neighbor_weight: float = 0.5,
        reconstructed_fraction: float = 1.0,
        clusters: ClusterScorer | None = None,
        n_sampled_features: int | None = None,
    ):
        self.X = X
        self.scaler = scaler
        self.targets = targets
        self.confidence = confidence
        self.neighbors = neighbors
        self.neighbor_weight = neighbor_weight
        self.reconstructed_fraction = reconstructed_fraction
        self.clusters = clusters
        self.n_sampled_features = n_sampled_features
        self.random_state = random_state

    def __len__(self) -> int:
        return self.X.shape[0]

    @property
    def n_features(self) -> int:
        """Number of features."""
        return self.X.shape[1]

    def __getitems__(self, rows: NDArray[np.intp]) -> Batch:
        X = self.X[rows]
        scaled = self.scaler.scale(X)
        return Batch(
            torch.from_numpy(rows),
            as_tensor_rows(scaled),
            self._reconstruction(X, rows),
            torch.from_numpy(self.targets[rows]),
            torch.from_numpy(self.confidence[rows]),
            torch.empty((len(rows), 0, 0))
            if self.clusters is None
            else self.clusters.posteriors(scaled),
        )

    def _reconstruction(
        self, X: Rows, rows: NDArray[np.intp]
    ) -> CSRRows | SampledRows | ViewTensors | Tensor:
        n_rows = max(1, round(self.reconstructed_fraction * len(rows)))
        targets = self._mixtures(X[:n_rows], rows[:n_rows])
        if self.n_sampled_features is None or isinstance(targets, Tensor):
            return targets
        if isinstance(targets, ViewTensors):
            return targets.sampled(self.n_sampled_features, self.random_state)
        return SampledRows.draw(
            targets, X.shape[1], self.n_sampled_features, self.random_state
        )

    def _mixtures(
        self, X: Rows, rows: NDArray[np.intp]
    ) -> CSRRows | ViewTensors | Tensor:
        if self.neighbors is None:
            return as_tensor_rows(self.scaler.targets(X))
        column = self.random_state.randint(self.neighbors.shape[1], size=len(rows))
        pairs = np.column_stack([rows, self.neighbors[rows, column]]).ravel()
        targets = as_tensor_rows(self.scaler.targets(self.X[pairs]))
        if isinstance(targets, CSRRows | ViewTensors):
            return targets.mixed(self.neighbor_weight)
        return torch.lerp(targets[::2], targets[1::2], self.neighbor_weight)

    def batches(self, batch_size: int) -> Iterator[Batch]:
        """Yield all samples once in random order, in batches of nearly equal size.

        The sizes are nearly equal since batch normalization has no variance in a last
        batch of one row.
        """
        order = self.random_state.permutation(len(self))
        for rows in np.array_split(order, self.n_batches(batch_size)):
            yield self.__getitems__(rows)

    def n_batches(self, batch_size: int) -> int:
        """Return the number of batches of about `batch_size` rows, two at least."""
        return max(1, min(-(-len(self) // batch_size), len(self) // 2))
