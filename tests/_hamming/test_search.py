"""Compare every path through the search with plain numpy."""

import os
import signal
import subprocess
import sys
import threading
import time

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from skhash._hamming import _index, _parts, _threads
from skhash._hamming._index import CodeIndex
from skhash._hamming._multi_index import MultiIndex
from skhash._hamming._search import SearchTarget, StopFlag, Tables
from skhash._hamming._storage import BlockedCodes, DistinctCodes
from skhash.neighbors import HammingNearestNeighbors, simd_name, simd_names
from tests.faults import interrupt_after

ALGORITHMS = ["auto", "brute", "multi_index"]


def distance_matrix(queries, rows):
    differing = np.bitwise_count(queries[:, None] ^ rows[None])
    return differing.sum(axis=2, dtype=np.int32)


def reference_nearest(queries, rows, k, allowed):
    """Distances and indices by (distance, index) from a full stable sort."""
    positions = np.flatnonzero(allowed)
    distances = distance_matrix(queries, rows[positions])
    order = np.argsort(distances, axis=1, kind="stable")[:, :k]
    return np.take_along_axis(distances, order, axis=1), positions[order]


def reference_within(queries, rows, radius, allowed):
    n = int(allowed.sum())
    distances, indices = reference_nearest(queries, rows, n, allowed)
    inside = distances <= radius
    return inside.sum(axis=1), distances[inside], indices[inside]


def random_rows(rng, n, n_bits, kind):
    """Packed codes: all random, near few centers, or few distinct ones."""
    n_bytes = (n_bits + 7) // 8
    if kind == "random":
        bits = rng.integers(0, 2, (n, n_bits))
    else:
        centers = rng.integers(0, 2, (max(1, n // 50), n_bits))
        bits = centers[rng.integers(0, len(centers), n)]
        if kind == "clustered":
            bits = bits ^ (rng.random((n, n_bits)) < 0.05)
    rows = np.packbits(bits.astype(np.uint8), axis=1)
    assert rows.shape == (n, n_bytes)
    return rows


@pytest.fixture
def eager(monkeypatch):
    """Make small indexes use the code paths of large ones."""
    monkeypatch.setattr(_parts, "THREAD_WORK", 0)
    monkeypatch.setattr(_threads, "MOST_THREADS", 4)
    monkeypatch.setattr(_index, "LEAST_REPEATED", 1)
    monkeypatch.setattr(DistinctCodes, "_has_equal_pairs", lambda *_: True)
    # Tables as soon as a radius is asked for, whatever they cost.
    monkeypatch.setattr(MultiIndex, "build_cost", 0)
    monkeypatch.setattr(
        MultiIndex, "is_cheaper_than_scan", lambda self, radius: self.n_codes > 0
    )


@st.composite
def searches(draw):
    n_bits = draw(
        st.one_of(
            st.integers(1, 300),
            st.sampled_from([8, 16, 31, 32, 64, 128, 247, 248, 249, 256, 520, 1024]),
        )
    )
    return {
        "seed": draw(st.integers(0, 2**32 - 1)),
        "n_bits": n_bits,
        "n": draw(st.one_of(st.integers(1, 200), st.integers(1000, 4000))),
        "n_queries": draw(st.sampled_from([1, 2, 4, 5, 63, 64, 65, 260])),
        "kind": draw(st.sampled_from(["random", "clustered", "repeated"])),
        "algorithm": draw(st.sampled_from(ALGORITHMS)),
        "copy": draw(st.booleans()),
        "max_memory": draw(st.sampled_from([0.0, np.inf])),
        "n_threads": draw(st.sampled_from([1, 2, 3])),
        "simd": draw(st.sampled_from(simd_names())),
        "k": draw(st.sampled_from([1, 3, 10, 100, 10_000])),
        "radius": draw(st.sampled_from([0, 1, 2, 5, 20, 2000])),
        "fraction_allowed": draw(st.sampled_from([None, 0.0, 0.05, 0.5, 1.0])),
        "steps": draw(st.lists(st.sampled_from(["append", "remove"]), max_size=3)),
    }


def changed(rng, index, rows, step, kind, n_bits):
    """Return an index and a plain array with rows added or removed."""
    if step == "append":
        more = random_rows(rng, int(rng.integers(0, 1500)), n_bits, kind)
        return index.append(more), np.concatenate([rows, more])
    kept = rng.random(len(rows)) < 0.7
    kept[rng.integers(len(rows))] = True
    return index.without(np.flatnonzero(~kept)), rows[kept]


def test_tables_of_an_array_with_gaps():
    rng = np.random.default_rng(0)
    rows = random_rows(rng, 1074, 161, "random")
    index = CodeIndex(rows, 161, algorithm="multi_index", copy=False)
    removed = np.flatnonzero(rng.random(len(rows)) < 0.3)
    index, kept = index.without(removed), np.delete(rows, removed, axis=0)
    distances, indices = index.nearest(kept, 1)
    assert not distances.any()
    np.testing.assert_array_equal(indices[:, 0], np.arange(len(kept)))


@pytest.mark.usefixtures("eager")
@settings(
    max_examples=250,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(searches())
def test_property(case):
    rng = np.random.default_rng(case["seed"])
    n_bits, kind = case["n_bits"], case["kind"]
    rows = random_rows(rng, case["n"], n_bits, kind)
    index = CodeIndex(
        rows,
        n_bits,
        algorithm=case["algorithm"],
        copy=case["copy"],
        max_memory=case["max_memory"],
    )
    for step in case["steps"]:
        before, index_before = rows, index
        index, rows = changed(rng, index, rows, step, kind, n_bits)
        np.testing.assert_array_equal(index_before.rows(), before)
    np.testing.assert_array_equal(index.rows(), rows)

    queries = random_rows(rng, case["n_queries"], n_bits, "random")
    own = rng.random(len(queries)) < 0.5
    queries[own] = rows[rng.integers(0, len(rows), own.sum())]
    mask, allowed = None, np.ones(len(rows), dtype=bool)
    if case["fraction_allowed"] is not None:
        mask = allowed = rng.random(len(rows)) < case["fraction_allowed"]
    how = {"mask": mask, "n_threads": case["n_threads"], "simd": case["simd"]}

    k = min(case["k"], int(allowed.sum()))
    if k:
        expected = reference_nearest(queries, rows, k, allowed)
        for got, want in zip(index.nearest(queries, k, **how), expected):
            np.testing.assert_array_equal(got, want)
    radius = min(case["radius"], n_bits)
    expected = reference_within(queries, rows, radius, allowed)
    for got, want in zip(index.within(queries, radius, **how), expected):
        np.testing.assert_array_equal(got, want)
    how["simd"] = None
    assert_others_are_all_but_self(index, rows, min(k, 5), radius, how, allowed)


def assert_others_are_all_but_self(index, rows, k, radius, how, allowed):
    """Compare the search of all codes among the others, for small cases."""
    if len(rows) > 300 or not 0 < k < allowed.sum():
        return
    distances = distance_matrix(rows, rows)
    order = np.argsort(distances, axis=1, kind="stable")
    indices = index.nearest_others(k, **how)[1]
    counts, _, within = index.within_others(radius, **how)
    near = []
    for row, positions in enumerate(order):
        others = positions[allowed[positions] & (positions != row)]
        np.testing.assert_array_equal(indices[row], others[:k])
        near.append(others[distances[row, others] <= radius])
    np.testing.assert_array_equal(counts, [len(found) for found in near])
    np.testing.assert_array_equal(within, np.concatenate(near))


@pytest.mark.parametrize("simd", simd_names())
@pytest.mark.parametrize(
    "n_bits", [*range(1, 81), 120, 247, 248, 249, 255, 256, 257, 520]
)
def test_every_length_and_instruction_set(n_bits, simd):
    rng = np.random.default_rng(n_bits)
    rows = random_rows(rng, 300, n_bits, "random")
    queries = np.concatenate([rows[:3], random_rows(rng, 6, n_bits, "random")])
    index = CodeIndex(rows, n_bits, algorithm="brute")
    for k in (1, 7, 300):
        expected = reference_nearest(queries, rows, k, np.ones(300, dtype=bool))
        for got, want in zip(index.nearest(queries, k, simd=simd), expected):
            np.testing.assert_array_equal(got, want)


@pytest.mark.parametrize("simd", simd_names())
@pytest.mark.parametrize("n_bits", [1, 8, 20, 32, 64, 100, 128, 256, 512, 520])
def test_batches_of_every_size_and_instruction_set(n_bits, simd):
    # Around the sizes from which kernels are bit-sliced, and more than one block.
    rng = np.random.default_rng(n_bits)
    rows = random_rows(rng, 700, n_bits, "clustered")
    queries = random_rows(rng, 1100, n_bits, "clustered")
    if n_bits % 8 == 0:
        queries[:350] = ~rows[:350]  # the largest distances
    allowed = rng.random(700) < 0.7
    index = CodeIndex(rows, n_bits, algorithm="brute")
    for n in (23, 24, 48, 128, 1100):
        expected = reference_nearest(queries[:n], rows, 9, allowed)
        found = index.nearest(queries[:n], 9, mask=allowed, simd=simd)
        for got, want in zip(found, expected):
            np.testing.assert_array_equal(got, want)
    for radius in (0, n_bits // 3, n_bits):
        expected = reference_within(queries, rows, radius, allowed)
        found = index.within(queries, radius, mask=allowed, simd=simd)
        for got, want in zip(found, expected):
            np.testing.assert_array_equal(got, want)


@pytest.mark.parametrize("simd", simd_names())
@pytest.mark.parametrize("n_bits", [248, 256, 512, 1024])
def test_largest_distances(n_bits, simd):
    # A code and its complement: every count is as large as it gets.
    rows = np.zeros((130, n_bits // 8), dtype=np.uint8)
    rows[64:] = 255
    queries = np.array([rows[0], rows[-1]])
    index = CodeIndex(rows, n_bits, algorithm="brute")
    distances, indices = index.nearest(queries, 130, simd=simd)
    order = np.arange(130)
    np.testing.assert_array_equal(indices, [order, np.roll(order, -64)])
    np.testing.assert_array_equal(distances[0], np.repeat([0, n_bits], [64, 66]))


def test_k_from_one_to_all_with_many_duplicates():
    rng = np.random.default_rng(0)
    bits = rng.integers(0, 2, (200, 3))
    model = HammingNearestNeighbors().fit(bits)
    queries = bits[:20]
    packed, queries_packed = np.packbits(bits, axis=1), np.packbits(queries, axis=1)
    everything = np.ones(200, dtype=bool)
    for k in range(1, 201):
        expected = reference_nearest(queries_packed, packed, k, everything)
        for got, want in zip(model.kneighbors(queries, k), expected):
            np.testing.assert_array_equal(got, want)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
@pytest.mark.parametrize("kind", ["random", "clustered", "repeated"])
def test_large_index(algorithm, kind):
    # Large enough for samples, several tiles, repeated codes and tables as they are.
    rng = np.random.default_rng(1)
    rows = random_rows(rng, 100_000, 64, kind)
    queries = np.concatenate([rows[:40], random_rows(rng, 40, 64, "random")])
    model = HammingNearestNeighbors(packed=True, algorithm=algorithm).fit(rows)
    everything = np.ones(len(rows), dtype=bool)
    expected = reference_nearest(queries, rows, 300, everything)
    for n_jobs in (1, 2):
        model.set_params(n_jobs=n_jobs)
        for k in (1, 10, 300):
            for got, want in zip(model.kneighbors(queries, k), expected):
                np.testing.assert_array_equal(got, want[:, :k])
    counts, distances, indices = reference_within(queries, rows, 3, everything)
    got_distances, got_indices = model.radius_neighbors(queries, 3)
    np.testing.assert_array_equal([len(x) for x in got_indices], counts)
    np.testing.assert_array_equal(np.concatenate(got_indices), indices)
    np.testing.assert_array_equal(np.concatenate(got_distances), distances)


def run_python(code, **environment):
    return subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def test_instruction_set_can_be_forced():
    assert simd_name() in simd_names()
    code = "from skhash.neighbors import simd_name; print(simd_name())"
    for name in simd_names():
        assert run_python(code, SKHASH_SIMD=name).stdout.strip() == name
    failed = run_python(code, SKHASH_SIMD="mmx")
    assert "SKHASH_SIMD must be one of" in failed.stderr


def test_no_torch_needed():
    code = "import sys, skhash.neighbors; print('torch' in sys.modules)"
    assert run_python(code).stdout.strip() == "False"


# Interrupts ---------------------------------------------------------------------------


@pytest.mark.parametrize("n_threads", [1, 2, 3])
@pytest.mark.parametrize("kind", ["nearest", "within", "others"])
def test_interrupt_is_answered_at_once(n_threads, kind, monkeypatch):
    monkeypatch.setattr(_threads, "MOST_THREADS", n_threads)
    rng = np.random.default_rng(0)
    rows = random_rows(rng, 100_000, 128, "random")
    index = CodeIndex(rows, 128, algorithm="brute")
    how = {"n_threads": n_threads, "simd": "portable"}
    searches = {
        "nearest": lambda: index.nearest(rows, 10, **how),
        "within": lambda: index.within(rows, 10, **how),
        "others": lambda: index.nearest_others(10, **how),
    }
    with interrupt_after(0.3):
        searches[kind]()  # takes minutes
    found = index.nearest(rows[:3], 1, **how)
    np.testing.assert_array_equal(found[1], [[0], [1], [2]])


def test_signal_handler_that_returns_does_not_end_a_search():
    rows = random_rows(np.random.default_rng(0), 30_000, 64, "random")
    index, handled = CodeIndex(rows, 64, algorithm="brute"), []
    expected = index.nearest(rows[:2000], 3)
    before = signal.signal(signal.SIGINT, lambda *_: handled.append(time.monotonic()))
    timer = threading.Timer(0.05, signal.raise_signal, [signal.SIGINT])
    timer.start()
    try:
        found = index.nearest(rows[:2000], 3, simd="portable")
    finally:
        timer.join()
        signal.signal(signal.SIGINT, before)
    assert len(handled) == 1
    for got, want in zip(found, expected):
        np.testing.assert_array_equal(got, want)


def test_stopped_search_raises_without_a_signal():
    rows = random_rows(np.random.default_rng(0), 100_000, 64, "random")
    target, stop = BlockedCodes(rows).target(), StopFlag()
    timer = threading.Timer(0.1, stop.set)
    timer.start()
    with pytest.raises(InterruptedError, match="stopped"):
        target.within(rows, 3, 0, 100_000, 0, "portable", stop)


# Errors of the core -------------------------------------------------------------------


def test_sizes_are_checked_before_memory_is_read():
    rows = random_rows(np.random.default_rng(0), 100, 64, "random")
    planes = np.zeros(128 * 8, dtype=np.uint8)
    for n_codes in (0, 129, 2**63, 2**64 - 1):
        with pytest.raises(ValueError, match=r"at least one|too short"):
            SearchTarget(planes, n_codes, 8)
    for n_codes, n_bytes in ((99, 8), (100, 7), (101, 8)):
        with pytest.raises(ValueError, match="shape of the codes"):
            SearchTarget(rows, n_codes, n_bytes)
    with pytest.raises(ValueError, match="1 to 8191 bytes"):
        SearchTarget(planes, 1, 0)
    with pytest.raises(ValueError, match="one bit per code"):
        SearchTarget(rows, 100, 8, allowed=np.zeros(1, dtype=np.uint64))
    lists = np.arange(101, dtype=np.uint32), np.arange(100, dtype=np.uint32)
    for starts, members in (
        (lists[0][1:], lists[1]),
        (lists[0], lists[1][1:]),
        (lists[0][::-1].copy(), lists[1]),
        (np.r_[0, 2, 1, 3:101].astype(np.uint32), lists[1]),
    ):
        with pytest.raises(ValueError, match="lists"):
            SearchTarget(rows, 100, 8, starts=starts, rows=members)
    words = np.zeros((128, 1), dtype=np.uint64)
    with pytest.raises(ValueError, match="more codes than there are"):
        SearchTarget(rows, 100, 8, tables=Tables(words, 2, 8, 8))
    with pytest.raises(ValueError, match="shorter codes"):
        SearchTarget(
            np.zeros((128, 9), np.uint8), 128, 9, tables=Tables(words, 2, 8, 8)
        )


def test_widths_and_ranges_of_a_search_are_checked():
    rows = random_rows(np.random.default_rng(0), 100, 64, "random")
    target, stop = BlockedCodes(rows).target(), StopFlag()
    for queries in (rows[:, :7].copy(), np.zeros((2, 9), dtype=np.uint8)):
        with pytest.raises(ValueError, match="Queries must have 8 bytes"):
            target.within(queries, 3, 0, 100, 0, simd_name(), stop)
    for first, last in ((0, 101), (1, 100), (64, 64), (128, 100), (0, 2**64 - 1)):
        with pytest.raises(ValueError, match="range to search"):
            target.within(rows, 3, first, last, 0, simd_name(), stop)
    with pytest.raises(ValueError, match="instruction set must be one of"):
        target.within(rows, 3, 0, 100, 0, "mmx", stop)
    for shapes in (((99, 3), (99, 3)), ((100, 3), (100, 2)), ((100, 3), (99, 3))):
        distances, indices = np.empty(shapes[0], np.int32), np.empty(shapes[1], np.intp)
        with pytest.raises(ValueError, match="one row per query"):
            target.nearest(rows, distances, indices, 0, 100, 0, simd_name(), stop)


def test_padding_bits_that_are_set_do_no_harm():
    # Validation refuses them; the core must not read beyond its counts for them.
    rows = np.full((300, 2), 255, dtype=np.uint8)
    index = CodeIndex(rows, 9, algorithm="brute")
    distances, _ = index.nearest(np.zeros((5, 2), dtype=np.uint8), 300)
    assert (distances == 16).all()
