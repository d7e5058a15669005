"""How fast SSBVAEHasher learns and encodes, and in how much memory.

    python benchmarks/training_speed.py --rows 20000 --features 10000
    SKHASH_DATA=path/to/data python benchmarks/training_speed.py \
        --dataset 20newsgroups --case epoch fit transform

Rows are drawn (--rows, --features, --density, in 20 topics) or a reference data set.
Each case prints a small table:

epoch      seconds per epoch (median) of the hasher, and of the same network, objective
           and batches on dense rows in plain PyTorch, epoch by epoch in turns
fit        the whole default fit against 30 epochs of the original's training: dense, in
           batches of 100 rows; in turns, 10 epochs after each fit
transform  rows a second, against the TfidfVectorizer where the data set has texts
features   20 Newsgroups with all features, against 10,000
rows       ten times as many drawn rows
grid       GridSearchCV over 8 settings: n_jobs=2, and 1 with all threads and with one
documents  one epoch on, and codes for, a million short texts: the demo corpus (extra
           demo) again and again, half of the words dropped
threads    one and two threads: seconds, and the share of bits that differ

Memory is the peak above the input in MB. Threads are as the environment says
(OMP_NUM_THREADS, or all cores). Quality is precision@100 of the test rows.
"""

import argparse
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

import joblib
import numpy as np
import reference_data
import scipy.sparse as sp
from _measure import Watch, in_fresh_process, print_table
from problems import Problem, make_problem
from sklearn.feature_extraction.text import TfidfVectorizer

TEXTS = {
    "20newsgroups": reference_data.load_20newsgroups_texts,
    "web-snippets": reference_data.load_web_snippets_texts,
}
_N_TOPICS = 20
_ROWS_PER_BLOCK = 50_000


def draw_rows(n_rows, n_features, density, seed=0):
    """Return sparse rows of words and their topics.

    Words follow Zipf's law; of each row 3 in 10 come from its topic's own ranking of
    the words.
    """
    rng = np.random.RandomState(seed)
    ranked = np.cumsum(1 / np.arange(10, n_features + 10))
    ranked /= ranked[-1]
    order_of_topic = [
        np.random.RandomState(1 + topic).permutation(n_features)
        for topic in range(_N_TOPICS)
    ]
    topics = rng.randint(_N_TOPICS, size=n_rows)
    n_words = max(1, round(density * n_features))
    blocks = []
    for start in range(0, n_rows, _ROWS_PER_BLOCK):
        of_block = topics[start : start + _ROWS_PER_BLOCK]
        words = np.searchsorted(ranked, rng.random_sample((len(of_block), n_words)))
        n_own = -(-3 * n_words // 10)
        for topic, order in enumerate(order_of_topic):
            own = of_block == topic
            words[own, :n_own] = order[words[own, :n_own]]
        rows = sp.csr_array(
            (
                np.ones(words.size, np.float32),
                words.ravel(),
                np.arange(0, words.size + 1, n_words),
            ),
            shape=(len(of_block), n_features),
        )
        rows.sum_duplicates()
        blocks.append(rows)
    return sp.vstack(blocks, format="csr"), topics


def drawn_problem(n_rows, n_features, density):
    """Return drawn rows to fit and search, and 1,000 to ask."""
    X, y = draw_rows(n_rows + 1000, n_features, density)
    train = X[:n_rows], y[:n_rows]
    return Problem(*train, *train, X[n_rows:], y[n_rows:])


def quality(problem, encode):
    """Return precision@100 of the codes that a function gives."""
    from skhash.metrics import precision_at_k_score

    index, query = encode(problem.X_index), encode(problem.X_query)
    k = min(100, len(index))
    return precision_at_k_score(index, problem.y_index, query, problem.y_query, k=k)


def make_hasher(arguments, **settings):
    """Return the hasher to measure, by default the default."""
    from skhash import SSBVAEHasher

    if arguments.epochs is not None:
        settings = {"max_epochs": arguments.epochs} | settings
    return SSBVAEHasher(arguments.bits, random_state=0, **settings)


def epoch(path, arguments):
    """Compare an epoch with the same on dense rows, in turns."""
    from dense_rivals import DenseBaseline

    problem = joblib.load(path)
    y = problem.partial_labels(arguments.labels, 0, seed=0)
    twin = DenseBaseline()
    # The twin encodes by the signs of its logits alone.
    hasher = make_hasher(
        arguments, callbacks=[twin], codeword_weight=0, low_confidence_fraction=0
    )
    hasher.fit(problem.X_fit, y)
    ours = median(line["dur"] for line in hasher.history_)
    dense = median(twin.seconds_)

    def encode(X):
        return np.concatenate(
            [
                twin.encode(X[start : start + 1000], hasher.scaler_)
                for start in range(0, X.shape[0], 1000)
            ]
        )

    return ["", "s/epoch", "times", "P@100", "MB"], [
        [
            "SSBVAEHasher",
            f"{ours:.3f}",
            "1.0",
            f"{quality(problem, hasher.transform):.3f}",
            "see fit",
        ],
        [
            "same, dense",
            f"{dense:.3f}",
            f"{dense / ours:.1f}",
            f"{quality(problem, encode):.3f}",
            f"{twin.megabytes_:.0f}",
        ],
    ]


def fit(path, arguments):
    """Compare the whole fit with 30 epochs of the original's training, in turns."""
    from dense_rivals import OriginalTraining

    problem = joblib.load(path)
    y = problem.partial_labels(arguments.labels, 0, seed=0)
    fits, original = [], None
    seconds, dense_megabytes = 0.0, 0.0
    for _ in range(arguments.repeats):
        hasher = make_hasher(arguments)
        with Watch() as watch:
            hasher.fit(problem.X_fit, y)
        fits.append(watch)
        with Watch() as watch:
            if original is None:
                original = OriginalTraining(problem.X_fit, y, arguments.bits)
            for _ in range(-(-arguments.original_epochs // arguments.repeats)):
                original.train_epoch()
        seconds += watch.seconds
        dense_megabytes = dense_megabytes or watch.megabytes
    ours = median(watch.seconds for watch in fits)
    return ["", "seconds", "times", "P@100", "MB"], [
        [
            "SSBVAEHasher",
            f"{ours:.1f}",
            "1.0",
            f"{quality(problem, hasher.transform):.3f}",
            f"{fits[0].megabytes:.0f}",
        ],
        [
            f"original, {arguments.original_epochs} epochs",
            f"{seconds:.1f}",
            f"{seconds / ours:.1f}",
            f"{quality(problem, original.encode):.3f}",
            f"{dense_megabytes:.0f}",
        ],
    ]


def transform(path, arguments):
    """Measure how many rows a second get their codes."""
    problem = joblib.load(path)
    hasher = make_hasher(arguments, max_epochs=1).fit(problem.X_fit)
    n_rows = problem.X_fit.shape[0]
    watches, made = [], []
    texts = TEXTS[arguments.dataset]().X_train if arguments.dataset in TEXTS else None
    tfidf = TfidfVectorizer(
        max_features=10_000, stop_words="english", sublinear_tf=True
    )
    if texts is not None:
        tfidf.fit(texts)
    for _ in range(arguments.repeats):
        with Watch() as watch:
            hasher.transform(problem.X_fit)
        watches.append(watch)
        if texts is not None:
            with Watch() as watch:
                tfidf.transform(texts)
            made.append(watch.seconds / len(texts))
    seconds = median(watch.seconds for watch in watches)
    rows = [
        ["transform", f"{n_rows / seconds:.0f}", f"{watches[0].megabytes:.0f}"],
    ]
    if made:
        share = f"{seconds / n_rows / median(made):.3f} of its time"
        rows.append(["TfidfVectorizer.transform", f"{1 / median(made):.0f}", share])
    return ["", "rows/s", "MB"], rows


def fit_seconds(path, arguments):
    """Return seconds, MB, quality and codes of one fit; in a fresh process."""
    problem = joblib.load(path)
    hasher = make_hasher(arguments)
    y = problem.partial_labels(arguments.labels, 0, seed=0)
    with Watch() as watch:
        hasher.fit(problem.X_fit, y)
    score = quality(problem, hasher.transform)
    return watch.seconds, watch.megabytes, score, hasher.transform(problem.X_fit)


def compare_fits(problems, arguments):
    """Return the table of one fit a problem, each in a fresh process."""
    rows = []
    for name, problem in problems:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "problem"
            joblib.dump(problem, path)
            seconds, megabytes, score, _ = in_fresh_process(
                fit_seconds, path, arguments
            )
        first = rows[0] if rows else None
        ratio = seconds / float(first[1]) if first else 1
        rows.append(
            [name, f"{seconds:.2f}", f"{ratio:.2f}", f"{score:.3f}", f"{megabytes:.0f}"]
        )
    return ["", "seconds", "times", "P@100", "MB"], rows


def features(path, arguments):
    """Compare 20 Newsgroups with 10,000 and with all features."""

    def problem(max_features):
        data = reference_data.load_20newsgroups(max_features=max_features)
        train = data.X_train, data.y_train
        return Problem(*train, *train, data.X_test, data.y_test)

    problems = ((n, problem(n)) for n in (10_000, None))
    named = ((f"{p.X_fit.shape[1]} features", p) for _, p in problems)
    return compare_fits(named, arguments)


def rows(path, arguments):
    """Compare drawn rows with ten times as many."""
    sizes = (arguments.rows, 10 * arguments.rows)
    named = (
        (f"{n} rows", drawn_problem(n, arguments.features, arguments.density))
        for n in sizes
    )
    return compare_fits(named, arguments)


def grid(path, arguments):
    """Compare a grid search in two processes and in one, with all threads and one."""
    import torch
    from sklearn.model_selection import GridSearchCV

    problem = joblib.load(path)
    y = problem.partial_labels(arguments.labels, 0, seed=0)
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
        search.fit(problem.X_fit, y)
        names.append(name)
        seconds.append(time.perf_counter() - start)
    return ["n_jobs", "seconds", "of n_jobs=2"], [
        [name, f"{each:.1f}", f"{each / seconds[0]:.2f}"]
        for name, each in zip(names, seconds, strict=True)
    ]


def documents(path, arguments):
    """Fit one epoch on a million short texts, and encode them."""
    from skhash.datasets import load_icd10cm

    texts = load_icd10cm().data
    rng = np.random.RandomState(0)
    tfidf = TfidfVectorizer(max_features=10_000, dtype=np.float32).fit(texts)
    words = tfidf.transform(texts)
    blocks = []
    for start in range(0, arguments.documents, _ROWS_PER_BLOCK):
        n_rows = min(_ROWS_PER_BLOCK, arguments.documents - start)
        block = words[rng.randint(len(texts), size=n_rows)]
        block.data *= rng.random_sample(block.nnz) < 0.5
        block.eliminate_zeros()
        blocks.append(block)
    X = sp.vstack(blocks, format="csr")
    del blocks
    hasher = make_hasher(arguments, max_epochs=1, output="packed")
    table = []
    for name, work in (("fit, 1 epoch", hasher.fit), ("transform", hasher.transform)):
        with Watch() as watch:
            work(X)
        rate, megabytes = X.shape[0] / watch.seconds, f"{watch.megabytes:.0f}"
        table.append([name, f"{watch.seconds:.1f}", f"{rate:.0f}", megabytes])
    return [f"{X.shape[0]} texts", "seconds", "rows/s", "MB"], table


def fit_with_threads(path, arguments, n_threads):
    """Fit with so many threads; in a fresh process."""
    import torch

    torch.set_num_threads(n_threads)
    return fit_seconds(path, arguments)


def threads(path, arguments):
    """Fit with one thread twice and with two, and count the bits that differ."""
    table, first = [], None
    for n_threads in (1, 1, 2):
        seconds, _, score, bits = in_fresh_process(
            fit_with_threads, path, arguments, n_threads
        )
        first = bits if first is None else first
        differ = f"{np.count_nonzero(bits != first)} of {bits.size}"
        table.append([str(n_threads), f"{seconds:.1f}", f"{score:.3f}", differ])
    return ["threads", "seconds", "P@100", "bits unlike the first"], table


CASES = {
    case.__name__: case
    for case in (epoch, fit, transform, features, rows, grid, documents, threads)
}
# These start fresh processes themselves; the others get one each.
_ORCHESTRATORS = {"features", "rows", "grid", "threads"}


def parse(argv):
    """Return the options, checked."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--case", nargs="+", default=["epoch", "fit", "transform"], choices=CASES)
    add("--dataset", choices=reference_data.LOADERS, help="in place of drawn rows")
    add("--rows", type=int, default=10_000)
    add("--features", type=int, default=10_000)
    add("--density", type=float, default=0.007, help="share of words in a row")
    add("--bits", type=int, default=32)
    add("--labels", type=float, default=10, help="labeled rows in percent")
    add("--epochs", type=int, help="of the hasher; its default if not given")
    add("--original-epochs", type=int, default=30)
    add("--repeats", type=int, default=3, help="of fit and of transform")
    add("--documents", type=int, default=1_000_000, help="of the case documents")
    return parser.parse_args(argv)


def main(argv=None):
    """Run the cases that the command line asks for."""
    arguments = parse(argv)
    if arguments.dataset is None:
        problem = drawn_problem(arguments.rows, arguments.features, arguments.density)
    else:
        try:
            problem = make_problem(arguments.dataset, seed=0)
        except reference_data.MissingDataError as error:
            sys.exit(str(error))
    shape = "{} x {}".format(*problem.X_fit.shape)
    print(f"{arguments.dataset or 'drawn rows'}, {shape}, {arguments.bits} bits")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "problem"
        joblib.dump(problem, path)
        del problem
        for name in arguments.case:
            print(f"\n{name}", flush=True)
            if name in _ORCHESTRATORS:
                table = CASES[name](path, arguments)
            else:
                table = in_fresh_process(CASES[name], path, arguments)
            print_table(*table)


if __name__ == "__main__":
    sys.exit(main())
