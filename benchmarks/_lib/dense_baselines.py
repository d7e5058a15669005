"""Train without sparse matrices, in plain PyTorch, to compare speed.

`DenseBaseline` trains the network and objective of the hasher on dense samples, to
show what sparse batches save. `OriginalTraining` trains as the authors of the paper
do, to show what the default setting saves.
"""

import copy

import numpy as np
import torch
from skorch.callbacks import Callback
from torch import nn
from torch.nn import functional as F

from _lib.measure import Watch


class DenseBaseline(Callback):
    """Train a copy of the network on dense samples, one epoch after each of the hasher.

    This is a callback of the hasher, so that both run in turns on the same machine.
    The copy starts from the same weights and takes batches of the same size with the
    same learning rates. Its inputs and targets are dense tensors, its decoder applies
    log_softmax, its optimizer is `torch.optim.Adam`.

    Attributes
    ----------
    seconds_ : list of float
        Wall time of each epoch.
    megabytes_ : float
        Peak memory of converting the samples and of the first epoch, in MB.
    """

    def on_train_begin(self, net, X=None, y=None, **kwargs):
        """Copy the network before its first step."""
        self.seconds_ = []
        self.network_ = copy.deepcopy(net.module_)
        self.objective_ = copy.deepcopy(net.criterion_)
        self.optimizer_ = torch.optim.Adam(self.network_.parameters())
        self.random_ = np.random.RandomState(0)
        self.learning_rates_ = []

    def on_batch_end(self, net, batch=None, training=False, **kwargs):
        """Record the learning rate."""
        self.learning_rates_.append(net.optimizer_.param_groups[0]["lr"])

    def on_epoch_end(self, net, dataset_train=None, **kwargs):
        """Train the copy for one epoch; its time is not counted for the hasher."""
        rows = dataset_train
        with Watch() as watch:
            if not self.seconds_:
                self.inputs_ = torch.from_numpy(_dense(rows.scaler.scale(rows.X)))
                self.targets_ = torch.from_numpy(_dense(rows.scaler.targets(rows.X)))
            parts = np.array_split(
                self.random_.permutation(len(rows)), len(self.learning_rates_)
            )
            # Class posteriors and what else the objective needs are made beforehand:
            # their time is not compared.
            batches = [rows.__getitems__(part) for part in parts]
            with Watch() as epoch:
                self._train_epoch(rows, parts, batches)
        if not self.seconds_:
            self.megabytes_ = watch.megabytes
        self.seconds_.append(epoch.seconds)
        self.learning_rates_ = []

    def _train_epoch(self, rows, parts, batches):
        self.network_.train()
        for learning_rate, part, batch in zip(self.learning_rates_, parts, batches):
            self.optimizer_.param_groups[0]["lr"] = learning_rate
            batch = batch._replace(
                inputs=self.inputs_[part],
                reconstruction=self._targets(rows, part[: batch.n_reconstructed]),
            )
            activations = self.network_(batch.inputs)
            terms = self.objective_(self.network_, activations, batch)
            self.optimizer_.zero_grad()
            sum(terms.values()).backward()
            self.optimizer_.step()

    def _targets(self, rows, part):
        targets = self.targets_[part]
        if rows.neighbors is None:
            return targets
        column = self.random_.randint(rows.neighbors.shape[1], size=len(part))
        near = self.targets_[rows.neighbors[part, column]]
        return torch.lerp(targets, near, rows.neighbor_weight)

    def encode(self, X, scaler):
        """Return the bits of samples, (n_samples, n_bits)."""
        self.network_.eval()
        with torch.inference_mode():
            _, logits = self.network_.encode(torch.from_numpy(_dense(scaler.scale(X))))
        return (logits > 0).numpy().astype(np.uint8)


class OriginalTraining:
    """Train as the authors of the method do: dense, in batches of 100 samples.

    The objective is that of arXiv:2007.08799 with its sum over pairs, on 500-500 units
    with Adam. Its weights are alpha 0.001, gamma 10 and beta 0.1, of the order of the
    tuned ones.

    Parameters
    ----------
    X : CSR or ndarray of shape (n_samples, n_features)
        Non-negative samples; converted to a dense matrix as a whole.
    y : ndarray of shape (n_samples,)
        Classes; -1 for unlabeled samples.
    n_bits : int
        Length of the codes.
    seed : int
        Seed of weights and batches.

    Raises
    ------
    ValueError
        If features are negative or samples have several labels.
    """

    ALPHA, GAMMA, BETA = 1e-3, 10.0, 0.1
    BATCH_SIZE = 100

    def __init__(self, X, y, n_bits, seed=0):
        if y.ndim != 1 or X.min() < 0:
            raise ValueError(
                "The original training needs non-negative features and one class per "
                "sample; leave out the case fit for other data sets."
            )
        torch.manual_seed(seed)
        self.random = np.random.RandomState(seed)
        self.rows = torch.from_numpy(_dense(X))
        n_classes = max(2, y.max() + 1)
        self.classes = torch.from_numpy(
            (y[:, None] == np.arange(n_classes)).astype(np.float32)
        )
        self.n_bits = n_bits
        self.encoder = nn.Sequential(
            *(nn.Linear(self.rows.shape[1], 500), nn.ReLU(), nn.BatchNorm1d(500)),
            *(nn.Linear(500, 500), nn.ReLU(), nn.BatchNorm1d(500)),
        )
        self.logits = nn.Linear(500, n_bits)
        self.head = nn.Linear(500, n_classes)
        self.decoder = nn.Linear(n_bits, self.rows.shape[1])
        modules = (self.encoder, self.logits, self.head, self.decoder)
        self.optimizer = torch.optim.Adam(p for m in modules for p in m.parameters())

    def train_epoch(self):
        """Train for one epoch."""
        self.encoder.train()
        order = self.random.permutation(len(self.rows))
        for part in np.array_split(order, -(-len(order) // self.BATCH_SIZE)):
            self.optimizer.zero_grad()
            self._loss(self.rows[part], self.classes[part]).backward()
            self.optimizer.step()

    def _loss(self, rows, classes):
        features = self.encoder(rows)
        logits = self.logits(features)
        uniform = torch.rand_like(logits).clamp(1e-6, 1 - 1e-6)
        bits = torch.sigmoid((logits + torch.logit(uniform)) / (2 / 3))
        words = rows / rows.sum(dim=1, keepdim=True).clamp_min(1e-9)
        reconstruction = -(words * F.log_softmax(self.decoder(bits), dim=1)).sum(dim=1)
        p = torch.sigmoid(logits)
        # Computed from logits: the gradient is NaN where p rounds to 1.
        entropy = F.binary_cross_entropy_with_logits(logits, p, reduction="none")
        divergence = (np.log(2) - entropy).sum(dim=1)
        scores = self.head(features)
        point = -(classes * F.log_softmax(scores, dim=1)).sum(dim=1)
        predicted = torch.softmax(scores, dim=1)
        alike = predicted @ predicted.T
        squares = bits.square().sum(dim=1)
        distances = (squares[:, None] + squares - 2 * bits @ bits.T).clamp_min(0)
        apart = (self.n_bits / 3 - distances).clamp_min(0)
        pairs = (alike * distances + (1 - alike) * apart).sum() / self.n_bits
        return (reconstruction + self.BETA * divergence).mean() + self.ALPHA * (
            self.GAMMA * point.mean() + pairs
        )

    def encode(self, X):
        """Return the bits of samples, (n_samples, n_bits)."""
        self.encoder.eval()
        with torch.inference_mode():
            logits = self.logits(self.encoder(torch.from_numpy(_dense(X))))
        return (logits > 0).numpy().astype(np.uint8)


def _dense(X):
    X = X.toarray() if hasattr(X, "toarray") else X
    return np.ascontiguousarray(X, dtype=np.float32)
