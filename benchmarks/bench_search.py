"""Compare the speed of exact Hamming search with that of other packages, in turns.

    python benchmarks/bench_search.py --n 1000000 --bits 32,64,128,256 --k 10
    python benchmarks/bench_search.py --n 1000000 --bits 64 --radius 2
    python benchmarks/bench_search.py --data real --k 10 --peers faiss,usearch,sklearn
    python benchmarks/bench_search.py --pairs --radius 2 --bits 64,256
    python benchmarks/bench_search.py --floats --csv search_floats.csv
    python benchmarks/bench_search.py --suite --csv search.csv

Each round runs every method once (as often as it takes to measure it), so that other
load slows all of them; the table has the medians of the rounds, of ratios too. With one
thread the clock is CPU time, else wall time. Slow peers get fewer queries. The script
fails if distances differ between methods. A peer that cannot be imported is skipped
with a line. --floats compares recall@10 of the float cosine, and time, for codes of as
many bytes per vector; --pairs measures joins.

"kernel" compares a flat scan with one that stays in the second-level cache and finds
nothing; "memory" compares one query, which reads all codes once, with the bandwidth of
the memory (caches may be faster).
"""

import argparse
import os
from dataclasses import replace
from itertools import product
from pathlib import Path

from _lib.measure import in_fresh_process
from _lib.search_cases import SUITE, Case, compare_threads, measure_case
from _lib.search_codes import REAL, SYNTHETIC
from _lib.search_floats import VECTORS, measure_floats
from _lib.search_methods import PEERS
from _lib.search_pairs import PAIRS_COLUMNS, instruction_sets, measure_pairs, processor
from _lib.tables import print_table, write_csv
from skhash.neighbors import simd_name, simd_names

COLUMNS = (
    *("data", "n_codes", "n_bits", "k", "radius", "n_queries", "n_threads"),
    *("method", "simd", "us_per_query", "gdist_per_s", "reference", "ratio"),
    *("of_kernel", "of_bandwidth", "memory_mb"),
)


FLOATS_COLUMNS = (
    *("data", "n_vectors", "n_columns", "n_queries", "method", "bytes"),
    *("recall_percent", "us_per_query"),
)


def show(case, results):
    """Print one line per method."""
    sizes = {name: results[0][name] for name in ("n_codes", "n_bits", "n_queries")}
    print(f"\n{replace(case, **sizes)}; load {os.getloadavg()[0]:.1f}")
    header = ["method", "us/query", "G dist/s", "peer / it", "kernel", "memory", "MB"]
    keys = ("method", "us_per_query", "gdist_per_s", "ratio", "of_kernel")
    keys += ("of_bandwidth", "memory_mb")
    print_table(header, [[str(row.get(key, "")) for key in keys] for row in results])


def cases(args):
    """Return the cases that the command line asks for."""
    if args.suite:
        return SUITE
    about = {
        "k": args.k,
        "radius": args.radius,
        "n_queries": args.queries,
        "algorithms": args.algorithms,
        "peers": args.peers,
        "simd": args.simd,
        "n_threads": args.threads,
    }
    kinds = list(REAL) if args.data == "real" else [args.data]
    lengths = [64] if args.data == "real" else map(int, args.bits)
    return [Case(args.n, bits, data=d, **about) for bits, d in product(lengths, kinds)]


def show_targets(measured):
    """Print the ratio of each case beside its target."""
    rows = []
    for case, (own, *_) in measured:
        if case.target:
            rows.append([str(case), own["us_per_query"], own["ratio"], case.target])
    print()
    header = ["case", "us/query", "faiss / skhash", "target"]
    print_table(header, [[str(cell) for cell in row] for row in rows])


def parse(argv):
    """Return the options."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )

    def names(text):
        return tuple(name for name in text.split(",") if name)

    add = parser.add_argument
    add("--n", type=int, default=1_000_000, help="number of codes")
    add("--bits", type=names, default=("64",), help="lengths of the codes, with commas")
    add("--k", type=int, default=10, help="number of neighbors")
    add("--radius", type=int, help="search by radius instead")
    add("--queries", type=int, default=1000, help="number of queries per call")
    add("--data", choices=[*SYNTHETIC, "real", *VECTORS], default="random")
    add("--threads", type=int, default=1)
    add("--peers", type=names, default=("faiss",), help=",".join(PEERS))
    add("--algorithms", type=names, default=("brute",), help="of the package")
    add("--simd", help="force a kernel of the package")
    add("--rounds", type=int, default=11)
    add("--seed", type=int, default=0)
    add("--pairs", action="store_true", help="find all pairs within the radius")
    add("--floats", action="store_true", help="search for real-valued queries")
    add("--suite", action="store_true", help="measure all cases with a target")
    add("--csv", type=Path, help="write one line per case and method")
    return parser.parse_args(argv)


def measure_others(args):
    """Return the columns and rows of a comparison of pairs or of float queries."""
    about = args.rounds, args.seed
    if args.pairs:
        joins = [in_fresh_process(measure_pairs, case, *about) for case in cases(args)]
        return PAIRS_COLUMNS, joins
    rows = []
    for name in VECTORS if args.data in SYNTHETIC else [args.data]:
        rows += in_fresh_process(measure_floats, name, args.queries, *about)
    return FLOATS_COLUMNS, rows


def main(argv=None):
    """Run the cases that the command line asks for."""
    args = parse(argv)
    print(f"processor: {processor()}; instruction sets: {instruction_sets()}")
    print(f"kernels: {', '.join(simd_names())}; kernel: {args.simd or simd_name()}")
    print(f"load: {os.getloadavg()[0]:.1f}")
    if args.pairs or args.floats:
        columns, rows = measure_others(args)
        print_table(list(columns), [[str(row[c]) for c in columns] for row in rows])
        if args.csv:
            write_csv(args.csv, columns, rows)
        return
    measured = []
    for case in cases(args):
        if case.simd and case.simd not in simd_names():
            print(f"{case} is skipped: this machine has no {case.simd}.")
            continue
        results = measure_case(case, args.rounds, args.seed)
        show(case, results)
        measured.append((case, results))
    if args.suite:
        show_targets(measured)
        print(*in_fresh_process(compare_threads, args.rounds, args.seed), sep="\n")
    if args.csv:
        write_csv(args.csv, COLUMNS, (row for _, rows in measured for row in rows))


if __name__ == "__main__":
    main()
