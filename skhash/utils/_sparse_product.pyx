# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False
"""Multiply sparse rows by dense weights.

Every size and position is checked here, before memory is read or written by it.
"""

from libc.stdint cimport int32_t, int64_t

cdef extern from "sparse_product.h" nogil:
    void rows_float(
        const float *, const int32_t *, const int64_t *, int64_t, const float *,
        int64_t, float *
    )
    void rows_mixed(
        const double *, const int32_t *, const int64_t *, int64_t, const float *,
        int64_t, double *
    )
    void rows_double(
        const double *, const int32_t *, const int64_t *, int64_t, const double *,
        int64_t, double *
    )
    void blocks_float(
        const float *, const int32_t *, const int64_t *, int64_t, int64_t,
        const float *, int64_t, float *
    )

ctypedef fused real:
    float
    double

ctypedef fused weight:
    float
    double


def product_by_rows(
    const real[::1] values,
    const int32_t[::1] columns,
    const int64_t[::1] starts,
    const weight[:, ::1] weights,
    real[:, ::1] out,
):
    """Write the product of sparse rows and weights, row by row.

    Parameters
    ----------
    values : ndarray of shape (n_entries,), float32 or float64
        Entries of the rows; sums are of this type.
    columns : ndarray of shape (n_entries,), int32
        Their columns, in the order in which they are added.
    starts : ndarray of shape (n_rows + 1,), int64
        Where the entries of each row begin, and the end of the last one.
    weights : ndarray of shape (n_columns, n_outputs), float32 or float64
        The weights, of no higher precision than `values`.
    out : ndarray of shape (n_rows, n_outputs), of the type of `values`
        Receives the product.
    """
    cdef int64_t n_rows = out.shape[0], n_outputs = out.shape[1]
    check_positions(columns, starts, values.shape[0], n_rows, weights.shape[0])
    if weights.shape[1] != n_outputs:
        raise ValueError("Weights and results do not fit each other.")
    if not n_rows or not n_outputs:
        return
    if not values.shape[0] or not weights.shape[0]:
        out[:] = 0
        return
    with nogil:
        if real is float and weight is float:
            rows_float(
                &values[0], &columns[0], &starts[0], n_rows, &weights[0, 0], n_outputs,
                &out[0, 0],
            )
        elif real is double and weight is float:
            rows_mixed(
                &values[0], &columns[0], &starts[0], n_rows, &weights[0, 0], n_outputs,
                &out[0, 0],
            )
        elif real is double and weight is double:
            rows_double(
                &values[0], &columns[0], &starts[0], n_rows, &weights[0, 0], n_outputs,
                &out[0, 0],
            )
        else:
            with gil:
                raise ValueError("Weights must not be more precise than values.")


def product_by_blocks(
    const float[::1] values,
    const int32_t[::1] columns,
    const int64_t[::1] starts,
    const float[:, ::1] weights,
    float[:, ::1] out,
):
    """Write the product of sparse rows and weights, block by block of outputs.

    Takes the arguments of :func:`product_by_rows` in single precision, and gives the
    same result. Faster for many rows and outputs.
    """
    cdef int64_t n_rows = out.shape[0], n_outputs = out.shape[1]
    check_positions(columns, starts, values.shape[0], n_rows, weights.shape[0])
    if weights.shape[1] != n_outputs:
        raise ValueError("Weights and results do not fit each other.")
    if not n_rows or not n_outputs:
        return
    if not values.shape[0] or not weights.shape[0]:
        out[:] = 0
        return
    with nogil:
        blocks_float(
            &values[0], &columns[0], &starts[0], n_rows, weights.shape[0],
            &weights[0, 0], n_outputs, &out[0, 0],
        )


cdef check_positions(
    const int32_t[::1] columns,
    const int64_t[::1] starts,
    int64_t n_entries,
    int64_t n_rows,
    int64_t n_columns,
):
    """Raise ValueError unless all entries of all rows exist and have a weight."""
    cdef int64_t row, i
    cdef int32_t least = 0, most = -1
    if columns.shape[0] != n_entries or starts.shape[0] != n_rows + 1:
        raise ValueError("Entries, rows and results do not fit each other.")
    if n_rows >= 2**31:
        raise ValueError("There are too many rows for one product.")
    for row in range(n_rows):
        if not 0 <= starts[row] <= starts[row + 1] <= n_entries:
            raise ValueError("The starts of rows must ascend within the entries.")
    for i in range(n_entries):
        least = min(least, columns[i])
        most = max(most, columns[i])
    if least < 0 or most >= n_columns:
        raise ValueError(
            f"Samples have entries in column {most if least >= 0 else least}, and "
            f"{n_columns} features."
        )
