"""The autoencoder of samples that have several views."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Generator, Tensor, nn

from skhash.variational.nn._networks import BernoulliAutoencoder, precise_linear
from skhash.variational.nn._rows import CSRRows, ViewTensors
from skhash.variational.nn._sparse_layer import RowLinear, sparse_product


def view_product(rows: ViewTensors, weights: Sequence[Tensor]) -> Tensor:
    """Return the sum of the products of all views with the weights of each.

    Parameters
    ----------
    rows : ViewTensors
        n_rows rows.
    weights : sequence of Tensor of shape (n_columns, n_outputs)
        The weights of each view.

    Returns
    -------
    product : Tensor of shape (n_rows, n_outputs)
    """
    parts = [
        part @ weight if isinstance(part, Tensor) else sparse_product(part, weight)
        for part, weight in zip(rows.parts, weights, strict=True)
    ]
    return torch.stack(parts).sum(dim=0)


class ViewLinear(nn.Module):
    """A linear layer for the rows of several views.

    Parameters
    ----------
    widths : sequence of int
        Number of columns of each view.
    n_outputs : int
        Number of outputs.
    weight_scale : float
        Standard deviation of the initial weights.
    generator : Generator, default=None
        Draws the initial weights.
    """

    def __init__(
        self,
        widths: Sequence[int],
        n_outputs: int,
        weight_scale: float,
        generator: Generator | None = None,
    ):
        super().__init__()
        self.layers = nn.ModuleList(
            RowLinear(width, n_outputs, weight_scale, generator) for width in widths
        )

    def forward(self, rows: ViewTensors) -> Tensor:
        """Map rows to (n_rows, n_outputs)."""
        parts = [layer(part) for layer, part in zip(self.layers, rows.parts)]
        return torch.stack(parts).sum(dim=0)

    def precise(self, rows: ViewTensors) -> Tensor:
        """Return the output in double precision."""
        parts = [
            precise_linear(layer, part) for layer, part in zip(self.layers, rows.parts)
        ]
        return torch.stack(parts).sum(dim=0)


class MultiViewAutoencoder(BernoulliAutoencoder):
    """An autoencoder with an input layer and a decoder for each view.

    Takes the parameters of :class:`BernoulliAutoencoder`.

    Parameters
    ----------
    n_features, n_bits, n_classes
        As for :class:`BernoulliAutoencoder`.
    widths : sequence of int
        Number of columns of each view in the input.
    weight_scale : float
        Standard deviation of the initial weights of the first layer.
    feature_dropout : float
        Fraction of the words of a row hidden in training, in [0, 1).
    view_dropout : float
        The probability that a row lacks one of its views in training, in [0, 1).
    generator : Generator, default=None
        Draws the initial weights.
    **kwargs : dict
        As for :class:`BernoulliAutoencoder`.
    """

    def __init__(
        self,
        n_features: int,
        n_bits: int,
        n_classes: int = 0,
        *,
        widths: Sequence[int],
        weight_scale: float,
        view_dropout: float,
        generator: Generator | None = None,
        **kwargs: Any,
    ):
        super().__init__(
            n_features,
            n_bits,
            n_classes,
            weight_scale=weight_scale,
            generator=generator,
            **kwargs,
        )
        n_outputs = len(self.input_layer.bias)
        self.view_dropout = view_dropout
        self.input_layer: Any = ViewLinear(widths, n_outputs, weight_scale, generator)

    def _drop_features(self, rows: Any) -> Any:
        if not self.training:
            return rows
        parts = [
            super(MultiViewAutoencoder, self)._drop_features(part)
            if isinstance(part, CSRRows)
            else part
            for part in rows.parts
        ]
        if self.view_dropout and len(parts) > 1:
            dropped = self._draw_dropped(rows.n_rows, len(parts), parts[0])
            parts = [
                _without_rows(part, lacks) for part, lacks in zip(parts, dropped.T)
            ]
        return rows._replace(parts=tuple(parts))

    def _draw_dropped(self, n_rows: int, n_views: int, like: Any) -> Tensor:
        """Return which rows lack which view, (n_rows, n_views); at most one each."""
        device = like.device if isinstance(like, Tensor) else like.values.device
        draws = torch.rand(n_rows, generator=self.generator, device=device)
        view = (draws / self.view_dropout * n_views).floor()
        return view[:, None] == torch.arange(n_views, device=device)

    def _precise_hidden(self, rows: Any) -> Tensor:
        return self.input_layer.precise(rows)


def _without_rows(part: CSRRows | Tensor, dropped: Tensor) -> CSRRows | Tensor:
    """Return rows of which some are zero."""
    if isinstance(part, Tensor):
        return part * ~dropped[:, None]
    values = part.values * ~dropped[part.row_of_value()]
    return part._replace(values=values).without_zeros()
