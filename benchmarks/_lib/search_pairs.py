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


def measure_pairs(case, rounds, seed):
    """Return one line of a table: medians of the rounds, CPU time with one thread."""
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
        times.append((joined - start, joined - built, clock() - joined))
    name = f"{len(codes):,} {case.data} x {8 * codes.shape[1]} bits, radius {radius}"
    return [name, *(f"{t:.3f}" for t in np.median(times, axis=0)), str(n_pairs)]
