"""Measure cases of training and encoding; each returns a header and rows of strings.

A case is a function of the path of a pickled `Task` and of the options of
bench_training.py.
"""

import tempfile
import time
from pathlib import Path
from statistics import median

import joblib
import numpy as np
import scipy.sparse as sp
from sklearn.feature_extraction.text import TfidfVectorizer

from _lib import reference_data
from _lib.measure import Watch, in_fresh_process
from _lib.synthetic import draw_documents
from _lib.tasks import Task
from _lib.training_parts import parts

_ROWS_PER_BLOCK = 50_000


def synthetic_task(n_samples, n_features, density):
    """Return synthetic documents to fit and search, and 1,000 queries."""
    X, y = draw_documents(n_samples + 1000, n_features, density)
    train = X[:n_samples], y[:n_samples]
    return Task(*train, *train, X[n_samples:], y[n_samples:])


def quality(task, encode):
    """Return precision@100 of the codes that a function computes."""
    from skhash.metrics import precision_at_k_score

    index, query = encode(task.X_index), encode(task.X_query)
    k = min(100, len(index))
    return precision_at_k_score(index, task.y_index, query, task.y_query, k=k)


def make_hasher(arguments, **settings):
    """Return the hasher to measure, with default parameters unless told otherwise."""
    from skhash import SSBVAEHasher

    if arguments.epochs is not None:
        settings = {"max_epochs": arguments.epochs} | settings
    return SSBVAEHasher(arguments.bits, random_state=0, **settings)


def epoch(path, arguments):
    """Compare an epoch with the same epoch on dense samples, in turns."""
    from _lib.dense_baselines import DenseBaseline

    task = joblib.load(path)
    y = task.partial_labels(arguments.labels, 0, seed=0)
    dense = DenseBaseline()
    # Both encode by the signs of their logits.
    hasher = make_hasher(arguments, callbacks=[dense], code_assigner=None)
    hasher.fit(task.X_fit, y)
    seconds = median(line["dur"] for line in hasher.history_)
    dense_seconds = median(dense.seconds_)

    def encode(X):
        blocks = (X[start : start + 1000] for start in range(0, X.shape[0], 1000))
        return np.concatenate([dense.encode(b, hasher.scaler_) for b in blocks])

    precisions = (quality(task, hasher.transform), quality(task, encode))
    return ["method", "s/epoch", "times", "P@100", "MB"], [
        ["SSBVAEHasher", f"{seconds:.3f}", "1.0", f"{precisions[0]:.3f}", "see fit"],
        [
            "same, dense",
            f"{dense_seconds:.3f}",
            f"{dense_seconds / seconds:.1f}",
            f"{precisions[1]:.3f}",
            f"{dense.megabytes_:.0f}",
        ],
    ]


def fit(path, arguments):
    """Compare the whole fit with 30 epochs of the original training, in turns."""
    task = joblib.load(path)
    y = task.partial_labels(arguments.labels, 0, seed=0)
    fits, originals, model = [], [], None
    for _ in range(arguments.repeats):
        hasher = make_hasher(arguments)
        with Watch() as watch:
            hasher.fit(task.X_fit, y)
        fits.append(watch)
        with Watch() as watch:
            model = _train_original(model, task, y, arguments)
        originals.append(watch)
    seconds = median(watch.seconds for watch in fits)
    original_seconds = sum(watch.seconds for watch in originals)
    return ["method", "seconds", "times", "P@100", "MB"], [
        [
            "SSBVAEHasher",
            f"{seconds:.1f}",
            "1.0",
            f"{quality(task, hasher.transform):.3f}",
            f"{fits[0].megabytes:.0f}",
        ],
        [
            f"original, {arguments.original_epochs} epochs",
            f"{original_seconds:.1f}",
            f"{original_seconds / seconds:.1f}",
            f"{quality(task, model.encode):.3f}",
            f"{originals[0].megabytes:.0f}",
        ],
    ]


def _train_original(model, task, y, arguments):
    """Train one part of the original's epochs; start with a new model if None."""
    from _lib.dense_baselines import OriginalTraining

    model = model or OriginalTraining(task.X_fit, y, arguments.bits)
    for _ in range(-(-arguments.original_epochs // arguments.repeats)):
        model.train_epoch()
    return model


def transform(path, arguments):
    """Measure samples encoded per second."""
    task = joblib.load(path)
    hasher = make_hasher(arguments, max_epochs=1).fit(task.X_fit)
    n_samples = task.X_fit.shape[0]
    texts = None
    if arguments.dataset in reference_data.TEXT_LOADERS:
        texts = reference_data.TEXT_LOADERS[arguments.dataset]().X_train
        tfidf = TfidfVectorizer(
            max_features=10_000, stop_words="english", sublinear_tf=True
        ).fit(texts)
    watches, tfidf_seconds = [], []
    for _ in range(arguments.repeats):
        with Watch() as watch:
            hasher.transform(task.X_fit)
        watches.append(watch)
        if texts is not None:
            with Watch() as watch:
                tfidf.transform(texts)
            tfidf_seconds.append(watch.seconds / len(texts))
    seconds = median(watch.seconds for watch in watches) / n_samples
    rows = [["transform", f"{1 / seconds:.0f}", f"{watches[0].megabytes:.0f}", "1.0"]]
    if tfidf_seconds:
        each = median(tfidf_seconds)
        rows.append(
            [
                "TfidfVectorizer.transform",
                f"{1 / each:.0f}",
                "",
                f"{each / seconds:.1f}",
            ]
        )
    return ["step", "samples/s", "MB", "times"], rows


def fit_once(path, arguments, n_threads=None):
    """Return seconds, MB, precision@100 and codes of one fit in this process."""
    if n_threads is not None:
        import torch

        torch.set_num_threads(n_threads)
    task = joblib.load(path)
    hasher = make_hasher(arguments)
    y = task.partial_labels(arguments.labels, 0, seed=0)
    with Watch() as watch:
        hasher.fit(task.X_fit, y)
    precision = quality(task, hasher.transform)
    return watch.seconds, watch.megabytes, precision, hasher.transform(task.X_fit)


def _compare_fits(named_tasks, arguments):
    """Return the table of one fit per task, each in a fresh process."""
    rows, first = [], None
    for name, task in named_tasks:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "task"
            joblib.dump(task, path)
            result = in_fresh_process(fit_once, path, arguments)
        seconds, megabytes, precision, _ = result
        first = first or seconds
        row = [name, f"{seconds:.2f}", f"{seconds / first:.2f}"]
        rows.append([*row, f"{precision:.3f}", f"{megabytes:.0f}"])
    return ["size", "seconds", "times", "P@100", "MB"], rows


def features(path, arguments):
    """Compare 20 Newsgroups with 10,000 and with all features."""

    def task(max_features):
        data = reference_data.load_20newsgroups(max_features=max_features)
        train = data.X_train, data.y_train
        return Task(*train, *train, data.X_test, data.y_test)

    tasks = (task(n) for n in (10_000, None))
    named = ((f"{task.X_fit.shape[1]} features", task) for task in tasks)
    return _compare_fits(named, arguments)


def rows(path, arguments):
    """Compare synthetic documents with ten times as many."""
    sizes = (arguments.rows, 10 * arguments.rows)
    named = (
        (f"{n} rows", synthetic_task(n, arguments.features, arguments.density))
        for n in sizes
    )
    return _compare_fits(named, arguments)


def grid(path, arguments):
    """Compare a grid search in two processes and in one, with all threads and one."""
    import torch
    from sklearn.model_selection import GridSearchCV

    task = joblib.load(path)
    y = task.partial_labels(arguments.labels, 0, seed=0)
    settings = {"dropout": [0.2, 0.5], "learning_rate": [1e-3, 2e-3, 4e-3, 8e-3]}
    names, seconds = [], []
    for name, n_jobs, n_threads in (
        ("2", 2, None),  # joblib gives each of two workers half of the cores
        ("1", 1, None),
        ("1, one thread", 1, 1),
    ):
        if n_threads is not None:
            torch.set_num_threads(n_threads)
        search = GridSearchCV(
            make_hasher(arguments), settings, cv=2, n_jobs=n_jobs, refit=False
        )
        start = time.perf_counter()
        search.fit(task.X_fit, y)
        names.append(name)
        seconds.append(time.perf_counter() - start)
    return ["n_jobs", "seconds", "times"], [
        [name, f"{each:.1f}", f"{each / seconds[0]:.2f}"]
        for name, each in zip(names, seconds, strict=True)
    ]


def documents(path, arguments):
    """Fit one epoch on a million short texts, and encode them."""
    X = _short_texts(arguments.documents)
    hasher = make_hasher(arguments, max_epochs=1, output="packed")
    table = []
    for name, work in (("fit, 1 epoch", hasher.fit), ("transform", hasher.transform)):
        with Watch() as watch:
            work(X)
        rate = X.shape[0] / watch.seconds
        table.append(
            [name, f"{watch.seconds:.1f}", f"{rate:.0f}", f"{watch.megabytes:.0f}"]
        )
    return ["step", "seconds", "samples/s", "MB"], table


def _short_texts(n_texts):
    """Return TF-IDF of the demo corpus, repeated with half of the words dropped."""
    from skhash.datasets import load_icd10cm

    texts = load_icd10cm().data
    rng = np.random.RandomState(0)
    tfidf = TfidfVectorizer(max_features=10_000, dtype=np.float32).fit(texts)
    words = tfidf.transform(texts)
    blocks = []
    for start in range(0, n_texts, _ROWS_PER_BLOCK):
        n_rows = min(_ROWS_PER_BLOCK, n_texts - start)
        block = words[rng.randint(len(texts), size=n_rows)]
        block.data *= rng.random_sample(block.nnz) < 0.5
        block.eliminate_zeros()
        blocks.append(block)
    return sp.vstack(blocks, format="csr")


def threads(path, arguments):
    """Fit with one thread twice and with two, and count the bits that differ."""
    table, first = [], None
    for n_threads in (1, 1, 2):
        seconds, _, precision, bits = in_fresh_process(
            fit_once, path, arguments, n_threads
        )
        first = bits if first is None else first
        different = f"{np.count_nonzero(bits != first)} of {bits.size}"
        table.append([str(n_threads), f"{seconds:.1f}", f"{precision:.3f}", different])
    return ["threads", "seconds", "P@100", "bits unlike the first"], table


CASES = {
    case.__name__: case
    for case in (epoch, fit, transform, features, rows, grid, documents, threads, parts)
}
# These start fresh processes themselves; each of the others runs in one.
ORCHESTRATORS = {"features", "rows", "grid", "threads"}
