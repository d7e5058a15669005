"""How well codes retrieve rows of the same class, at every share of labels.

    SKHASH_DATA=path/to/data python benchmarks/retrieval_quality.py \
        --dataset web-snippets --methods ssbvae pca --bits 32 --labels 0 1 10 \
        --seeds 0 1 2 --csv quality.csv --plot quality.png

Learns from the training rows, of which a share keeps its label, searches all of them,
and asks with the test rows (with --validation: learns from and searches most of the
training rows, and asks with the others). For one seed all methods see the same labels,
and more labels where there were fewer. Every method that learns from labels is
also run without any, and next to it stand exact search by the cosine of the features,
the order of a random ranking, and two oracles that rank by the inner product of real
class posteriors of a logistic regression: of the features, and of 200 latent
dimensions fitted on all rows; for dense features also the signs of all of them.

Prints one line a run as it is done, then tables of mean and standard deviation over
the seeds: precision@100, mAP@1000 (expectations over the order of ties; several labels
a row: relevant is what shares one), seconds to fit and to encode index and queries,
peak memory above the input in MB, the least and the most frequent bit of the index,
and its number of distinct codes. Every run has a process of its own.

Later, --from-csv shows the runs of earlier files together, without making any:

    python benchmarks/retrieval_quality.py --from-csv a.csv b.csv --markdown \
        --plot quality.png
"""

import argparse
import csv
import itertools
import os
import re
import sys
import tempfile
from pathlib import Path

import joblib
import numpy as np
import scipy.sparse as sp
from _measure import Watch, in_fresh_process
from baselines import BASELINES, FOR_DENSE_ROWS
from problems import make_problem
from quality_report import (
    COLUMNS,
    MAP,
    PRECISION,
    literal,
    plot,
    read_csv,
    show_markdown,
    show_progress,
    show_tables,
)
from reference_data import LOADERS
from sklearn.utils import get_tags


def hashers():
    """Return the classes of hashers by their names here, SSBVAEHasher as ssbvae."""
    from skhash import shallow, variational

    return {
        re.sub(r"(?<=[a-z])(?=[A-Z])", "-", name.removesuffix("Hasher")).lower(): (
            getattr(module, name)
        )
        for module in (variational, shallow)
        for name in module.__all__
        if name.endswith("Hasher")
    }


def shallow_names():
    """Return the names of the hashers without a neural network."""
    return [
        name
        for name, hasher in hashers().items()
        if hasher.__module__.startswith("skhash.shallow")
    ]


def make_hasher(name, n_bits, seed, settings=()):
    """Return a hasher of so many bits, with those settings that it knows."""
    hasher = hashers()[name](n_bits)
    known = hasher.get_params()
    settings = {"random_state": seed, **dict(settings)}
    return hasher.set_params(**{k: v for k, v in settings.items() if k in known})


def use_of_labels(name):
    """Return whether a hasher needs labels, and whether it learns from any."""
    hasher = make_hasher(name, n_bits=2, seed=0)
    X, y = np.random.RandomState(0).rand(60, 8), np.arange(60) % 3
    learns = getattr(hasher.fit(X, y), "classes_", None) is not None
    return get_tags(hasher).target_tags.required, learns


def score(index, query, metric, problem):
    """Return the measures of a ranking; fewer positions where the index is short."""
    from skhash.metrics import retrieval_report

    depths = [min(depth, index.shape[0]) for depth in (100, 1000)]
    report = retrieval_report(
        index,
        problem.y_index,
        query,
        problem.y_query,
        k=tuple(depths),
        radius=(),
        metric=metric,
    )
    return {
        PRECISION: report[f"precision_at_{depths[0]}"],
        MAP: report[f"average_precision_at_{depths[1]}"],
    }


def run_hasher(path, make, percent, noise, seed):
    """Fit a hasher, encode and score; in a process of its own."""
    from skhash.codes import bit_statistics

    problem = joblib.load(path)
    hasher = make_hasher(*make)
    y = problem.partial_labels(percent, noise, seed)
    with Watch() as fit:
        hasher.fit(problem.X_fit, y if percent else None)
    with Watch() as encode:
        index, query = (hasher.transform(X) for X in (problem.X_index, problem.X_query))
    bits = bit_statistics(index)
    return score(index, query, "hamming", problem) | {
        "fit_seconds": fit.seconds,
        "encode_seconds": encode.seconds,
        "memory_mb": max(fit.megabytes, encode.megabytes),
        "bit_mean_min": bits.means.min(),
        "bit_mean_max": bits.means.max(),
        "n_distinct": bits.n_distinct,
    }


def run_rival(path, name, percent, noise, seed):
    """Rank and score by one of the baselines; in a process of its own."""
    problem = joblib.load(path)
    function, _ = BASELINES[name]
    with Watch() as fit:
        ranking = function(problem, problem.partial_labels(percent, noise, seed), seed)
    return score(*ranking, problem) | {
        "fit_seconds": fit.seconds,
        "memory_mb": fit.megabytes,
    }


def attempts(arguments, seed, path, first, dense):
    """Yield series of runs: what is the same but for the share of labels.

    A series is the name, the bits, the shares and a function that runs one share.
    """
    shares = sorted(set(arguments.labels) - {0})
    if not arguments.without_rivals:
        for name, (_, learns) in BASELINES.items():
            if name in FOR_DENSE_ROWS and not dense:
                continue
            if learns or first or arguments.unseen:

                def run(share, name=name):
                    noise = arguments.noise
                    return in_fresh_process(run_rival, path, name, share, noise, seed)

                yield name, "float", shares if learns else [0], run
    for bits, name in itertools.product(arguments.bits, arguments.methods):

        def run(share, make=(name, bits, seed, arguments.set)):
            noise = arguments.noise
            return in_fresh_process(run_hasher, path, make, share, noise, seed)

        needs, learns = use_of_labels(name)
        without = [] if needs else [0]
        yield name, bits, without + (shares if learns else []), run


def run_all(arguments):
    """Yield one row a run as it is done; None for a run that failed."""
    for dataset, seed in itertools.product(arguments.dataset, arguments.seeds):
        problem = make_problem(
            dataset,
            seed,
            validation=arguments.validation,
            unseen=arguments.unseen,
            max_rows=arguments.max_rows,
        )
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "problem"
            joblib.dump(problem, path)
            dense = not sp.issparse(problem.X_fit)
            del problem
            first = seed == arguments.seeds[0]
            series = attempts(arguments, seed, path, first, dense)
            for method, bits, shares, run in series:
                about = {"dataset": dataset, "method": method, "bits": bits}
                yield from run_shares(shares, run, about | {"seed": seed}, arguments)


def run_shares(shares, run, about, arguments):
    """Yield one row a share of labels."""
    for share in shares:
        row = about | {
            "labels": share,
            "noise": arguments.noise,
            "unseen": arguments.unseen,
            "validation": arguments.validation or "no",
            "settings": " ".join(f"{k}={v}" for k, v in arguments.set),
        }
        try:
            row |= run(share)
        except Exception as error:  # the others are still worth running
            print(f"failed: {row}: {error!r}", file=sys.stderr, flush=True)
            yield None
            continue
        yield row


def setting(text):
    """Return name and value of a text like ``dropout=0.3``."""
    name, separator, value = text.partition("=")
    if not separator:
        raise argparse.ArgumentTypeError(f"expected name=value; got {text!r}")
    return name, literal(value)


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
    add("--noise", type=float, default=0.0, help="share of the labels made wrong")
    add("--unseen", action="store_true", help="search classes not learned from")
    add(
        "--validation",
        nargs="?",
        const="random",
        choices=("random", "later"),
        help="ask with training rows, for tuning: a random fifth (if nothing is said), "
        "or the later quarter of each class",
    )
    add(
        "--set",
        nargs="+",
        type=setting,
        default=[],
        metavar="NAME=VALUE",
        help="arguments of the hashers",
    )
    add("--max-rows", type=int, help="training rows to use, for a quick look")
    add("--without-baselines", action="store_true", help="hashers only, for tuning")
    add("--csv", type=Path, help="file for one line a run")
    add("--from-csv", nargs="+", type=Path, metavar="FILE", help="files to show")
    add("--markdown", action="store_true", help="short tables, for a page")
    add("--plot", type=Path, help="PNG file for precision@100 by share of labels")
    parser.epilog = (
        "--set gives arguments to those hashers that know them. Data sets: "
        f"{', '.join(LOADERS)}. Methods: all, {', '.join(names)}."
    )
    arguments = parser.parse_args(argv)
    if "all" in arguments.methods:
        arguments.methods = names
    if unknown := set(arguments.methods) - set(names):
        parser.error(f"unknown methods {sorted(unknown)}; known: {names}")
    for name, _ in arguments.set:
        if not any(name in hashers()[m]().get_params() for m in arguments.methods):
            parser.error(f"none of the methods has a parameter {name!r}")
    return arguments


def make_rows(arguments):
    """Run all that is asked for; return the rows and the number of failures."""
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
        rows, n_failed = read_csv(arguments.from_csv), 0
    else:
        rows, n_failed = make_rows(arguments)
    show = show_markdown if arguments.markdown else show_tables
    show(rows)
    if arguments.plot and rows:
        plot(rows, arguments.plot)
    return int(n_failed > 0)


if __name__ == "__main__":
    sys.exit(main())
