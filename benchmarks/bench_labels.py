"""Measure the suggestions of what to label, and the search for wrong labels.

    SKHASH_DATA=path/to/data python benchmarks/bench_labels.py \
        --dataset 20newsgroups web-snippets ag-news --csv labels.csv

For each data set:

- random 6 %, random 10 %, suggested 6 %: precision@100 of test queries by 32-bit codes
  of SSBVAEHasher fitted with labels of that percentage of the training samples. The
  suggested ones start from 1 % at random; `suggest_samples` chooses the others in
  rounds, up to 2, 4 and 6 %;
- errors@100, errors@n: the fraction of wrong labels among the first 100 and the first n
  of `label_errors`, where n labels of 5 % of the training samples were replaced by
  another class. By 128-bit codes of ITQHasher, which sees no label. With cleanlab
  installed, its ranking by out-of-fold logistic regression stands beside.
"""

import argparse
import importlib.util
import sys
from pathlib import Path

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_predict

from _lib.reference_data import LOADERS
from _lib.tables import print_table, write_csv

COLUMNS = ("dataset", "seed", "measure", "value")
_ROUNDS = (2, 4, 6)
_WRONG = 0.05


def precision(data, labeled, seed):
    """Return precision@100 of codes learned with some labels, and the hasher."""
    from skhash import SSBVAEHasher
    from skhash.metrics import precision_at_k_score

    y = np.full(len(data.y_train), -1)
    y[labeled] = data.y_train[labeled]
    hasher = SSBVAEHasher(32, random_state=seed).fit(data.X_train, y)
    score = precision_at_k_score(
        hasher.transform(data.X_train),
        data.y_train,
        hasher.transform(data.X_test),
        data.y_test,
        k=100,
    )
    return score, hasher


def suggestions(data, seed):
    """Yield the precision with random and with suggested labels."""
    from skhash.inspection import suggest_samples

    n_samples = len(data.y_train)
    order = np.random.default_rng(seed).permutation(n_samples)
    for percent in (6, 10):
        score, _ = precision(data, order[: n_samples * percent // 100], seed)
        yield f"random {percent} %", score
    labeled = order[: n_samples // 100]
    for percent in _ROUNDS:
        _, hasher = precision(data, labeled, seed)
        mask = np.zeros(n_samples, dtype=bool)
        mask[labeled] = True
        chosen = suggest_samples(
            hasher.transform(data.X_train),
            hasher.predict_proba(data.X_train),
            n_samples * percent // 100 - len(labeled),
            labeled=mask,
        )
        labeled = np.concatenate([labeled, chosen])
    yield f"suggested {_ROUNDS[-1]} %", precision(data, labeled, seed)[0]


def wrong_labels(data, seed):
    """Yield the precision of the first wrong labels that are found."""
    from skhash import ITQHasher
    from skhash.inspection import label_errors

    rng = np.random.default_rng(seed)
    y = data.y_train.copy()
    n_classes = y.max() + 1
    wrong = rng.random(len(y)) < _WRONG
    y[wrong] = (y[wrong] + rng.integers(1, n_classes, wrong.sum())) % n_classes
    codes = ITQHasher(128, random_state=seed).fit_transform(data.X_train)
    rankings = {"label_errors": label_errors(codes, y).indices}
    if importlib.util.find_spec("cleanlab"):
        from cleanlab.filter import find_label_issues

        proba = cross_val_predict(
            LogisticRegression(C=10, max_iter=1000),
            data.X_train,
            y,
            cv=5,
            method="predict_proba",
        )
        rankings["cleanlab"] = find_label_issues(
            y, proba, return_indices_ranked_by="normalized_margin"
        )
    for name, found in rankings.items():
        for title, n in (("100", 100), ("n", wrong.sum())):
            yield f"{name}: errors@{title}", wrong[found[:n]].mean()


PARTS = {"errors": wrong_labels, "suggestions": suggestions}


def parse(argv):
    """Return the options."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--dataset", nargs="+", default=["20newsgroups"], choices=LOADERS)
    add("--seeds", nargs="+", type=int, default=[0])
    add("--parts", nargs="+", default=list(PARTS), choices=PARTS)
    add("--csv", type=Path, help="write one line per measure")
    return parser.parse_args(argv)


def main(argv=None):
    """Run what the command line asks for; return the exit status."""
    arguments = parse(argv)
    results = []
    for name in arguments.dataset:
        data = LOADERS[name]()
        for seed in arguments.seeds:
            for part in arguments.parts:
                for measure, value in PARTS[part](data, seed):
                    results.append([name, str(seed), measure, f"{value:.4f}"])
                    print(*results[-1], flush=True)
    print_table(COLUMNS, results)
    if arguments.csv:
        rows = [dict(zip(COLUMNS, result)) for result in results]
        write_csv(arguments.csv, COLUMNS, rows)
    return 0


if __name__ == "__main__":
    sys.exit(main())
