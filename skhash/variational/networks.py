"""The Bernoulli autoencoder: rows to logits, bits to rows, bits and features to labels.

Knows nothing of scikit-learn, losses or training.
"""

import copy
from typing import NamedTuple

import torch
from torch import nn
from torch.nn import functional as F

from skhash.variational.batches import CSRRows

# Logits leave the encoder with unit variance; this factor makes most bits decided.
_LOGIT_SCALE = 2.0

# The fixed temperature of the paper's relaxation.
_CONCRETE_TEMPERATURE = 2 / 3


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


class CodeLinear(nn.Module):
    """The parameters of a linear layer from bits to features.

    The weights lie as (n_bits, n_features), the order in which the reconstruction loss
    reads them and writes their gradient.

    Parameters
    ----------
    n_bits : int
        The length of a code.
    n_features : int
        The number of outputs.
    """

    def __init__(self, n_bits, n_features):
        super().__init__()
        self.weight = nn.Parameter(torch.empty(n_bits, n_features))
        self.bias = nn.Parameter(torch.zeros(n_features))
        nn.init.normal_(self.weight, std=0.01)


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


class _HardBits(torch.autograd.Function):
    """Bits 0 or 1 forward, the slope of the sigmoid's linear part backward."""

    @staticmethod
    def forward(ctx, logits, noise):
        return (logits + noise > 0).to(logits.dtype)

    @staticmethod
    def backward(ctx, grad_bits):
        # d sigmoid(x) / dx at 0; constant, so that decided bits still learn.
        return grad_bits / 4, None


class BernoulliAutoencoder(nn.Module):
    """Encoder to Bernoulli logits, linear decoder, and linear label heads.

    Parameters
    ----------
    n_features : int
        The length of a row.
    n_bits : int
        The length of a code.
    n_classes : int, default=0
        The number of classes; without any there are no label heads.
    hidden_layer_sizes : tuple of int, default=(500, 500)
        The widths of the encoder's hidden layers.
    dropout : float, default=0.5
        Dropout on the hidden layers.
    feature_dropout : float, default=0.2
        The probability that a feature of an input row is hidden while training.
    sampler : {"straight_through", "concrete"}, default="straight_through"
        Hard bits of noisy logits with a straight-through gradient, or the relaxation
        by the binary concrete distribution with temperature 2/3.
    """

    def __init__(
        self,
        n_features,
        n_bits,
        n_classes=0,
        *,
        hidden_layer_sizes=(500, 500),
        dropout=0.5,
        feature_dropout=0.2,
        sampler="straight_through",
    ):
        super().__init__()
        self.feature_dropout = feature_dropout
        self.sampler = sampler
        # How much logistic noise the logits get before they become bits, 0 to 1; the
        # training schedule lowers it.
        self.noise = 1.0

        first, *others = hidden_layer_sizes
        self.input_layer = RowLinear(n_features, first)
        layers = [nn.BatchNorm1d(first), nn.ReLU(), nn.Dropout(dropout)]
        width = first
        for size in others:
            layers += [
                nn.Linear(width, size),
                nn.BatchNorm1d(size),
                nn.ReLU(),
                nn.Dropout(dropout),
            ]
            width = size
        self.hidden_layers = nn.Sequential(*layers)
        # Normalised and not scaled: a bit is one for about half of the rows, its
        # threshold is 0, and no bit can die.
        self.logit_layer = nn.Sequential(
            nn.Linear(width, n_bits), nn.BatchNorm1d(n_bits, affine=False)
        )
        self.decoder = CodeLinear(n_bits, n_features)
        self.feature_head = nn.Linear(width, n_classes) if n_classes else None
        self.code_head = nn.Linear(n_bits, n_classes) if n_classes else None

    def forward(self, rows):
        """Encode rows, CSRRows or a tensor, and sample bits; returns Activations."""
        features = self.hidden_layers(self.input_layer(self._drop_features(rows)))
        logits = _LOGIT_SCALE * self.logit_layer(features)
        return Activations(features, logits, self._sample(logits))

    def encode(self, rows):
        """Return features and logits of rows in double precision, without noise.

        Double from the first hidden layer on: the rounding of a matrix product depends
        on the number of rows in it, and in single precision a row alone could get
        another bit than the same row in a batch.
        """
        if isinstance(rows, CSRRows):
            hidden = self.input_layer(rows).double()  # row by row, whatever the batch
        else:
            layer = self.input_layer
            hidden = torch.addmm(
                layer.bias.double(), rows.double(), layer.weight.double()
            )
        features = copy.deepcopy(self.hidden_layers).double()(hidden)
        return features, _LOGIT_SCALE * copy.deepcopy(self.logit_layer).double()(
            features
        )

    def decode(self, bits):
        """Return the decoder's output (n_rows, n_features) for bits in [0, 1]."""
        decoder = self.decoder
        return torch.addmm(decoder.bias, 2 * bits - 1, decoder.weight)

    def class_scores(self, features, bits):
        """Return the class scores of both label heads together."""
        return self.feature_head(features) + self.code_head(2.0 * bits - 1)

    def _drop_features(self, rows):
        if not self.training or not self.feature_dropout:
            return rows
        if isinstance(rows, CSRRows):
            return rows._replace(values=F.dropout(rows.values, self.feature_dropout))
        return F.dropout(rows, self.feature_dropout)

    def _sample(self, logits):
        noise = torch.zeros_like(logits)
        if self.training:
            uniform = torch.rand_like(logits).clamp_(1e-6, 1 - 1e-6)
            noise = torch.logit(uniform)
        if self.sampler == "concrete":
            return torch.sigmoid((logits + noise) / _CONCRETE_TEMPERATURE)
        return _HardBits.apply(logits, self.noise * noise)
