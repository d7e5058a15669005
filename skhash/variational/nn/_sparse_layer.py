"""A linear layer for sparse rows, its lazy gradient, and the optimizer that applies it.

A batch of sparse rows has few of the features. The gradient of the layer is therefore
not computed as a matrix of the size of the weights, but kept as a `LazyGradient`, which
`RowwiseAdam` evaluates block by block. Weights that no `RowwiseAdam` has registered,
and those that another optimizer updates since, get an ordinary gradient.
"""

import weakref
from collections.abc import Iterator
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Generator, Tensor, nn
from torch.nn import functional as F
from torch.utils.weak import WeakTensorKeyDictionary

from skhash.utils._sparse_product import product_by_rows
from skhash.variational.nn._rows import CSRRows

# Elements of a block of gradients: 4 MB, which stay in the cache. With smaller blocks
# the calls take longer than the arithmetic.
_GRADIENTS_PER_BLOCK = 2**20
# Above this fraction of present features, slices of all features are faster: torch adds
# to arbitrary rows on one thread, to a slice of rows on all threads.
_MOST_FEATURES = 0.5


class RowLinear(nn.Module):
    """A linear layer for sparse or dense rows.

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
    generator : Generator, default=None
        Draws the initial weights; torch's global generator if None.
    """

    def __init__(
        self,
        n_features: int,
        n_outputs: int,
        weight_scale: float,
        generator: Generator | None = None,
    ):
        super().__init__()
        self.weight = nn.Parameter(torch.empty(n_features, n_outputs))
        self.bias = nn.Parameter(torch.zeros(n_outputs))
        nn.init.normal_(self.weight, std=weight_scale, generator=generator)

    def forward(self, rows: CSRRows | Tensor) -> Tensor:
        """Map CSRRows or a tensor (n_rows, n_features) to (n_rows, n_outputs)."""
        if isinstance(rows, CSRRows):
            return sparse_product(rows, self.weight) + self.bias
        return torch.addmm(self.bias, rows, self.weight)


def sparse_product(rows: CSRRows, weight: Tensor) -> Tensor:
    """Return sparse rows times weights.

    Parameters
    ----------
    rows : CSRRows
        n_rows rows of n_features features.
    weight : Tensor of shape (n_features, n_outputs)
        The weights.

    Returns
    -------
    product : Tensor of shape (n_rows, n_outputs)
    """
    # SciPy transposes the rows for the gradient, and has no other device.
    if weight.device.type == "cpu" and torch.is_grad_enabled():
        return _SparseProduct.apply(weight, rows)
    return _embedding_bag(weight, *rows)


def precise_product(rows: CSRRows, weight: Tensor) -> Tensor:
    """Return sparse rows times weights in double precision, row by row alike.

    On the CPU no weights are converted; on other devices, those of features that occur.

    Parameters
    ----------
    rows : CSRRows
        n_rows rows of n_features features.
    weight : Tensor of shape (n_features, n_outputs)
        The weights.

    Returns
    -------
    product : Tensor of shape (n_rows, n_outputs), float64
    """
    values = rows.values.double()
    if weight.device.type == "cpu":
        product = np.empty((rows.n_rows, weight.shape[1]))
        starts = np.append(rows.offsets.numpy(), len(values))
        columns, weights = rows.columns.int().numpy(), weight.detach().numpy()
        product_by_rows(values.numpy(), columns, starts, weights, product)
        return torch.from_numpy(product)
    present, columns = torch.unique(rows.columns, return_inverse=True)
    return _embedding_bag(weight[present].double(), columns, rows.offsets, values)


class _SparseProduct(torch.autograd.Function):
    """Sparse rows times weights, with a `LazyGradient` where an optimizer takes it."""

    @staticmethod
    def forward(ctx, weight, rows):
        ctx.weight, ctx.rows = weight, rows
        return _embedding_bag(weight, *rows)

    @staticmethod
    def backward(ctx, grad):
        gradient = LazyGradient(ctx.rows, grad)
        optimizer = _optimizer_of(ctx.weight)
        if optimizer is None:
            return gradient.to_dense(len(ctx.weight)), None
        optimizer.add_lazy_grad(ctx.weight, gradient)
        return None, None


class LazyGradient(NamedTuple):
    """The gradient of a sparse product with respect to its weights, not yet computed.

    The gradient of a feature is the sum over the rows that have it: an embedding bag
    over the transposed rows, which takes less time than the backward pass of the bag.
    As a matrix it would be as large as the weights; writing it to memory and reading it
    again takes several times as long as computing it block by block.

    Attributes
    ----------
    rows : CSRRows
        The n_rows rows of the product.
    grad : Tensor of shape (n_rows, n_outputs)
        The gradient with respect to the product.
    """

    rows: CSRRows
    grad: Tensor

    def plus(self, other: "LazyGradient") -> "LazyGradient":
        """Return the sum of two gradients."""
        return LazyGradient(
            self.rows.followed_by(other.rows), torch.cat([self.grad, other.grad])
        )

    def blocks(self, n_features: int) -> Iterator[tuple[slice | Tensor, Tensor]]:
        """Yield disjoint sets of features and their gradients (n_block, n_outputs).

        Features are positions, or a slice where the rows have most features; then
        features of no row have a gradient of 0.
        """
        rows = self.rows.transposed(n_features)
        features, filled = rows.without_empty()
        in_slices = len(features) > _MOST_FEATURES * n_features
        if not in_slices:
            rows = filled
        step = max(1, _GRADIENTS_PER_BLOCK // self.grad.shape[1])
        bounds = [*rows.offsets[::step].tolist(), len(rows.values)]
        for i, (begin, end) in enumerate(pairwise(bounds)):
            block, values = slice(i * step, (i + 1) * step), slice(begin, end)
            gradients = _embedding_bag(
                self.grad,
                rows.columns[values],
                rows.offsets[block] - begin,
                rows.values[values],
            )
            yield block if in_slices else features[block], gradients

    def to_dense(self, n_features: int) -> Tensor:
        """Return the gradient as a matrix (n_features, n_outputs)."""
        dense = self.grad.new_zeros(n_features, self.grad.shape[1])
        for features, gradients in self.blocks(n_features):
            dense[features] = gradients
        return dense


# The optimizer of each weight that may get a lazy gradient. Not an attribute of the
# weight, which would be saved and copied with it.
_OPTIMIZERS: WeakTensorKeyDictionary = WeakTensorKeyDictionary()


def _optimizer_of(weight: Tensor) -> "RowwiseAdam | None":
    """Return the `RowwiseAdam` that has registered some weights, if it still exists."""
    reference = _OPTIMIZERS.get(weight)
    return None if reference is None else reference()


def _embedding_bag(
    weight: Tensor, columns: Tensor, offsets: Tensor, values: Tensor
) -> Tensor:
    return F.embedding_bag(
        columns, weight, offsets, mode="sum", per_sample_weights=values
    )


class RowwiseAdam(torch.optim.Adam):
    """Adam that updates only the rows of the weights that a lazy gradient has.

    Weights with a `LazyGradient` change in the rows of the gradient only: the other
    rows keep their weights and averages, as in torch's `SparseAdam`. Each row counts
    its own steps, so that the first step of a rare feature gets the same bias
    correction as that of a frequent one. A row has one average of squares, their mean,
    and no average of gradients, which would be outdated when a rare feature occurs
    again; the state therefore takes little memory. Weights with an ordinary gradient
    are updated as by :class:`torch.optim.Adam`.

    Takes the parameters of :class:`torch.optim.Adam`; for lazy gradients only `lr`, the
    second of `betas` and `eps` have an effect. Code that reads `grad`, such as gradient
    clipping, does not see lazy gradients.
    """

    def add_param_group(self, param_group: dict) -> None:
        """Add parameters, and register them for lazy gradients."""
        super().add_param_group(param_group)
        self._register()

    def __setstate__(self, state: dict) -> None:
        """Register the parameters after copying or loading."""
        super().__setstate__(state)
        self._register()

    def _register(self) -> None:
        self._lazy_grads: WeakTensorKeyDictionary = WeakTensorKeyDictionary()
        for group in self.param_groups:
            for weight in group["params"]:
                _OPTIMIZERS[weight] = weakref.ref(self)

    def add_lazy_grad(self, weight: Tensor, gradient: LazyGradient) -> None:
        """Add a gradient of some weights to what the next step applies."""
        earlier = self._lazy_grads.get(weight)
        self._lazy_grads[weight] = (
            gradient if earlier is None else earlier.plus(gradient)
        )

    def lazy_grad(self, weight: Tensor) -> LazyGradient | None:
        """Return the lazy gradient of some weights, None if they have none."""
        return self._lazy_grads.get(weight)

    def release(self) -> None:
        """Give all weights ordinary gradients from now on."""
        self._lazy_grads.clear()
        for group in self.param_groups:
            for weight in group["params"]:
                if _optimizer_of(weight) is self:
                    del _OPTIMIZERS[weight]

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Drop all gradients."""
        self._lazy_grads.clear()
        super().zero_grad(set_to_none)

    def step(self, closure: Any = None) -> Any:
        """Make a step; `closure`, if given, computes the gradients."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            for weight in group["params"]:
                gradient = self._lazy_grads.pop(weight, None)
                if gradient is not None:
                    self._step_rows(weight, gradient, group)
                if weight.grad is not None:
                    self._complete_state(weight)
        super().step()
        return loss

    def _complete_state(self, weight: Tensor) -> None:
        """Start the state of an ordinary gradient after lazy ones.

        Adam itself does so only where there is no state at all.
        """
        state = self.state[weight]
        if state and "exp_avg" not in state:
            state["exp_avg"] = torch.zeros_like(weight)
            state["exp_avg_sq"] = torch.zeros_like(weight)

    @torch.no_grad()
    def _step_rows(self, weight: Tensor, gradient: LazyGradient, group: dict) -> None:
        state = self.state[weight]
        if "row_step" not in state:
            # Adam expects a number of steps in every state that it loads.
            state.setdefault("step", torch.zeros((), device=weight.device))
            state["row_step"] = weight.new_zeros(len(weight))
            state["row_exp_avg_sq"] = weight.new_zeros(len(weight))
        for rows, gradients in gradient.blocks(len(weight)):
            _step_block(weight, rows, gradients, state, group)


def _step_block(
    weight: Tensor, rows: slice | Tensor, grad: Tensor, state: dict, group: dict
) -> None:
    """Update some rows of the weights in place; overwrites `grad`."""
    decay = group["betas"][1]
    norms = torch.linalg.vector_norm(grad, dim=1)  # needs no matrix of squares
    present = norms > 0  # a slice may have rows without a gradient
    steps = state["row_step"][rows] + present
    square = state["row_exp_avg_sq"][rows]
    mean_square = norms.square_().div_(grad.shape[1])
    square = torch.where(present, square.lerp(mean_square, 1 - decay), square)
    state["row_step"][rows] = steps
    state["row_exp_avg_sq"][rows] = square
    spread = (square / (1 - decay ** steps.clamp_min(1))).sqrt_() + group["eps"]
    step_sizes = (group["lr"] / spread)[:, None]
    if isinstance(rows, slice):
        weight[rows].addcmul_(grad, step_sizes, value=-1)
    else:
        weight.index_add_(0, rows, grad.mul_(step_sizes), alpha=-1)
