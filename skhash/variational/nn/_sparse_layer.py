"""Matrix products of a training step, in the fastest way that torch has on a CPU.

See docs/training.md for the measurements behind the choices.
"""

from itertools import pairwise
from typing import NamedTuple

import torch
from torch import nn
from torch.nn import functional as F

from skhash.variational.nn._batches import CSRRows

# Gradients of as many features at a time as stay in the cache, 4 MB of them: with
# fewer the calls take longer than the work.
_GRADIENTS_PER_BLOCK = 2**20
# torch adds to rows in any order on one thread, to a slice of rows on all.
_MOST_FEATURES = 0.5


def _linear_of_onednn():
    """Return the linear layer of oneDNN for matrices as they are, or None.

    It is what torch itself compiles networks to, but no documented function.
    """
    try:
        linear = torch.ops.mkldnn._linear_pointwise
        linear(torch.ones(2, 2), torch.ones(2, 2), None, "none", [], "")
    except (AttributeError, RuntimeError):
        return None
    return linear


_ONEDNN_LINEAR = _linear_of_onednn()


def dense_product(left, right, bias=None):
    """Return left @ right + bias, without a gradient.

    By oneDNN where it can be. torch asks MKL, which takes twice as long on AMD
    Zen 5, as docs/training.md measures.

    Parameters
    ----------
    left : Tensor of shape (n_rows, n_inner)
        A matrix, in any order of memory.
    right : Tensor of shape (n_inner, n_columns)
        Another one of the same dtype, on the same device.
    bias : Tensor of shape (n_columns,), default=None
        Added to each row.

    Returns
    -------
    product : Tensor of shape (n_rows, n_columns)
    """
    if (
        _ONEDNN_LINEAR is None
        or left.device.type != "cpu"
        or left.dtype != torch.float32
    ):
        return left @ right if bias is None else torch.addmm(bias, left, right)
    return _ONEDNN_LINEAR(left, right.T, bias, "none", [], "")


class _Linear(torch.autograd.Function):
    """A linear layer by :func:`dense_product`, forward and backward."""

    @staticmethod
    def forward(ctx, rows, weight, bias):
        ctx.save_for_backward(rows, weight)
        return dense_product(rows, weight.T, bias)

    @staticmethod
    def backward(ctx, grad):
        rows, weight = ctx.saved_tensors
        return dense_product(grad, weight), dense_product(grad.T, rows), grad.sum(dim=0)


class Linear(nn.Linear):
    """As :class:`torch.nn.Linear`, by the fastest matrix product."""

    def forward(self, rows):
        """Map rows (n_rows, in_features) to (n_rows, out_features)."""
        return _Linear.apply(rows, self.weight, self.bias)


def sparse_product(rows, weight):
    """Return sparse rows times weights.

    Parameters
    ----------
    rows : CSRRows
        n_rows rows of n_features features.
    weight : Tensor of shape (n_features, n_outputs)
        The weights; a leaf, if it wants a gradient.

    Returns
    -------
    product : Tensor of shape (n_rows, n_outputs)
    """
    # SciPy transposes the rows for the gradient, and knows no other device.
    if weight.device.type == "cpu":
        return _SparseProduct.apply(weight, rows)
    return _embedding_bag(weight, *rows)


class _SparseProduct(torch.autograd.Function):
    """Sparse rows times weights, which get a :class:`LazyGradient` as their gradient."""

    @staticmethod
    def forward(ctx, weight, rows):
        ctx.weight, ctx.rows = weight, rows
        return _embedding_bag(weight, *rows)

    @staticmethod
    def backward(ctx, grad):
        gradient = LazyGradient(ctx.rows, grad)
        earlier = take_lazy_grad(ctx.weight)
        if earlier is not None:
            gradient = earlier.plus(gradient)
        ctx.weight.lazy_grad = gradient
        return None, None


class LazyGradient(NamedTuple):
    """The gradient of a sparse product in its weights, before it is computed.

    A feature's gradient adds up the rows that have it: an embedding bag over the
    transposed rows, which takes less time than the bag's own backward pass. Computed as
    a whole it would be as large as the weights, written to memory and read again for
    the step, in several times the time that it takes a block at a time.

    Attributes
    ----------
    rows : CSRRows
        The n_rows rows of the product.
    grad : Tensor of shape (n_rows, n_outputs)
        The gradient of the product.
    """

    rows: CSRRows
    grad: torch.Tensor

    def plus(self, other):
        """Return the sum of two gradients: that of all of their rows."""
        return LazyGradient(
            self.rows.followed_by(other.rows), torch.cat([self.grad, other.grad])
        )

    def blocks(self, n_features):
        """Yield features, none twice, and their gradients (n_block, n_outputs).

        As positions, or as a slice where the rows have most features: those that they
        lack have a gradient of 0, and slices of weights are faster to change.
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


def take_lazy_grad(weight):
    """Take the :class:`LazyGradient` off some weights, None if they have none."""
    return vars(weight).pop("lazy_grad", None)


def _embedding_bag(weight, columns, offsets, values):
    return F.embedding_bag(
        columns, weight, offsets, mode="sum", per_sample_weights=values
    )
