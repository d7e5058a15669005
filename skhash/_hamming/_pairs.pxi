"""Sort pairs of rows, and list them by row. Included by `_search.pyx`."""

cdef extern from "core/compiler.h" nogil:
    void RELEASE_FREED_MEMORY()

cdef extern from "core/select.h" nogil:
    uint64_t KEY(uint64_t, uint64_t)
    void sort_keys(uint64_t *, size_t, int, uint64_t *)

cdef extern from "core/join.h" nogil:
    ctypedef struct pair_list:
        void *pairs
        size_t n, capacity

cdef extern from "core/pairs.h" nogil:
    ctypedef struct pair_buckets:
        size_t n_buckets, n
        unsigned low_bits, j_bits, distance_bits

    ctypedef struct code_rows:
        const row_lists *lists
        size_t split

    ctypedef struct expansion:
        size_t pair, row

    bint pair_buckets_new(pair_buckets *, uint64_t, uint64_t, uint32_t)
    void pair_buckets_free(pair_buckets *)
    uint64_t count_row_pairs(const pair_list *, const row_lists *)
    bint expand_pairs(
        const pair_list *, const code_rows *, expansion *, pair_buckets *, size_t,
        interrupt *
    )
    bint merge_bucket(pair_buckets **, size_t, size_t, key_list *, key_list *)
    void split_pair_key(
        const pair_buckets *, size_t, uint64_t, int64_t *, int64_t *, int32_t *
    )

ctypedef fused index_t:
    int32_t
    int64_t

cdef enum:
    ROWS_PER_CHECK = 4096  # between two looks at signals
    PAIRS_PER_CHECK = 1 << 22
    MOST_SETS = 1024  # of buckets that are merged
    RELEASES = 32  # times that the memory of sorted buckets is given back
    FEWEST_RELEASED = 1 << 20  # pairs, of which it is given back


cdef class PairBuckets:
    """Pairs of rows, until they are sorted and returned as arrays."""

    cdef pair_buckets buckets
    cdef readonly object shape

    def __init__(self, n_left, n_right, radius):
        if not 0 < n_left < NO_CODE or not 0 < n_right < NO_CODE:
            raise ValueError("Each set must have at least one row.")
        pair_buckets_free(&self.buckets)
        if not pair_buckets_new(&self.buckets, n_left, n_right, radius):
            raise MemoryError("Not enough memory to join.")
        self.shape = (n_left, n_right, radius)

    def __dealloc__(self):
        pair_buckets_free(&self.buckets)

    def __len__(self):
        return self.buckets.n


def release_freed_memory():
    """Give freed memory back to the system, where the C library keeps it."""
    with nogil:
        RELEASE_FREED_MEMORY()


def sorted_pairs(sets, dtype):
    """Empty sets of buckets of one shape, and return their pairs by (i, j).

    Parameters
    ----------
    sets : list of PairBuckets
        Not empty.
    dtype : dtype
        Of the indices: int32 or int64.

    Returns
    -------
    i, j : ndarray of shape (n_pairs,)
        Rows of the left and of the right set.
    distances : ndarray of shape (n_pairs,), int32
    """
    if not 0 < len(sets) <= MOST_SETS or any(s.shape != sets[0].shape for s in sets):
        raise ValueError("The sets of buckets do not fit together.")
    n = sum(len(s) for s in sets)
    i, j = np.empty(n, dtype=dtype), np.empty(n, dtype=dtype)
    distances = np.empty(n, dtype=np.int32)
    if dtype == np.int32:
        _write_pairs[int32_t](sets, i, j, distances)
    else:
        _write_pairs[int64_t](sets, i, j, distances)
    return i, j, distances


cdef int _write_pairs(
    list sets, index_t[::1] i, index_t[::1] j, int32_t[::1] distances
) except -1:
    cdef pair_buckets *parts[MOST_SETS]
    cdef size_t n_sets = len(sets), bucket, p, end = 0
    cdef key_list keys, spare
    cdef int64_t left = 0, right = 0
    cdef bint good = True
    keys.keys = spare.keys = NULL
    keys.n = keys.capacity = spare.n = spare.capacity = 0
    for p in range(n_sets):
        parts[p] = &(<PairBuckets>sets[p]).buckets
    try:
        for bucket in range(parts[0].n_buckets):
            with nogil:
                # To give memory back takes as long as thousands of pairs.
                if (
                    <size_t>i.shape[0] >= FEWEST_RELEASED
                    and bucket % (parts[0].n_buckets // RELEASES + 1) == 0
                ):
                    RELEASE_FREED_MEMORY()
                good = merge_bucket(parts, n_sets, bucket, &keys, &spare)
                if good:
                    for p in range(keys.n):
                        split_pair_key(
                            parts[0], bucket, keys.keys[p], &left, &right,
                            &distances[end],
                        )
                        i[end] = <index_t>left
                        j[end] = <index_t>right
                        end += 1
            if not good:
                raise MemoryError("Not enough memory to sort the pairs.")
            _check_signals()
    finally:
        for p in range(n_sets):
            parts[p].n = 0
        free(keys.keys)
        free(spare.keys)
    return 0


def neighbors_of_pairs(
    const index_t[::1] i, const index_t[::1] j, const int32_t[::1] d, Py_ssize_t n_rows
):
    """List the neighbors of each row from pairs of rows.

    Parameters
    ----------
    i, j : ndarray of shape (n_pairs,), int32 or int64
        The rows of each pair, i < j; sorted by (i, j).
    d : ndarray of shape (n_pairs,), int32
        Their distances.
    n_rows : int
        Number of rows.

    Returns
    -------
    counts, distances, indices : ndarray
        As of `SearchTarget.within`, with the rows as queries.
    """
    cdef Py_ssize_t p, n_pairs = i.shape[0], row, first, last, m
    if j.shape[0] != n_pairs or d.shape[0] != n_pairs:
        raise ValueError("There must be as many distances as pairs.")
    ends = np.zeros(n_rows + 1, dtype=np.int64)
    keys = np.empty(2 * n_pairs, dtype=np.uint64)
    cdef int64_t[::1] end = ends
    cdef uint64_t[::1] key = keys
    for first in range(0, n_pairs, PAIRS_PER_CHECK):
        last = min(n_pairs, first + PAIRS_PER_CHECK)
        for p in range(first, last):
            if not 0 <= i[p] < j[p] < n_rows or d[p] < 0:
                raise ValueError(f"Pairs must have 0 <= i < j < {n_rows}.")
            end[i[p] + 1] += 1
            end[j[p] + 1] += 1
        _check_signals()
    counts = ends[1:].copy()
    np.cumsum(ends, out=ends)
    # Lower neighbors of all rows first: then those of each row are in order.
    for side in range(2):
        for first in range(0, n_pairs, PAIRS_PER_CHECK):
            last = min(n_pairs, first + PAIRS_PER_CHECK)
            with nogil:
                for p in range(first, last):
                    row = j[p] if side == 0 else i[p]
                    m = i[p] if side == 0 else j[p]
                    key[end[row]] = KEY(d[p], m)
                    end[row] += 1
            _check_signals()
    return counts, *_sort_rows(counts, key)


cdef _sort_rows(const int64_t[::1] counts, uint64_t[::1] key):
    """Sort the keys of each row by distance, and split them."""
    cdef Py_ssize_t row, m, first = 0, start, last, n_rows = counts.shape[0]
    distances = np.empty(key.shape[0], dtype=np.int32)
    indices = np.empty(key.shape[0], dtype=np.intp)
    if not key.shape[0]:
        return distances, indices
    spare = np.empty(np.max(counts), dtype=np.uint64)
    cdef uint64_t[::1] spare_view = spare
    cdef int32_t[::1] f = distances
    cdef intptr_t[::1] found = indices
    for start in range(0, n_rows, ROWS_PER_CHECK):
        last = min(n_rows, start + ROWS_PER_CHECK)
        with nogil:
            for row in range(start, last):
                if counts[row]:
                    sort_keys(&key[first], counts[row], 4, &spare_view[0])
                for m in range(first, first + counts[row]):
                    f[m] = KEY_DISTANCE(key[m])
                    found[m] = KEY_POSITION(key[m])
                first += counts[row]
        _check_signals()
    return distances, indices
