"""Compare every path through a join with plain numpy."""

import time
import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skhash._hamming import _threads
from skhash._hamming._index import CodeIndex
from skhash._hamming._pairs import (
    CodeSet,
    PairJoin,
    block_masks,
    choose_masks,
    code_set,
    distinct_pairs,
    query_set,
)
from skhash._hamming._search import (
    JoinRun,
    JoinTask,
    PairBuckets,
    StopFlag,
    first_equal_codes,
    neighbors_of_pairs,
    simd_name,
    simd_names,
    sorted_pairs,
)
from tests.faults import interrupt_after


def random_rows(rng, n, n_bits, kind):
    """Packed codes: all random, near few centers, or few distinct ones."""
    centers = rng.integers(0, 2, (max(1, n // 30), n_bits))
    bits = rng.integers(0, 2, (n, n_bits))
    if kind != "random":
        bits = centers[rng.integers(0, len(centers), n)]
    if kind == "clustered":
        bits = bits ^ (rng.random((n, n_bits)) < 0.03)
    return np.packbits(bits.astype(np.uint8), axis=1)


def reference_pairs(left, right, radius):
    """Compare all rows with all rows."""
    other = left if right is None else right
    distances = np.bitwise_count(left[:, None] ^ other[None]).sum(2, dtype=np.int32)
    near = distances <= radius
    i, j = np.nonzero(near if right is not None else np.triu(near, 1))
    return i, j, distances[i, j]


def assert_same_pairs(got, expected):
    for a, b in zip(got, expected, strict=True):
        np.testing.assert_array_equal(a, b)


@st.composite
def joins(draw):
    n_bits = draw(
        st.one_of(st.integers(1, 300), st.sampled_from([8, 31, 32, 64, 128, 256, 520]))
    )
    return {
        "seed": draw(st.integers(0, 2**32 - 1)),
        "n_bits": n_bits,
        "n": draw(st.integers(1, 900)),
        "n_right": draw(st.sampled_from([None, 1, 50, 700])),
        "kind": draw(st.sampled_from(["random", "clustered", "repeated"])),
        "radius": min(n_bits, draw(st.sampled_from([0, 1, 2, 4, 9, 40, 1000]))),
        "blocks": draw(st.sampled_from(["auto", True, False])),
        "n_threads": draw(st.sampled_from([1, 2, 3])),
        "simd": draw(st.sampled_from(simd_names())),
        "chunk": draw(st.sampled_from([1, 100, 10**6])),
    }


@settings(max_examples=20, deadline=None)
@given(joins())
def test_property(case):
    rng = np.random.default_rng(case["seed"])
    n_bits, kind, radius = case["n_bits"], case["kind"], case["radius"]
    rows = random_rows(rng, case["n"], n_bits, kind)
    queries = None
    if case["n_right"]:
        queries = random_rows(rng, case["n_right"], n_bits, kind)
        queries = np.concatenate([queries, rows[: case["n"] // 2]])
    index = CodeIndex(rows, n_bits)
    left, right = code_set(index), None
    if queries is not None:
        left, right = query_set(queries), left
    join = PairJoin(
        left,
        right,
        n_bits,
        radius,
        n_threads=case["n_threads"],
        simd=case["simd"],
        blocks=case["blocks"],
    )
    expected = reference_pairs(
        *((rows, None) if queries is None else (queries, rows)), radius
    )
    assert_same_pairs(join.arrays(), expected)
    assert join.count() == len(expected[0])
    chunks = list(join.chunks(case["chunk"])) or [join.arrays()]
    for i, j, _ in chunks:
        assert (np.lexsort((j, i)) == np.arange(len(i))).all()
    i, j, distances = (np.concatenate(arrays) for arrays in zip(*chunks))
    order = np.lexsort((j, i))
    assert_same_pairs((i[order], j[order], distances[order]), expected)


@pytest.fixture(scope="module")
def large_groups():
    """Return codes in groups of thousands with equal blocks, and all pairs of them."""
    rows = random_rows(np.random.default_rng(0), 6000, 16, "random")
    expected = reference_pairs(rows, None, 3)
    return rows, expected, reference_pairs(rows[:2000], rows[2000:], 3)


@pytest.mark.parametrize("simd", simd_names())
@pytest.mark.parametrize("blocks", [True, False])
def test_large_groups_are_scanned(large_groups, simd, blocks):
    # In several batches.
    rows, within, between = large_groups
    for n_threads in (1, 2):
        how = {"n_threads": n_threads, "simd": simd, "blocks": blocks}
        join = PairJoin(query_set(rows), None, 16, 3, **how)
        assert_same_pairs(join.arrays(), within)
    both = PairJoin(query_set(rows[:2000]), query_set(rows[2000:]), 16, 3, **how)
    assert_same_pairs(both.arrays(), between)


def test_distances_above_a_byte_and_all_pairs():
    rng = np.random.default_rng(0)
    rows = random_rows(rng, 300, 1024, "random")
    rows[::2] = ~rows[1::2]
    join = PairJoin(query_set(rows), None, 1024, 1024)
    assert_same_pairs(join.arrays(), reference_pairs(rows, None, 1024))


def test_others_within_a_radius_after_changes_of_the_index():
    rng = np.random.default_rng(0)
    rows = random_rows(rng, 1500, 40, "clustered")
    index = CodeIndex(rows[:1000], 40).append(rows[1000:]).without(np.arange(0, 90, 3))
    kept = np.delete(rows, np.arange(0, 90, 3), axis=0)
    distances = np.bitwise_count(kept[:, None] ^ kept[None]).sum(2, dtype=np.int32)
    counts, found_distances, found = index.within_others(3)
    end = 0
    for row, count in enumerate(counts):
        near = np.flatnonzero(distances[row] <= 3)
        near = near[near != row]
        near = near[np.argsort(distances[row, near], kind="stable")]
        np.testing.assert_array_equal(found[end : end + count], near)
        np.testing.assert_array_equal(
            found_distances[end : end + count], distances[row, near]
        )
        end += count
    assert end == len(found)


def test_equal_codes_are_not_compared_in_pairs():
    rng = np.random.default_rng(0)
    rows = random_rows(rng, 60_000, 64, "random")
    rows[rng.permutation(60_000)[:10_000]] = rows[0]
    index, start = CodeIndex(rows, 64), time.process_time()
    join = PairJoin(code_set(index), None, 64, 1)
    assert join.count() >= 9_999 * 10_000 // 2
    codes, (i, _, _) = distinct_pairs(index, 1)
    assert len(codes.words) <= 50_001
    assert len(i) < 100
    np.testing.assert_array_equal(
        codes.words[codes.code_of_row].view(np.uint8).reshape(60_000, 8), rows
    )
    assert time.process_time() - start < 2
    chunk = next(join.chunks(1000))
    assert 1000 <= len(chunk[0]) <= 11_000


def test_distinct_codes_of_an_index_are_used_as_they_are():
    rng = np.random.default_rng(0)
    rows = random_rows(rng, 3000, 32, "repeated")
    index = CodeIndex(rows, 32)
    as_kept, found = code_set(index), query_set(rows)
    for a, b in zip(as_kept, found, strict=True):
        np.testing.assert_array_equal(a, b)


def test_masks_cover_every_bit_once():
    for n_bits, n_blocks in ((1, 1), (9, 2), (64, 3), (100, 7), (256, 5)):
        n_words = -(-n_bits // 64)
        masks = block_masks(n_bits, n_blocks, n_words)
        assert np.bitwise_count(masks).sum() == n_bits
        union = np.bitwise_or.reduce(masks).view(np.uint8)
        expected = np.zeros(8 * n_words, dtype=np.uint8)
        packed = np.packbits(np.ones(n_bits, dtype=np.uint8))
        expected[: len(packed)] = packed
        np.testing.assert_array_equal(union, expected)


def test_choice_between_blocks_and_a_scan():
    rng = np.random.default_rng(0)
    words = rng.integers(0, 2**64, (100_000, 1), dtype=np.uint64)
    assert choose_masks(words, 64, 2) is not None
    assert choose_masks(words, 64, 40) is None
    assert choose_masks(words, 64, 64) is None
    assert choose_masks(words[:100], 64, 2) is None
    same_block = words & np.uint64(0xFFFFFFFF)
    assert choose_masks(same_block, 64, 1) is None


def test_padding_bits_that_are_set_do_no_harm():
    # Padding bits that are set count in distances but are in no block.
    rows = np.full((40, 2), 255, dtype=np.uint8)
    rows[:20, 1] = 128
    join = PairJoin(query_set(rows), None, 9, 7, blocks=True)
    assert_same_pairs(join.arrays(), reference_pairs(rows, None, 7))


@pytest.mark.parametrize("blocks", [True, False])
@pytest.mark.parametrize("n_threads", [1, 2])
def test_interrupt_is_answered_at_once(blocks, n_threads, monkeypatch):
    monkeypatch.setattr(_threads, "MOST_THREADS", n_threads)
    rows = random_rows(np.random.default_rng(0), 400_000, 48, "random")
    codes = query_set(rows)
    how = {"n_threads": n_threads, "simd": "portable", "blocks": blocks}
    join = PairJoin(codes, None, 48, 11, **how)

    def chunks():
        return list(join.chunks(1000))

    for search in (join.count, join.arrays, chunks):
        with interrupt_after(0.2):
            search()  # takes minutes


def test_run_empties_into_sorted_arrays():
    words = np.arange(1000, dtype=np.uint64)[:, None]
    stop = StopFlag()
    task = JoinTask(words, 8, 64, None, 1000, 1000, simd_name())
    run, buckets = JoinRun(task, 0, 1000), PairBuckets(1000, 1000, 64)
    run.collect(buckets, 2**62, stop)
    assert len(buckets) == 1000 * 999 // 2
    assert len(sorted_pairs([buckets], np.int64)[0]) == 1000 * 999 // 2
    assert not len(buckets)


def test_peak_memory_of_arrays_is_that_of_the_results():
    rows = random_rows(np.random.default_rng(0), 30_000, 64, "repeated")
    rows = np.unique(rows, axis=0).repeat(4, axis=0)
    join = PairJoin(query_set(rows), None, 64, 0)
    tracemalloc.start()
    i, j, distances = join.arrays()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < i.nbytes + j.nbytes + distances.nbytes + 10_000


# Errors of the core -------------------------------------------------------------------


def test_sizes_are_checked_before_memory_is_read():
    words = np.arange(10, dtype=np.uint64)[:, None]
    simd, stop = simd_name(), StopFlag()
    with pytest.raises(ValueError, match="at least one code"):
        first_equal_codes(words[:0], stop)
    with pytest.raises(ValueError, match="that many bytes"):
        JoinTask(words, 9, 1, None, 10, 10, simd)
    with pytest.raises(ValueError, match="each side"):
        JoinTask(words, 8, 1, None, 10, 0, simd, split=10)
    with pytest.raises(ValueError, match="one row per code"):
        JoinTask(words, 8, 1, None, 10, 9, simd)
    with pytest.raises(ValueError, match="one mask per block"):
        JoinTask(words, 8, 1, np.zeros((2, 2), np.uint64), 10, 10, simd)
    starts, rows = np.arange(11, dtype=np.uint32), np.arange(10, dtype=np.uint32)
    shifted = np.r_[0, starts[:-1]].astype(np.uint32)
    for wrong in (starts[1:], starts[::-1].copy(), shifted):
        with pytest.raises(ValueError, match=r"lists|have a row"):
            JoinTask(words, 8, 1, None, 10, 10, simd, starts=wrong, rows=rows)
    with pytest.raises(ValueError, match="out of range"):
        JoinTask(words, 8, 1, None, 9, 9, simd, starts=starts, rows=rows)
    task = JoinTask(words, 8, 1, None, 10, 10, simd)
    for ends in ((0, 11), (5, 5), (11, 12)):
        with pytest.raises(ValueError, match="within the parts"):
            JoinRun(task, *ends)
    with pytest.raises(ValueError, match="do not fit the join"):
        JoinRun(task, 0, 10).collect(PairBuckets(10, 11, 1), 1, stop)
    with pytest.raises(ValueError, match="at least one row"):
        PairBuckets(0, 1, 1)
    with pytest.raises(ValueError, match="fit together"):
        sorted_pairs([PairBuckets(10, 10, 1), PairBuckets(10, 11, 1)], np.int32)


def test_pairs_are_checked_before_they_are_listed_by_row():
    good, d = np.array([0, 1], dtype=np.int32), np.array([1, 1], dtype=np.int32)
    for i, j, distances in (
        (good, good, d),
        (good, good + 5, d),
        (good - 1, good, d),
        (good, good + 1, -d),
        (good, good + 1, d[:1]),
    ):
        with pytest.raises(ValueError, match=r"0 <= i < j|as many"):
            neighbors_of_pairs(i, j, distances, 3)
    counts, distances, indices = neighbors_of_pairs(good, good + 1, d, 3)
    np.testing.assert_array_equal(counts, [1, 2, 1])
    np.testing.assert_array_equal(indices, [1, 0, 2, 1])


def test_sets_have_lists_in_any_case():
    words = np.arange(3, dtype=np.uint64)[:, None]
    starts, rows = CodeSet.from_words(words).lists()
    np.testing.assert_array_equal(starts, [0, 1, 2, 3])
    np.testing.assert_array_equal(rows, [0, 1, 2])
