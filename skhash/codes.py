"""Pack, unpack, validate and describe binary codes.

A code of ``n_bits`` bits has two forms. *Bits* are a uint8 array of 0 and 1 with one
column per bit, which every scikit-learn tool takes. A *packed code* holds eight bits
per byte in the order of :func:`numpy.packbits`: the first bit is the highest bit of
the first byte, and the padding bits at the end of the last byte are zero.
"""

import operator
from dataclasses import dataclass
from typing import SupportsIndex

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.utils.validation import check_array

from skhash._foreign_codes import from_bytes, from_hex, from_imagehash, from_integers
from skhash.utils._masked import refuse_masked

__all__ = [
    "BitStatistics",
    "bit_statistics",
    "from_bytes",
    "from_hex",
    "from_imagehash",
    "from_integers",
    "n_bytes",
    "pack_bits",
    "unpack_bits",
]


def n_bytes(n_bits: SupportsIndex) -> int:
    """Return the number of bytes of a packed code.

    Parameters
    ----------
    n_bits : int
        The number of bits, at least 0.

    Returns
    -------
    n_bytes : int
        ``ceil(n_bits / 8)``.
    """
    return (operator.index(n_bits) + 7) // 8


def check_bits(
    X: ArrayLike,
    *,
    n_bits: SupportsIndex | None = None,
    name: str = "X",
    min_samples: int = 0,
) -> NDArray[np.uint8]:
    """Validate an array of bits.

    Parameters
    ----------
    X : array-like of shape (n_samples, n_bits)
        Zeros and ones of any numeric or boolean dtype.
    n_bits : int, default=None
        The required number of bits; any if None.
    name : str, default="X"
        The name of the array in error messages.
    min_samples : int, default=0
        The least number of rows.

    Returns
    -------
    bits : ndarray of shape (n_samples, n_bits), uint8, C order
        Not a copy if `X` already is such an array.

    Raises
    ------
    ValueError
        If a value is neither 0 nor 1, the number of columns differs from `n_bits`, or
        there are fewer rows than `min_samples`.
    """
    refuse_masked(X, name)
    array = check_array(X, dtype=None, input_name=name, ensure_min_samples=min_samples)
    bits = array
    if array.dtype != np.uint8:
        if array.dtype.kind not in "biuf":
            raise ValueError(
                f"{name} must hold bits, 0 or 1, as numbers or booleans; got dtype "
                f"{array.dtype}."
            )
        bits = array.astype(np.uint8, order="C")
    if bits.size and (
        bits.max() > 1 or (bits is not array and not np.array_equal(bits, array))
    ):
        raise _not_bits(array, name)
    if n_bits is not None and bits.shape[1] != operator.index(n_bits):
        raise ValueError(
            f"{name} must have {n_bits} bits, one column per bit; got "
            f"{bits.shape[1]} columns."
        )
    return np.ascontiguousarray(bits)


def _not_bits(X: NDArray, name: str) -> ValueError:
    """Return the error for an array with other values than 0 and 1."""
    wrong = X[(X != 0) & (X != 1)]
    remedy = (
        "If these are packed codes (eight bits per byte), unpack them with "
        "skhash.codes.unpack_bits, or pass packed=True to what accepts packed codes."
    )
    if (wrong < 0).any() or (wrong != np.floor(wrong)).any():
        remedy = "If the sign is the bit, as in codes of -1 and +1, pass X > 0."
    return ValueError(
        f"{name} must hold bits, 0 or 1, one column per bit; got the value "
        f"{wrong[0]!s}. {remedy}"
    )


def check_packed(
    X: ArrayLike,
    *,
    n_bits: SupportsIndex | None = None,
    name: str = "X",
    min_samples: int = 0,
    contiguous: bool = True,
) -> NDArray[np.uint8]:
    """Validate an array of packed codes.

    Parameters
    ----------
    X : array-like of shape (n_samples, n_bytes), uint8
        Packed codes.
    n_bits : int, default=None
        The number of bits per code; ``8 * n_bytes`` if None.
    name : str, default="X"
        The name of the array in error messages.
    min_samples : int, default=0
        The least number of rows.
    contiguous : bool, default=True
        Whether to copy an array that is not in C order.

    Returns
    -------
    packed : ndarray of shape (n_samples, n_bytes), uint8
        In C order if `contiguous`. Not a copy if `X` already is such an array.

    Raises
    ------
    TypeError
        If `X` is not of dtype uint8.
    ValueError
        If the number of bytes does not match `n_bits`, a padding bit is set, or there
        are fewer rows than `min_samples`.
    """
    refuse_masked(X, name)
    array = check_array(X, dtype=None, input_name=name, ensure_min_samples=min_samples)
    if array.dtype != np.uint8:
        raise TypeError(
            f"{name} must be packed codes of dtype uint8, as numpy.packbits returns "
            f"them; got dtype {array.dtype}.{_to_bytes(array)}"
        )
    if n_bits is not None:
        _check_padding(array, operator.index(n_bits), name)
    return np.ascontiguousarray(array) if contiguous else array


def _to_bytes(X: NDArray) -> str:
    """Return how codes of another dtype become packed codes, for an error message."""
    if X.dtype == np.int8:
        return (
            " Signed bytes of an encoder are often unsigned ones less 128: pass "
            "(X.astype(np.int16) + 128).astype(np.uint8). If they are the same bytes "
            "read as signed numbers, pass X.view(np.uint8)."
        )
    if X.dtype.kind not in "iu":
        return ""
    if X.size and X.min() >= 0 and X.max() <= 255:
        return " If each number is a byte, pass X.astype(np.uint8)."
    width = X.dtype.itemsize
    return (
        f" If each number holds {8 * width} bits, the highest one first, pass "
        f"X.astype('>u{width}').view(np.uint8)."
    )


def _check_padding(X: NDArray[np.uint8], n_bits: int, name: str) -> None:
    if X.shape[1] != n_bytes(n_bits):
        raise ValueError(
            f"{name} must have {n_bytes(n_bits)} bytes per row for codes of {n_bits} "
            f"bits; got {X.shape[1]}."
        )
    padding = 8 * X.shape[1] - n_bits
    if padding and np.any(X[:, -1] & ((1 << padding) - 1)):
        raise ValueError(
            f"The last {padding} bits of each row of {name} are padding for codes of "
            f"{n_bits} bits and must be zero; got some that are set. If the first bit "
            "is the lowest of its byte (bitorder='little'), as in many fingerprints, "
            "reverse the order: np.packbits(np.unpackbits(X, axis=1, "
            "bitorder='little'), axis=1)."
        )


def pack_bits(bits: ArrayLike) -> NDArray[np.uint8]:
    """Pack bits into bytes.

    Parameters
    ----------
    bits : array-like of shape (n_samples, n_bits)
        Zeros and ones.

    Returns
    -------
    packed : ndarray of shape (n_samples, ceil(n_bits / 8)), uint8
        The first bit is the highest bit of the first byte; padding bits are zero.

    Raises
    ------
    ValueError
        If a value is neither 0 nor 1.

    See Also
    --------
    unpack_bits : The inverse.

    Examples
    --------
    >>> from skhash.codes import pack_bits
    >>> pack_bits([[1, 0, 0, 0, 0, 0, 0, 1, 1]])
    array([[129, 128]], dtype=uint8)
    """
    return np.packbits(check_bits(bits, name="bits"), axis=1)


def unpack_bits(
    packed: ArrayLike, n_bits: SupportsIndex | None = None
) -> NDArray[np.uint8]:
    """Unpack bytes into bits.

    Parameters
    ----------
    packed : array-like of shape (n_samples, n_bytes), uint8
        Packed codes.
    n_bits : int, default=None
        The number of bits per code; ``8 * n_bytes`` if None.

    Returns
    -------
    bits : ndarray of shape (n_samples, n_bits), uint8
        Zeros and ones.

    Raises
    ------
    TypeError
        If `packed` is not of dtype uint8.
    ValueError
        If the number of bytes does not match `n_bits` or a padding bit is set.

    See Also
    --------
    pack_bits : The inverse.

    Examples
    --------
    >>> import numpy as np
    >>> from skhash.codes import unpack_bits
    >>> unpack_bits(np.array([[129, 128]], dtype=np.uint8), n_bits=9)
    array([[1, 0, 0, 0, 0, 0, 0, 1, 1]], dtype=uint8)
    """
    checked = check_packed(packed, n_bits=n_bits, name="packed")
    count = None if n_bits is None else operator.index(n_bits)
    return np.unpackbits(checked, axis=1, count=count)


@dataclass(frozen=True)
class BitStatistics:
    """Balance and correlation of the bits of a collection of codes.

    Attributes
    ----------
    means : ndarray of shape (n_bits,), float64
        The fraction of ones of each bit, in [0, 1].
    entropies : ndarray of shape (n_bits,), float64
        The entropy of each bit in bits, in [0, 1]; 1 for a balanced bit.
    max_correlation : float
        The largest absolute Pearson correlation between two bits, in [0, 1]. The
        correlation of a constant bit counts as 0.
    n_dead : int
        The number of constant bits.
    n_distinct : int
        The number of distinct codes.

    See Also
    --------
    bit_statistics : Computes them.
    """

    means: NDArray[np.float64]
    entropies: NDArray[np.float64]
    max_correlation: float
    n_dead: int
    n_distinct: int


def bit_statistics(
    codes: ArrayLike, *, packed: bool = False, n_bits: SupportsIndex | None = None
) -> BitStatistics:
    """Describe balance and correlation of the bits of a collection of codes.

    Parameters
    ----------
    codes : array-like of shape (n_samples, n_bits) or (n_samples, n_bytes)
        Zeros and ones, or packed codes; at least one row.
    packed : bool, default=False
        Whether `codes` are packed.
    n_bits : int, default=None
        The number of bits per code; the number of columns, or ``8 * n_bytes`` for
        packed codes, if None.

    Returns
    -------
    statistics : BitStatistics
        Fractions, entropies, the largest correlation, and counts.

    Raises
    ------
    TypeError
        If packed codes are not of dtype uint8.
    ValueError
        If a value is neither 0 nor 1, the codes do not match `n_bits`, or there is no
        row.

    Examples
    --------
    >>> from skhash.codes import bit_statistics
    >>> statistics = bit_statistics([[0, 1], [1, 1], [0, 1], [1, 1]])
    >>> statistics.means, statistics.n_dead, statistics.n_distinct
    (array([0.5, 1. ]), 1, 2)
    """
    check = check_packed if packed else check_bits
    bits = check(codes, n_bits=n_bits, name="codes", min_samples=1)
    if packed:
        bits = unpack_bits(bits, n_bits)
    means = bits.mean(axis=0)
    alive = (means > 0) & (means < 1)
    entropies = np.zeros_like(means)
    p = means[alive]
    entropies[alive] = -(p * np.log2(p) + (1 - p) * np.log2(1 - p))

    max_correlation = 0.0
    if alive.sum() > 1:
        standard = (bits[:, alive] - p) / np.sqrt(p * (1 - p))
        correlation = np.abs(standard.T @ standard) / len(bits)
        np.fill_diagonal(correlation, 0.0)
        max_correlation = float(correlation.max())
    return BitStatistics(
        means=means,
        entropies=entropies,
        max_correlation=max_correlation,
        n_dead=int((~alive).sum()),
        n_distinct=len(np.unique(np.packbits(bits, axis=1), axis=0)),
    )
