# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False
"""The door to the C core of the search: loops over queries, without the GIL.

The headers do the work: `kernel.h` (kernels), `scan.h` (tiles and queries),
`select.h` (which hits to keep), `multi_index.h` (tables), `results.h` (order and
repeated codes), `distinct.h` and `layout.h` (the making of an index). Results of
parts of a search are put together in `_merge.pyx`.
"""

import os

import numpy as np

from libc.stddef cimport ptrdiff_t
from libc.stdint cimport int32_t, int64_t, intptr_t, uint8_t, uint32_t, uint64_t

cdef extern from "core/search.h" nogil:
    enum: LANES

    ctypedef struct kernel:
        const char *name
        bint (*available)()

    const kernel *KERNELS[1]
    const int N_KERNELS

    ctypedef struct key_list:
        uint64_t *keys
        size_t n, capacity

    ctypedef struct selection:
        key_list hits

    ctypedef struct code_range:
        const uint8_t *planes
        const uint8_t *rows
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
    bint search_block(const search_task *, const uint8_t *, size_t, search_workspace *)
    void write_nearest(const key_list *, size_t, size_t, int32_t *, intptr_t *)
    bint append_key(key_list *, uint64_t)
    uint32_t KEY_DISTANCE(uint64_t)
    uint32_t KEY_POSITION(uint64_t)
    void build_table(const multi_index *, size_t, uint32_t *, uint32_t *)
    void planes_from_rows(const uint8_t *, size_t, size_t, uint8_t *, size_t)
    void row_from_planes(const uint8_t *, size_t, size_t, uint8_t *)

cdef extern from "core/distinct.h" nogil:
    ptrdiff_t number_codes(
        const uint8_t *, size_t, size_t, size_t, uint32_t *, uint32_t *
    )

cdef extern from "stdlib.h" nogil:
    void free(void *)

#: Codes in a block of the index; the first position of a search is a multiple of it.
BLOCK = LANES


def simd_names():
    """Return the names of the instruction sets this machine can run, fastest first."""
    return [
        KERNELS[i].name.decode() for i in range(N_KERNELS) if KERNELS[i].available()
    ]


cdef const kernel *_kernel(name) except NULL:
    for i in range(N_KERNELS):
        if KERNELS[i].name.decode() == name and KERNELS[i].available():
            return KERNELS[i]
    raise ValueError(
        f"The instruction set must be one of {simd_names()} on this machine; got "
        f"{name!r}."
    )


cdef str _chosen_name():
    forced = os.environ.get("SKHASH_SIMD", "")
    names = simd_names()
    if not forced:
        return names[0]
    if forced not in names:
        raise ImportError(
            f"The environment variable SKHASH_SIMD must be one of {names} on this "
            f"machine; got {forced!r}."
        )
    return forced


cdef str _SIMD = _chosen_name()


def simd_name():
    """Return the name of the instruction set that searches use.

    The fastest one that the machine has, or the one that the environment variable
    ``SKHASH_SIMD`` named when `skhash.neighbors` was imported.

    Returns
    -------
    name : str
        One of ``"avx512"``, ``"avx2"``, ``"popcnt"`` (the popcnt instruction),
        ``"neon"`` and ``"portable"``.
    """
    return _SIMD


def store_rows(const uint8_t[:, ::1] rows, uint8_t[::1] planes, size_t start):
    """Write packed codes into the planes of an index, from position `start` on."""
    cdef size_t n = rows.shape[0], n_bytes = rows.shape[1]
    cdef size_t needed = (start + n + LANES - 1) // LANES * LANES * n_bytes
    if <size_t>planes.shape[0] < needed:
        raise ValueError("The planes are too short for the rows.")
    if n:
        with nogil:
            planes_from_rows(&rows[0, 0], n, n_bytes, &planes[0], start)


def load_rows(const uint8_t[::1] planes, const intptr_t[::1] positions, rows):
    """Read the packed codes at `positions` out of the planes into `rows`."""
    cdef uint8_t[:, ::1] out = rows
    cdef Py_ssize_t i
    cdef size_t n_bytes = out.shape[1]
    if positions.shape[0]:
        with nogil:
            for i in range(positions.shape[0]):
                row_from_planes(&planes[0], n_bytes, positions[i], &out[i, 0])


def distinct_codes(const uint8_t[:, ::1] rows, size_t most):
    """Number the distinct codes in the order of their first row.

    Returns (number of each row's code, first row of each code), both uint32; None if
    there are more than `most` distinct codes.
    """
    cdef size_t n = rows.shape[0]
    codes = np.empty(n, dtype=np.uint32)
    first_rows = np.empty(most, dtype=np.uint32)
    cdef uint32_t[::1] codes_view = codes, first_view = first_rows
    cdef ptrdiff_t n_distinct = 0
    if n and most:
        with nogil:
            n_distinct = number_codes(
                &rows[0, 0], n, rows.shape[1], most, &codes_view[0], &first_view[0]
            )
    if n_distinct < 0:
        raise MemoryError("Not enough memory to find the distinct codes.")
    if <size_t>n_distinct > most or (n and not most):
        return None
    return codes, first_rows[:n_distinct].copy()


def rows_by_code(const uint32_t[::1] codes, size_t n_distinct):
    """Sort rows by the number of their code, keeping the order of equal ones.

    Returns (starts, rows), both uint32: the rows of code c are rows[starts[c]] up to
    rows[starts[c + 1]].
    """
    cdef size_t n = codes.shape[0], i
    starts = np.zeros(n_distinct + 1, dtype=np.uint32)
    np.cumsum(np.bincount(codes, minlength=n_distinct), out=starts[1:])
    rows = np.empty(n, dtype=np.uint32)
    cdef uint32_t[::1] next_place = starts[:-1].copy(), out = rows
    with nogil:
        for i in range(n):
            out[next_place[codes[i]]] = <uint32_t>i
            next_place[codes[i]] += 1
    return starts, rows


cdef class Tables:
    """The tables of a multi-index over packed codes; see `multi_index.h`.

    Parameters
    ----------
    words : ndarray of shape (n_codes, n_words), uint64
        The codes, padded with zero bytes to whole words.
    n_tables, width, spacing : int
        Number of substrings, bits in one, bits from one's beginning to the next's.
    """

    cdef multi_index index
    cdef const uint64_t[:, ::1] words
    cdef uint32_t[:, ::1] starts
    cdef uint32_t[:, ::1] ids
    cdef readonly size_t n_codes

    def __init__(self, words, n_tables, width, spacing):
        self.words = words
        self.n_codes = words.shape[0]
        if not self.n_codes:
            raise ValueError("A multi-index needs at least one code.")
        if (n_tables - 1) * spacing + width > 64 * words.shape[1]:
            raise ValueError("The substrings reach beyond the end of the codes.")
        self.starts = np.empty((n_tables, (1 << width) + 1), dtype=np.uint32)
        self.ids = np.empty((n_tables, self.n_codes), dtype=np.uint32)
        self.index.words = &self.words[0, 0]
        self.index.starts = &self.starts[0, 0]
        self.index.ids = &self.ids[0, 0]
        self.index.n_codes = self.n_codes
        self.index.n_words = words.shape[1]
        self.index.n_tables = n_tables
        self.index.width = width
        self.index.spacing = spacing

    def build(self, size_t table):
        """Fill one table."""
        with nogil:
            build_table(
                &self.index, table, &self.starts[table, 0], &self.ids[table, 0]
            )

    @property
    def nbytes(self):
        """Memory of the tables and the codes they hold, in bytes."""
        return self.words.nbytes + self.starts.nbytes + self.ids.nbytes


cdef class SearchTarget:
    """Codes to search, wherever they lie, and how: everything a C task points to.

    Parameters
    ----------
    codes : ndarray
        The planes of an index (1-D), or packed codes as they are (2-D).
    n_codes, n_bytes, n_bits : int
    allowed : ndarray of uint64 or None
        One bit for each code, the lowest first: what may be found.
    starts, rows : ndarray of uint32 or None
        Where codes repeat: the rows of each code, as the indptr and the indices of a
        CSR matrix.
    tables : Tables or None
        Look codes up instead of scanning, unless that takes more than `most_work`.
    """

    cdef search_task task
    cdef row_lists lists
    cdef multi_index tables
    cdef object owners
    cdef readonly size_t n_codes

    def __init__(
        self, codes, size_t n_codes, size_t n_bytes, uint32_t n_bits, *, allowed=None,
        starts=None, rows=None, Tables tables=None, size_t most_work=0,
    ):
        cdef const uint8_t[::1] planes_view
        cdef const uint8_t[:, ::1] rows_view
        cdef const uint64_t[::1] allowed_view
        cdef const uint32_t[::1] starts_view, lists_view
        cdef size_t n_blocks = (n_codes + LANES - 1) // LANES
        if not n_codes:
            raise ValueError("There is nothing to search.")
        self.n_codes = n_codes
        self.task.codes.n_bytes = n_bytes
        self.task.n_bits = n_bits
        if codes.ndim == 1:
            planes_view = codes
            if <size_t>planes_view.shape[0] < n_blocks * LANES * n_bytes:
                raise ValueError("The planes are too short.")
            self.task.codes.planes = &planes_view[0]
        else:
            rows_view = codes
            if codes.shape != (n_codes, n_bytes):
                raise ValueError("The rows have another shape.")
            self.task.codes.rows = &rows_view[0, 0]
        if allowed is not None:
            allowed_view = allowed
            if <size_t>allowed_view.shape[0] < n_blocks:
                raise ValueError("The bits of what is allowed are too few.")
            self.task.codes.allowed = &allowed_view[0]
        if starts is not None:
            starts_view = starts
            lists_view = rows
            if <size_t>starts_view.shape[0] != n_codes + 1:
                raise ValueError("The lists of rows do not fit the codes.")
            self.lists.starts = &starts_view[0]
            if lists_view.shape[0]:
                self.lists.rows = &lists_view[0]
            self.task.lists = &self.lists
            self.task.codes.starts = self.lists.starts
        if tables is not None:
            if tables.n_codes > n_codes:
                raise ValueError("The tables hold more codes than there are.")
            self.tables = tables.index
            self.tables.allowed = self.task.codes.allowed
            self.tables.weights = self.task.codes.starts
            self.task.tables = &self.tables
            self.task.most_work = most_work
        # Python objects that own the memory behind the pointers.
        self.owners = (codes, allowed, starts, rows, tables)

    cdef search_task _task(self, size_t first, size_t last, simd) except *:
        cdef search_task task = self.task
        if first % LANES or first >= last or last > self.n_codes:
            raise ValueError("The stretch to search is not within the codes.")
        task.kernel = _kernel(simd)
        task.codes.first = first
        task.codes.last = last
        task.bound = task.n_bits + 1
        return task

    def nearest(
        self, const uint8_t[:, ::1] queries, int32_t[:, ::1] distances,
        intptr_t[:, ::1] indices, size_t first, size_t last, size_t offset, simd,
    ):
        """Write the nearest codes among [first, last) for each query.

        As many as `distances` and `indices` have columns; `offset` is added to the
        indices. Places that stay empty hold (2**31 - 1, -1).
        """
        cdef search_task task = self._task(first, last, simd)
        cdef size_t n_queries = queries.shape[0], q, i, n, size
        cdef bint good = True
        cdef search_workspace *space
        task.k = distances.shape[1]
        if not n_queries or not task.k:
            return
        with nogil:
            space = search_workspace_new(&task, min(n_queries, block_size(task.k)))
            good = space != NULL
            size = block_size(task.k)
            q = 0
            while good and q < n_queries:
                n = min(size, n_queries - q)
                good = search_block(&task, &queries[q, 0], n, space)
                if good:
                    for i in range(n):
                        write_nearest(
                            &space.selections[i].hits, task.k, offset,
                            &distances[q + i, 0], &indices[q + i, 0],
                        )
                q += n
            search_workspace_free(space)
        if not good:
            raise MemoryError("Not enough memory to search.")

    def within(
        self, const uint8_t[:, ::1] queries, uint32_t bound, size_t first, size_t last,
        size_t offset, simd,
    ):
        """Find all codes among [first, last) with a distance below the bound.

        Returns the numbers of hits, int64, and the distances and indices of all
        queries, one after the other.
        """
        cdef search_task task = self._task(first, last, simd)
        cdef size_t n_queries = queries.shape[0], q = 0, i, j, n
        cdef bint good = True
        cdef search_workspace *space
        cdef key_list found
        counts = np.zeros(n_queries, dtype=np.int64)
        cdef int64_t[::1] counts_view = counts
        task.bound = min(bound, task.n_bits + 1)
        found.keys = NULL
        found.n = found.capacity = 0
        if n_queries:
            with nogil:
                space = search_workspace_new(&task, n_queries)
                good = space != NULL
                while good and q < n_queries:
                    n = min(block_size(0), n_queries - q)
                    good = search_block(&task, &queries[q, 0], n, space)
                    for i in range(n):
                        if not good:
                            break
                        counts_view[q + i] = space.selections[i].hits.n
                        for j in range(space.selections[i].hits.n):
                            good = good and append_key(
                                &found, space.selections[i].hits.keys[j]
                            )
                    q += n
                search_workspace_free(space)
        try:
            if not good:
                raise MemoryError("Not enough memory to search.")
            return counts, *_split_keys(&found, offset)
        finally:
            free(found.keys)


cdef _split_keys(key_list *found, size_t offset):
    cdef size_t i
    distances = np.empty(found.n, dtype=np.int32)
    indices = np.empty(found.n, dtype=np.intp)
    cdef int32_t[::1] distances_view = distances
    cdef intptr_t[::1] indices_view = indices
    with nogil:
        for i in range(found.n):
            distances_view[i] = KEY_DISTANCE(found.keys[i])
            indices_view[i] = KEY_POSITION(found.keys[i]) + offset
    return distances, indices
