"""The Bernoulli autoencoder: rows to logits, bits to rows, bits and features to labels.

Knows nothing of scikit-learn, losses or training.
"""

import copy
from typing import NamedTuple

import torch
from torch import nn

from skhash.variational.nn._batches import CSRRows
from skhash.variational.nn._sparse_layer import Linear, sparse_product

# The fixed temperature of the paper's relaxation.
_CONCRETE_TEMPERATURE = 2 / 3


# How far the scores of a codeword reach: a code that equals it scores this much.
_CODEWORD_SCORE = 6.0


class RowLinear(nn.Module):
    """A linear layer that reads sparse or dense rows.

    Sparse rows go through an embedding bag: of the ways that torch offers (CSR
    product, dense product) the fastest on a CPU; see docs/training.md.

    Parameters
    ----------
    n_features : int
        The length of a row.
    n_outputs : int
        The number of outputs.
    weight_scale : float
        The standard deviation of the initial weights.
    """

    def __init__(self, n_features, n_outputs, weight_scale):
        super().__init__()
        self.weight = nn.Parameter(torch.empty(n_features, n_outputs))
        self.bias = nn.Parameter(torch.zeros(n_outputs))
        nn.init.normal_(self.weight, std=weight_scale)

    def forward(self, rows):
        """Map CSRRows or a tensor (n_rows, n_features) to (n_rows, n_outputs)."""
        if isinstance(rows, CSRRows):
            return sparse_product(rows, self.weight) + self.bias
        return torch.addmm(self.bias, rows, self.weight)


def drop_out(values, share):
    """Return values of which a random share is zero; the others grow to make up.

    As :func:`torch.nn.functional.dropout`, in a fifth of the time on a CPU: 64 random
    bits decide on four values. The share is rounded to a 65,536th.
    """
    bits = torch.empty(
        -(-values.numel() // 4), dtype=torch.int64, device=values.device
    ).random_(-(2**63), None)
    draws = bits.view(torch.int16)[: values.numel()].view(values.shape)
    kept = draws >= min(round(share * 2**16), 2**16 - 1) - 2**15
    # Numbers first: a product of truth values is slow.
    return values * kept.to(values.dtype).mul_(1 / (1 - share))


class Dropout(nn.Dropout):
    """Dropout by :func:`drop_out`."""

    def forward(self, values):
        """Leave out a share of the values while training."""
        return drop_out(values, self.p) if self.training and self.p else values


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


class CodewordHead(nn.Module):
    """Scores classes by how well a code agrees with the codeword of each.

    ``s_c = kappa <z, tanh(4 w_c)> / n_bits + d_c`` with the code z as signs: the bits
    that a class is sure of pull its rows together, whatever the number of bits.

    Parameters
    ----------
    n_bits : int
        The length of a code.
    n_classes : int
        The number of classes.
    """

    def __init__(self, n_bits, n_classes):
        super().__init__()
        self.weight = nn.Parameter(torch.empty(n_classes, n_bits))
        self.bias = nn.Parameter(torch.zeros(n_classes))
        nn.init.normal_(self.weight, std=0.1)

    def codewords(self):
        """Return the codewords (n_classes, n_bits), each bit in (-1, 1)."""
        return torch.tanh(4 * self.weight)

    def forward(self, signs):
        """Return the scores (n_rows, n_classes) of codes as signs, -1 or 1."""
        agreement = signs @ self.codewords().T / signs.shape[1]
        return _CODEWORD_SCORE * agreement + self.bias


class _HardBits(torch.autograd.Function):
    """Bits 0 or 1 forward; backward as if the signs 2 b - 1 were the logits."""

    @staticmethod
    def forward(ctx, logits):
        return (logits > 0).to(logits.dtype)

    @staticmethod
    def backward(ctx, grad_bits):
        return grad_bits / 2


class BernoulliAutoencoder(nn.Module):
    """Encoder to Bernoulli logits, linear decoder, and label heads.

    Parameters
    ----------
    n_features : int
        The length of a row.
    n_bits : int
        The length of a code.
    n_classes : int, default=0
        The number of classes; without any there are no label heads.
    n_clusterings : int, default=0
        The number of clusterings that the bits are to tell; each gets a head.
    n_clusters : int, default=0
        The number of clusters of each.
    hidden_layer_sizes : tuple of int, default=(500, 500)
        The widths of the encoder's hidden layers.
    dropout : float, default=0.5
        Dropout on the hidden layers.
    feature_dropout : float, default=0.2
        The probability that a feature of an input row is hidden while training.
    sampler : {"straight_through", "concrete"}, default="straight_through"
        Bits of the signs of the logits with a straight-through gradient, or samples of
        the binary concrete distribution with temperature 2/3, which lie between.
    weight_scale : float, default=0.05
        The standard deviation of the initial weights of the first layer.
    """

    def __init__(
        self,
        n_features,
        n_bits,
        n_classes=0,
        *,
        n_clusterings=0,
        n_clusters=0,
        hidden_layer_sizes=(500, 500),
        dropout=0.5,
        feature_dropout=0.2,
        sampler="straight_through",
        weight_scale=0.05,
    ):
        super().__init__()
        self.n_features = n_features
        self.n_bits = n_bits
        self.feature_dropout = feature_dropout
        self.sampler = sampler

        first, *others = hidden_layer_sizes
        self.input_layer = RowLinear(n_features, first, weight_scale)
        layers = [nn.BatchNorm1d(first), nn.ReLU(), Dropout(dropout)]
        width = first
        for size in others:
            layers += [
                Linear(width, size),
                nn.BatchNorm1d(size),
                nn.ReLU(),
                Dropout(dropout),
            ]
            width = size
        self.hidden_layers = nn.Sequential(*layers)
        # Normalized and not scaled: a bit is one for about half of the rows, its
        # threshold is 0, and no bit can die.
        self.logit_layer = nn.Sequential(
            Linear(width, n_bits), nn.BatchNorm1d(n_bits, affine=False)
        )
        self.decoder = CodeLinear(n_bits, n_features)
        self.feature_head = nn.Linear(width, n_classes) if n_classes else None
        self.code_head = CodewordHead(n_bits, n_classes) if n_classes else None
        self.cluster_heads = nn.ModuleList(
            CodewordHead(n_bits, n_clusters) for _ in range(n_clusterings)
        )

    def forward(self, rows):
        """Encode rows, CSRRows or a tensor, and sample bits; returns Activations."""
        features = self.hidden_layers(self.input_layer(self._drop_features(rows)))
        logits = self.logit_layer(features)
        return Activations(features, logits, self._sample(logits))

    def encode(self, rows, *, precise=True):
        """Return features and logits of rows, without noise.

        If `precise`, in double precision from the first hidden layer on: the rounding
        of a matrix product depends on the number of rows in it, and in single precision
        a row alone could get another bit than the same row in a batch.
        """
        if not precise:
            features = self.hidden_layers(self.input_layer(rows))
            return features, self.logit_layer(features)
        if isinstance(rows, CSRRows):
            hidden = self.input_layer(rows).double()  # row by row, whatever the batch
        else:
            layer = self.input_layer
            hidden = torch.addmm(
                layer.bias.double(), rows.double(), layer.weight.double()
            )
        features = copy.deepcopy(self.hidden_layers).double()(hidden)
        return features, copy.deepcopy(self.logit_layer).double()(features)

    def signs(self, activations):
        """Return what decoder and heads read of a pass: sampled bits as signs."""
        return 2 * activations.bits - 1

    def decode(self, bits):
        """Return the decoder's output (n_rows, n_features) for bits in [0, 1]."""
        decoder = self.decoder
        return torch.addmm(decoder.bias, 2 * bits - 1, decoder.weight)

    def _drop_features(self, rows):
        if not self.training or not self.feature_dropout:
            return rows
        if isinstance(rows, CSRRows):
            values = drop_out(rows.values, self.feature_dropout)
            # What is hidden costs nothing, neither here nor in the gradient.
            return rows._replace(values=values).without_zeros()
        return drop_out(rows, self.feature_dropout)

    def _sample(self, logits):
        if self.sampler == "straight_through":
            return _HardBits.apply(logits)
        uniform = torch.rand_like(logits).clamp_(1e-6, 1 - 1e-6)
        return torch.sigmoid((logits + torch.logit(uniform)) / _CONCRETE_TEMPERATURE)


class GaussianActivations(NamedTuple):
    """What one pass through a Gaussian autoencoder gives.

    Attributes
    ----------
    features : Tensor of shape (n_rows, n_hidden)
        The last hidden layer.
    logits : Tensor of shape (n_rows, n_bits)
        The means of the latent variables.
    bits : Tensor of shape (n_rows, n_bits)
        Samples of the latent variables.
    log_variance : Tensor of shape (n_rows, n_bits)
        The logarithms of their variances.
    """

    features: torch.Tensor
    logits: torch.Tensor
    bits: torch.Tensor
    log_variance: torch.Tensor


class GaussianAutoencoder(BernoulliAutoencoder):
    """An autoencoder with real latent variables, to be cut into bits afterwards.

    Takes the parameters of :class:`BernoulliAutoencoder`; `sampler` has no effect.
    """

    def __init__(self, n_features, n_bits, n_classes=0, **kwargs):
        super().__init__(n_features, n_bits, n_classes, **kwargs)
        width = self.logit_layer[0].in_features
        self.logit_layer = nn.Sequential(nn.Linear(width, n_bits))
        self.log_variance_layer = nn.Linear(width, n_bits)
        # One head, on the latent variables, and linear: codewords are compared with
        # signs.
        self.feature_head = None
        self.code_head = nn.Linear(n_bits, n_classes) if n_classes else None

    def forward(self, rows):
        """Encode rows and sample latent variables; returns GaussianActivations."""
        features = self.hidden_layers(self.input_layer(self._drop_features(rows)))
        means = self.logit_layer(features)
        log_variance = self.log_variance_layer(features)
        noise = torch.randn_like(means) if self.training else torch.zeros_like(means)
        latent = means + noise * torch.exp(log_variance / 2)
        return GaussianActivations(features, means, latent, log_variance)

    def signs(self, activations):
        """Return what decoder and heads read of a pass: the latent variables."""
        return activations.bits
