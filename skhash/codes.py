"""Binary codes: bits and packed bytes, their validation and their health.

A code of ``n_bits`` bits has two forms. *Bits* are a uint8 array of 0 and 1 with one
column a bit, which every scikit-learn tool can take. A *packed code* holds eight bits
a byte in the order of :func:`numpy.packbits`: the first bit is the highest bit of the
first byte, and the padding bits at the end of the last byte are zero.
"""

from dataclasses import dataclass

import numpy as np
from sklearn.utils.validation import check_array

__all__ = ["BitStatistics", "bit_statistics", "n_bytes", "pack_bits", "unpack_bits"]


def n_bytes(n_bits):
    """Return the number of bytes a packed code of `n_bits` bits takes."""
    return (n_bits + 7) // 8


def check_bits(X, *, n_bits=None, name="X"):
    """Validate an array of bits.

    Parameters
    ----------
    X : array-like of shape (n_samples, n_bits)
        Zeros and ones of any numeric or boolean dtype.
    n_bits : int, default=None
        The required number of bits; any if None.
    name : str, default="X"
        What to call the array in error messages.

    Returns
    -------
    bits : ndarray of shape (n_samples, n_bits), uint8, C order

    Raises
    ------
    ValueError
        If a value is neither 0 nor 1, or the number of columns differs from `n_bits`.
    """
    X = check_array(X, dtype=None, input_name=name, ensure_min_samples=0)
    bits = X
    if X.dtype != np.uint8:
        if X.dtype.kind not in "biuf":
            raise ValueError(
                f"{name} must hold bits, 0 or 1, as numbers or booleans; got dtype "
                f"{X.dtype}."
            )
        bits = X.astype(np.uint8, order="C")
    if bits.size and (
        bits.max() > 1 or (bits is not X and not np.array_equal(bits, X))
    ):
        wrong = X[(X != 0) & (X != 1)]
        raise ValueError(
            f"{name} must hold bits, 0 or 1, one column a bit; got the value "
            f"{wrong[0]!s}. If these are packed codes (eight bits a byte), unpack them "
            "with skhash.codes.unpack_bits, or say packed=True where that can be said."
        )
    if n_bits is not None and bits.shape[1] != n_bits:
        raise ValueError(
            f"{name} must have {n_bits} bits, one column a bit; got "
            f"{bits.shape[1]} columns."
        )
    return np.ascontiguousarray(bits)


def check_packed(X, *, n_bits=None, name="X", contiguous=True):
    """Validate an array of packed codes.

    Parameters
    ----------
    X : array-like of shape (n_samples, n_bytes), uint8
        Packed codes.
    n_bits : int, default=None
        The number of bits of a code; ``8 * n_bytes`` if None.
    name : str, default="X"
        What to call the array in error messages.
    contiguous : bool, default=True
        Whether to copy an array that is not in C order.

    Returns
    -------
    packed : ndarray of shape (n_samples, n_bytes), uint8
        In C order if `contiguous`; not a copy where `X` already is such an array.

    Raises
    ------
    TypeError
        If `X` is not of dtype uint8.
    ValueError
        If the number of bytes does not fit `n_bits` or a padding bit is set.
    """
    X = check_array(X, dtype=None, input_name=name, ensure_min_samples=0)
    if X.dtype != np.uint8:
        raise TypeError(
            f"{name} must be packed codes of dtype uint8, as numpy.packbits makes "
            f"them; got dtype {X.dtype}."
        )
    if n_bits is not None:
        if X.shape[1] != n_bytes(n_bits):
            raise ValueError(
                f"{name} must have {n_bytes(n_bits)} bytes a row for codes of {n_bits} "
                f"bits; got {X.shape[1]}."
            )
        padding = 8 * X.shape[1] - n_bits
        if padding and np.any(X[:, -1] & ((1 << padding) - 1)):
            raise ValueError(
                f"The last {padding} bits of every row of {name} are padding for codes "
                f"of {n_bits} bits and must be zero; got some that are set."
            )
    return np.ascontiguousarray(X) if contiguous else X


def pack_bits(bits):
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

    Examples
    --------
    >>> from skhash.codes import pack_bits
    >>> pack_bits([[1, 0, 0, 0, 0, 0, 0, 1, 1]])
    array([[129, 128]], dtype=uint8)
    """
    return np.packbits(check_bits(bits, name="bits"), axis=1)


def unpack_bits(packed, n_bits=None):
    """Unpack bytes into bits; the inverse of :func:`pack_bits`.

    Parameters
    ----------
    packed : array-like of shape (n_samples, n_bytes), uint8
        Packed codes.
    n_bits : int, default=None
        The number of bits of a code; ``8 * n_bytes`` if None.

    Returns
    -------
    bits : ndarray of shape (n_samples, n_bits), uint8
        Zeros and ones.

    Raises
    ------
    TypeError
        If `packed` is not of dtype uint8.
    ValueError
        If the number of bytes does not fit `n_bits` or a padding bit is set.

    Examples
    --------
    >>> import numpy as np
    >>> from skhash.codes import unpack_bits
    >>> unpack_bits(np.array([[129, 128]], dtype=np.uint8), n_bits=9)
    array([[1, 0, 0, 0, 0, 0, 0, 1, 1]], dtype=uint8)
    """
    packed = check_packed(packed, n_bits=n_bits, name="packed")
    return np.unpackbits(packed, axis=1, count=n_bits)


@dataclass(frozen=True)
class BitStatistics:
    """How well a collection of codes uses its bits; see :func:`bit_statistics`.

    Attributes
    ----------
    means : ndarray of shape (n_bits,), float64
        The share of ones of each bit, in [0, 1].
    entropies : ndarray of shape (n_bits,), float64
        The entropy of each bit in bits, in [0, 1]; 1 is a balanced bit.
    max_correlation : float
        The largest absolute Pearson correlation between two bits, in [0, 1]. A
        constant bit correlates with nothing.
    n_dead : int
        The number of constant bits.
    n_distinct : int
        The number of distinct codes.
    """

    means: np.ndarray
    entropies: np.ndarray
    max_correlation: float
    n_dead: int
    n_distinct: int


def bit_statistics(bits):
    """Describe how well a collection of codes uses its bits.

    Parameters
    ----------
    bits : array-like of shape (n_samples, n_bits)
        Zeros and ones; at least one row.

    Returns
    -------
    statistics : BitStatistics

    Raises
    ------
    ValueError
        If a value is neither 0 nor 1, or there is no row.

    Examples
    --------
    >>> from skhash.codes import bit_statistics
    >>> statistics = bit_statistics([[0, 1], [1, 1], [0, 1], [1, 1]])
    >>> statistics.means, statistics.n_dead, statistics.n_distinct
    (array([0.5, 1. ]), 1, 2)
    """
    bits = check_bits(bits, name="bits")
    if not len(bits):
        raise ValueError("bits must have at least one row; got 0.")
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
