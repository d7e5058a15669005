# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False
"""Sum the hashed signs of features over the rows of a sparse matrix.

Every size and position is checked here, before memory is read or written by it.
"""

import numpy as np

from libc.stdint cimport int32_t, int64_t, uint64_t
from libc.stdlib cimport free, malloc
from libc.string cimport memset

ctypedef fused real:
    float
    double

ctypedef fused index:
    int32_t
    int64_t

cdef uint64_t STEP = 0x9E3779B97F4A7C15
cdef uint64_t FIRST = 0xBF58476D1CE4E5B9
cdef uint64_t SECOND = 0x94D049BB133111EB

# The signs of the bits of each byte, the highest first.
_SIGNS = 2 * np.unpackbits(np.arange(256, dtype=np.uint8)[:, None], axis=1) - 1.0
cdef float[:, ::1] FLOAT_SIGNS = _SIGNS.astype(np.float32)
cdef double[:, ::1] DOUBLE_SIGNS = _SIGNS.astype(np.float64)


cdef inline uint64_t mixed(uint64_t word) noexcept nogil:
    """Return the output function of SplitMix64."""
    word = (word ^ (word >> 30)) * FIRST
    word = (word ^ (word >> 27)) * SECOND
    return word ^ (word >> 31)


cdef void add_signs(
    real *sums, real value, uint64_t hashed, const real *signs
) noexcept nogil:
    """Add a value to 64 sums, or subtract it from them, by the bits of a hash."""
    cdef const real *of_byte
    cdef int k, bit
    for k in range(8):
        of_byte = signs + 8 * ((hashed >> (56 - 8 * k)) & 255)
        for bit in range(8):
            sums[8 * k + bit] += value * of_byte[bit]


def signed_sums(
    const real[::1] values,
    const index[::1] columns,
    const index[::1] indptr,
    const uint64_t[::1] starts,
    double[:, ::1] sums,
):
    """Write the sums of signs of the rows of a sparse matrix.

    Bit b of the hash of a feature, counted from the highest one of its first word, is
    its sign in sum b. Products with signs are exact, and the entries of a row are added
    in their order.

    Parameters
    ----------
    values : ndarray of shape (n_entries,), float32 or float64
        Entries of the matrix; sums are of this type.
    columns : ndarray of shape (n_entries,), int32 or int64
        Their columns.
    indptr : ndarray of shape (n_rows + 1,), of the type of `columns`
        Where the entries of each row begin, and the end of the last one.
    starts : ndarray of shape (n_words,), uint64
        Start of the generator per 64 sums.
    sums : ndarray of shape (n_rows, n_bits), float64
        Receives the sums.
    """
    cdef Py_ssize_t n_rows = sums.shape[0], n_bits = sums.shape[1]
    cdef Py_ssize_t n_words = starts.shape[0], row, entry, word, bit
    cdef const real *signs
    cdef real *own
    cdef uint64_t step
    if n_words != (n_bits + 63) // 64 or not n_words:
        raise ValueError("There must be one start per 64 sums.")
    if indptr.shape[0] != n_rows + 1 or columns.shape[0] != values.shape[0]:
        raise ValueError("Entries, rows and sums do not fit each other.")
    for row in range(n_rows):
        if not 0 <= indptr[row] <= indptr[row + 1] <= values.shape[0]:
            raise ValueError("indptr must ascend within the entries.")
    if real is float:
        signs = &FLOAT_SIGNS[0, 0]
    else:
        signs = &DOUBLE_SIGNS[0, 0]
    own = <real *>malloc(64 * n_words * sizeof(real))
    if own == NULL:
        raise MemoryError("Not enough memory for the sums of a row.")
    with nogil:
        for row in range(n_rows):
            memset(own, 0, 64 * n_words * sizeof(real))
            for entry in range(indptr[row], indptr[row + 1]):
                step = (<uint64_t>columns[entry] + 1) * STEP
                for word in range(n_words):
                    add_signs(
                        own + 64 * word,
                        values[entry],
                        mixed(step + starts[word]),
                        signs,
                    )
            for bit in range(n_bits):
                sums[row, bit] = own[bit]
    free(own)
