"""Matrix products of a training step, in the fastest way that torch has on a CPU.

See docs/training.md for the measurements behind the choices.
"""

from itertools import pairwise

import torch
from torch import nn
from torch.nn import functional as F

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
    the product. Of a large vocabulary only the words of the batch get a gradient, which
    is then sparse.
    """

    @staticmethod
    def forward(ctx, weight, rows):
        ctx.weight, ctx.rows = weight, rows
        return _embedding_bag(weight, *rows)

    @staticmethod
    def backward(ctx, grad):
        weight = ctx.weight
        if len(weight) > LARGE_VOCABULARY:
            features, rows = ctx.rows.transposed(len(weight)).without_empty()
            return torch.sparse_coo_tensor(
                features[None],
                _embedding_bag(grad, *rows),
                weight.shape,
                is_coalesced=True,
                check_invariants=False,
            ), None
        adds = weight.grad is not None
        if not adds:  # Set here: autograd would copy what it does not own.
            spare = weight.__dict__.pop("spare_gradient", None)
            weight.grad = torch.empty_like(weight) if spare is None else spare
        rows, starts, values = ctx.rows.transposed(len(weight))
        step = max(1, _GRADIENTS_PER_BLOCK // weight.shape[1])
        bounds = [*starts[::step].tolist(), len(values)]
        for block, of_block, (begin, end) in zip(
            weight.grad.split(step), starts.split(step), pairwise(bounds), strict=True
        ):
            part = slice(begin, end)
            found = _embedding_bag(grad, rows[part], of_block - begin, values[part])
            block.add_(found) if adds else block.copy_(found)
        return None, None


def spare_gradient(weight):
    """Take the gradient off the weights of a sparse product, for the next to reuse."""
    if weight.grad is not None and not weight.grad.is_sparse:
        weight.spare_gradient = weight.grad
    weight.grad = None


def drop_spare_gradient(weight):
    """Give back the memory that :func:`spare_gradient` kept, if any."""
    vars(weight).pop("spare_gradient", None)


def _embedding_bag(weight, columns, offsets, values):
    return F.embedding_bag(
        columns, weight, offsets, mode="sum", per_sample_weights=values
    )
