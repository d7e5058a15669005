"""Check the searches of the core, and their errors, on drawn input."""

import numpy as np

from skhash._hamming._search import SearchTarget, StopFlag, Tables, simd_names
from tests.fuzz.source import check_equal, distance_matrix, sorted_hits

WIDTHS = [1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 32, 33, 64, 65, 100]
#: What the core may raise for input that does not fit.
REFUSALS = (ValueError, IndexError, OverflowError, TypeError)
FAR = 2**31 - 1


def planes_of(rows):
    """Return the layout of ``kernel.h``, written by numpy."""
    n, n_bytes = rows.shape
    padded = np.zeros((-(-n // 64) * 64, n_bytes), dtype=np.uint8)
    padded[:n] = rows
    blocks = padded.reshape(-1, 64, n_bytes).transpose(0, 2, 1)
    return np.ascontiguousarray(blocks).ravel()


def mask_words(mask):
    padded = np.zeros(-(-len(mask) // 64) * 64, dtype=np.uint8)
    padded[: len(mask)] = mask
    return np.packbits(padded, bitorder="little").view("<u8").astype(np.uint64)


def draw_lists(source, n_codes):
    """Return starts and rows of every code; a code without any must not be allowed."""
    n_rows = source.size(0, 1, n_codes, most=2 * n_codes)
    codes = source.generator().integers(0, n_codes, n_rows)
    starts = np.zeros(n_codes + 1, dtype=np.uint32)
    np.cumsum(np.bincount(codes, minlength=n_codes), out=starts[1:])
    return starts, np.argsort(codes, kind="stable").astype(np.uint32)


def draw_tables(source, rows):
    n, n_bytes = rows.shape
    words = np.zeros((n, -(-n_bytes // 8)), dtype=np.uint64)
    words.view(np.uint8)[:, :n_bytes] = rows
    n_tables = source.integer(1, min(6, 8 * n_bytes))
    spacing = source.integer(1, 8 * n_bytes // n_tables)
    return Tables(words, n_tables, source.integer(1, min(spacing, 9)), spacing)


def draw_sizes(source):
    n_bytes = source.choice(WIDTHS)
    n = source.size(1, 63, 64, 65, 128, most=300)
    n_queries = source.size(0, 1, 4, 5, most=12)
    if source.integer(0, 31) == 31:  # long enough for sampling, or for two blocks
        n, n_queries = source.choice([(1500, n_queries), (n, 300)])
    return n_bytes, max(n, 1), n_queries


def draw_target(source, rows):
    """Return a target, the end of its range, and which rows it holds of each code."""
    n, n_bytes = rows.shape
    options, members, last = {}, [[i] for i in range(n)], n
    allowed = np.ones(n, dtype=bool)
    if source.flag():
        allowed = source.generator().integers(0, source.integer(1, 3) + 1, n) > 0
    if source.flag():
        starts, listed = draw_lists(source, n)
        options.update(starts=starts, rows=listed)
        allowed &= np.diff(starts) > 0
        members = np.split(listed.astype(np.int64), starts[1:-1].astype(np.int64))
    if not allowed.all() or source.flag():
        options["allowed"] = mask_words(allowed)
    if source.flag():
        last = max(1, source.size(1, n // 64 * 64, n, most=n))
        options["tables"] = draw_tables(source, rows[:last])
        options["most_work"] = source.choice([0, 1, 10, 2**40])
    codes = planes_of(rows)
    if source.flag():
        codes = rows if source.flag() else np.asfortranarray(rows[::-1])[::-1]
    target = SearchTarget(codes, n, n_bytes, **options)
    return target, last, "tables" in options, members, allowed


def expected(queries, rows, members, found):
    """Return (queries, distances, rows) of all that may be found, sorted.

    `members` holds the rows of every code, `found` the codes that may be found.
    """
    distances = distance_matrix(queries, rows[found])
    columns = np.concatenate([[], *(members[c] for c in found)]).astype(np.int64)
    distances = distances.repeat([len(members[c]) for c in found], axis=1)
    order = np.argsort(columns, kind="stable")
    distances, columns = distances[:, order], columns[order]
    at, d, places = sorted_hits(distances, np.ones(distances.shape, dtype=bool))
    return at, d, columns[places]


def check_nearest(distances, indices, hits, offset=0):
    """Compare nearest rows with the first of all sorted hits of each query."""
    at, d, rows = hits
    n_queries, k = distances.shape
    ranks = np.arange(len(at)) - np.searchsorted(at, np.arange(n_queries))[at]
    want = np.full((2, n_queries, k), [[[FAR]], [[-1]]])
    kept = ranks < k
    want[:, at[kept], ranks[kept]] = d[kept], rows[kept] + offset
    check_equal((distances, indices), want)


def search(source):
    n_bytes, n, n_queries = draw_sizes(source)
    rows = source.rows(n, n_bytes)
    queries = np.ascontiguousarray(source.queries(n_queries, rows))
    target, last, has_tables, members, allowed = draw_target(source, rows)
    first = 0
    if not has_tables and source.flag():
        first = source.integer(0, (n - 1) // 64) * 64
        last = source.integer(first + 1, n)
    check_search(source, target, rows, queries, members, allowed, first, last)


def check_search(source, target, rows, queries, members, allowed, first, last):
    found = np.flatnonzero(allowed[first:last]) + first
    hits = expected(queries, rows, members, found)
    how = first, last, source.size(0, 1, most=2**40)
    offset = how[2]
    simd, n_bits = source.choice(simd_names()), 8 * rows.shape[1]
    if source.flag():
        k = source.size(0, 1, len(rows), most=len(rows) + 3)
        distances = np.empty((len(queries), k), dtype=np.int32)
        indices = np.empty((len(queries), k), dtype=np.intp)
        target.nearest(queries, distances, indices, *how, simd, StopFlag())
        check_nearest(distances, indices, hits, offset)
    else:
        bound = source.size(0, 1, n_bits, n_bits + 1, 2**32 - 1, most=n_bits)
        counts, *got = target.within(queries, bound, *how, simd, StopFlag())
        at, d, found_rows = (x[hits[1] < bound] for x in hits)
        check_equal(counts, np.bincount(at, minlength=len(queries)))
        check_equal(got, (d, found_rows + offset))


def weighted(source):
    """Search for the codes with the smallest sums of weights of differing bits."""
    n_bytes, n, n_queries = draw_sizes(source)
    rows = source.rows(n, n_bytes)
    shape = n_queries, 8 * n_bytes
    most = source.choice([7, 127 if n_bytes <= 64 else 7, 1, 0])
    queries = source.generator().integers(-most, most + 1, shape).astype(np.int8)
    allowed = np.ones(n, dtype=bool)
    if source.flag():
        allowed = source.generator().integers(0, 3, n) > 0
    options = {} if allowed.all() else {"allowed": mask_words(allowed)}
    target = SearchTarget(planes_of(rows), n, n_bytes, **options)
    k = source.size(0, 1, n, most=n + 3)
    distances = np.empty((n_queries, k), dtype=np.int32)
    indices = np.empty((n_queries, k), dtype=np.intp)
    how = 0, n, 0, source.choice(simd_names()), StopFlag(), True
    target.nearest(queries.view(np.uint8), distances, indices, *how)
    bits, asked = np.unpackbits(rows, axis=1).astype(float), queries.astype(float)
    # The weight counts where a bit is 0 and asked for, or 1 and not.
    sums = np.maximum(asked, 0).sum(axis=1)[:, None] - asked @ bits.T
    sums = sums.astype(np.uint16)
    hits = sorted_hits(sums, np.broadcast_to(allowed, sums.shape))
    check_nearest(distances, indices, hits)


def refused_search(source):
    """Call with sizes that do not fit: an error, and no access out of bounds."""
    sizes = [source.size(0, 1, 8, 64, 128, most=70) for _ in range(12)]
    codes = np.zeros(sizes[0] * 64, dtype=np.uint8)
    if source.flag():
        codes = np.zeros((sizes[0], sizes[1]), dtype=np.uint8)
    options = {}
    if source.flag():
        options["allowed"] = np.zeros(sizes[2], dtype=np.uint64)
    if source.flag():
        starts = source.generator().integers(0, 3, sizes[3]).astype(np.uint32)
        options["starts"] = starts.cumsum(dtype=np.uint32) if source.flag() else starts
        options["rows"] = np.zeros(sizes[4], dtype=np.uint32)
    stop = StopFlag()
    if source.flag():
        stop.set()
    try:
        if source.flag():
            words = np.ones((sizes[5], sizes[6]), dtype=np.uint64)
            width = source.size(0, 25, most=12)
            options["tables"] = Tables(words, sizes[7] % 9, width, sizes[8])
        n_codes = source.size(0, 1, 2**63, 2**64 - 1, most=130)
        n_bytes = source.size(0, 1, 8191, 8192, 2**63, most=130)
        target = SearchTarget(codes, n_codes, n_bytes, **options)
        queries = np.zeros((3, sizes[9]), dtype=np.uint8)
        shapes = [(source.integer(2, 3), sizes[10]), (3, sizes[11])]
        distances = np.empty(shapes[0], dtype=np.int32)
        indices = np.empty(shapes[1], dtype=np.intp)
        first = source.size(0, 64, 2**63, most=300)
        last = source.size(1, 64, 2**64 - 1, most=300)
        simd = source.choice([*simd_names(), "mmx"])
        how = first, last, 0, simd, stop, source.flag()
        target.nearest(queries, distances, indices, *how)
        target.within(queries, sizes[0], first, last, 2**63, simd, stop)
    except (*REFUSALS, InterruptedError):
        return
