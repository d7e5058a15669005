"""Measure how fast SSBVAEHasher learns and encodes, and in how much memory.

    python benchmarks/bench_training.py --rows 20000 --features 10000
    SKHASH_DATA=path/to/data python benchmarks/bench_training.py \
        --dataset 20newsgroups --case epoch fit transform
    python benchmarks/bench_training.py --case parts

Samples are synthetic documents (--rows, --features, --density, in 20 topics) or a
reference data set. Each case prints a table; --csv writes the cells of all tables.

epoch      seconds per epoch (median) of the hasher, and of the same network, objective
           and batches on dense samples in plain PyTorch, epoch by epoch in turns
fit        the whole default fit against 30 epochs of the original training: dense, in
           batches of 100 samples; in turns, 10 epochs after each fit
transform  samples per second, against the TfidfVectorizer if the data set has texts
features   20 Newsgroups with all features, against 10,000
rows       ten times as many synthetic samples
grid       GridSearchCV over 8 settings: n_jobs=2, and 1 with all threads and with one
documents  one epoch on, and codes for, a million short texts: the demo corpus (extra
           demo) repeated, half of the words dropped
threads    one and two threads: seconds, and the number of bits that differ
parts      milliseconds of the parts of a training step on one batch, forward and
           backward, in several ways each: first layer, hidden layer, dropout, decoder,
           and the step of the optimizer over the first layer

Memory is the peak above the input in MB. The number of threads is that of the
environment (OMP_NUM_THREADS, or all cores). Quality is precision@100 of the queries.
"""

import argparse
import sys
import tempfile
from pathlib import Path

import joblib

from _lib import reference_data
from _lib.measure import in_fresh_process
from _lib.tables import print_table, write_csv
from _lib.tasks import make_task
from _lib.training_cases import CASES, ORCHESTRATORS, synthetic_task


def parse(argv):
    """Return the options."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--case", nargs="+", default=["epoch", "fit", "transform"], choices=CASES)
    add("--dataset", choices=reference_data.LOADERS, help="instead of synthetic data")
    add("--rows", type=int, default=10_000, help="number of synthetic samples")
    add("--features", type=int, default=10_000)
    add("--density", type=float, default=0.007, help="fraction of features in a sample")
    add("--bits", type=int, default=32)
    add("--labels", type=float, default=10, help="labeled samples in percent")
    add("--epochs", type=int, help="of the hasher; its default if not given")
    add("--original-epochs", type=int, default=30)
    add("--repeats", type=int, default=3, help="of fit and of transform")
    add("--documents", type=int, default=1_000_000, help="of the case documents")
    add("--batch-rows", type=int, default=512, help="of the case parts")
    add("--words", type=int, default=90, help="drawn per sample, of the case parts")
    add("--hidden", type=int, default=500, help="hidden units, of the case parts")
    add("--csv", type=Path, help="write one line per cell of the tables")
    return parser.parse_args(argv)


def cells(case, dataset, header, rows):
    """Yield the cells of a table as rows of a CSV file."""
    for row in rows:
        for measure, value in zip(header[1:], row[1:]):
            if value:
                about = {"case": case, "dataset": dataset, "name": row[0]}
                yield about | {"measure": measure, "value": value}


def main(argv=None):
    """Run the cases that the command line asks for."""
    arguments = parse(argv)
    if arguments.dataset is None:
        task = synthetic_task(arguments.rows, arguments.features, arguments.density)
    else:
        try:
            task = make_task(arguments.dataset, seed=0)
        except reference_data.MissingDataError as error:
            sys.exit(str(error))
    dataset = arguments.dataset or "synthetic"
    print(f"{dataset}, {task.X_fit.shape[0]} x {task.X_fit.shape[1]}")
    measured = []
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "task"
        joblib.dump(task, path)
        del task
        for name in arguments.case:
            print(f"\n{name}", flush=True)
            if name in ORCHESTRATORS:
                table = CASES[name](path, arguments)
            else:
                table = in_fresh_process(CASES[name], path, arguments)
            print_table(*table)
            measured += cells(name, dataset, *table)
    if arguments.csv:
        columns = ["case", "dataset", "name", "measure", "value"]
        write_csv(arguments.csv, columns, measured)


if __name__ == "__main__":
    sys.exit(main())
