# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False
"""Merge results of parts of a search, and take queries out of their own results.

Neighbors of a query are in the order (distance, index) before and after. The results
of a search for the nearest are two arrays with one row per query; those of a search
within a radius are one count per query, and distances and indices of all queries, one
after the other.
"""

import numpy as np

from libc.stdint cimport int32_t, int64_t, intptr_t

cdef extern from "Python.h":
    Py_ssize_t PY_SSIZE_T_MAX


cdef inline bint _before(int32_t d, intptr_t i, int32_t e, intptr_t j) noexcept nogil:
    return d < e or (d == e and i < j)


cdef int _check_counts(
    const int64_t[::1] counts, const int32_t[::1] distances, const intptr_t[::1] indices
) except -1:
    cdef Py_ssize_t q, n = 0, size = distances.shape[0]
    for q in range(counts.shape[0]):
        if not 0 <= counts[q] <= size - n:
            raise ValueError("The counts must sum to the number of hits.")
        n += counts[q]
    if n != size or indices.shape[0] != size:
        raise ValueError("The counts must sum to the number of hits.")
    return 0


cdef int _check_first(Py_ssize_t first, Py_ssize_t n_queries) except -1:
    if first > PY_SSIZE_T_MAX - n_queries:
        raise ValueError("The index of the first query is out of range.")
    return 0


def merge_nearest(
    const int32_t[:, ::1] d, const intptr_t[:, ::1] i, const int32_t[:, ::1] e,
    const intptr_t[:, ::1] j, size_t k,
):
    """Merge two results of `SearchTarget.nearest` for the same queries.

    Parameters
    ----------
    d, i : ndarray of shape (n_queries, n_columns)
        Distances (int32) and indices (intp) of one result.
    e, j : ndarray of shape (n_queries, n_other_columns)
        Those of the other.
    k : int
        Number of columns wanted, at most that of both together.

    Returns
    -------
    distances : ndarray of shape (n_queries, k), int32
    indices : ndarray of shape (n_queries, k), intp
    """
    cdef Py_ssize_t q, n_queries = d.shape[0]
    cdef size_t a, b, c, n_a = d.shape[1], n_b = e.shape[1]
    if i.shape[0] != n_queries or e.shape[0] != n_queries or j.shape[0] != n_queries:
        raise ValueError("The results must be of the same queries.")
    if <size_t>i.shape[1] != n_a or <size_t>j.shape[1] != n_b:
        raise ValueError("There must be as many indices as distances.")
    if n_a + n_b < k:
        raise ValueError("There are too few columns to merge.")
    distances = np.empty((n_queries, k), dtype=np.int32)
    indices = np.empty((n_queries, k), dtype=np.intp)
    cdef int32_t[:, ::1] f = distances
    cdef intptr_t[:, ::1] m = indices
    with nogil:
        for q in range(n_queries):
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
    """Merge two results of `SearchTarget.within` for the same queries.

    Parameters
    ----------
    n, d, i : ndarray
        Counts (int64, one per query), distances (int32) and indices (intp) of one
        result.
    o, e, j : ndarray
        Those of the other.

    Returns
    -------
    counts, distances, indices : ndarray
        In the same form.
    """
    cdef Py_ssize_t q, a = 0, b = 0, end_a = 0, end_b = 0, c = 0
    if n.shape[0] != o.shape[0]:
        raise ValueError("The results must be of the same queries.")
    _check_counts(n, d, i)
    _check_counts(o, e, j)
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


def drop_self_nearest(
    const int32_t[:, ::1] d, const intptr_t[:, ::1] i, Py_ssize_t first
):
    """Drop the index of each query from its own results, or else the last neighbor.

    Parameters
    ----------
    d, i : ndarray of shape (n_queries, n_columns)
        Distances (int32) and indices (intp).
    first : int
        Index of the first query; the others follow it.

    Returns
    -------
    distances, indices : ndarray of shape (n_queries, n_columns - 1)
    """
    cdef Py_ssize_t q, c, k = d.shape[1] - 1, skip
    if k < 0 or i.shape[0] != d.shape[0] or i.shape[1] != d.shape[1]:
        raise ValueError("There must be as many indices as distances, and a column.")
    _check_first(first, d.shape[0])
    distances = np.empty((d.shape[0], k), dtype=np.int32)
    indices = np.empty((d.shape[0], k), dtype=np.intp)
    cdef int32_t[:, ::1] f = distances
    cdef intptr_t[:, ::1] m = indices
    with nogil:
        for q in range(d.shape[0]):
            skip = 0
            for c in range(k):
                if i[q, c] == first + q:
                    skip = 1
                f[q, c] = d[q, c + skip]
                m[q, c] = i[q, c + skip]
    return distances, indices


def drop_self_within(
    const int64_t[::1] n, const int32_t[::1] d, const intptr_t[::1] i, Py_ssize_t first
):
    """Drop the index of each query from its own results, where it is among them.

    Parameters
    ----------
    n, d, i : ndarray
        Counts (int64, one per query), distances (int32) and indices (intp).
    first : int
        Index of the first query; the others follow it.

    Returns
    -------
    counts, distances, indices : ndarray
        In the same form.
    """
    cdef Py_ssize_t q, a = 0, end = 0, c = 0
    _check_counts(n, d, i)
    _check_first(first, n.shape[0])
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
                if i[a] == first + q:
                    o[q] -= 1
                else:
                    f[c] = d[a]
                    m[c] = i[a]
                    c += 1
                a += 1
    return counts, distances[:c], indices[:c]
