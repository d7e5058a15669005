"""Matrix products of a training step, in the fastest way that torch has on a CPU.

See docs/training.md for the measurements behind the choices.
"""

from itertools import pairwise
from typing import NamedTuple

import torch
from torch import nn
from torch.nn import functional as F

from skhash.variational.batches import CSRRows

# With more features than this a batch has words of few of them.
LARGE_VOCABULARY = 2**15

# Gradients of as many features at a time as stay in the cache, 2 MB of them.
_GRADIENTS_PER_BLOCK = 2**19


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

    By oneDNN where it can be. torch asks MKL, which takes twice as long on the AMD CPU
    that docs/training.md measures.

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
    """Sparse rows times weights; the gradient is a product of the same kind.

    A feature's gradient adds up the rows that have it, by an embedding bag over the
    transposed rows, in less time than the bag's own backward pass. It goes to where
    the gradient of the last step was: fresh memory of that size would take longer than
    the product. Of a large vocabulary only the words of the batch have a gradient, and
    the weights get a :class:`RowGradient` in place of `grad`.
    """

    @staticmethod
    def forward(ctx, weight, rows):
        ctx.weight, ctx.rows = weight, rows
        return _embedding_bag(weight, *rows)

    @staticmethod
    def backward(ctx, grad):
        weight = ctx.weight
        if len(weight) > LARGE_VOCABULARY:
            gradient = RowGradient(ctx.rows, grad)
            if (other := take_row_gradient(weight)) is not None:
                gradient = gradient.plus(other)
            weight.row_gradient = gradient
            return None, None
        adds = weight.grad is not None
        if not adds:  # Set here: autograd would copy what it does not own.
            spare = weight.__dict__.pop("spare_gradient", None)
            weight.grad = torch.empty_like(weight) if spare is None else spare
        for part, found in _gradient_blocks(ctx.rows.transposed(len(weight)), grad):
            block = weight.grad[part]
            block.add_(found) if adds else block.copy_(found)
        return None, None


class RowGradient(NamedTuple):
    """The gradient of a sparse product with a large vocabulary, before it is computed.

    The words of a batch are tens of thousands: computed as a whole, their gradient
    would be written to memory, and read again for the step, in four times the time
    that it takes a block at a time.

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
        return RowGradient(
            self.rows.followed_by(other.rows), torch.cat([self.grad, other.grad])
        )

    def blocks(self, n_features):
        """Yield features, none twice, and their gradients (n_block, n_outputs)."""
        features, rows = self.rows.transposed(n_features).without_empty()
        for part, gradients in _gradient_blocks(rows, self.grad):
            yield features[part], gradients


def _gradient_blocks(features, grad):
    """Yield slices of transposed rows, and the gradients of the features in them."""
    _, starts, values = features
    step = max(1, _GRADIENTS_PER_BLOCK // grad.shape[1])
    bounds = [*starts[::step].tolist(), len(values)]
    for i, (begin, end) in enumerate(pairwise(bounds)):
        part = slice(i * step, (i + 1) * step)
        rows = CSRRows(
            features.columns[begin:end], starts[part] - begin, values[begin:end]
        )
        yield part, _embedding_bag(grad, *rows)


def take_row_gradient(weight):
    """Take the :class:`RowGradient` off some weights, None if they have none."""
    return vars(weight).pop("row_gradient", None)


def spare_gradient(weight):
    """Take the gradient off the weights of a sparse product, for the next to reuse."""
    take_row_gradient(weight)
    if weight.grad is not None:
        weight.spare_gradient = weight.grad
    weight.grad = None


def drop_spare_gradient(weight):
    """Give back the memory that :func:`spare_gradient` kept, if any."""
    take_row_gradient(weight)  # of a step that was interrupted
    vars(weight).pop("spare_gradient", None)


def _embedding_bag(weight, columns, offsets, values):
    return F.embedding_bag(
        columns, weight, offsets, mode="sum", per_sample_weights=values
    )
