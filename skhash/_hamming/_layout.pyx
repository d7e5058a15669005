# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False
"""Build an index: rows to planes and back, and the distinct codes among rows.

`layout.h` and `distinct.h` do the work. Every size and position is checked here, before
C reads or writes memory by it; long loops answer Ctrl-C between slices.
"""

import os

import numpy as np

from libc.stdlib cimport free

include "_core.pxi"

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

cdef uint64_t HASH_SEED = int.from_bytes(os.urandom(8), "little")


def store_rows(const uint8_t[:, :] rows, uint8_t[::1] planes, size_t start):
    """Write packed codes into the planes of an index, from position `start` on."""
    cdef size_t n = rows.shape[0], n_bytes = rows.shape[1], first = 0, last
    cdef packed_rows packed
    _check_width(n_bytes)
    if start > _capacity(planes, n_bytes) or n > _capacity(planes, n_bytes) - start:
        raise ValueError("The planes are too short for the rows.")
    while first < n:
        last = min(n, first + _slice_rows(n_bytes))
        packed = _packed_rows(rows)
        with nogil:
            planes_from_rows(
                &packed, first, last, n_bytes, &planes[0], start + first
            )
        _check_signals()
        first = last


def load_rows(const uint8_t[::1] planes, const intptr_t[::1] positions, rows):
    """Read the packed codes at `positions` out of the planes into `rows`."""
    cdef uint8_t[:, ::1] out = rows
    cdef size_t n = positions.shape[0], n_bytes = out.shape[1], first = 0, last, i
    cdef size_t n_codes
    cdef bint good = True
    _check_width(n_bytes)
    n_codes = _capacity(planes, n_bytes)
    if <size_t>out.shape[0] != n:
        raise ValueError("There must be one row per position.")
    while first < n:
        last = min(n, first + _slice_rows(n_bytes))
        with nogil:
            for i in range(first, last):
                good = good and <size_t>positions[i] < n_codes
                if good:
                    row_from_planes(&planes[0], n_bytes, positions[i], &out[i, 0])
        if not good:
            raise IndexError(f"Positions must be from 0 to {n_codes - 1}.")
        _check_signals()
        first = last


def distinct_codes(const uint8_t[:, ::1] rows, size_t most):
    """Number the distinct codes in the order of their first row.

    Parameters
    ----------
    rows : ndarray of shape (n_rows, n_bytes), uint8
        Packed codes.
    most : int
        Largest number of distinct codes wanted.

    Returns
    -------
    codes : ndarray of shape (n_rows,), uint32
        The number of each row's code.
    first_rows : ndarray of shape (n_distinct,), uint32
        The first row of each code. None in place of both arrays if there are more than
        `most` distinct codes.
    """
    cdef size_t n = rows.shape[0], first = 0, last
    cdef int outcome = 0
    cdef code_table table
    most = min(most, n)
    codes = np.empty(n, dtype=np.uint32)
    first_rows = np.empty(most + 1, dtype=np.uint32)
    cdef uint32_t[::1] codes_view = codes, first_view = first_rows
    table.n_bytes = rows.shape[1]
    table.seed = HASH_SEED
    table.slots = NULL
    table.first_rows = &first_view[0]
    table.most = most
    table.n_distinct = 0
    _check_width(table.n_bytes)
    try:
        while first < n:
            last = min(n, first + _slice_rows(table.n_bytes))
            table.rows = &rows[0, 0]
            with nogil:
                outcome = number_codes(&table, first, last, &codes_view[0])
            if outcome == NUMBERING_NO_MEMORY:
                raise MemoryError("Not enough memory to find the distinct codes.")
            if outcome == NUMBERING_TOO_MANY:
                return None
            _check_signals()
            first = last
    finally:
        free(table.slots)
    return codes, first_rows[:table.n_distinct].copy()


def rows_by_code(const uint32_t[::1] codes, size_t n_distinct):
    """Sort rows by the number of their code, keeping the order of equal ones.

    Returns (starts, rows), both uint32: the rows of code c are rows[starts[c]] up to
    rows[starts[c + 1]].
    """
    cdef size_t n = codes.shape[0], i
    counts = np.bincount(codes, minlength=n_distinct)
    if <size_t>len(counts) != n_distinct:
        raise ValueError(f"Codes must be less than {n_distinct}, their number.")
    starts = np.zeros(n_distinct + 1, dtype=np.uint32)
    np.cumsum(counts, out=starts[1:])
    rows = np.empty(n, dtype=np.uint32)
    cdef uint32_t[::1] next_place = starts[:n_distinct].copy(), out = rows
    with nogil:
        for i in range(n):
            out[next_place[codes[i]]] = <uint32_t>i
            next_place[codes[i]] += 1
    return starts, rows
