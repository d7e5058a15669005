"""Measure whether codes find similar samples, and not only samples of the same class.

    SKHASH_DATA=path/to/data python benchmarks/bench_similarity.py \
        --dataset 20newsgroups stackoverflow --bits 32 64 --labels 0 1 10 100 \
        --seeds 0 1 2 --csv similarity.csv

Fits on the training samples, of which a percentage keeps its label, searches all of
them, and queries with test samples (with --validation: with a fifth of the training
samples, which are then neither fitted nor searched). For each hasher, code length and
percentage of labels, prints

- P@1, P@10, P@100: the precision by class;
- R@10, R@100: the fraction of the ten nearest samples by the exact cosine of the
  features that is among the first 10 or 100 by code;
- nDCG@10: the discounted gain of the first 10, relative to the best order. The gain is
  2^n - 1 for a sample that shares n levels of the label: topic and group of 20
  Newsgroups; chapter, block and category of icd10cm; the class of other data;
- codes: the number of distinct codes of the database;
- ties: the expected number of other samples at the distance of rank 10.

All are means over the queries, and expectations over the order of ties. The first line
of a data set is exact search by cosine. ``ssbvae-class`` is SSBVAEHasher with all bits
for the class (``class_weight=1``). --set changes parameters of the hashers, and --noise
makes a fraction of the labels wrong, for example to measure what a part of a method
contributes:

    python benchmarks/bench_similarity.py --validation --max-rows 6000 \
        --hashers ssbvae --bits 32 --set pair_weight=0 --csv ablation.csv
"""

import argparse
import dataclasses
import itertools
import sys
import time
from pathlib import Path

import numpy as np
from sklearn.preprocessing import normalize

from _lib.hashers import (
    add_set_option,
    check_settings,
    hashers,
    make_hasher,
    use_of_labels,
)
from _lib.reference_data import LOADERS
from _lib.tables import print_table, write_csv
from _lib.tasks import make_task

MEASURES = ("P@1", "P@10", "P@100", "R@10", "R@100", "nDCG@10", "codes", "ties")
MEASURES += ("fit_seconds",)
COLUMNS = ("dataset", "hasher", "bits", "labels", "seed", *MEASURES)
N_NEAREST = 10
_VARIANTS = {"ssbvae-class": ("ssbvae", {"class_weight": 1.0})}
_QUERIES_PER_BLOCK = 256


def hits_at(k, n_items, n_hits):
    """Return the expected number of hits among the first k, ties in any order.

    Parameters
    ----------
    k : int
        Number of items, at most their total.
    n_items, n_hits : ndarray of shape (n_queries, n_distances)
        Items and hits at each distance, in ascending order of distances.

    Returns
    -------
    hits : ndarray of shape (n_queries,)
    """
    n_within, hits_within = n_items.cumsum(axis=1), n_hits.cumsum(axis=1)
    group = (n_within >= k).argmax(axis=1)[:, None]
    size, hits, items_up_to, hits_up_to = (
        np.take_along_axis(array, group, axis=1)[:, 0]
        for array in (n_items, n_hits, n_within, hits_within)
    )
    taken = k - (items_up_to - size)
    return hits_up_to - hits + hits * taken / size


def count(distances, weights, n_distances):
    """Return the sum of weights at each distance, one row per query."""
    n_queries = len(distances)
    cells = distances + n_distances * np.arange(n_queries)[:, None]
    totals = np.bincount(
        cells.ravel(),
        None if weights is None else weights.ravel(),
        minlength=n_queries * n_distances,
    )
    return totals.reshape(n_queries, n_distances)


def relevance(y_query, y_index):
    """Return which samples share a class with each query."""
    if y_query.ndim == 1:
        return y_query[:, None] == y_index
    return (y_query @ y_index.T) > 0


def gains(task, block):
    """Return the gain of each sample of the database for each query of a block."""
    if task.levels_query is None:
        return relevance(task.y_query[block], task.y_index).astype(np.float32)
    shared = task.levels_query[block][:, None] == task.levels_index
    return np.exp2(shared.sum(axis=2, dtype=np.float32)) - 1


def ndcg(n_items, total_gains, ideal):
    """Return the expected nDCG@10 of each query.

    Parameters
    ----------
    n_items, total_gains : ndarray of shape (n_queries, n_distances)
        Items and the sum of their gains at each distance, in ascending order.
    ideal : ndarray of shape (n_queries, 10)
        The ten largest gains, in descending order.

    Returns
    -------
    ndcg : ndarray of shape (n_queries,)
        0 where no item has a gain.
    """
    discounts = 1 / np.log2(np.arange(2, 12))
    # The expected gain at a rank is the mean gain of the items at its distance.
    groups = (n_items.cumsum(axis=1)[:, None] >= np.arange(1, 11)[:, None]).argmax(2)
    mean_gains = total_gains / np.maximum(n_items, 1)
    found = np.take_along_axis(mean_gains, groups, axis=1) @ discounts
    best = ideal @ discounts
    return np.divide(found, best, out=np.zeros_like(found), where=best > 0)


def largest(gains):
    """Return the ten largest gains of each query in descending order."""
    return -np.sort(np.partition(-gains, 9, axis=1)[:, :10], axis=1)


def measure(distances, relevant, gain, nearest, n_distances):
    """Return the measures of some queries as lists, one value per query."""
    n_items = count(distances, None, n_distances)
    n_relevant = count(distances, relevant.astype(float), n_distances)
    n_nearest = count(np.take_along_axis(distances, nearest, 1), None, n_distances)
    found = {f"P@{k}": hits_at(k, n_items, n_relevant) / k for k in (1, 10, 100)}
    for k in (10, 100):
        found[f"R@{k}"] = hits_at(k, n_items, n_nearest) / N_NEAREST
    found["nDCG@10"] = ndcg(n_items, count(distances, gain, n_distances), largest(gain))
    group = (n_items.cumsum(axis=1) >= 10).argmax(axis=1)[:, None]
    found["ties"] = np.take_along_axis(n_items, group, axis=1)[:, 0] - 1
    return found


def evaluate(index, queries, task, nearest):
    """Return the mean measures of codes, given as bits."""
    signs = 2 * index.astype(np.float32) - 1
    n_bits = index.shape[1]
    parts = []
    for start in range(0, len(queries), _QUERIES_PER_BLOCK):
        block = slice(start, start + _QUERIES_PER_BLOCK)
        products = (2 * queries[block].astype(np.float32) - 1) @ signs.T
        distances = np.rint((n_bits - products) / 2).astype(np.intp)
        relevant = relevance(task.y_query[block], task.y_index)
        gain = gains(task, block)
        parts.append(measure(distances, relevant, gain, nearest[block], n_bits + 1))
    means = {key: np.concatenate([p[key] for p in parts]).mean() for key in parts[0]}
    return means | {"codes": len(np.unique(np.packbits(index, axis=1), axis=0))}


def exact_search(task):
    """Return the nearest samples of each query by cosine, and their measures."""
    index, nearest, found, graded = normalize(task.X_index), [], [], []
    for start in range(0, len(task.y_query), _QUERIES_PER_BLOCK):
        block = slice(start, start + _QUERIES_PER_BLOCK)
        cosines = normalize(task.X_query[block]) @ index.T
        cosines = np.asarray(getattr(cosines, "toarray", lambda c=cosines: c)())
        order = np.argsort(-cosines, axis=1, kind="stable")[:, :100]
        relevant = relevance(task.y_query[block], task.y_index)
        found.append(np.take_along_axis(relevant, order, axis=1))
        nearest.append(order[:, :N_NEAREST])
        gain = gains(task, block)
        in_order = np.take_along_axis(gain, order[:, :10], axis=1)
        graded.append(ndcg(np.ones_like(in_order), in_order, largest(gain)))
    relevant = np.concatenate(found)
    measures = {f"P@{k}": relevant[:, :k].mean() for k in (1, 10, 100)}
    measures["nDCG@10"] = np.concatenate(graded).mean()
    return np.concatenate(nearest), measures


def run_hasher(name, n_bits, percent, seed, task, nearest, *, noise, settings):
    """Fit a hasher, encode, and measure."""
    base, of_variant = _VARIANTS.get(name, (name, {}))
    hasher = make_hasher(base, n_bits, seed, [*of_variant.items(), *settings])
    y = task.partial_labels(percent, noise, seed) if percent else None
    start = time.perf_counter()
    hasher.fit(task.X_fit, y)
    seconds = time.perf_counter() - start
    index, queries = (hasher.transform(X) for X in (task.X_index, task.X_query))
    return evaluate(index, queries, task, nearest) | {"fit_seconds": seconds}


def with_queries(task, kept):
    """Return a task with some of its queries."""
    names = ("X_query", "y_query", "levels_query")
    arrays = {name: getattr(task, name) for name in names}
    some = {name: a if a is None else a[kept] for name, a in arrays.items()}
    return dataclasses.replace(task, **some)


def changes_of(arguments):
    """Return columns of a run with changed parameters or labels; none otherwise."""
    if not (arguments.set or arguments.noise):
        return {}
    settings = " ".join(f"{name}={value}" for name, value in arguments.set)
    return {"noise": arguments.noise, "settings": settings}


def run_all(arguments):
    """Yield one dict per run as it is done."""
    changes = changes_of(arguments)
    for dataset in arguments.dataset:
        task = make_task(
            dataset,
            0,
            validation="random" if arguments.validation else None,
            max_rows=arguments.max_rows,
        )
        kept = np.random.RandomState(0).permutation(len(task.y_query))
        kept = np.sort(kept[: arguments.queries])
        task = with_queries(task, kept)
        nearest, found = exact_search(task)
        yield {"dataset": dataset, "hasher": "cosine", "R@10": 1.0} | found
        for name, n_bits, seed in itertools.product(
            arguments.hashers, arguments.bits, arguments.seeds
        ):
            needs, learns = use_of_labels(_VARIANTS.get(name, (name,))[0])
            for percent in arguments.labels:
                if percent if not learns else needs and not percent:
                    continue
                about = (dataset, name, n_bits, percent, seed)
                run = run_hasher(
                    *about[1:],
                    task,
                    nearest,
                    noise=arguments.noise,
                    settings=arguments.set,
                )
                yield dict(zip(COLUMNS, about)) | run | changes


def show(rows):
    """Print one line per run, or one per mean over the seeds."""
    groups = {}
    for row in rows:
        key = tuple(str(row.get(name, "")) for name in COLUMNS[:4])
        groups.setdefault(key, []).append(row)
    lines = []
    for key, group in groups.items():
        line = list(key)
        for name in MEASURES:
            values = [row[name] for row in group if name in row]
            digits = 3 if "@" in name else 0
            line.append(f"{np.mean(values):.{digits}f}" if values else "")
        lines.append(line)
    print_table([*COLUMNS[:4], *MEASURES], lines)


def parse(argv):
    """Return the options."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    names = sorted([*hashers(), *_VARIANTS])
    add("--dataset", nargs="+", default=["icd10cm"], choices=LOADERS, metavar="NAME")
    add(
        "--hashers",
        nargs="+",
        default=["itq", "ssbvae-class", "ssbvae"],
        choices=names,
        metavar="NAME",
        help=f"known: {', '.join(names)}",
    )
    add("--bits", nargs="+", type=int, default=[32, 64], help="lengths of the codes")
    add("--labels", nargs="+", type=float, default=[0, 1, 10, 100], help="in percent")
    add("--seeds", nargs="+", type=int, default=[0])
    add("--queries", type=int, default=1500, help="number of queries at most")
    add("--noise", type=float, default=0.0, help="fraction of the labels made wrong")
    add_set_option(parser)
    add("--max-rows", type=int, help="number of training samples to use")
    add("--validation", action="store_true", help="query with training samples")
    add("--csv", type=Path, help="write one line per run")
    arguments = parser.parse_args(argv)
    bases = [_VARIANTS.get(name, (name,))[0] for name in arguments.hashers]
    check_settings(parser, arguments.set, bases)
    return arguments


def main(argv=None):
    """Run what the command line asks for; return the exit status."""
    arguments = parse(argv)
    columns, rows = (*COLUMNS, *changes_of(arguments)), []
    for row in run_all(arguments):
        rows.append(row)
        show([row])
        if arguments.csv:
            write_csv(arguments.csv, columns, rows)
    show(rows)
    return 0


if __name__ == "__main__":
    sys.exit(main())
