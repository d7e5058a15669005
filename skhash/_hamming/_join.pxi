"""Join codes with codes: all pairs within a radius. Included by `_search.pyx`.

`grouping.h` (groups of codes that agree in some bits), `join.h` (pairs of distinct
codes) and `pairs.h` (pairs of rows, sorted) do the work.
"""

cdef extern from "core/compiler.h" nogil:
    void ALIGNED_FREE(void *)

cdef extern from "core/distinct.h" nogil:
    const uint32_t NO_CODE

cdef extern from "core/grouping.h" nogil:
    ctypedef struct grouping:
        pass

    bint grouping_new(grouping *, const uint64_t *, size_t, size_t, uint64_t)
    void grouping_free(grouping *)
    bint find_copies(
        grouping *, const uint64_t *, uint32_t *, size_t *, interrupt *
    )

cdef extern from "core/join.h" nogil:
    enum: JOIN_DONE
    enum: JOIN_MORE
    enum: JOIN_FAILED

    ctypedef struct join_task:
        const uint64_t *words
        size_t n, n_words, n_bytes, split
        uint32_t radius
        size_t n_blocks
        const uint64_t *masks
        const uint8_t *planes
        uint64_t seed
        const kernel *kernel

    ctypedef struct join:
        pass

    uint8_t *shared_planes(const join_task *)
    bint append_pair(pair_list *, uint32_t, uint32_t, uint32_t)
    join *join_new(const join_task *, size_t, size_t)
    void join_free(join *)
    int join_run(join *, pair_list *, size_t, interrupt *)

cdef uint64_t JOIN_SEED = int.from_bytes(os.urandom(8), "little")

cdef enum:
    PAIRS_LIMIT = 1 << 16  # pairs of codes found at a time


def first_equal_codes(const uint64_t[:, ::1] words, StopFlag stop):
    """Find for each code the first one that is equal.

    Parameters
    ----------
    words : ndarray of shape (n_codes, n_words), uint64
        The codes, padded with zero bytes to whole words.
    stop : StopFlag
        Ends the call early.

    Returns
    -------
    first_equal : ndarray of shape (n_codes,), uint32
        Its own position where a code is the first one.
    n_copies : int
        Number of codes that are not.
    """
    cdef size_t n = words.shape[0], n_words = words.shape[1], n_copies = 0
    cdef grouping groups
    cdef bint good
    cdef interrupt interruption = interrupt_new(&stop.flag, _poll_signals)
    if not n or not n_words or n >= NO_CODE:
        raise ValueError("There must be at least one code, and less than 2^32 - 1.")
    first_equal = np.arange(n, dtype=np.uint32)
    all_bits = np.full(n_words, 2**64 - 1, dtype=np.uint64)
    cdef uint32_t[::1] equal_view = first_equal
    cdef const uint64_t[::1] bits_view = all_bits
    with nogil:
        good = grouping_new(&groups, &words[0, 0], n, n_words, JOIN_SEED)
        good = good and find_copies(
            &groups, &bits_view[0], &equal_view[0], &n_copies, &interruption
        )
        grouping_free(&groups)
    if not good:
        _raise_failure(&interruption)
    return first_equal, n_copies


cdef class JoinTask:
    """What to join: distinct codes, and the rows that have them.

    Parameters
    ----------
    words : ndarray of shape (n_codes, n_words), uint64
        Distinct codes, padded with zero bytes to whole words. Of two sets the left one
        first, each without copies.
    n_bytes : int
        Bytes per code.
    radius : int
        Largest distance in bits.
    masks : ndarray of shape (n_blocks, n_words), uint64
        Blocks of bits; every pair within the radius must agree in one. None: compare
        all codes.
    n_left, n_right : int
        Number of rows of the sets; the same twice for one set.
    split : int, default=0
        Number of codes of the left set; 0 for one set.
    starts, rows : ndarray of uint32, default=None
        The rows of each code, as the indptr and the indices of a CSR matrix. None: row
        i of a set is its code i.
    simd : str
        Name of the instruction set.
    """

    cdef join_task task
    cdef row_lists lists
    cdef code_rows code_rows
    cdef uint8_t *planes
    cdef readonly object shape
    cdef object owners

    def __init__(
        self, const uint64_t[:, ::1] words, size_t n_bytes, uint32_t radius, masks,
        n_left, n_right, simd, size_t split=0, starts=None, rows=None,
    ):
        cdef const uint64_t[:, ::1] mask_view
        _check_width(n_bytes)
        if not words.shape[0] or <size_t>words.shape[1] != (n_bytes + 7) // 8:
            raise ValueError("Words must hold at least one code of that many bytes.")
        if split and split >= <size_t>words.shape[0]:
            raise ValueError("There must be at least one code on each side.")
        self.shape = (n_left, n_right, radius)
        self.task.words = &words[0, 0]
        self.task.n = words.shape[0]
        self.task.n_words = words.shape[1]
        self.task.n_bytes = n_bytes
        self.task.split = split
        self.task.radius = min(radius, 8 * n_bytes)
        self.task.seed = JOIN_SEED
        self.task.kernel = _kernel(simd)
        if masks is not None:
            mask_view = masks
            if not masks.shape[0] or mask_view.shape[1] != words.shape[1]:
                raise ValueError("There must be one mask per block, as long as a code.")
            self.task.masks = &mask_view[0, 0]
            self.task.n_blocks = mask_view.shape[0]
        self.code_rows.split = split
        self._set_lists(starts, rows, n_left, n_right)
        self.owners = (words, masks, starts, rows)
        if masks is None:
            self._share_planes()

    def __dealloc__(self):
        ALIGNED_FREE(self.planes)

    cdef int _share_planes(self) except -1:
        if self.planes != NULL:
            raise ValueError("A task is made once.")
        with nogil:
            self.planes = shared_planes(&self.task)
        if self.planes == NULL:
            raise MemoryError("Not enough memory to join.")
        self.task.planes = self.planes
        return 0

    cdef int _set_lists(self, starts, rows, n_left, n_right) except -1:
        cdef const uint32_t[::1] starts_view, rows_view
        n, split = self.task.n, self.task.split
        if starts is None:
            if (split or n) != n_left or n - split != n_right:
                raise ValueError("There must be one row per code.")
            return 0
        if len(starts) != n + 1 or starts[0] or starts[n] != len(rows):
            raise ValueError("The lists of rows do not fit the codes.")
        if (starts[1:] <= starts[:n]).any():
            raise ValueError("Every code must have a row.")
        edge = starts[split]
        if (rows[edge:] >= n_right).any() or (rows[:edge] >= n_left).any():
            raise ValueError("The rows are out of range.")
        starts_view, rows_view = starts, rows
        self.lists.starts = &starts_view[0]
        self.lists.rows = &rows_view[0]
        self.code_rows.lists = &self.lists
        return 0


cdef class JoinRun:
    """Go through the pairs of a part of a join.

    Parameters
    ----------
    task : JoinTask
        What to join.
    first, last : int
        A range of the blocks, or without blocks, of the codes.
    equal : bool
        Yield the pairs of equal rows (of one set) instead.
    """

    cdef JoinTask task
    cdef join *state
    cdef pair_list found
    cdef expansion at
    cdef int outcome
    cdef size_t next_code, last_code

    def __init__(self, JoinTask task, size_t first, size_t last, bint equal=False):
        cdef size_t n_parts = task.task.n_blocks or task.task.n
        if self.state != NULL or self.task is not None:
            raise ValueError("A run begins once.")
        self.task = task
        self.outcome = JOIN_MORE
        if equal:
            if task.lists.starts != NULL and not task.task.split:
                self.last_code = task.task.n
            return
        if not first < last <= n_parts:
            raise ValueError("The range to join is not within the parts.")
        with nogil:
            self.state = join_new(&task.task, first, last)
        if self.state == NULL:
            raise MemoryError("Not enough memory to join.")

    def __dealloc__(self):
        join_free(self.state)
        free(self.found.pairs)

    cdef bint _find(self, interrupt *stop) noexcept nogil:
        """Find the next pairs of codes; False if memory is short or stopped."""
        cdef const uint32_t *starts = self.task.lists.starts
        self.found.n = 0
        self.at.pair = self.at.row = 0
        if self.state != NULL:
            self.outcome = join_run(self.state, &self.found, PAIRS_LIMIT, stop)
            return self.outcome != JOIN_FAILED
        while self.next_code < self.last_code and self.found.n < PAIRS_LIMIT:
            if starts[self.next_code + 1] - starts[self.next_code] > 1:
                if not append_pair(
                    &self.found, <uint32_t>self.next_code, <uint32_t>self.next_code, 0
                ):
                    return False
            self.next_code += 1
        if self.next_code == self.last_code:
            self.outcome = JOIN_DONE
        return True

    def count(self, StopFlag stop):
        """Return the number of pairs of rows that are left."""
        cdef interrupt interruption = interrupt_new(&stop.flag, _poll_signals)
        cdef bint good = True
        n_pairs = 0
        while good and self.outcome != JOIN_DONE:
            with nogil:
                good = self._find(&interruption)
            n_pairs += count_row_pairs(&self.found, self.task.code_rows.lists)
        if not good:
            _raise_failure(&interruption)
        return n_pairs

    def collect(self, PairBuckets out, size_t limit, StopFlag stop):
        """Add pairs of rows until there are `limit` in the buckets or some more.

        Returns whether pairs are left.
        """
        cdef interrupt interruption = interrupt_new(&stop.flag, _poll_signals)
        cdef bint good = True, more = True
        if out.shape != self.task.shape:
            raise ValueError("The buckets do not fit the join.")
        with nogil:
            while good and more and out.buckets.n < limit:
                if self.at.pair == self.found.n:
                    if self.outcome == JOIN_DONE:
                        more = False
                        break
                    good = self._find(&interruption)
                good = good and expand_pairs(
                    &self.found, &self.task.code_rows, &self.at, &out.buckets, limit,
                    &interruption,
                )
        if not good:
            _raise_failure(&interruption)
        return more
