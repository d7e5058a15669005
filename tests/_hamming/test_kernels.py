"""Compare every kernel, layout and number of threads with plain numpy.

One index per example is searched by all kernels of the machine: for the nearest codes,
those within a radius, pairs, and the largest inner products with integer weights.
"""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from skhash._hamming import _index, _parts, _threads
from skhash._hamming._index import CodeIndex
from skhash._hamming._pairs import PairJoin, code_set, query_set
from skhash._hamming._search import simd_names
from skhash._hamming._storage import DistinctCodes

LAYOUTS = ["blocks", "tail", "distinct", "rows", "strided rows", "gaps"]


@pytest.fixture
def eager(monkeypatch):
    """Make small indexes use the code paths of large ones."""
    monkeypatch.setattr(_parts, "THREAD_WORK", 0)
    monkeypatch.setattr(_parts, "LARGE_SLICE", 8)
    monkeypatch.setattr(_threads, "MOST_THREADS", 4)
    monkeypatch.setattr(_index, "LEAST_REPEATED", 1)
    monkeypatch.setattr(DistinctCodes, "_has_equal_pairs", lambda *_: True)


def draw_bits(rng, n, n_bits, kind):
    """Return bits: all random, near few centers, or few distinct rows."""
    if kind == "random":
        return rng.integers(0, 2, (n, n_bits))
    centers = rng.integers(0, 2, (max(1, n // 40), n_bits))
    flips = rng.random((n, n_bits)) < (0.04 if kind == "clustered" else 0)
    return centers[rng.integers(0, len(centers), n)] ^ flips


def make_index(rng, layout, bits):
    """Return an index of a layout, and the bits that it holds."""
    rows, n_bits = np.packbits(bits.astype(np.uint8), axis=1), bits.shape[1]
    if layout == "blocks":
        return CodeIndex(rows, n_bits, algorithm="brute"), bits
    if layout == "distinct":
        return CodeIndex(rows, n_bits), bits
    if layout == "tail":
        half = len(rows) // 2 + 1
        index = CodeIndex(rows[:half], n_bits)
        return (index.append(rows[half:]) if half < len(rows) else index), bits
    if layout == "strided rows":
        wide = np.repeat(rows[::-1], 2, axis=1)
        rows = wide[::-1, ::2]
    index = CodeIndex(rows, n_bits, copy=False)
    if layout != "gaps" or len(rows) < 2:
        return index, bits
    kept = rng.random(len(rows)) < 0.7
    kept[rng.integers(len(rows))] = True
    return index.without(np.flatnonzero(~kept)), bits[kept]


def ranked(scores, k):
    """Return the k smallest scores and their columns, ties by column."""
    order = np.argsort(scores, axis=1, kind="stable")[:, :k]
    return np.take_along_axis(scores, order, axis=1), order


@st.composite
def cases(draw):
    lengths = st.sampled_from([32, 64, 96, 128, 192, 256, 384, 512, 520])
    return {
        "seed": draw(st.integers(0, 2**32 - 1)),
        "n_bits": draw(st.one_of(st.integers(1, 300), lengths)),
        "n": draw(st.one_of(st.integers(1, 80), st.integers(500, 1300))),
        "n_queries": draw(st.sampled_from([1, 5, 30, 70, 140])),
        "kind": draw(st.sampled_from(["random", "clustered", "repeated"])),
        "layout": draw(st.sampled_from(LAYOUTS)),
        "n_threads": draw(st.sampled_from([1, 2, 3])),
        "k": draw(st.sampled_from([1, 10, 2000])),
        "radius": draw(st.sampled_from([0, 2, 9, 60, 600])),
        "most_weight": draw(st.sampled_from([1, 7, 8, 127])),
        "masked": draw(st.booleans()),
    }


@pytest.mark.usefixtures("eager")
@settings(
    max_examples=120,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(cases())
def test_all_ways_to_search(case):
    rng = np.random.default_rng(case["seed"])
    bits = draw_bits(rng, case["n"], case["n_bits"], case["kind"])
    index, bits = make_index(rng, case["layout"], bits)
    asked = draw_bits(rng, case["n_queries"], case["n_bits"], case["kind"])
    asked[::2] = bits[rng.integers(0, len(bits), len(asked[::2]))]
    queries = np.packbits(asked.astype(np.uint8), axis=1)
    weights = np.zeros((len(asked), 8 * queries.shape[1]), dtype=np.int8)
    most = case["most_weight"]
    weights[:, : bits.shape[1]] = rng.integers(-most, most + 1, asked.shape)

    mask, allowed = None, np.arange(len(bits))
    if case["masked"]:
        mask = rng.random(len(bits)) < 0.6
        mask[rng.integers(len(bits))] = True
        allowed = np.flatnonzero(mask)
    k, radius = min(case["k"], len(allowed)), min(case["radius"], bits.shape[1])
    some = bits[allowed]
    distances = asked @ (1 - some).T + (1 - asked) @ some.T
    signed = weights[:, : bits.shape[1]].astype(int)
    costs = (np.abs(signed).sum(axis=1)[:, None] - signed @ (2 * some - 1).T) // 2
    nearest, largest = ranked(distances, k), ranked(costs, k)
    sorted_distances, order = ranked(distances, len(allowed))
    inside = sorted_distances <= radius

    for simd in simd_names():
        how = {"simd": simd, "n_threads": case["n_threads"]}
        found = index.nearest(queries, k, mask=mask, **how)
        np.testing.assert_array_equal(found[0], nearest[0])
        np.testing.assert_array_equal(found[1], allowed[nearest[1]])
        found = index.nearest(
            weights.view(np.uint8), k, mask=mask, weighted=True, **how
        )
        np.testing.assert_array_equal(found[0], largest[0])
        np.testing.assert_array_equal(found[1], allowed[largest[1]])
        counts, within, positions = index.within(queries, radius, mask=mask, **how)
        np.testing.assert_array_equal(counts, inside.sum(axis=1))
        np.testing.assert_array_equal(within, sorted_distances[inside])
        np.testing.assert_array_equal(positions, allowed[order[inside]])
        if mask is None:
            join = PairJoin(
                query_set(queries), code_set(index), bits.shape[1], radius, **how
            )
            i, j, between = join.arrays()
            np.testing.assert_array_equal([i, j], np.nonzero(distances <= radius))
            np.testing.assert_array_equal(between, distances[distances <= radius])
