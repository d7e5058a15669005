"""Declare the search of the C core: included by one module."""

cdef extern from "core/dispatch.h" nogil:
    ctypedef struct kernel:
        const char *name
        bint (*available)()

    enum: MOST_WEIGHT, MOST_WEIGHTED_SUM

    const kernel *weighted_kernel(const kernel *, uint32_t)
    void measure_weights(const int8_t *, size_t, size_t, uint32_t *, uint32_t *)
    const kernel *KERNELS[1]
    const int N_KERNELS

cdef extern from "core/interrupt.h" nogil:
    ctypedef struct stop_flag:
        pass

    ctypedef struct interrupt:
        bint stopped

    void stop_flag_set(stop_flag *, bint)
    interrupt interrupt_new(stop_flag *, int (*)() noexcept nogil)

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
    size_t block_size(size_t, uint32_t)
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


cdef int _weigh(search_task *task, const uint8_t[:, ::1] queries) except -1:
    """Let a task search for weights; queries have one per bit."""
    cdef uint32_t most = 0, most_sum = 0
    if queries.shape[0]:
        measure_weights(
            <const int8_t *>&queries[0, 0], queries.shape[0], queries.shape[1], &most,
            &most_sum,
        )
    if most > MOST_WEIGHT or most_sum > MOST_WEIGHTED_SUM:
        raise ValueError(
            f"Weights must be from -{MOST_WEIGHT} to {MOST_WEIGHT}, and their "
            f"magnitudes sum to at most {MOST_WEIGHTED_SUM} per query; got up to "
            f"{most} and {most_sum}."
        )
    task.kernel = weighted_kernel(task.kernel, most)
    task.tables = NULL
    task.n_bits = most_sum
    return 0
