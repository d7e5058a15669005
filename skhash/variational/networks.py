"""The Bernoulli autoencoder: rows to logits, bits to rows, bits and features to labels.

Knows nothing of scikit-learn, losses or training.
"""

from typing import NamedTuple

import torch
from torch import nn
from torch.nn import functional as F

from skhash.variational.batches import CSRRows

# Logits leave the encoder with unit variance; this factor makes most bits decided.
_LOGIT_SCALE = 2.0


class RowLinear(nn.Module):
    """A linear layer that reads sparse or dense rows.

    Sparse rows go through an embedding bag: of the ways that torch offers (CSR
    product, sparse embedding gradients, dense product) the fastest forward and
    backward on a CPU; see docs/training.md.

    Parameters
    ----------
    n_features : int
        The length of a row.
    n_outputs : int
        The number of outputs.
    """

    def __init__(self, n_features, n_outputs):
        super().__init__()
        self.weight = nn.Parameter(torch.empty(n_features, n_outputs))
        self.bias = nn.Parameter(torch.zeros(n_outputs))
        # Rows are scaled to unit length, so that outputs have this deviation however
        # many features there are.
        nn.init.normal_(self.weight, std=0.05)

    def forward(self, rows):
        """Map CSRRows or a tensor (n_rows, n_features) to (n_rows, n_outputs)."""
        if isinstance(rows, CSRRows):
            product = F.embedding_bag(
                rows.columns,
                self.weight,
                rows.offsets,
                mode="sum",
                per_sample_weights=rows.values,
            )
            return product + self.bias
        return torch.addmm(self.bias, rows, self.weight)


class Activations(NamedTuple):
    """What one pass through the autoencoder gives.

    Attributes
    ----------
    features : Tensor of shape (n_rows, n_hidden)
        The last hidden layer.
    logits : Tensor of shape (n_rows, n_bits)
        Log-odds of each bit being one.
    bits : Tensor of shape (n_rows, n_bits)
        Sampled bits in [0, 1], differentiable in the logits.
    """

    features: torch.Tensor
    logits: torch.Tensor
    bits: torch.Tensor
