# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False
"""Count all pairs of queries and codes by Hamming distance, without the GIL.

The loops are in `core/histogram.h`. They run on stretches of codes that fit into the
cache, one stretch for all queries, and look for an interrupt after each stretch.
"""

import os

import numpy as np

from cpython.exc cimport PyErr_CheckSignals
from libc.stdint cimport int64_t, uint8_t, uint32_t, uint64_t

cdef extern from "core/histogram.h" nogil:
    enum: TURNS

    ctypedef struct code_planes:
        const uint64_t *planes
        size_t n_codes, n_words

    ctypedef void (*bit_counter)(
        const code_planes *, size_t, size_t, const uint64_t *, bint, uint64_t *
    )

    ctypedef struct counter:
        const char *name
        bint (*available)()
        bit_counter count

    const counter *COUNTERS
    const int N_COUNTERS

    void planes_by_class(
        const uint8_t *, size_t, size_t, const int64_t *, int64_t *, uint64_t *
    )
    void count_stretch(
        bit_counter, const code_planes *, size_t, size_t, size_t, size_t,
        const uint64_t *, size_t, uint32_t *, int64_t *, int64_t *
    )
    void add_weights(
        bit_counter, const code_planes *, size_t, size_t, const uint64_t *,
        const double *, int64_t *, double *
    )
    void write_shared(
        bit_counter, const code_planes *, size_t, size_t, const uint64_t *, uint32_t *
    )

# Words of codes in a stretch, which should stay in the L2 cache while all queries pass.
cdef size_t _STRETCH_WORDS = 2**15
# Fewer codes than this would not pay for adding up the histograms of a stretch.
cdef size_t _LEAST_STRETCH = 2048
# Cells of a histogram, times TURNS, are counted in a size_t.
_MOST_BITS = 2**40
# Words counted between two looks for an interrupt: below 0.2 s even without popcnt.
cdef size_t _WORDS_PER_CHECK = 2**24


# Asked once: a virtual machine answers CPUID in microseconds.
cdef tuple _AVAILABLE = tuple(
    [COUNTERS[i].name.decode() for i in range(N_COUNTERS) if COUNTERS[i].available()]
)


def counter_names():
    """Return the names of the counters this machine can run, fastest first."""
    return list(_AVAILABLE)


def _default_counter():
    """Return the fastest counter that the instruction set of searches allows."""
    names = counter_names()
    forced = os.environ.get("SKHASH_SIMD", "")
    if forced == "portable":
        return forced
    if forced in ("popcnt", "avx2") and "popcnt" in names:
        return "popcnt"
    return names[0]


_COUNTER = _default_counter()


cdef bit_counter _counter(name) except NULL:
    name = _COUNTER if name is None else name
    for i in range(N_COUNTERS):
        if COUNTERS[i].name.decode() == name and name in _AVAILABLE:
            return COUNTERS[i].count
    raise ValueError(f"The counter must be one of {counter_names()}; got {name!r}.")


cdef int _check_signals() except -1 nogil:
    with gil:
        return PyErr_CheckSignals()


cdef code_planes _as_planes(const uint64_t[:, ::1] planes) noexcept:
    cdef code_planes codes
    codes.planes = &planes[0, 0] if planes.shape[0] and planes.shape[1] else NULL
    codes.n_words, codes.n_codes = planes.shape[0], planes.shape[1]
    return codes


cdef size_t _stretch(size_t n_words) noexcept:
    return max(_LEAST_STRETCH, _STRETCH_WORDS // max(n_words, <size_t>1))


def planes_of_codes(const uint8_t[:, ::1] rows, const int64_t[::1] classes, n_classes):
    """Copy packed codes into planes of 64-bit words, ordered by class.

    Parameters
    ----------
    rows : ndarray of shape (n_rows, n_bytes), uint8
        Packed codes.
    classes : ndarray of shape (n_rows,), int64
        The class of each code, from 0 to `n_classes` - 1.
    n_classes : int
        The number of classes.

    Returns
    -------
    planes : ndarray of shape (ceil(n_bytes / 8), n_rows), uint64
        Word w of all codes is row w. Codes of one class keep their order.
    starts : ndarray of shape (n_classes + 1,), int64
        Class c is at the positions from ``starts[c]`` to ``starts[c + 1]``.
    """
    cdef size_t n_rows = rows.shape[0], n_bytes = rows.shape[1]
    if <size_t>classes.shape[0] != n_rows:
        raise ValueError("There must be one class per code.")
    counts = np.bincount(classes, minlength=n_classes)
    if len(counts) != n_classes:
        raise ValueError("A class is not below the number of classes.")
    starts = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    planes = np.empty(((n_bytes + 7) // 8, n_rows), dtype=np.uint64)
    cdef int64_t[::1] next_ = starts[:n_classes].copy()
    cdef uint64_t[:, ::1] written = planes
    if n_rows and n_bytes:
        with nogil:
            planes_by_class(
                &rows[0, 0], n_rows, n_bytes, &classes[0], &next_[0], &written[0, 0]
            )
    return planes, starts


def count_within_classes(
    const uint64_t[:, ::1] planes, const int64_t[::1] starts,
    const uint64_t[:, ::1] queries, const int64_t[::1] classes, size_t n_bits,
    counter=None,
):
    """Count codes by their distance to each query, all of them and those of a class.

    Parameters
    ----------
    planes, starts : ndarray
        The codes, see :func:`planes_of_codes`.
    queries : ndarray of shape (n_queries, n_words), uint64
        The words of the queries.
    classes : ndarray of shape (n_queries,), int64
        The class of each query; one that no code has is -1.
    n_bits : int
        The length of the codes.
    counter : str, default=None
        One of :func:`counter_names`; the fastest if None.

    Returns
    -------
    counts : ndarray of shape (n_queries, n_bits + 1), int64
        The number of codes at each distance.
    same : ndarray of shape (n_queries, n_bits + 1), int64
        The number of those that have the class of the query.
    """
    cdef bit_counter count = _counter(counter)
    cdef code_planes codes = _as_planes(planes)
    _check_sizes(planes, queries, n_bits)
    _check_classes(planes, starts, queries, classes)
    cdef size_t n_queries = queries.shape[0], n_cells = _n_cells(planes, n_bits), q
    cdef size_t last, first = 0, work = 0, step = _stretch(codes.n_words)
    counts = np.zeros((n_queries, n_cells), dtype=np.int64)
    same = np.zeros((n_queries, n_cells), dtype=np.int64)
    cdef int64_t[:, ::1] count_cells = counts, same_cells = same
    cdef uint32_t[::1] cells = np.zeros(TURNS * n_cells, dtype=np.uint32)
    with nogil:
        while first < codes.n_codes:
            last = min(first + step, codes.n_codes)
            for q in range(n_queries):
                count_stretch(
                    count, &codes, first, last,
                    starts[classes[q]] if classes[q] >= 0 else 0,
                    starts[classes[q] + 1] if classes[q] >= 0 else 0,
                    &queries[q, 0], n_cells, &cells[0],
                    &count_cells[q, 0], &same_cells[q, 0],
                )
                work += (last - first) * codes.n_words
                if work > _WORDS_PER_CHECK:
                    work = 0
                    _check_signals()
            first = last
    counts += same
    return _up_to_length(counts, same, n_bits)


def sum_weights(
    const uint64_t[:, ::1] planes, const uint64_t[:, ::1] queries,
    const double[:, ::1] weights, size_t n_bits, counter=None,
):
    """Count codes by their distance to each query, and sum the weights of the pairs.

    Parameters
    ----------
    planes : ndarray of shape (n_words, n_codes), uint64
        The codes, see :func:`planes_of_codes`.
    queries : ndarray of shape (n_queries, n_words), uint64
        The words of the queries.
    weights : ndarray of shape (n_queries, n_codes), float64
        The weight of each pair.
    n_bits : int
        The length of the codes.
    counter : str, default=None
        One of :func:`counter_names`; the fastest if None.

    Returns
    -------
    counts : ndarray of shape (n_queries, n_bits + 1), int64
        The number of codes at each distance.
    sums : ndarray of shape (n_queries, n_bits + 1), float64
        The sum of their weights.
    """
    cdef bit_counter count = _counter(counter)
    cdef code_planes codes = _as_planes(planes)
    _check_sizes(planes, queries, n_bits)
    cdef size_t n_queries = queries.shape[0], q, first = 0, last, work = 0
    cdef size_t step = _stretch(codes.n_words)
    if (
        <size_t>weights.shape[0] != n_queries
        or <size_t>weights.shape[1] != codes.n_codes
    ):
        raise ValueError("There must be one weight per pair.")
    counts = np.zeros((n_queries, _n_cells(planes, n_bits)), dtype=np.int64)
    sums = np.zeros(counts.shape)
    cdef int64_t[:, ::1] count_cells = counts
    cdef double[:, ::1] sum_cells = sums
    with nogil:
        while first < codes.n_codes:
            last = min(first + step, codes.n_codes)
            for q in range(n_queries):
                add_weights(
                    count, &codes, first, last, &queries[q, 0], &weights[q, 0],
                    &count_cells[q, 0], &sum_cells[q, 0],
                )
                work += (last - first) * codes.n_words
                if work > _WORDS_PER_CHECK:
                    work = 0
                    _check_signals()
            first = last
    return _up_to_length(counts, sums, n_bits)


def count_shared(
    const uint64_t[:, ::1] planes, const uint64_t[:, ::1] queries, counter=None
):
    """Count the bits that each query has in common with each code.

    Parameters
    ----------
    planes : ndarray of shape (n_words, n_codes), uint64
        The codes, see :func:`planes_of_codes`.
    queries : ndarray of shape (n_queries, n_words), uint64
        The words of the queries.
    counter : str, default=None
        One of :func:`counter_names`; the fastest if None.

    Returns
    -------
    shared : ndarray of shape (n_queries, n_codes), uint32
    """
    cdef bit_counter count = _counter(counter)
    cdef code_planes codes = _as_planes(planes)
    _check_sizes(planes, queries, 64 * planes.shape[0])
    cdef size_t q, n_queries = queries.shape[0], work = 0
    shared = np.empty((n_queries, codes.n_codes), dtype=np.uint32)
    cdef uint32_t[:, ::1] written = shared
    with nogil:
        for q in range(n_queries if codes.n_codes else 0):
            write_shared(
                count, &codes, 0, codes.n_codes, &queries[q, 0], &written[q, 0]
            )
            work += codes.n_codes * codes.n_words
            if work > _WORDS_PER_CHECK:
                work = 0
                _check_signals()
    return shared


cdef size_t _n_cells(const uint64_t[:, ::1] planes, size_t n_bits) noexcept:
    """Return room for every distance, bits behind the length included."""
    return max(n_bits, 64 * <size_t>planes.shape[0]) + 1


def _up_to_length(counts, others, n_bits):
    """Drop the cells behind the length; raise ValueError where they are in use."""
    if counts.shape[1] == n_bits + 1:
        return counts, others
    if counts[:, n_bits + 1:].any():
        raise ValueError("The codes or queries have bits set behind their length.")
    return tuple(np.ascontiguousarray(x[:, :n_bits + 1]) for x in (counts, others))


def _check_sizes(planes, queries, n_bits):
    """Raise ValueError where the loops would leave an array."""
    if n_bits > _MOST_BITS:
        raise ValueError(f"There must be at most {_MOST_BITS} bits; got {n_bits}.")
    if planes.shape[0] < 1 or queries.shape[1] != planes.shape[0]:
        raise ValueError("The queries must have as many words as the codes.")
    if 64 * planes.shape[0] > n_bits + 63:
        raise ValueError("The codes are longer than the number of bits.")


def _check_classes(planes, starts, queries, classes):
    """Raise ValueError where classes would lead out of an array."""
    edges = np.asarray(starts)
    last = len(edges) - 1
    if edges[0] or edges[last] != planes.shape[1] or np.any(np.diff(edges) < 0):
        raise ValueError("The classes must divide the codes.")
    if len(classes) != len(queries) or np.any(np.asarray(classes) >= last):
        raise ValueError("There must be one class per query, and it must exist.")
