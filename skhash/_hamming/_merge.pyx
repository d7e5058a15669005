# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False
"""Results of parts of a search, put together; and queries taken out of their own.

Neighbors of a query are in the order (distance, index) before and after. The results
of a search for the nearest are two arrays with a row a query; those of a search within
a radius are counts a query, and distances and indices of all queries in one row.
"""

import numpy as np

from libc.stdint cimport int32_t, int64_t, intptr_t


cdef inline bint _before(int32_t d, intptr_t i, int32_t e, intptr_t j) noexcept nogil:
    return d < e or (d == e and i < j)


def merge_nearest(
    const int32_t[:, ::1] d, const intptr_t[:, ::1] i, const int32_t[:, ::1] e,
    const intptr_t[:, ::1] j, size_t k,
):
    """Merge two results of `SearchTarget.nearest` for the same queries, to k columns."""
    cdef Py_ssize_t q
    cdef size_t a, b, c, n_a = d.shape[1], n_b = e.shape[1]
    if n_a + n_b < k:
        raise ValueError("There are too few columns to merge.")
    distances = np.empty((d.shape[0], k), dtype=np.int32)
    indices = np.empty((d.shape[0], k), dtype=np.intp)
    cdef int32_t[:, ::1] f = distances
    cdef intptr_t[:, ::1] m = indices
    with nogil:
        for q in range(d.shape[0]):
            a = b = 0
            for c in range(k):
                if b == n_b or (
                    a < n_a and not _before(e[q, b], j[q, b], d[q, a], i[q, a])
                ):
                    f[q, c] = d[q, a]
                    m[q, c] = i[q, a]
                    a += 1
                else:
                    f[q, c] = e[q, b]
                    m[q, c] = j[q, b]
                    b += 1
    return distances, indices


def merge_within(
    const int64_t[::1] n, const int32_t[::1] d, const intptr_t[::1] i,
    const int64_t[::1] o, const int32_t[::1] e, const intptr_t[::1] j,
):
    """Merge two results of `SearchTarget.within` for the same queries."""
    cdef Py_ssize_t q, a = 0, b = 0, end_a = 0, end_b = 0, c = 0
    counts = np.add(n, o)
    distances = np.empty(d.shape[0] + e.shape[0], dtype=np.int32)
    indices = np.empty(d.shape[0] + e.shape[0], dtype=np.intp)
    cdef int32_t[::1] f = distances
    cdef intptr_t[::1] m = indices
    with nogil:
        for q in range(n.shape[0]):
            end_a += n[q]
            end_b += o[q]
            while a < end_a or b < end_b:
                if b == end_b or (a < end_a and not _before(e[b], j[b], d[a], i[a])):
                    f[c] = d[a]
                    m[c] = i[a]
                    a += 1
                else:
                    f[c] = e[b]
                    m[c] = j[b]
                    b += 1
                c += 1
    return counts, distances, indices


def drop_self_nearest(const int32_t[:, ::1] d, const intptr_t[:, ::1] i):
    """Take row q out of the results of query q, or else the last; one column less."""
    cdef Py_ssize_t q, c, k = d.shape[1] - 1, skip
    distances = np.empty((d.shape[0], k), dtype=np.int32)
    indices = np.empty((d.shape[0], k), dtype=np.intp)
    cdef int32_t[:, ::1] f = distances
    cdef intptr_t[:, ::1] m = indices
    with nogil:
        for q in range(d.shape[0]):
            skip = 0
            for c in range(k):
                if i[q, c] == q:
                    skip = 1
                f[q, c] = d[q, c + skip]
                m[q, c] = i[q, c + skip]
    return distances, indices


def drop_self_within(
    const int64_t[::1] n, const int32_t[::1] d, const intptr_t[::1] i
):
    """Take row q out of the results of query q, where it is among them."""
    cdef Py_ssize_t q, a = 0, end = 0, c = 0
    counts = np.array(n)
    distances = np.empty(d.shape[0], dtype=np.int32)
    indices = np.empty(d.shape[0], dtype=np.intp)
    cdef int64_t[::1] o = counts
    cdef int32_t[::1] f = distances
    cdef intptr_t[::1] m = indices
    with nogil:
        for q in range(n.shape[0]):
            end += n[q]
            while a < end:
                if i[a] == q:
                    o[q] -= 1
                else:
                    f[c] = d[a]
                    m[c] = i[a]
                    c += 1
                a += 1
    return counts, distances[:c], indices[:c]
