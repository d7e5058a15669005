"""Speed of exact Hamming search: ours and the peers', interleaved in one run.

    python benchmarks/search_speed.py --n 1000000 --bits 32,64,128,256 --k 10
    python benchmarks/search_speed.py --n 1000000 --bits 64 --radius 2
    python benchmarks/search_speed.py --data real --k 10 --peers faiss,usearch,sklearn
    python benchmarks/search_speed.py --suite

Each round runs every method once (as often as it takes to measure it), so that a busy
machine slows all of them; the table has the medians of the rounds, for ratios too. With
one thread the clock is that of the CPU, else the wall's. Slow peers get fewer queries.
All distances must agree with ours.
"""

import argparse
import os
import resource
import time
from concurrent.futures import ThreadPoolExecutor
from statistics import median

import numpy as np
from search_peers import PEER_CLASSES, FaissMultiHash, Ours

from skhash.neighbors import HammingNearestNeighbors, simd_name

ROUND_SECONDS = 0.15  # that a method may take in a round


# Data ---------------------------------------------------------------------------------


def random_codes(n, n_bits, n_queries, rng):
    rows = rng.integers(0, 256, (n + n_queries, n_bits // 8), dtype=np.uint8)
    return rows[:n], rows[n:]


def clustered_codes(n, n_bits, n_queries, rng):
    """Codes that differ from one of n / 1000 centers in an eighth of their bits."""
    centers = rng.integers(0, 256, (max(1, n // 1000), n_bits // 8), dtype=np.uint8)
    rows = centers[rng.integers(0, len(centers), n + n_queries)]
    flips = rng.integers(0, 256, (3, *rows.shape), dtype=np.uint8)
    rows ^= np.bitwise_and.reduce(flips)  # of three random bits all are set
    return rows[:n], rows[n:]


def repeated_codes(n, n_bits, n_queries, rng, n_distinct=50_000):
    distinct = rng.integers(0, 256, (n_distinct, n_bits // 8), dtype=np.uint8)
    return distinct[rng.integers(0, n_distinct, n)], distinct[:n_queries] ^ np.uint8(4)


def real_codes(n_queries):
    """Yield (name, codes, queries) of the reference data sets."""
    from reference_data import (
        load_20newsgroups,
        load_glove,
        load_hiv_fingerprints,
    )

    from skhash.shallow import ITQHasher

    rng = np.random.default_rng(0)

    def split(name, packed):
        order = rng.permutation(len(packed))
        packed = np.ascontiguousarray(packed[order])
        return name, packed[n_queries:], packed[:n_queries]

    yield split("hiv-ecfp4", load_hiv_fingerprints())
    vectors = load_glove()
    vectors = vectors - vectors.mean(axis=0)
    planes = rng.standard_normal((vectors.shape[1], 64))
    yield split("glove signs", np.packbits(vectors @ planes > 0, axis=1))

    hasher = ITQHasher(64, output="packed", random_state=0)
    yield split("20newsgroups itq", hasher.fit_transform(load_20newsgroups().X_train))


# Measuring ----------------------------------------------------------------------------


def kernel_rate(n_bytes, simd):
    """Distances a second of a scan that finds nothing, in the second-level cache."""
    rng = np.random.default_rng(0)
    rows, queries = random_codes(256 * 1024 // n_bytes, 8 * n_bytes, 1024, rng)
    model = HammingNearestNeighbors(packed=True, algorithm="brute").fit(rows)
    source = model._index.head.source(8 * n_bytes)
    times = []
    for _ in range(9):
        start = time.process_time()
        source.within(queries, 0, 0, len(rows), 0, simd)
        times.append(time.process_time() - start)
    return len(rows) * len(queries) / median(times)


class Reading:
    """Reads some memory once, in as many threads as a search: what a bus can give."""

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
    """Bytes a second that the threads read from memory."""
    read = Reading(np.ones(1 << 28, dtype=np.uint8), n_threads)
    times = []
    for _ in range(5):
        start = time.perf_counter()
        read()
        times.append(time.perf_counter() - start)
    return read.n_bytes / median(times)


def seconds_per_query(search, queries, clock):
    """Time of one run over the queries, or over as many as fit, and how many."""
    start = clock()
    search(queries)
    spent = clock() - start
    n_runs = 1
    while spent < 0.02:  # repeat what is too short to measure
        search(queries)
        n_runs += 1
        spent = clock() - start
    return spent / n_runs / len(queries)


def fitting_queries(search, queries, clock):
    """As many queries as a method answers in the time for a round."""
    few = queries[: min(4, len(queries))]
    each = seconds_per_query(search, few, clock)
    return queries[: max(1, min(len(queries), int(ROUND_SECONDS / each)))]


def measure(methods, name, queries, argument, args):
    """Seconds a query of each method in each round, and the check that they agree."""
    clock = time.process_time if args.threads == 1 else time.perf_counter
    searches = [lambda q, m=method: getattr(m, name)(q, argument) for method in methods]
    shares = [fitting_queries(search, queries, clock) for search in searches]
    if name == "nearest" and len(queries) >= 64:
        shares[0] = queries  # a batch is a batch
    expected = searches[0](queries)
    for method, search, share in zip(methods, searches, shares):
        same = np.array_equal(search(share), expected[: len(share)])
        if not same:
            raise SystemExit(f"{method.name} disagrees.")
    times = [[] for _ in methods]
    for _ in range(args.rounds):
        for spent, search, share in zip(times, searches, shares):
            spent.append(seconds_per_query(search, share, clock))
    return np.array(times)


def report(title, methods, times, rows, n_queries, first_peer, n_threads):
    """Print one line a method.

    Our flat scans are compared with the rate of the kernel; for one query, which reads
    all codes once, with the bandwidth of the memory (caches may be faster).
    """
    n, n_bytes = rows.shape
    print(f"\n{title}; load {os.getloadavg()[0]:.1f}")
    header = ["method", "us/query", "G dist/s", "best peer /", "kernel", "memory"]
    print("{:24}{:>12}{:>10}{:>13}{:>9}{:>9}{:>10}".format(*header, "MB"))
    rate = kernel_rate(n_bytes, getattr(methods[0], "simd", None) or simd_name())
    bandwidth = memory_bandwidth(n_threads) if n_queries == 1 else None
    medians = np.median(times, axis=1)
    peers = range(first_peer, len(methods))
    best_peer = min(peers, key=lambda i: medians[i], default=None)
    for method, spent, seconds in zip(methods, times, medians):
        distances = n / seconds
        ratio = ""
        if best_peer is not None:
            ratio = f"{np.median(times[best_peer] / spent):.1f}x"
        flat = "brute" in method.name or "flat" in method.name
        kernel = f"{distances / rate:.0%}" if flat else ""
        memory = f"{distances * n_bytes / bandwidth:.0%}" if flat and bandwidth else ""
        print(
            f"{method.name:24}{seconds * 1e6:12.2f}{distances * 1e-9:10.2f}{ratio:>13}"
            f"{kernel:>9}{memory:>9}{method.memory / 1e6:10.1f}",
            flush=True,
        )


def run_case(title, rows, queries, args, algorithms=("brute",), peers=None, simd=None):
    """Measure one case and print it."""
    peers = args.peers if peers is None else peers
    ours = [Ours(rows, args, algorithm, simd) for algorithm in algorithms]
    others = [PEER_CLASSES[peer](rows, args) for peer in peers]
    name, argument = "nearest", args.k
    if args.radius is not None:
        name, argument = "within", args.radius
        if "faiss" in peers and (args.radius // max(1, rows.shape[1] // 2.5)) < 3:
            others.append(FaissMultiHash(rows, args))
    methods = [m for m in [*ours, *others] if hasattr(m, name)]
    times = measure(methods, name, queries, argument, args)
    report(title, methods, times, rows, len(queries), len(ours), args.threads)
    return {method.name: spent for method, spent in zip(methods, times)}


def describe(n, n_bits, n_queries, args, data):
    what = f"radius {args.radius}" if args.radius is not None else f"k={args.k}"
    return (
        f"{n:,} {data} codes of {n_bits} bits, {what}, {n_queries} queries, "
        f"{args.threads} thread(s)"
    )


# The cases that the project promises something about ----------------------------------

SUITE = [
    # n, bits, k, radius, queries, algorithms, simd, promised ratio to faiss flat
    (1_000_000, 32, 10, None, 1000, ["brute"], None, 25),
    (1_000_000, 64, 10, None, 1000, ["brute"], None, 14),
    (1_000_000, 128, 10, None, 1000, ["brute"], None, 9),
    (1_000_000, 256, 10, None, 1000, ["brute"], None, 6),
    (1_000_000, 64, 100, None, 1000, ["brute"], None, 12),
    (100_000, 64, 100, None, 1000, ["brute"], None, 6),
    (1_000_000, 64, 10, None, 1, ["brute"], None, 4.5),
    (10_000_000, 64, 10, None, 1, ["brute"], None, 2),
    (10_000_000, 64, 10, None, 1000, ["brute"], None, 15),
    (1_000_000, 64, None, 2, 1000, ["brute", "multi_index"], None, 10),
    (1_000_000, 64, 10, None, 1000, ["brute"], "avx2", 3),
    (1_000_000, 64, 10, None, 1000, ["brute"], "popcnt", None),
]


def run_suite(args):
    rng = np.random.default_rng(args.seed)
    lines = []
    for n, n_bits, k, radius, n_queries, algorithms, simd, promised in SUITE:
        args.k, args.radius = k, radius
        rows, queries = random_codes(n, n_bits, n_queries, rng)
        title = describe(n, n_bits, n_queries, args, "random")
        times = run_case(title, rows, queries, args, algorithms, ["faiss"], simd)
        ours = times["skhash " + algorithms[0] + (f" {simd}" if simd else "")]
        lines.append((title + (f" {simd}" if simd else ""), ours, times, promised))
    print(f"\n{'case':76}{'us/query':>10}{'faiss / ours':>14}{'promised':>10}")
    for title, ours, times, promised in lines:
        ratio = np.median(times["faiss flat"] / ours)
        seconds = np.median(ours)
        print(f"{title:76}{seconds * 1e6:10.2f}{ratio:13.1f}x{promised or '':>10}")
    args.radius = None
    suite_of_own(rng, args)


def suite_of_own(rng, args):
    """Cases against ourselves: repeated codes, and two threads."""
    args.k = 10
    rows, queries = repeated_codes(10_000_000, 32, 200, rng)
    times = run_case(
        "10,000,000 rows of 50,000 distinct codes of 32 bits, k=10",
        rows, queries, args, ["auto", "brute"], [],
    )  # fmt: skip
    ratio = np.median(times["skhash brute"] / times["skhash auto"])
    print(f"repeated codes: {ratio:.0f}x")
    rows, queries = random_codes(10_000_000, 64, 1000, rng)
    searches = [
        HammingNearestNeighbors(10, packed=True, algorithm="brute", n_jobs=n)
        .fit(rows)
        .kneighbors
        for n in (1, 2)
    ]
    for some in (queries, queries[:1]):
        walls = [[] for _ in (*searches, "reading")]
        for _ in range(args.rounds):
            for spent, run in zip(walls, [*searches, Reading(rows, 2)]):
                spent.append(seconds_per_query(run, some, time.perf_counter))
        one, two, reading = np.array(walls)
        print(
            f"10,000,000 x 64, {len(some)} queries: one thread {median(one) * 1e6:.0f} "
            f"us, two {median(two) * 1e6:.0f} us, {np.median(one / two):.2f}x by the "
            f"wall clock; load {os.getloadavg()[0]:.1f}"
        )
    print(
        f"two threads that only read the codes take {median(reading) * 1e6:.0f} us: "
        f"the query draws {rows.nbytes / median(two) * 1e-9:.1f} of "
        f"{rows.nbytes / median(reading) * 1e-9:.1f} GB/s, "
        f"{np.median(reading / two):.0%}"
    )


def parse(argv):
    """Return the options."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )

    def names(text):
        return [name for name in text.split(",") if name]

    parser.add_argument("--n", type=int, default=1_000_000, help="number of codes")
    parser.add_argument("--bits", default="64", help="lengths of code, with commas")
    parser.add_argument("--k", type=int, default=10, help="number of neighbors")
    parser.add_argument("--radius", type=int, help="search by radius instead")
    parser.add_argument("--queries", type=int, default=1000, help="queries in a call")
    parser.add_argument(
        "--data", choices=["random", "clustered", "real"], default="random"
    )
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument(
        "--peers",
        type=names,
        default=["faiss"],
        help=f"among {', '.join(PEER_CLASSES)}",
    )
    parser.add_argument(
        "--algorithms", type=names, default=["brute"], help="ours: auto, brute, ..."
    )
    parser.add_argument("--simd", help="force an instruction set on ours")
    parser.add_argument("--rounds", type=int, default=11)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--suite", action="store_true", help="all promised cases")
    return parser.parse_args(argv)


def main(argv=None):
    """Run the cases that the command line asks for."""
    args = parse(argv)
    print(f"instruction set: {simd_name()}; load: {os.getloadavg()[0]:.1f}")
    rng = np.random.default_rng(args.seed)
    if args.suite:
        run_suite(args)
    elif args.data == "real":
        for name, rows, queries in real_codes(args.queries):
            title = describe(len(rows), 8 * rows.shape[1], len(queries), args, name)
            run_case(title, rows, queries, args, args.algorithms, None, args.simd)
    else:
        make = random_codes if args.data == "random" else clustered_codes
        for n_bits in map(int, args.bits.split(",")):
            rows, queries = make(args.n, n_bits, args.queries, rng)
            title = describe(args.n, n_bits, args.queries, args, args.data)
            run_case(title, rows, queries, args, args.algorithms, None, args.simd)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(f"\npeak memory of the process: {peak / 1024:.0f} MB")


if __name__ == "__main__":
    main()
