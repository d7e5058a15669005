# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False
"""Call the C core of the search: loops over queries, without the GIL.

The headers do the work: `dispatch.h` (kernels), `scan.h` (tiles and queries),
`select.h` (which hits to keep), `multi_index.h` (tables) and `results.h` (order and
repeated codes). `_merge.pyx` merges the results of parts of a search.

Sizes, widths and positions are checked before C uses them; long loops answer Ctrl-C.
"""

import os

import numpy as np

from cpython.exc cimport PyErr_Occurred
from libc.stdlib cimport free

include "_core.pxi"
include "_search.pxi"

#: Bits of a substring: a table has 2^width buckets.
MOST_WIDTH = 24

# Asked once: a virtual machine answers CPUID in microseconds.
cdef tuple _AVAILABLE = tuple(
    [KERNELS[i].name.decode() for i in range(N_KERNELS) if KERNELS[i].available()]
)


def simd_names():
    """Return the names of the instruction sets this machine can run, fastest first."""
    return list(_AVAILABLE)


cdef const kernel *_kernel(name) except NULL:
    for i in range(N_KERNELS):
        if KERNELS[i].name.decode() == name and name in _AVAILABLE:
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
        One of ``"avx512"`` (with bit counts, BITALG), ``"avx512f"`` (without),
        ``"avx2"``, ``"popcnt"`` (the popcnt instruction), ``"neon"`` and
        ``"portable"``.
    """
    return _SIMD


cdef int _poll_signals() noexcept nogil:
    with gil:
        return PyErr_CheckSignals()


cdef class Tables:
    """The tables of a multi-index over packed codes; see `multi_index.h`.

    Parameters
    ----------
    words : ndarray of shape (n_codes, n_words), uint64
        The codes, padded with zero bytes to whole words.
    n_tables : int
        Number of substrings, and of tables.
    width : int
        Bits per substring, from 1 to 24.
    spacing : int
        Bits from the beginning of one substring to the next.
    """

    cdef multi_index index
    cdef const uint64_t[:, ::1] words
    cdef uint32_t[:, ::1] starts
    cdef uint32_t[:, ::1] ids
    cdef readonly size_t n_codes

    def __init__(self, words, n_tables, width, spacing):
        if not len(words) or not 1 <= width <= MOST_WIDTH or n_tables < 1:
            raise ValueError("Tables must have codes, and substrings of 1 to 24 bits.")
        if spacing < 0 or (n_tables - 1) * spacing + width > 64 * words.shape[1]:
            raise ValueError("Substrings must end within the codes.")
        self.words = words
        self.n_codes = words.shape[0]
        self.starts = np.zeros((n_tables, (1 << width) + 1), dtype=np.uint32)
        self.ids = np.empty((n_tables, self.n_codes), dtype=np.uint32)
        self.index.words = &self.words[0, 0]
        self.index.starts = &self.starts[0, 0]
        self.index.ids = &self.ids[0, 0]
        self.index.n_codes = self.n_codes
        self.index.n_words = words.shape[1]
        self.index.n_tables = n_tables
        self.index.width = width
        self.index.spacing = spacing
        for table in range(n_tables):
            self._build(table)

    cdef int _build(self, size_t table) except -1:
        cdef size_t first, last, size = _slice_rows(8 * self.index.n_words)
        cdef uint32_t *starts = &self.starts[table, 0]
        cdef uint32_t *ids = &self.ids[table, 0]
        first = 0
        while first < self.n_codes:
            last = min(self.n_codes, first + size)
            with nogil:
                count_substrings(&self.index, table, first, last, starts)
            _check_signals()
            first = last
        with nogil:
            sum_counts(&self.index, starts)
        first = 0
        while first < self.n_codes:
            last = min(self.n_codes, first + size)
            with nogil:
                place_ids(&self.index, table, first, last, starts, ids)
            _check_signals()
            first = last
        return 0

    @property
    def nbytes(self):
        """Memory of the tables and the codes they hold, in bytes."""
        return self.words.nbytes + self.starts.nbytes + self.ids.nbytes


cdef class StopFlag:
    """Tell the threads of a search to stop."""

    cdef stop_flag flag

    def __cinit__(self):
        stop_flag_set(&self.flag, False)

    def set(self):
        """Let searches with this flag raise InterruptedError within milliseconds."""
        stop_flag_set(&self.flag, True)


cdef int _raise_failure(const interrupt *stop) except -1:
    """Raise the error of a signal handler, or the reason of an early end."""
    if PyErr_Occurred() != NULL:
        return -1
    if stop.stopped:
        raise InterruptedError("The search was stopped.")
    raise MemoryError("Not enough memory to search.")


cdef class SearchTarget:
    """Codes that searches run on, and how: everything a C task points to.

    Parameters
    ----------
    codes : ndarray
        The planes of an index (1-D), or packed codes in rows (2-D).
    n_codes : int
        Number of codes.
    n_bytes : int
        Bytes per code.
    allowed : ndarray of uint64, default=None
        One bit per code, the lowest first: which may be found. None allows all.
    starts, rows : ndarray of uint32, default=None
        Where codes repeat: the rows of each code, as the indptr and the indices of a
        CSR matrix. Codes that may be found must have at least one: a search counts
        them as neighbors.
    tables : Tables, default=None
        Look codes up instead of scanning.
    most_work : int, default=0
        Largest number of look-ups per query; a query that needs more is scanned.
    """

    cdef search_task task
    cdef row_lists lists
    cdef multi_index tables
    cdef object owners
    cdef readonly size_t n_codes

    def __init__(
        self, codes, size_t n_codes, size_t n_bytes, *, allowed=None, starts=None,
        rows=None, Tables tables=None, size_t most_work=0,
    ):
        if not n_codes:
            raise ValueError("There must be at least one code to search.")
        _check_width(n_bytes)
        self.n_codes = n_codes
        self.task.codes.n_bytes = n_bytes
        # Not the length in bits: padding bits that are set must not count beyond it.
        self.task.n_bits = 8 * n_bytes
        self._set_codes(codes)
        if allowed is not None:
            self._set_allowed(allowed)
        if starts is not None:
            self._set_lists(starts, rows)
        if tables is not None:
            self._set_tables(tables, most_work)
        # Python objects that own the memory behind the pointers.
        self.owners = (codes, allowed, starts, rows, tables)

    cdef int _set_codes(self, codes) except -1:
        cdef const uint8_t[::1] planes
        cdef const uint8_t[:, :] rows
        cdef size_t n_bytes = self.task.codes.n_bytes
        if codes.ndim == 1:
            planes = codes
            if self.n_codes > _capacity(planes, n_bytes):
                raise ValueError("The planes are too short for the codes.")
            self.task.codes.planes = &planes[0]
        else:
            rows = codes
            if codes.shape != (self.n_codes, n_bytes):
                raise ValueError("The rows do not have the shape of the codes.")
            self.task.codes.rows = _packed_rows(rows)
        return 0

    cdef int _set_allowed(self, const uint64_t[::1] allowed) except -1:
        if <size_t>allowed.shape[0] < (self.n_codes + LANES - 1) // LANES:
            raise ValueError("There must be one bit per code that may be found.")
        self.task.codes.allowed = &allowed[0]
        return 0

    cdef int _set_lists(self, starts, rows) except -1:
        cdef const uint32_t[::1] starts_view = starts
        cdef const uint32_t[::1] rows_view = rows
        cdef size_t i, n_rows = rows_view.shape[0]
        if <size_t>starts_view.shape[0] != self.n_codes + 1:
            raise ValueError("The lists of rows do not fit the codes.")
        if starts_view[0] != 0 or starts_view[self.n_codes] != n_rows:
            raise ValueError("The lists of rows do not fit the codes.")
        for i in range(self.n_codes):
            if starts_view[i] > starts_view[i + 1]:
                raise ValueError("The starts of the lists must not decrease.")
        self.lists.starts = &starts_view[0]
        if rows_view.shape[0]:
            self.lists.rows = &rows_view[0]
        self.task.lists = &self.lists
        self.task.codes.starts = self.lists.starts
        return 0

    cdef int _set_tables(self, Tables tables, size_t most_work) except -1:
        if tables.n_codes > self.n_codes:
            raise ValueError("The tables hold more codes than there are.")
        if 8 * tables.index.n_words < self.task.codes.n_bytes:
            raise ValueError("The tables hold shorter codes.")
        self.tables = tables.index
        self.tables.allowed = self.task.codes.allowed
        self.tables.weights = self.task.codes.starts
        self.task.tables = &self.tables
        self.task.most_work = most_work
        return 0

    cdef search_task _task(
        self, const uint8_t[:, ::1] queries, size_t first, size_t last, simd,
        bint weighted=False,
    ) except *:
        cdef search_task task = self.task
        if first % LANES or first >= last or last > self.n_codes:
            raise ValueError("The range to search is not within the codes.")
        task.kernel = _kernel(simd)
        n_bytes = (8 if weighted else 1) * task.codes.n_bytes
        if <size_t>queries.shape[1] != n_bytes:
            got = queries.shape[1]
            raise ValueError(f"Queries must have {n_bytes} bytes; got {got}.")
        if weighted:
            _weigh(&task, queries)
        task.codes.first = first
        task.codes.last = last
        task.bound = task.n_bits + 1
        return task

    def nearest(
        self, const uint8_t[:, ::1] queries, int32_t[:, ::1] distances,
        intptr_t[:, ::1] indices, size_t first, size_t last, size_t offset, simd,
        StopFlag stop, bint weighted=False,
    ):
        """Write the nearest codes among [first, last) of each query.

        `weighted`: a query is one weight per bit, int8 from -127 to 127 seen as uint8,
        and the distance is the sum of the magnitudes where its sign and the bit differ.

        As many as `distances` and `indices` have columns; `offset` is added to the
        indices. Places that stay empty hold (2**31 - 1, -1).
        """
        cdef search_task task = self._task(queries, first, last, simd, weighted)
        cdef size_t n_queries = queries.shape[0], size, q = 0, i, n
        cdef bint good = True
        cdef search_workspace *workspace
        cdef interrupt interruption = interrupt_new(&stop.flag, _poll_signals)
        task.k = distances.shape[1]
        if (
            distances.shape[0] != queries.shape[0]
            or indices.shape[0] != queries.shape[0]
            or <size_t>indices.shape[1] != task.k
        ):
            raise ValueError("The results must have one row per query.")
        if not n_queries or not task.k:
            return
        with nogil:
            size = block_size(task.k, task.n_bits)
            workspace = search_workspace_new(&task, min(n_queries, size))
            good = workspace != NULL
            while good and q < n_queries:
                n = min(size, n_queries - q)
                good = search_block(&task, &queries[q, 0], n, workspace, &interruption)
                if good:
                    for i in range(n):
                        write_nearest(
                            &workspace.selections[i].hits, task.k, offset,
                            &distances[q + i, 0], &indices[q + i, 0],
                        )
                q += n
            search_workspace_free(workspace)
        if not good:
            _raise_failure(&interruption)

    def within(
        self, const uint8_t[:, ::1] queries, uint32_t bound, size_t first, size_t last,
        size_t offset, simd, StopFlag stop,
    ):
        """Find all codes among [first, last) with a distance below the bound.

        Returns the numbers of hits, int64, and the distances and indices of all
        queries, one after the other.
        """
        cdef search_task task = self._task(queries, first, last, simd)
        cdef size_t n_queries = queries.shape[0], q = 0, i, j, n
        cdef bint good = True
        cdef search_workspace *workspace
        cdef interrupt interruption = interrupt_new(&stop.flag, _poll_signals)
        cdef key_list found
        counts = np.zeros(n_queries, dtype=np.int64)
        cdef int64_t[::1] counts_view = counts
        task.bound = min(bound, task.n_bits + 1)
        found.keys = NULL
        found.n = found.capacity = 0
        if n_queries:
            with nogil:
                workspace = search_workspace_new(&task, n_queries)
                good = workspace != NULL
                while good and q < n_queries:
                    n = min(block_size(0, task.n_bits), n_queries - q)
                    good = search_block(
                        &task, &queries[q, 0], n, workspace, &interruption
                    )
                    for i in range(n):
                        if not good:
                            break
                        counts_view[q + i] = workspace.selections[i].hits.n
                        for j in range(workspace.selections[i].hits.n):
                            good = good and append_key(
                                &found, workspace.selections[i].hits.keys[j]
                            )
                    q += n
                search_workspace_free(workspace)
        try:
            if not good:
                _raise_failure(&interruption)
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


include "_pairs.pxi"
include "_join.pxi"
