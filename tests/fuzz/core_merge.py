"""Check the merges of results on drawn input."""

from itertools import pairwise

import numpy as np

from skhash._hamming import _merge
from tests.fuzz.core_search import REFUSALS


def as_arrays(lists):
    distances = np.array([d for hits in lists for d, _ in hits], dtype=np.int32)
    indices = np.array([i for hits in lists for _, i in hits], dtype=np.intp)
    return distances, indices


def draw_hits(source, n_queries, n, first):
    """Return n sorted (distance, index) per query; `n` None: of any number."""
    rng = source.generator()
    lists = []
    for _ in range(n_queries):
        length = source.size(0, 1, most=9) if n is None else n
        indices = first + rng.permutation(2 * length)[:length]
        lists.append(sorted(zip(rng.integers(0, 3, length).tolist(), indices.tolist())))
    return lists


def merge_nearest(source):
    n_queries, n_a, n_b = (source.size(0, 1, most=9) for _ in range(3))
    a = draw_hits(source, n_queries, n_a, 0)
    b = draw_hits(source, n_queries, n_b, 1000 if source.flag() else 0)
    k = source.size(0, 1, n_a + n_b, n_a, n_a + n_b + 1, 2**64 - 1, most=20)
    arrays = [
        x.reshape(n_queries, -1 if n_queries else n)
        for hits, n in ((a, n_a), (b, n_b))
        for x in as_arrays(hits)
    ]
    if n_queries:
        arrays = [x.reshape(n_queries, n) for x, n in zip(arrays, (n_a, n_a, n_b, n_b))]
    if k > n_a + n_b:
        try:
            _merge.merge_nearest(*arrays, k)
        except REFUSALS:
            return
        raise AssertionError("more columns than there are")
    distances, indices = _merge.merge_nearest(*arrays, k)
    assert distances.shape == indices.shape == (n_queries, k)
    for q in range(n_queries):
        want = sorted(a[q] + b[q])[:k]
        assert [*zip(distances[q].tolist(), indices[q].tolist())] == want


def merge_within(source):
    n_queries = source.size(0, 1, most=9)
    a, b = (draw_hits(source, n_queries, None, first) for first in (0, 1000))
    arrays = []
    for hits in (a, b):
        arrays += [np.array([len(h) for h in hits], dtype=np.int64), *as_arrays(hits)]
    counts, distances, indices = _merge.merge_within(*arrays)
    assert counts.tolist() == [len(x) + len(y) for x, y in zip(a, b)]
    want = [pair for x, y in zip(a, b) for pair in sorted(x + y)]
    assert [*zip(distances.tolist(), indices.tolist())] == want


def drop_self(source):
    n_queries, k = source.size(0, 1, most=9), source.size(0, 1, most=9)
    first = source.size(0, 1, -1, most=20)
    hits = draw_hits(source, n_queries, k, 0)
    arrays = [x.reshape(n_queries, k) for x in as_arrays(hits)]
    if k:
        distances, indices = _merge.drop_self_nearest(*arrays, first)
        for q, found in enumerate(hits):
            others = [(d, i) for d, i in found if i != first + q][: k - 1]
            assert [*zip(distances[q].tolist(), indices[q].tolist())] == others
    lists = draw_hits(source, n_queries, None, 0)
    numbers = np.array([len(h) for h in lists], dtype=np.int64)
    counts, distances, indices = _merge.drop_self_within(
        numbers, *as_arrays(lists), first
    )
    want = [[(d, i) for d, i in h if i != first + q] for q, h in enumerate(lists)]
    assert counts.tolist() == [len(h) for h in want]
    pairs = [pair for h in want for pair in h]
    assert [*zip(distances.tolist(), indices.tolist())] == pairs


def refused_merge(source):
    """Call with sizes that do not fit: an error, and no access out of bounds."""
    edges = [0, 1, 2, -1, 2**62, 2**63 - 1, -(2**63)]
    sizes = [source.integer(0, 3) for _ in range(8)]
    counts = [
        np.array([source.choice(edges) for _ in range(n)], dtype=np.int64)
        for n in sizes[:2]
    ]
    hits = [np.zeros(n, dtype=t) for n, t in zip(sizes[2:6], "iqiq")]
    first = source.choice(edges)
    grids = [np.zeros(pair, dtype=t) for pair, t in zip(pairwise(sizes), "iqiq")]
    calls = [
        lambda: _merge.merge_within(counts[0], *hits[:2], counts[1], *hits[2:]),
        lambda: _merge.drop_self_within(counts[0], *hits[:2], first),
        lambda: _merge.merge_nearest(*grids, sizes[6]),
        lambda: _merge.drop_self_nearest(*grids[:2], first),
    ]
    try:
        source.choice(calls)()
    except REFUSALS:
        return
