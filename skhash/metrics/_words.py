"""Counting bits by whole words.

Counting is what most of the time goes into. NumPy's bit count is as fast here as a
product of matrices, exact for any length, and leaves alone the threads of the BLAS,
which cost more than they gain on tiles this small, above all on a busy machine.
"""

import numpy as np


def to_words(bits):
    """Pack rows of bits into 64-bit words, padded by zeros.

    Parameters
    ----------
    bits : ndarray of shape (n_rows, n_bits)
        Zeros and ones.

    Returns
    -------
    words : ndarray of shape (n_rows, ceil(n_bits / 64)), uint64
    """
    packed = np.packbits(bits.astype(bool, copy=False), axis=1)
    n_words = (packed.shape[1] + 7) // 8
    padded = np.zeros((len(packed), 8 * n_words), dtype=np.uint8)
    padded[:, : packed.shape[1]] = packed
    return padded.view(np.uint64)


def count_bits(operation, left, right, start):
    """Count the bits that an operation sets, for all pairs of rows.

    Parameters
    ----------
    operation : {numpy.bitwise_xor, numpy.bitwise_and}
        What differs, or what is shared.
    left : ndarray of shape (n_left, n_words), uint64
        Rows of words.
    right : ndarray of shape (n_right, n_words), uint64
        Rows of words.
    start : int or ndarray of shape (n_left, 1), intp
        What to add to the counts of a row.

    Returns
    -------
    counts : ndarray of shape (n_left, n_right), intp
    """
    for word in range(left.shape[1]):
        bits = np.bitwise_count(operation(left[:, word, None], right[:, word]))
        start = np.add(start, bits, dtype=np.intp)
    return start
