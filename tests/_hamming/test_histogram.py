"""Compare histograms of Hamming distances with plain numpy, for every counter."""

import os
import subprocess
import sys

import numpy as np
import pytest

from skhash._hamming._histogram import (
    count_shared,
    count_within_classes,
    counter_names,
    planes_of_codes,
    sum_weights,
)
from tests.faults import interrupt_after

LENGTHS = [1, 8, 17, 64, 65, 128, 521]


def words_of(packed):
    planes, _ = planes_of_codes(packed, np.zeros(len(packed), dtype=np.int64), 1)
    return np.ascontiguousarray(planes.T)


def draw(n_bits, n_codes=3000, n_queries=9, n_classes=5, seed=0):
    rng = np.random.default_rng(seed)
    bits = [
        rng.integers(0, 2, (n, n_bits), dtype=np.uint8) for n in (n_codes, n_queries)
    ]
    codes, queries = (np.packbits(part, axis=1) for part in bits)
    classes = rng.integers(0, n_classes, n_codes)
    asked = rng.integers(-1, n_classes, n_queries)
    distances = (bits[1][:, None] != bits[0]).sum(axis=2)
    shared = (bits[1][:, None] & bits[0]).sum(axis=2)
    return codes, classes, queries, asked, distances, shared


def histogram(distances, n_bits, weights=None):
    return np.array(
        [
            np.bincount(row, None if weights is None else weights[q], n_bits + 1)
            for q, row in enumerate(distances)
        ]
    )


@pytest.mark.parametrize("counter", [None, *counter_names()])
@pytest.mark.parametrize("n_bits", LENGTHS)
def test_counts_within_classes(n_bits, counter):
    codes, classes, queries, asked, distances, _ = draw(n_bits)
    planes, starts = planes_of_codes(codes, classes, 5)
    counts, same = count_within_classes(
        planes, starts, words_of(queries), asked, n_bits, counter
    )
    np.testing.assert_array_equal(counts, histogram(distances, n_bits))
    expected = histogram(distances, n_bits, (asked[:, None] == classes) * 1.0)
    np.testing.assert_array_equal(same, expected)


@pytest.mark.parametrize("counter", [None, *counter_names()])
@pytest.mark.parametrize("n_bits", LENGTHS)
def test_sums_of_weights_and_shared_bits(n_bits, counter):
    codes, _, queries, _, distances, shared = draw(n_bits)
    planes = words_of(codes).T.copy()
    weights = np.random.default_rng(1).random(distances.shape)
    counts, sums = sum_weights(planes, words_of(queries), weights, n_bits, counter)
    np.testing.assert_array_equal(counts, histogram(distances, n_bits))
    np.testing.assert_allclose(sums, histogram(distances, n_bits, weights))
    np.testing.assert_array_equal(
        count_shared(planes, words_of(queries), counter), shared
    )


def test_planes_are_ordered_by_class():
    codes, classes, *_ = draw(65)
    planes, starts = planes_of_codes(codes, classes, 5)
    order = np.argsort(classes, kind="stable")
    padded = np.zeros((len(codes), 16), dtype=np.uint8)
    padded[:, :9] = codes[order]
    np.testing.assert_array_equal(planes.T, padded.view(np.uint64))
    np.testing.assert_array_equal(np.diff(starts), np.bincount(classes))


def test_no_code_and_no_query():
    planes, starts = planes_of_codes(np.empty((0, 2), np.uint8), np.empty(0, int), 1)
    query = np.zeros((1, 1), dtype=np.uint64)
    zero = np.zeros(1, dtype=np.int64)
    counts, same = count_within_classes(planes, starts, query, zero, 16)
    assert counts.shape == same.shape == (1, 17)
    assert not counts.any()
    assert count_shared(planes, query).shape == (1, 0)
    assert sum_weights(planes, query[:0], np.empty((0, 0)), 16)[0].shape == (0, 17)


def test_sizes_that_do_not_fit():
    codes, classes, queries, asked, *_ = draw(64)
    planes, starts = planes_of_codes(codes, classes, 5)
    words = words_of(queries)
    refused = [
        lambda: planes_of_codes(codes, classes[:-1], 5),
        lambda: planes_of_codes(codes, classes, 4),
        lambda: count_within_classes(planes, starts, words, asked[:-1], 64),
        lambda: count_within_classes(planes, starts, words, asked + 5, 64),
        lambda: count_within_classes(planes, starts[:-1], words, asked - 4, 64),
        lambda: count_within_classes(planes, starts[::-1].copy(), words, asked, 64),
        lambda: count_within_classes(planes, starts, words, asked, 0),
        lambda: count_within_classes(planes, starts, words, asked, 64, "sse"),
        lambda: sum_weights(planes, words, np.ones((9, 2)), 64),
        lambda: count_shared(planes, np.zeros((1, 2), dtype=np.uint64)),
    ]
    for call in refused:
        with pytest.raises(ValueError):
            call()


def test_bits_behind_the_length():
    planes = np.full((1, 9), 2**64 - 1, dtype=np.uint64)
    query, starts = np.zeros((1, 1), dtype=np.uint64), np.array([0, 9])
    classes = np.zeros(1, dtype=np.int64)
    for n_bits in (1, 9, 63):
        with pytest.raises(ValueError, match="behind their length"):
            count_within_classes(planes, starts, query, classes, n_bits)
        with pytest.raises(ValueError, match="behind their length"):
            sum_weights(planes, query, np.ones((1, 9)), n_bits)
    assert sum_weights(planes, query, np.ones((1, 9)), 64)[0][0, 64] == 9
    with pytest.raises(ValueError, match="at most"):
        sum_weights(planes, query, np.ones((1, 9)), 2**64 - 1)


@pytest.mark.parametrize("forced", ["portable", "popcnt", "avx2"])
def test_the_environment_chooses_the_counter(forced):
    code = "from skhash._hamming import _histogram as h; print(h._COUNTER)"
    environment = os.environ | {"SKHASH_SIMD": forced}
    chosen = subprocess.run(
        [sys.executable, "-c", code],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()
    names = counter_names()
    wanted = "portable" if forced == "portable" else "popcnt"
    assert chosen == (wanted if wanted in names else names[0])


@pytest.mark.skipif(os.name != "posix", reason="sends a signal to the main thread")
def test_an_interrupt_is_answered():
    rng = np.random.default_rng(0)
    codes = rng.integers(0, 256, (2_000_000, 8), dtype=np.uint8)
    planes, starts = planes_of_codes(codes, np.zeros(len(codes), dtype=np.int64), 1)
    words = words_of(codes[:2000])
    with interrupt_after(0.2):
        for _ in range(100):
            count_within_classes(planes, starts, words, np.zeros(2000, dtype=int), 64)
