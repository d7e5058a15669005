"""Define cases of Hamming search and measure all methods in turns."""

import os
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from statistics import median

import numpy as np

from _lib.measure import in_fresh_process
from _lib.search_codes import make_codes, random_codes

ROUND_SECONDS = 0.15  # time of a method in one round


@dataclass(frozen=True)
class Case:
    """Describe codes, queries and methods; exactly one of `k` and `radius` counts."""

    n_codes: int
    n_bits: int
    k: int | None = 10
    radius: int | None = None
    n_queries: int = 1000
    data: str = "random"
    algorithms: tuple = ("brute",)
    peers: tuple = ("faiss",)
    simd: str | None = None
    n_threads: int = 1
    target: float | None = field(default=None, compare=False)

    def __str__(self):
        what = f"k={self.k}" if self.radius is None else f"radius {self.radius}"
        text = (
            f"{self.n_codes:,} {self.data} codes of {self.n_bits} bits, {what}, "
            f"{self.n_queries} queries, {self.n_threads} thread(s)"
        )
        return text + (f", {self.simd}" if self.simd else "")


# The cases whose speed relative to faiss has a target.
SUITE = [
    Case(1_000_000, 32, target=25),
    Case(1_000_000, 64, target=14),
    Case(1_000_000, 128, target=9),
    Case(1_000_000, 256, target=6),
    Case(1_000_000, 64, k=100, target=12),
    Case(100_000, 64, k=100, target=6),
    Case(1_000_000, 64, n_queries=1, target=4.5),
    Case(10_000_000, 64, n_queries=1, target=2),
    Case(10_000_000, 64, target=15),
    Case(1_000_000, 64, radius=2, algorithms=("brute", "multi_index"), target=10),
    *(Case(1_000_000, bits, simd="avx512f") for bits in (32, 64, 128, 256)),
    *(Case(1_000_000, bits, simd="avx2") for bits in (32, 64, 128, 256)),
    Case(1_000_000, 64, simd="popcnt"),
    Case(
        *(10_000_000, 32),
        data="repeated",
        n_queries=200,
        algorithms=("auto", "brute"),
        peers=(),
    ),
]


def measure_case(case, rounds, seed):
    """Measure a case in a new process; return one dict per method.

    The package chooses its kernel at import, so that `case.simd` needs a new process.
    """
    before = os.environ.get("SKHASH_SIMD")
    if case.simd:
        os.environ["SKHASH_SIMD"] = case.simd
    try:
        return in_fresh_process(_measure_case, case, rounds, seed)
    finally:
        if case.simd:
            del os.environ["SKHASH_SIMD"]
            if before is not None:
                os.environ["SKHASH_SIMD"] = before


def _measure_case(case, rounds, seed):
    from skhash.neighbors import simd_name

    codes, queries = make_codes(case, seed)
    n_codes, n_bytes = codes.shape
    methods = _methods(case, codes)
    times = _times(methods, case, queries, rounds)
    rate = kernel_rate(n_bytes)
    bandwidth = memory_bandwidth(case.n_threads) if case.n_queries == 1 else None
    medians = np.median(times, axis=1)
    results = []
    for method, spent, seconds in zip(methods, times, medians):
        reference = _reference(method, methods, medians)
        of_method = {
            "data": case.data,
            "n_codes": n_codes,
            "n_bits": 8 * n_bytes,
            "k": case.k if case.radius is None else "",
            "radius": "" if case.radius is None else case.radius,
            "n_queries": len(queries),
            "n_threads": case.n_threads,
            "method": method.name,
            "simd": simd_name() if method.name.startswith("skhash") else "",
            "us_per_query": f"{seconds * 1e6:.2f}",
            "gdist_per_s": f"{n_codes / seconds * 1e-9:.2f}",
            "reference": methods[reference].name,
            "ratio": f"{np.median(times[reference] / spent):.1f}",
            "memory_mb": f"{method.memory / 1e6:.1f}",
        }
        if _is_flat(method):
            of_method["of_kernel"] = f"{n_codes / seconds / rate:.2f}"
            if bandwidth:
                of_method["of_bandwidth"] = f"{codes.nbytes / seconds / bandwidth:.2f}"
        results.append(of_method)
    return results


def _is_flat(method):
    return "brute" in method.name or "flat" in method.name


def _reference(method, methods, medians):
    """Return the position of the method to compare with.

    This is the fastest peer: for a flat scan the fastest flat one, if there is any.
    Without peers it is the last algorithm of the package.
    """
    peers = [i for i, m in enumerate(methods) if not m.name.startswith("skhash")]
    flat = [i for i in peers if _is_flat(methods[i])]
    if _is_flat(method) and flat:
        peers = flat
    return min(peers, key=lambda i: medians[i], default=len(methods) - 1)


def _methods(case, codes):
    from _lib.search_methods import PEERS, FaissMultiHash, Package

    methods = [Package(codes, case.n_threads, name) for name in case.algorithms]
    peers = [PEERS[peer] for peer in case.peers]
    if case.radius is not None and "faiss" in case.peers:
        # The tables of faiss are hopeless if many bits may differ per substring.
        n_tables = max(1, codes.shape[1] // 2.5)
        if case.radius // n_tables < 3:
            peers.append(FaissMultiHash)
    for peer in peers:
        try:
            methods.append(peer(codes, case.n_threads))
        except ImportError as error:
            print(f"{peer.name} is skipped: {error}")
    operation = "nearest" if case.radius is None else "within"
    return [method for method in methods if hasattr(method, operation)]


def _times(methods, case, queries, rounds):
    """Return seconds per query of each method in each round; check that they agree."""
    # With one thread CPU time is less sensitive to other processes than wall time.
    clock = time.process_time if case.n_threads == 1 else time.perf_counter
    operation = "nearest" if case.radius is None else "within"
    argument = case.k if case.radius is None else case.radius
    searches = [lambda q, m=m: getattr(m, operation)(q, argument) for m in methods]
    parts = [_fitting_queries(search, queries, clock) for search in searches]
    if operation == "nearest" and len(queries) >= 64:
        parts[0] = queries  # speed depends on the size of the batch
    expected = searches[0](queries)
    for method, search, part in zip(methods, searches, parts):
        is_exact = getattr(method, "is_exact", True)
        if is_exact and not np.array_equal(search(part), expected[: len(part)]):
            raise SystemExit(f"{method.name} disagrees.")
    times = [[] for _ in methods]
    for _ in range(rounds):
        for spent, search, part in zip(times, searches, parts):
            spent.append(seconds_per_query(search, part, clock))
    return np.array(times)


def _fitting_queries(search, queries, clock):
    """Return as many queries as a method answers in the time of a round."""
    few = queries[: min(4, len(queries))]
    each = seconds_per_query(search, few, clock)
    return queries[: max(1, min(len(queries), int(ROUND_SECONDS / each)))]


def seconds_per_query(search, queries, clock):
    """Return the time per query; repeat what is too short to measure."""
    start = clock()
    search(queries)
    spent = clock() - start
    n_runs = 1
    while spent < 0.02:
        search(queries)
        n_runs += 1
        spent = clock() - start
    return spent / n_runs / len(queries)


def kernel_rate(n_bytes):
    """Return distances per second of a scan in the second-level cache without hits."""
    from skhash.neighbors import HammingNearestNeighbors

    rng = np.random.default_rng(0)
    size = 256 * 1024 // n_bytes, 8 * n_bytes, 8192
    codes, queries = random_codes(*size, rng)
    model = HammingNearestNeighbors(packed=True, algorithm="brute", n_jobs=1).fit(codes)
    times = []
    for _ in range(5):
        start = time.process_time()
        model.radius_neighbors_graph(queries, 0)
        times.append(time.process_time() - start)
    return len(codes) * len(queries) / median(times)


class Reading:
    """Read an array once, in as many threads as a search: the limit of the memory."""

    def __init__(self, memory, n_threads):
        words = memory.reshape(-1).view(np.uint64)
        self.n_bytes = words.nbytes
        self.own, *self.others = np.array_split(words, n_threads)
        self.threads = ThreadPoolExecutor(n_threads)

    def __call__(self, queries=None):
        waiting = [self.threads.submit(np.max, part) for part in self.others]
        np.max(self.own)
        for part in waiting:
            part.result()


def memory_bandwidth(n_threads):
    """Return bytes per second that the threads read from memory."""
    read = Reading(np.ones(1 << 28, dtype=np.uint8), n_threads)
    times = []
    for _ in range(5):
        start = time.perf_counter()
        read()
        times.append(time.perf_counter() - start)
    return read.n_bytes / median(times)


def compare_threads(rounds, seed, n_codes=10_000_000):
    """Return lines on the gain of a second thread, by wall time."""
    from skhash.neighbors import HammingNearestNeighbors

    codes, queries = random_codes(n_codes, 64, 1000, np.random.default_rng(seed))
    searches = [
        HammingNearestNeighbors(10, packed=True, algorithm="brute", n_jobs=n)
        .fit(codes)
        .kneighbors
        for n in (1, 2)
    ]
    lines = []
    for some in (queries, queries[:1]):
        walls = [[] for _ in (*searches, "reading")]
        for _ in range(rounds):
            for spent, run in zip(walls, [*searches, Reading(codes, 2)]):
                spent.append(seconds_per_query(run, some, time.perf_counter))
        one, two, reading = np.array(walls)
        lines.append(
            f"{n_codes:,} x 64, {len(some)} queries: one thread "
            f"{median(one) * 1e6:.0f} us, two {median(two) * 1e6:.0f} us per query, "
            f"{np.median(one / two):.2f}x by the wall clock"
        )
    lines.append(
        f"two threads that only read the codes take {median(reading) * 1e6:.0f} us: "
        f"one query reads {codes.nbytes / median(two) * 1e-9:.1f} of "
        f"{codes.nbytes / median(reading) * 1e-9:.1f} GB/s"
    )
    return lines
