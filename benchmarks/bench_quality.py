"""Measure how well codes retrieve samples of the same class, by fraction of labels.

    SKHASH_DATA=path/to/data python benchmarks/bench_quality.py \
        --dataset web-snippets --methods ssbvae pca --bits 32 --labels 0 1 10 \
        --seeds 0 1 2 --csv quality.csv --plot quality.png

Fits on the training samples, of which a fraction keeps its label, searches all of them,
and queries with the test samples (with --validation: fits on and searches most of the
training samples, and queries with the others). With the same seed all methods get the
same labels. Every method that learns from labels also runs without any.

The baselines are exact search by the cosine of the features, a random ranking, and two
oracles that rank by the inner product of class posteriors of a logistic regression: on
the features, and on 200 latent dimensions fitted on all samples; for dense features
also the signs of all of them.

Prints one line per run, then tables of mean and standard deviation over the seeds:
precision@100 and mAP@1000 (expectations over the order of ties; with several labels per
sample those are relevant that share one), seconds to fit and to encode database and
queries, peak memory above the input in MB, the smallest and the largest mean of a bit
in the database, and its number of distinct codes. Every run has its own process.

--from-csv shows the runs of earlier files together, without running anything:

    python benchmarks/bench_quality.py --from-csv a.csv b.csv --markdown \
        --plot quality.png
"""

import argparse
import csv
import itertools
import os
import sys
import tempfile
from pathlib import Path

import joblib
import scipy.sparse as sp

from _lib.baselines import BASELINES, DENSE_ONLY
from _lib.hashers import (
    add_set_option,
    check_settings,
    hashers,
    make_hasher,
    use_of_labels,
)
from _lib.measure import Watch, in_fresh_process
from _lib.quality_report import (
    COLUMNS,
    MAP,
    PRECISION,
    plot,
    read_runs,
    show_markdown,
    show_progress,
    show_tables,
)
from _lib.reference_data import LOADERS
from _lib.tasks import make_task


def score(index, query, metric, task):
    """Return the measures of a ranking, at smaller k if the database is small."""
    from skhash.metrics import retrieval_report

    depths = [min(depth, index.shape[0]) for depth in (100, 1000)]
    report = retrieval_report(
        index,
        task.y_index,
        query,
        task.y_query,
        k=tuple(depths),
        radius=(),
        metric=metric,
    )
    return {
        PRECISION: report[f"precision_at_{depths[0]}"],
        MAP: report[f"average_precision_at_{depths[1]}"],
    }


def run_hasher(path, make, percent, noise, seed):
    """Fit a hasher, encode and score."""
    from skhash.codes import bit_statistics

    task = joblib.load(path)
    hasher = make_hasher(*make)
    y = task.partial_labels(percent, noise, seed)
    with Watch() as fit:
        hasher.fit(task.X_fit, y if percent else None)
    with Watch() as encode:
        index, query = (hasher.transform(X) for X in (task.X_index, task.X_query))
    bits = bit_statistics(index)
    return score(index, query, "hamming", task) | {
        "fit_seconds": fit.seconds,
        "encode_seconds": encode.seconds,
        "memory_mb": max(fit.megabytes, encode.megabytes),
        "bit_mean_min": bits.means.min(),
        "bit_mean_max": bits.means.max(),
        "n_distinct": bits.n_distinct,
    }


def run_baseline(path, name, percent, noise, seed):
    """Rank by one of the baselines and score."""
    task = joblib.load(path)
    function, _ = BASELINES[name]
    with Watch() as fit:
        ranking = function(task, task.partial_labels(percent, noise, seed), seed)
    return score(*ranking, task) | {
        "fit_seconds": fit.seconds,
        "memory_mb": fit.megabytes,
    }


def series_of_runs(arguments, seed, path, dense):
    """Yield (name, bits, percentages of labels, function that runs one of them)."""
    percents = sorted(set(arguments.labels) - {0})
    if not arguments.without_baselines:
        # What learns nothing from labels is the same for all seeds.
        varies = seed == arguments.seeds[0] or arguments.unseen
        for name, (_, learns) in BASELINES.items():
            if (name in DENSE_ONLY and not dense) or not (learns or varies):
                continue

            def run(percent, name=name):
                noise = arguments.noise
                return in_fresh_process(run_baseline, path, name, percent, noise, seed)

            yield name, "float", percents if learns else [0], run
    for bits, name in itertools.product(arguments.bits, arguments.methods):

        def run(percent, make=(name, bits, seed, arguments.set)):
            noise = arguments.noise
            return in_fresh_process(run_hasher, path, make, percent, noise, seed)

        needs, learns = use_of_labels(name)
        without = [] if needs else [0]
        yield name, bits, without + (percents if learns else []), run


def run_all(arguments):
    """Yield one dict per run as it is done; None for a run that failed."""
    for dataset, seed in itertools.product(arguments.dataset, arguments.seeds):
        task = make_task(
            dataset,
            seed,
            validation=arguments.validation,
            unseen=arguments.unseen,
            max_rows=arguments.max_rows,
        )
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "task"
            joblib.dump(task, path)
            dense = not sp.issparse(task.X_fit)
            del task
            for method, bits, percents, run in series_of_runs(
                arguments, seed, path, dense
            ):
                about = {"dataset": dataset, "method": method, "bits": bits}
                yield from run_series(percents, run, about | {"seed": seed}, arguments)


def run_series(percents, run, about, arguments):
    """Yield one dict per percentage of labels."""
    for percent in percents:
        row = about | {
            "labels": percent,
            "noise": arguments.noise,
            "unseen": arguments.unseen,
            "validation": arguments.validation or "no",
            "max_rows": arguments.max_rows or "",
            "settings": " ".join(f"{k}={v}" for k, v in arguments.set),
        }
        try:
            row |= run(percent)
        except Exception as error:  # the other runs still matter
            print(f"failed: {row}: {error!r}", file=sys.stderr, flush=True)
            yield None
            continue
        yield row


def parse(argv):
    """Return the options, checked."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    names = sorted(hashers())
    add("--dataset", nargs="+", default=["icd10cm"], choices=LOADERS, metavar="NAME")
    add("--methods", nargs="+", default=["ssbvae", "pca"], metavar="NAME")
    add("--bits", nargs="+", type=int, default=[32], help="lengths of the codes")
    add("--labels", nargs="+", type=float, default=[0, 1, 10, 100], help="in percent")
    add("--seeds", nargs="+", type=int, default=[0, 1, 2])
    add("--noise", type=float, default=0.0, help="fraction of the labels made wrong")
    add("--unseen", action="store_true", help="search classes that were not fitted")
    add(
        "--validation",
        nargs="?",
        const="random",
        choices=("random", "later"),
        help="query with training samples, for tuning: a random fifth (default), or "
        "the later quarter of each class",
    )
    add_set_option(parser)
    add("--max-rows", type=int, help="number of training samples to use")
    add("--without-baselines", action="store_true", help="hashers only, for tuning")
    add("--csv", type=Path, help="write one line per run")
    add("--from-csv", nargs="+", type=Path, metavar="FILE", help="files to show")
    add("--markdown", action="store_true", help="print short Markdown tables")
    add("--plot", type=Path, help="PNG file for precision@100 by percentage of labels")
    parser.epilog = (
        "--set passes parameters to those hashers that have them. Data sets: "
        f"{', '.join(LOADERS)}. Methods: all, {', '.join(names)}."
    )
    arguments = parser.parse_args(argv)
    if "all" in arguments.methods:
        arguments.methods = names
    if unknown := set(arguments.methods) - set(names):
        parser.error(f"unknown methods {sorted(unknown)}; known: {names}")
    check_settings(parser, arguments.set, arguments.methods)
    return arguments


def run_and_write(arguments):
    """Run everything; return the runs and the number of failures."""
    rows, n_failed = [], 0
    with open(arguments.csv or os.devnull, "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, COLUMNS, extrasaction="ignore")
        writer.writeheader()
        for row in run_all(arguments):
            if row is None:
                n_failed += 1
                continue
            show_progress(row)
            writer.writerow(row)
            file.flush()
            rows.append(row)
    return rows, n_failed


def main(argv=None):
    """Run what the command line asks for; return the exit status."""
    arguments = parse(argv)
    if arguments.from_csv:
        rows, n_failed = read_runs(arguments.from_csv), 0
    else:
        rows, n_failed = run_and_write(arguments)
    show = show_markdown if arguments.markdown else show_tables
    show(rows)
    if arguments.plot and rows:
        plot(rows, arguments.plot)
    return int(n_failed > 0)


if __name__ == "__main__":
    sys.exit(main())
