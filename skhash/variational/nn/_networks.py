"""The Bernoulli and the Gaussian autoencoder: encoder, decoder and label heads."""

import math
from itertools import pairwise
from typing import Any, NamedTuple, Self

import torch
from torch import Generator, Tensor, nn

from skhash.variational.nn._dense_ops import Dropout, Linear, drop_out
from skhash.variational.nn._inference import FastEncoder, apply_precisely
from skhash.variational.nn._rows import CSRRows
from skhash.variational.nn._sparse_layer import RowLinear, precise_product

# The fixed temperature of the relaxation in arXiv:2007.08799.
_CONCRETE_TEMPERATURE = 2 / 3

# The variance of a hidden unit over training rows that differ is far above this.
_DEGENERATE_VARIANCE = 1e-8

# The score of a code that equals the codeword of a class.
_CODEWORD_SCORE = 6.0


class CodeLinear(nn.Module):
    """The parameters of a linear layer from bits to features.

    The weights have the shape (n_bits, n_features): the order in which the
    reconstruction loss reads them and writes their gradient.

    Parameters
    ----------
    n_bits : int
        Length of the codes.
    n_features : int
        Number of outputs.
    generator : Generator, default=None
        Draws the initial weights.
    """

    def __init__(
        self, n_bits: int, n_features: int, generator: Generator | None = None
    ):
        super().__init__()
        self.weight = nn.Parameter(torch.empty(n_bits, n_features))
        self.bias = nn.Parameter(torch.zeros(n_features))
        nn.init.normal_(self.weight, std=0.01, generator=generator)


class CodewordHead(nn.Module):
    """Class scores by the agreement of a code with the codeword of each class.

    ``s_c = kappa <z, tanh(4 w_c)> / n_bits + d_c`` with the code z as signs. The scores
    do not depend on the number of bits.

    Parameters
    ----------
    n_bits : int
        Length of the codes.
    n_classes : int
        Number of classes.
    generator : Generator, default=None
        Draws the initial weights.
    """

    def __init__(self, n_bits: int, n_classes: int, generator: Generator | None = None):
        super().__init__()
        self.weight = nn.Parameter(torch.empty(n_classes, n_bits))
        self.bias = nn.Parameter(torch.zeros(n_classes))
        nn.init.normal_(self.weight, std=0.1, generator=generator)

    def codewords(self) -> Tensor:
        """Return the codewords (n_classes, n_bits), each bit in (-1, 1)."""
        return torch.tanh(4 * self.weight)

    def forward(self, signs: Tensor) -> Tensor:
        """Return the scores (n_rows, n_classes) of codes as signs, -1 or 1."""
        agreement = signs @ self.codewords().T / signs.shape[1]
        return _CODEWORD_SCORE * agreement + self.bias


class _HardBits(torch.autograd.Function):
    """Bits 0 or 1; the gradient is that of bits whose signs 2 b - 1 are the logits."""

    @staticmethod
    def forward(ctx, logits):
        return (logits > 0).to(logits.dtype)

    @staticmethod
    def backward(ctx, grad_bits):
        return grad_bits / 2


class Activations(NamedTuple):
    """The result of one pass through an autoencoder.

    Attributes
    ----------
    features : Tensor of shape (n_rows, n_hidden)
        The last hidden layer.
    logits : Tensor of shape (n_rows, n_bits)
        Log-odds of each bit; the means of Gaussian latent variables.
    bits : Tensor of shape (n_rows, n_bits)
        Sampled bits in [0, 1], or samples of Gaussian latent variables, differentiable
        with respect to the logits.
    log_variance : Tensor of shape (n_rows, n_bits) or None
        Logarithms of the variances of Gaussian latent variables.
    """

    features: Tensor
    logits: Tensor
    bits: Tensor
    log_variance: Any = None


class BernoulliAutoencoder(nn.Module):
    """Encoder to Bernoulli logits, linear decoder, and label heads.

    Parameters
    ----------
    n_features : int
        Length of a row.
    n_bits : int
        Length of the codes.
    n_classes : int, default=0
        Number of classes; without any there are no label heads.
    n_clusterings : int, default=0
        Number of heads for clusterings.
    n_clusters : int, default=0
        Number of clusters per clustering.
    hidden_layer_sizes : tuple of int, default=(500, 500)
        Widths of the hidden layers.
    dropout : float, default=0.5
        Fraction of hidden units dropped in training, in [0, 1).
    feature_dropout : float, default=0.2
        Fraction of the features of a row hidden in training, in [0, 1).
    sampler : {"straight_through", "concrete"}, default="straight_through"
        How bits are sampled in training: hard bits with a straight-through gradient, or
        the binary concrete distribution with temperature 2/3.
    weight_scale : float, default=0.05
        Standard deviation of the initial weights of the first layer.
    generator : Generator, default=None
        Draws the initial weights; torch's global generator if None.
    """

    input_layer: Any
    # None without classes.
    feature_head: Any
    code_head: Any

    _fast_encoder: FastEncoder | None = None

    def __init__(
        self,
        n_features: int,
        n_bits: int,
        n_classes: int = 0,
        *,
        n_clusterings: int = 0,
        n_clusters: int = 0,
        hidden_layer_sizes: tuple[int, ...] = (500, 500),
        dropout: float = 0.5,
        feature_dropout: float = 0.2,
        sampler: str = "straight_through",
        weight_scale: float = 0.05,
        generator: Generator | None = None,
    ):
        super().__init__()
        self.n_features = n_features
        self.n_bits = n_bits
        self.n_hidden = hidden_layer_sizes[-1]
        self.feature_dropout = feature_dropout
        self.sampler = sampler
        self.generator: Generator | None = None

        self.input_layer = RowLinear(
            n_features, hidden_layer_sizes[0], weight_scale, generator
        )
        self.hidden_layers = _hidden_layers(hidden_layer_sizes, dropout, generator)
        # Normalized without a scale: a bit is 1 for about half of the rows, its
        # threshold is 0, and no bit can become constant.
        self.logit_layer = nn.Sequential(
            _initialized(Linear, self.n_hidden, n_bits, generator),
            nn.BatchNorm1d(n_bits, affine=False),
        )
        self.decoder = CodeLinear(n_bits, n_features, generator)
        self._add_heads(n_classes, n_clusterings, n_clusters, generator)

    def _add_heads(
        self,
        n_classes: int,
        n_clusterings: int,
        n_clusters: int,
        generator: Generator | None,
    ) -> None:
        self.feature_head = self.code_head = None
        if n_classes:
            self.feature_head = _initialized(
                nn.Linear, self.n_hidden, n_classes, generator
            )
            self.code_head = CodewordHead(self.n_bits, n_classes, generator)
        self.cluster_heads = nn.ModuleList(
            CodewordHead(self.n_bits, n_clusters, generator)
            for _ in range(n_clusterings)
        )

    def use_generator(self, generator: Generator | None) -> None:
        """Draw dropout and samples from a generator, None for torch's global one."""
        self.generator = generator
        for layer in self.modules():
            if isinstance(layer, Dropout):
                layer.generator = generator

    def forward(self, rows: CSRRows | Tensor) -> Activations:
        """Encode rows, and sample bits."""
        features = self.hidden_layers(self.input_layer(self._drop_features(rows)))
        logits = self.logit_layer(features)
        return Activations(features, logits, self._sample(logits))

    def encode(
        self, rows: CSRRows | Tensor, *, precise: bool = True
    ) -> tuple[Tensor, Tensor]:
        """Return features and logits of rows, without dropout or sampling.

        If `precise`, in double precision: the rounding of a matrix product depends on
        its number of rows and on their form, and in single precision a row alone or a
        sparse one could get another bit than the same row in a dense batch.
        """
        if not precise:
            features = self.hidden_layers(self.input_layer(rows))
            return features, self.logit_layer(features)
        hidden = self._precise_hidden(rows)
        features = apply_precisely(self.hidden_layers, hidden)
        return features, apply_precisely(self.logit_layer, features)

    @property
    def fast_encoder(self) -> FastEncoder:
        """The trained network without torch, prepared when it is first used."""
        encoder = self._fast_encoder
        # Two threads may both prepare one.
        if encoder is None or not encoder.is_current():
            encoder = self._fast_encoder = FastEncoder(self)
        return encoder

    def train(self, mode: bool = True) -> Self:
        """Switch to training or inference."""
        self._fast_encoder = None
        return super().train(mode)

    def __getstate__(self) -> dict[str, Any]:
        """Leave out what can be prepared again."""
        return {k: v for k, v in vars(self).items() if k != "_fast_encoder"}

    def amplifies_rounding(self) -> bool:
        """Return whether layers normalize what was the same for all training rows.

        They then divide rounding errors by next to nothing.
        """
        return any(
            layer.running_var.min() < _DEGENERATE_VARIANCE
            for layer in (*self.hidden_layers, *self.logit_layer)
            if isinstance(layer, nn.BatchNorm1d) and layer.running_var is not None
        )

    def _precise_hidden(self, rows: CSRRows | Tensor) -> Tensor:
        """Return the output of the first layer in double precision."""
        return precise_linear(self.input_layer, rows)

    def signs(self, activations: Activations) -> Tensor:
        """Return the input of decoder and heads: sampled bits as signs."""
        return 2 * activations.bits - 1

    def decode(self, bits: Tensor) -> Tensor:
        """Return the output (n_rows, n_features) of the decoder for bits in [0, 1]."""
        decoder = self.decoder
        return torch.addmm(decoder.bias, 2 * bits - 1, decoder.weight)

    def _drop_features(self, rows: CSRRows | Tensor) -> CSRRows | Tensor:
        if not self.training or not self.feature_dropout:
            return rows
        if isinstance(rows, CSRRows):
            values = drop_out(rows.values, self.feature_dropout, self.generator)
            # Hidden values need no time, neither here nor in the gradient.
            return rows._replace(values=values).without_zeros()
        return drop_out(rows, self.feature_dropout, self.generator)

    def _sample(self, logits: Tensor) -> Tensor:
        if self.sampler == "straight_through":
            return _HardBits.apply(logits)
        uniform = torch.rand(
            logits.shape,
            generator=self.generator,
            dtype=logits.dtype,
            device=logits.device,
        ).clamp_(1e-6, 1 - 1e-6)
        return torch.sigmoid((logits + torch.logit(uniform)) / _CONCRETE_TEMPERATURE)


class GaussianAutoencoder(BernoulliAutoencoder):
    """An autoencoder with real latent variables, thresholded after training.

    Takes the parameters of :class:`BernoulliAutoencoder` up to `sampler` and the
    clusters. Its one label head is linear and reads the latent variables.
    """

    def __init__(
        self,
        n_features: int,
        n_bits: int,
        n_classes: int = 0,
        *,
        generator: Generator | None = None,
        **kwargs: Any,
    ):
        super().__init__(n_features, n_bits, n_classes, generator=generator, **kwargs)
        n_hidden = self.n_hidden
        self.logit_layer = nn.Sequential(
            _initialized(nn.Linear, n_hidden, n_bits, generator)
        )
        self.log_variance_layer = _initialized(nn.Linear, n_hidden, n_bits, generator)
        self.feature_head = self.code_head = None
        if n_classes:
            self.code_head = _initialized(nn.Linear, n_bits, n_classes, generator)

    def forward(self, rows: CSRRows | Tensor) -> Activations:
        """Encode rows, and sample latent variables."""
        features = self.hidden_layers(self.input_layer(self._drop_features(rows)))
        means = self.logit_layer(features)
        log_variance = self.log_variance_layer(features)
        latent = means
        if self.training:
            noise = torch.randn(
                means.shape,
                generator=self.generator,
                dtype=means.dtype,
                device=means.device,
            )
            latent = means + noise * torch.exp(log_variance / 2)
        return Activations(features, means, latent, log_variance)

    def signs(self, activations: Activations) -> Tensor:
        """Return the input of decoder and head: the latent variables."""
        return activations.bits


def precise_linear(layer: Any, rows: CSRRows | Tensor) -> Tensor:
    """Return the output of a linear layer for rows in double precision."""
    bias = layer.bias.double()
    if isinstance(rows, CSRRows):
        return precise_product(rows, layer.weight) + bias
    return torch.addmm(bias, rows.double(), layer.weight.double())


def _hidden_layers(
    sizes: tuple[int, ...], dropout: float, generator: Generator | None
) -> nn.Sequential:
    """Return the layers behind the first linear layer."""
    layers = [nn.BatchNorm1d(sizes[0]), nn.ReLU(), Dropout(dropout)]
    for n_inputs, n_outputs in pairwise(sizes):
        layers += [
            _initialized(Linear, n_inputs, n_outputs, generator),
            nn.BatchNorm1d(n_outputs),
            nn.ReLU(),
            Dropout(dropout),
        ]
    return nn.Sequential(*layers)


def _initialized(
    layer_type: type[nn.Linear],
    n_inputs: int,
    n_outputs: int,
    generator: Generator | None,
) -> nn.Linear:
    """Return a linear layer with torch's default weights, drawn from a generator."""
    layer = nn.utils.skip_init(layer_type, n_inputs, n_outputs)
    nn.init.kaiming_uniform_(layer.weight, a=math.sqrt(5), generator=generator)
    bound = 1 / math.sqrt(n_inputs)
    nn.init.uniform_(layer.bias, -bound, bound, generator=generator)
    return layer
