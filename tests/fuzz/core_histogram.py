"""Check the histograms of distances on drawn input."""

import numpy as np

from skhash._hamming import _histogram
from tests.fuzz.core_search import REFUSALS, WIDTHS
from tests.fuzz.source import check_equal, distance_matrix, words_of


def draw(source):
    n_bytes = source.choice(WIDTHS)
    n, n_queries = source.size(0, 1, 511, 512, 513, most=99), source.size(0, 1, most=7)
    rows = source.rows(n, n_bytes)
    n_bits = 8 * n_bytes + source.size(0, 1, most=9)
    n_bits -= 8 * n_bytes % 64 == 8 and source.integer(0, 7)
    keep = np.packbits(np.arange(8 * n_bytes) < n_bits)
    queries = source.queries(n_queries, rows) & keep
    return rows & keep, queries, n_bits


def counts_of(distances, n_bits, weights=None):
    counts = np.zeros((len(distances), n_bits + 1))
    for q, d in enumerate(distances):
        np.add.at(counts[q], d, 1 if weights is None else weights[q])
    return counts


def within_classes(source):
    rows, queries, n_bits = draw(source)
    n_classes, rng = source.integer(1, 5), source.generator()
    classes = rng.integers(0, n_classes, len(rows))
    asked = rng.integers(-1, n_classes, len(queries))
    planes, starts = _histogram.planes_of_codes(rows, classes, n_classes)
    order = np.argsort(classes, kind="stable")
    check_equal(planes.T, words_of(rows[order]))
    counter = source.choice([None, *_histogram.counter_names()])
    counts, same = _histogram.count_within_classes(
        planes, starts, words_of(queries), asked, n_bits, counter
    )
    distances = distance_matrix(queries, rows)
    check_equal(counts, counts_of(distances, n_bits))
    equal = (asked[:, None] == classes).astype(float)
    check_equal(same, counts_of(distances, n_bits, equal))


def weights_and_shared(source):
    rows, queries, n_bits = draw(source)
    planes = np.ascontiguousarray(words_of(rows).T)
    weights = source.generator().random((len(queries), len(rows)))
    counter = source.choice([None, *_histogram.counter_names()])
    counts, sums = _histogram.sum_weights(
        planes, words_of(queries), weights, n_bits, counter
    )
    distances = distance_matrix(queries, rows)
    check_equal(counts, counts_of(distances, n_bits))
    assert np.allclose(sums, counts_of(distances, n_bits, weights), rtol=1e-7, atol=0)
    shared = np.bitwise_count(queries[:, None] & rows[None]).sum(axis=2)
    found = _histogram.count_shared(planes, words_of(queries), counter)
    check_equal(found, shared)


def refused_histogram(source):
    """Call with sizes and bits that do not fit: no access out of bounds."""
    sizes = [source.size(0, 1, 2, most=5) for _ in range(7)]
    value = source.choice([0, 2**64 - 1])
    planes = np.full((sizes[0], sizes[1]), value, dtype=np.uint64)
    queries = np.zeros((sizes[2], sizes[3]), dtype=np.uint64)
    n_bits = source.size(0, 1, 64, 63, 65, 2**62 - 1, 2**64 - 1, most=130)
    edges = [source.integer(-1, 5) for _ in range(sizes[4])]
    starts = np.array(sorted(edges) if source.flag() else edges, dtype=np.int64)
    classes = np.array([source.integer(-2, 5) for _ in range(sizes[5])], dtype=np.int64)
    rows = np.full((sizes[6], sizes[0]), value % 256, dtype=np.uint8)
    weights = np.ones((sizes[2], sizes[1]))
    calls = [
        lambda: _histogram.planes_of_codes(rows, classes, sizes[3]),
        lambda: _histogram.count_within_classes(
            planes, starts, queries, classes, n_bits
        ),
        lambda: _histogram.sum_weights(planes, queries, weights, n_bits),
        lambda: _histogram.count_shared(planes, queries),
    ]
    try:
        source.choice(calls)()
    except (*REFUSALS, MemoryError):
        return
