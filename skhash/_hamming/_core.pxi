"""Declare the layout of an index, and check sizes: included by two modules."""

from libc.stddef cimport ptrdiff_t
from libc.stdint cimport int8_t, int32_t, int64_t, intptr_t, uint8_t, uint32_t, uint64_t

cdef extern from "Python.h":
    int PyErr_CheckSignals()

cdef extern from "core/layout.h" nogil:
    enum: LANES

    ctypedef struct packed_rows:
        const uint8_t *bytes
        ptrdiff_t row_stride, byte_stride

    void planes_from_rows(
        const packed_rows *, size_t, size_t, size_t, uint8_t *, size_t
    )
    void row_from_planes(const uint8_t *, size_t, size_t, uint8_t *)

#: Codes per block of an index.
BLOCK = LANES
#: Distances take 16 bits in the kernels.
MOST_BYTES = 8191

cdef size_t SLICE_BYTES = 1 << 26


cdef size_t _slice_rows(size_t n_bytes):
    """Return the number of rows to handle between two looks at signals."""
    return max(<size_t>1, SLICE_BYTES // (n_bytes * LANES)) * LANES


cdef int _check_signals() except -1:
    return -1 if PyErr_CheckSignals() else 0


cdef packed_rows _packed_rows(const uint8_t[:, :] rows):
    cdef packed_rows packed
    packed.bytes = &rows[0, 0]
    packed.row_stride = rows.strides[0]
    packed.byte_stride = rows.strides[1]
    return packed


cdef size_t _capacity(const uint8_t[::1] planes, size_t n_bytes):
    """Return the number of codes that there is room for in planes."""
    return <size_t>planes.shape[0] // (LANES * n_bytes) * LANES


cdef int _check_width(size_t n_bytes) except -1:
    if not 1 <= n_bytes <= MOST_BYTES:
        raise ValueError(f"Codes must have 1 to {MOST_BYTES} bytes; got {n_bytes}.")
    return 0
