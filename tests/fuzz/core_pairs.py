"""Check the joins of the core on drawn input."""

import numpy as np

from skhash._hamming._pairs import block_masks
from skhash._hamming._search import (
    JoinRun,
    JoinTask,
    PairBuckets,
    StopFlag,
    first_equal_codes,
    neighbors_of_pairs,
    release_freed_memory,
    simd_names,
    sorted_pairs,
)
from tests.fuzz.core_search import REFUSALS, WIDTHS
from tests.fuzz.source import check_equal, distance_matrix, sorted_hits, words_of


def draw_distinct(source, n_bytes):
    """Return distinct codes, and the rows of each."""
    n = max(1, source.size(1, 2, 64, most=90))
    if source.integer(0, 31) == 31:  # enough for a group that is scanned
        n = 300
    rows = source.rows(n, n_bytes)
    codes, numbers = np.unique(rows, axis=0, return_inverse=True)
    return codes, numbers.ravel()


def join(source):
    n_bytes = source.choice(WIDTHS)
    radius = source.size(0, 1, 8 * n_bytes, most=12)
    codes, numbers = draw_distinct(source, n_bytes)
    left = right = numbers
    split, all_codes = 0, codes
    if two := source.flag():
        others, right = draw_distinct(source, n_bytes)
        split, all_codes = len(codes), np.concatenate([codes, others])
        right = right + split
    rows = np.concatenate([left, right]) if two else left
    starts = np.zeros(len(all_codes) + 1, dtype=np.uint32)
    np.cumsum(np.bincount(rows, minlength=len(all_codes)), out=starts[1:])
    order = np.argsort(rows, kind="stable")
    lists = np.where(order >= len(left), order - len(left), order) if two else order
    masks = None
    if radius + 1 <= 8 * n_bytes and source.flag():
        masks = block_masks(8 * n_bytes, radius + 1, -(-n_bytes // 8))
    task = JoinTask(
        words_of(all_codes), n_bytes, radius, masks, len(left), len(right),
        source.choice(simd_names()), split, starts, lists.astype(np.uint32),
    )  # fmt: skip
    n_parts = len(all_codes) if masks is None else len(masks)
    edge = source.integer(0, n_parts)
    runs = [(a, b, False) for a, b in ((0, edge), (edge, n_parts)) if a < b]
    runs += [(0, 0, True)] if not two else []
    check_join(source, task, runs, all_codes, left, right, radius)


def check_join(source, task, runs, codes, left, right, radius):
    distances = distance_matrix(codes[left], codes[right])
    if left is right:
        distances[np.tri(len(left), dtype=bool)] = 2**16 - 1
    i, j = np.nonzero(distances <= radius)
    stop, sets = StopFlag(), []
    assert sum(JoinRun(task, *part).count(stop) for part in runs) == len(i)
    for part in runs:
        run, buckets = JoinRun(task, *part), PairBuckets(*task.shape)
        # At most some 40 calls, which else take most of the time.
        step = max(1, source.size(1, 2, most=99), len(i) // 40)
        while run.collect(buckets, len(buckets) + step, stop):
            pass
        sets.append(buckets)
    found = sorted_pairs(sets, np.int32 if source.flag() else np.int64)
    for got, want in zip(found, (i, j, distances[i, j])):
        check_equal(got, want)
    if left is right:
        both = np.minimum(distances, distances.T)
        rows, *expected = sorted_hits(both, both <= radius)
        counts, *hits = neighbors_of_pairs(*found, len(left))
        check_equal(counts, np.bincount(rows, minlength=len(left)))
        check_equal(hits, expected)


def equal_codes(source):
    rows = source.rows(max(1, source.size(1, 64, most=200)), source.choice(WIDTHS))
    first, n_copies = first_equal_codes(words_of(rows), StopFlag())
    unique, firsts, numbers = np.unique(
        rows, axis=0, return_index=True, return_inverse=True
    )
    check_equal(first, firsts[numbers.ravel()])
    assert n_copies == len(rows) - len(unique)
    del first, unique
    release_freed_memory()


def refused_pairs(source):
    """Call with sizes that do not fit: an error, and no access out of bounds."""
    sizes = [source.size(0, 1, 2, most=9) for _ in range(9)]
    words = source.rows(sizes[0], 8 * sizes[1]).view(np.uint64)
    masks = np.zeros((sizes[2], sizes[3]), dtype=np.uint64) if source.flag() else None
    lists = {}
    if source.flag():
        starts = source.generator().integers(0, 3, sizes[4]).astype(np.uint32)
        lists["starts"] = starts.cumsum(dtype=np.uint32) if source.flag() else starts
        lists["rows"] = source.generator().integers(0, 9, sizes[5]).astype(np.uint32)
    pairs = [
        np.array([source.integer(-1, 5) for _ in range(n)], dtype=t)
        for n, t in zip(sizes[5:8], "qqi")
    ]
    calls = [
        lambda: first_equal_codes(words, StopFlag()),
        lambda: neighbors_of_pairs(*pairs, source.size(-1, 0, 6, most=9)),
        lambda: sorted_pairs([], np.int32),
        lambda: PairBuckets(source.size(0, 2**32 - 1, most=9), sizes[7], sizes[8]),
    ]
    try:
        if source.flag():
            source.choice(calls)()
        n_bytes = source.size(0, 8 * sizes[1], 8191, 8192, most=20)
        task = JoinTask(
            words, n_bytes, sizes[6], masks, sizes[0], sizes[7], simd_names()[0],
            source.size(0, sizes[0], 2**63, most=9), **lists,
        )  # fmt: skip
        run = JoinRun(task, source.size(0, 2**63, most=3), source.size(1, most=9))
        if source.flag():
            run.count(StopFlag())
        buckets = PairBuckets(sizes[7] + 1, sizes[8] + 1, sizes[6])
        if source.flag():
            buckets = PairBuckets(*task.shape)
        run.collect(buckets, source.size(0, 2**63, most=9), StopFlag())
        sorted_pairs([buckets], np.int32)
    except REFUSALS:
        return
