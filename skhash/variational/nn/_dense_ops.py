"""Dense operations of a training step, faster on a CPU than those of torch.

The measurements behind the choices are in docs/training.md.
"""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Generator, Tensor, nn

# Values closer to 0 than this fraction of the largest one are computed again in double
# precision: a hundred times the effect of the order of a sum in single precision.
_NEAR_ZERO = 1e-4
# The same in double precision, behind normalizations that divide by small deviations.
_ROUNDED_TO_ZERO = 1e-8


def by_torch(
    function: Callable[..., Tensor], *arrays: NDArray, **options: Any
) -> NDArray:
    """Apply a function of torch to arrays, which must be writable, without a gradient.

    Fitted estimators depend on the last digits of such functions, which are others in
    NumPy.
    """
    return function(*map(torch.from_numpy, arrays), **options).numpy()


def near_zero(values: NDArray, reference: NDArray) -> NDArray[np.bool_]:
    """Return which values may change sign by rounding in single precision.

    In NumPy, which takes a third of the time of torch for the values of a sample.

    Parameters
    ----------
    values : ndarray
        The values to test.
    reference : ndarray
        Values of the same computation, whose magnitude bounds the rounding error.

    Returns
    -------
    is_near_zero : ndarray, bool
        Of the shape of `values`.
    """
    magnitudes = np.abs(reference)
    bound = magnitudes.max(initial=1)
    # Infinite values of one row must not decide on the others.
    if not math.isfinite(bound):
        bound = magnitudes.max(initial=1, where=np.isfinite(magnitudes))
    if values is not reference:
        magnitudes = np.abs(values)
    return magnitudes < _NEAR_ZERO * bound


def settled(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return values in double precision, 0 where they are 0 but for rounding.

    Where training samples are all equal, a normalized value is the difference of equal
    numbers, whose sign would depend on the batch and on the form of its rows.

    Parameters
    ----------
    values : ndarray of shape (n_rows, n_columns), float64
        Values that were computed in double precision throughout.

    Returns
    -------
    settled : ndarray of shape (n_rows, n_columns), float64
    """
    magnitudes = np.abs(values)
    largest = magnitudes.max(axis=1, keepdims=True, initial=1)
    return np.where(magnitudes < _ROUNDED_TO_ZERO * largest, 0.0, values)


def _onednn_linear() -> Callable[..., Tensor] | None:
    """Return the linear layer of oneDNN for matrices in their own layout, or None.

    torch compiles networks to it, but does not document it.
    """
    try:
        linear = torch.ops.mkldnn._linear_pointwise
        linear(torch.ones(2, 2), torch.ones(2, 2), None, "none", [], "")
    except (AttributeError, RuntimeError):
        return None
    return linear


_ONEDNN_LINEAR = _onednn_linear()


def dense_product(left: Tensor, right: Tensor, bias: Tensor | None = None) -> Tensor:
    """Return left @ right + bias, without a gradient.

    Uses oneDNN where it can. torch uses MKL, which takes twice as long on AMD Zen 5.

    Parameters
    ----------
    left : Tensor of shape (n_rows, n_inner)
        A matrix, in any memory layout.
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


class _DenseProduct(torch.autograd.Function):
    """A linear layer by `dense_product`, forward and backward."""

    @staticmethod
    def forward(ctx, rows, weight, bias):
        ctx.save_for_backward(rows, weight)
        return dense_product(rows, weight.T, bias)

    @staticmethod
    def backward(ctx, grad):
        rows, weight = ctx.saved_tensors
        return dense_product(grad, weight), dense_product(grad.T, rows), grad.sum(dim=0)


class Linear(nn.Linear):
    """:class:`torch.nn.Linear` by the fastest matrix product."""

    def forward(self, rows: Tensor) -> Tensor:
        """Map rows (n_rows, in_features) to (n_rows, out_features)."""
        if not torch.is_grad_enabled():
            # What autograd prepares takes as long as the product of one row.
            return dense_product(rows, self.weight.T, self.bias)
        return _DenseProduct.apply(rows, self.weight, self.bias)


def drop_out(
    values: Tensor, fraction: float, generator: Generator | None = None
) -> Tensor:
    """Set a random fraction of the values to zero, and scale the others up.

    As :func:`torch.nn.functional.dropout`, in a fifth of the time on a CPU: 64 random
    bits decide on four values. The fraction is rounded to a multiple of 2**-16.

    Parameters
    ----------
    values : Tensor
        Any values.
    fraction : float
        The expected fraction of zeros, in [0, 1).
    generator : Generator, default=None
        Draws the bits; torch's global generator if None.

    Returns
    -------
    dropped : Tensor
        Of the shape of `values`.
    """
    bits = torch.empty(
        -(-values.numel() // 4), dtype=torch.int64, device=values.device
    ).random_(-(2**63), None, generator=generator)
    draws = bits.view(torch.int16)[: values.numel()].view(values.shape)
    kept = draws >= min(round(fraction * 2**16), 2**16 - 1) - 2**15
    # A product with numbers is faster than one with booleans.
    return values * kept.to(values.dtype).mul_(1 / (1 - fraction))


class Dropout(nn.Dropout):
    """Dropout by :func:`drop_out`, with a generator of its own if given one."""

    generator: Generator | None = None

    def forward(self, values: Tensor) -> Tensor:
        """Drop a fraction `p` of the values in training mode."""
        if not self.training or not self.p:
            return values
        return drop_out(values, self.p, self.generator)
