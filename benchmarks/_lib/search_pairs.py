"""Measure joins: all pairs of codes within a radius."""

import platform
import time
from pathlib import Path

import numpy as np

from _lib.search_codes import make_codes
from skhash.neighbors import HammingNearestNeighbors


def processor():
    """Return the name of the processor."""
    info = Path("/proc/cpuinfo")
    if info.exists():
        for line in info.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def instruction_sets():
    """Return the instruction sets that matter to a search, as the system names them."""
    wanted = (
        "popcnt avx2 avx512f avx512bw avx512_bitalg avx512_vpopcntdq gfni asimd sve"
    )
    info = Path("/proc/cpuinfo")
    found = set(info.read_text().split()) if info.exists() else set()
    return " ".join(name for name in wanted.split() if name in found) or "unknown"


PAIRS_COLUMNS = ("case", "seconds", "join", "count_only", "graph", "pairs")


def measure_pairs(case, rounds, seed):
    """Return medians of the rounds in seconds, CPU time with one thread.

    Of the build and the join together, the join, the count and the graph.
    """
    clock = time.process_time if case.n_threads == 1 else time.perf_counter
    codes, _ = make_codes(case, seed)
    radius = 2 if case.radius is None else case.radius
    times = []
    for _ in range(rounds):
        start = clock()
        model = HammingNearestNeighbors(packed=True, n_jobs=case.n_threads).fit(codes)
        built = clock()
        n_pairs = len(model.radius_pairs(radius)[0])
        joined = clock()
        if model.radius_pairs(radius, count_only=True) != n_pairs:
            raise SystemExit("The number of pairs disagrees.")
        counted = clock()
        graph = model.radius_neighbors_graph(radius=radius)
        if graph.nnz != 2 * n_pairs:
            raise SystemExit("The graph disagrees.")
        ends = clock() - counted, counted - joined
        times.append((joined - start, joined - built, *ends[::-1]))
    name = f"{len(codes):,} {case.data} x {8 * codes.shape[1]} bits, radius {radius}"
    medians = [f"{t:.3f}" for t in np.median(times, axis=0)]
    return dict(zip(PAIRS_COLUMNS, [name, *medians, n_pairs]))
