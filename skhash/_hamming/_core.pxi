"""Declare the C core, and check sizes: included by the modules that call it."""

from libc.stddef cimport ptrdiff_t
from libc.stdint cimport int32_t, int64_t, intptr_t, uint8_t, uint32_t, uint64_t

cdef extern from "Python.h":
    int PyErr_CheckSignals()

cdef extern from "core/dispatch.h" nogil:
    enum: LANES

    ctypedef struct kernel:
        const char *name
        bint (*available)()

    const kernel *KERNELS[1]
    const int N_KERNELS

cdef extern from "core/interrupt.h" nogil:
    ctypedef struct stop_flag:
        pass

    ctypedef struct interrupt:
        bint stopped

    void stop_flag_set(stop_flag *, bint)
    interrupt interrupt_new(stop_flag *, int (*)() noexcept nogil)

cdef extern from "core/layout.h" nogil:
    ctypedef struct packed_rows:
        const uint8_t *bytes
        ptrdiff_t row_stride, byte_stride

    void planes_from_rows(
        const packed_rows *, size_t, size_t, size_t, uint8_t *, size_t
    )
    void row_from_planes(const uint8_t *, size_t, size_t, uint8_t *)

cdef extern from "core/search.h" nogil:
    ctypedef struct key_list:
        uint64_t *keys
        size_t n, capacity

    ctypedef struct selection:
        key_list hits

    ctypedef struct code_range:
        const uint8_t *planes
        packed_rows rows
        size_t n_bytes, first, last
        const uint64_t *allowed
        const uint32_t *starts

    ctypedef struct row_lists:
        const uint32_t *starts
        const uint32_t *rows

    ctypedef struct multi_index:
        const uint64_t *words
        const uint32_t *starts
        const uint32_t *ids
        const uint64_t *allowed
        size_t n_codes, n_words, n_tables, width, spacing
        const uint32_t *weights

    ctypedef struct search_task:
        code_range codes
        const row_lists *lists
        const multi_index *tables
        size_t most_work
        const kernel *kernel
        uint32_t n_bits
        size_t k
        uint32_t bound

    ctypedef struct search_workspace:
        selection *selections

    search_workspace *search_workspace_new(const search_task *, size_t)
    void search_workspace_free(search_workspace *)
    size_t block_size(size_t)
    bint search_block(
        const search_task *, const uint8_t *, size_t, search_workspace *, interrupt *
    )
    void write_nearest(const key_list *, size_t, size_t, int32_t *, intptr_t *)
    bint append_key(key_list *, uint64_t)
    uint32_t KEY_DISTANCE(uint64_t)
    uint32_t KEY_POSITION(uint64_t)
    void count_substrings(const multi_index *, size_t, size_t, size_t, uint32_t *)
    void sum_counts(const multi_index *, uint32_t *)
    void place_ids(const multi_index *, size_t, size_t, size_t, uint32_t *, uint32_t *)

cdef extern from "core/distinct.h" nogil:
    enum: NUMBERING_TOO_MANY
    enum: NUMBERING_NO_MEMORY

    ctypedef struct code_table:
        const uint8_t *rows
        size_t n_bytes
        uint64_t seed
        uint32_t *slots
        uint32_t *first_rows
        size_t most, n_distinct

    int number_codes(code_table *, size_t, size_t, uint32_t *)

#: Codes per block of an index.
BLOCK = LANES
#: Distances take 16 bits in the kernels.
MOST_BYTES = 8191

cdef size_t SLICE_BYTES = 1 << 26


cdef size_t _slice_rows(size_t n_bytes):
    """Return the number of rows to handle between two looks at signals."""
    return max(1, SLICE_BYTES // (n_bytes * LANES)) * LANES


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
