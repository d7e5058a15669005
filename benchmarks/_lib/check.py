"""Check that the benchmark scripts run; ``make check-benchmarks`` calls it.

Not a part of the test suite, which tests the package alone.
"""

import csv
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import scipy.sparse as sp
from sklearn.utils import Bunch

import bench_default_hasher
import bench_duplicates
import bench_quality
import bench_reranking
import bench_search
import bench_shallow_scaling
import bench_thresholds
import bench_training
from _lib import quality_report, reference_data
from _lib.baselines import BASELINES
from _lib.hashers import use_of_labels
from _lib.synthetic import draw_documents
from _lib.tables import read_csv
from _lib.tasks import Task, make_task

BENCHMARKS = Path(__file__).parents[1]


@pytest.fixture
def drawn(monkeypatch):
    """Return the name of a loader of 400 training and 120 test samples in 20 topics."""
    X, y = draw_documents(520, 200, density=0.1)
    data = Bunch(X_train=X[:400], y_train=y[:400], X_test=X[400:], y_test=y[400:])
    monkeypatch.setitem(reference_data.LOADERS, "drawn", lambda: data)
    return "drawn"


@pytest.mark.parametrize(
    "script", sorted(BENCHMARKS.glob("bench_*.py")), ids=lambda path: path.stem
)
def test_help(script):
    finished = subprocess.run(
        [sys.executable, script, "--help"],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert finished.returncode == 0, finished.stderr
    assert f"python benchmarks/{script.name}" in finished.stdout
    assert "--csv" in finished.stdout


@pytest.mark.parametrize(
    "options",
    [
        ["--methods", "no-such-method"],
        ["--methods", "pca", "--set", "no_such_parameter=1"],
        ["--set", "dropout"],
        ["--dataset", "no-such-data"],
    ],
)
def test_bench_quality_refuses_what_it_does_not_know(options, capsys):
    with pytest.raises(SystemExit):
        bench_quality.parse(options)
    assert "error" in capsys.readouterr().err


def test_bench_quality_runs_and_writes(drawn, tmp_path, capsys):
    table, picture = tmp_path / "quality.csv", tmp_path / "quality.png"
    options = f"--dataset {drawn} --methods pca --bits 16 --labels 0 50 --seeds 0"
    options += f" --csv {table} --plot {picture}"
    status = bench_quality.main(options.split())
    assert status == 0
    rows = read_csv(table)
    # Methods that ignore labels run once, without labels.
    assert sorted((row["method"], float(row["labels"])) for row in rows) == [
        ("float-cosine", 0),
        ("oracle-features", 50),
        ("oracle-latent", 50),
        ("pca", 0),
        ("random-ranking", 0),
    ]
    quality = {row["method"]: float(row["precision_at_100"]) for row in rows}
    data = reference_data.LOADERS[drawn]()
    chance = np.mean(data.y_test[:, None] == data.y_train)
    assert quality["random-ranking"] == pytest.approx(chance)
    assert quality["oracle-features"] > 1.1 * chance
    assert picture.stat().st_size > 1000
    assert "precision_at_100, by % of labels" in capsys.readouterr().out


def test_bench_reranking_runs_on_more_rows_than_there_are(monkeypatch, capsys):
    rng = np.random.RandomState(0)
    y = np.arange(300) % 5
    X = rng.standard_normal((5, 32))[y] + rng.standard_normal((300, 32))
    data = Bunch(X_train=X[:200], y_train=y[:200], X_test=X[200:], y_test=y[200:])
    monkeypatch.setitem(reference_data.LOADERS, "drawn", lambda: data)
    options = "--dataset drawn --rows 500 --noise 0.1 --bits 32 --queries 50 --rounds 1"
    assert bench_reranking.main([*options.split(), "--factors", "50"]) == 0
    lines = capsys.readouterr().out.strip().splitlines()[-3:]
    # With all samples as candidates, re-ranking is exact search.
    assert [line.split("  ")[0] for line in lines] == [
        "itq, 32 bits, 50x",
        "numpy",
        "scikit-learn",
    ]
    assert all(line.count("100.0") == 2 for line in lines)


def test_bench_thresholds_runs_and_writes(drawn, tmp_path):
    table = tmp_path / "thresholds.csv"
    options = f"--dataset {drawn} --bits 0 32 --queries 50 --seeds 0 1 --csv {table}"
    assert bench_thresholds.main(options.split()) == 0
    rows = read_csv(table)
    assert {row["n_bits"] for row in rows} == {"200", "32"}
    recalls = {row["rule"]: float(row["recall"]) for row in rows[-7:]}
    assert recalls["ITQHasher"] > recalls["zero"]
    assert all((row["chosen"] != "") == (row["rule"] == "auto") for row in rows)


def test_bench_default_hasher_runs_and_writes(drawn, tmp_path):
    table = tmp_path / "default_hasher.csv"
    options = f"--dataset {drawn} --queries 50 --csv {table}"
    assert bench_default_hasher.main(options.split()) == 0
    *_, default = read_csv(table)
    assert (default["hasher"], default["chosen"]) == ("default", "ITQHasher(64)")


def test_bench_search_runs(tmp_path, capsys):
    table = tmp_path / "search.csv"
    options = "--n 5000 --bits 64 --queries 4 --rounds 1 --peers numpy --simd portable"
    bench_search.main([*options.split(), "--csv", str(table)])
    shown = capsys.readouterr().out
    assert "skhash brute" in shown
    own, numpy = read_csv(table)
    assert (own["method"], own["simd"]) == ("skhash brute", "portable")
    assert numpy["method"] == "numpy"


def test_bench_search_finds_pairs(capsys):
    options = "--pairs --n 3000 --bits 64 --radius 2 --rounds 1"
    bench_search.main(options.split())
    shown = capsys.readouterr().out
    assert "processor: " in shown
    assert "3,000 random x 64 bits, radius 2" in shown


@pytest.mark.parametrize("task", ["texts", "groups", "trees"])
def test_bench_duplicates_runs(task, tmp_path, capsys):
    size = "20000" if task == "groups" else "1000"
    path = tmp_path / "lines.csv"
    assert not bench_duplicates.main([task, "--size", size, "--csv", str(path)])
    assert {row["task"] for row in read_csv(path)} == {task}
    assert task in capsys.readouterr().out


def test_bench_shallow_scaling_checks_its_limits(capsys):
    options = "--rows 300 --features 100 --density 0.1 --hashers pca --bits 8"
    assert bench_shallow_scaling.main([*options.split(), "--seconds", "0"]) == 1
    assert "encode, s" in capsys.readouterr().out


def test_bench_training_runs(capsys):
    options = "--rows 500 --features 300 --density 0.03 --bits 16 --epochs 2"
    options += " --case epoch fit --original-epochs 1 --repeats 1"
    bench_training.main(options.split())
    shown = capsys.readouterr().out
    assert "same, dense" in shown
    assert "original, 1 epochs" in shown


def test_larger_percentages_keep_the_labels_of_smaller_ones(drawn):
    task = make_task(drawn, seed=0)
    few, many = (task.partial_labels(percent, 0, 0) for percent in (10, 30))
    assert (few >= 0).sum() == 40
    assert np.array_equal(many[few >= 0], few[few >= 0])
    noisy = task.partial_labels(30, 0.25, 0)
    assert np.array_equal(noisy >= 0, many >= 0)
    assert (noisy != many).sum() == 30


def test_noise_shifts_sets_of_labels_as_a_whole():
    y = np.zeros((40, 5), dtype=np.int64)
    y[:, :2] = 1
    X = sp.csr_array(np.ones((40, 1)))
    task = Task(X, y, X, y, X, y)
    noisy = task.partial_labels(50, 0.5, 0)
    known = noisy[(noisy >= 0).all(axis=1)]
    assert len(known) == 20
    assert (known.sum(axis=1) == 2).all()
    assert (known != y[:20]).any(axis=1).sum() == 10


def test_validation_leaves_the_test_samples_out(drawn):
    data = reference_data.LOADERS[drawn]()
    task = make_task(drawn, seed=0, validation="random")
    assert task.X_query.shape[0] == 80
    assert task.X_fit.shape[0] == task.X_index.shape[0] == 320
    words = sp.vstack([task.X_fit, task.X_query]).sum(axis=0)
    assert np.array_equal(words, data.X_train.sum(axis=0))


@pytest.mark.parametrize("by_age", [False, True])
def test_later_samples_of_each_class_are_queries(drawn, monkeypatch, by_age):
    data = Bunch(**reference_data.LOADERS[drawn]())
    data.age_train = np.arange(400)[::-1] if by_age else None
    monkeypatch.setitem(reference_data.LOADERS, drawn, lambda: data)
    task = make_task(drawn, seed=0, validation="later")
    is_query = np.concatenate(
        [
            np.flatnonzero(data.y_train == one)[:: -1 if by_age else 1][-n:]
            for one, size in enumerate(np.bincount(data.y_train))
            if (n := round(size / 4))
        ]
    )
    is_query = np.isin(np.arange(400), is_query)
    assert (task.X_query != data.X_train[is_query]).nnz == 0
    assert (task.X_fit != data.X_train[~is_query]).nnz == 0
    np.testing.assert_array_equal(task.y_query, data.y_train[is_query])


def test_later_quarter_of_multilabel_samples_are_queries(drawn, monkeypatch):
    data = Bunch(**reference_data.LOADERS[drawn]())
    data.y_train, data.y_test = (np.eye(20)[y] for y in (data.y_train, data.y_test))
    monkeypatch.setitem(reference_data.LOADERS, drawn, lambda: data)
    task = make_task(drawn, seed=0, validation="later", max_rows=200)
    assert task.X_query.shape[0] == 50


def test_unseen_classes_are_searched_but_not_fitted(drawn):
    task = make_task(drawn, seed=1, unseen=True)
    unseen = set(task.y_index)
    assert len(unseen) == 5
    assert unseen >= set(task.y_query)
    assert not unseen & set(task.y_fit)
    data = reference_data.LOADERS[drawn]()
    is_query = np.isin(data.y_test, list(unseen))
    assert (task.X_query != data.X_test[is_query]).nnz == 0


def test_max_rows_takes_a_sample(drawn):
    task = make_task(drawn, seed=0, max_rows=100)
    assert (task.X_fit.shape[0], task.X_query.shape[0]) == (100, 25)


@pytest.mark.parametrize("multilabel", [False, True])
@pytest.mark.parametrize("name", BASELINES)
def test_baselines_return_one_vector_per_sample(name, multilabel, drawn):
    task = make_task(drawn, seed=0)
    if multilabel:
        indicator = (task.y_fit[:, None] == np.arange(21)).astype(int)
        task = replace(task, y_fit=indicator)
    function, _ = BASELINES[name]
    index, query, metric = function(task, task.partial_labels(20, 0, 0), 0)
    assert (index.shape[0], query.shape[0]) == (400, 120)
    assert index.shape[1] == query.shape[1]
    assert metric in ("hamming", "cosine", "inner_product")


@pytest.mark.parametrize(
    ("name", "needs", "learns"),
    [
        ("pca", False, False),
        ("bernoulli-vae", False, False),
        ("classifier", False, True),
        ("ccaitq", True, True),
    ],
)
def test_use_of_labels(name, needs, learns):
    assert use_of_labels(name) == (needs, learns)


def test_earlier_runs_are_shown_together(tmp_path, capsys):
    files = [tmp_path / "a.csv", tmp_path / "b.csv"]
    runs = [[("pca", 0, 0.3), ("itq", 0, 0.5)], [("itq", 0, 0.4), ("cca", 10, 0.7)]]
    about = {"dataset": "news", "bits": 32, "seed": 0}
    for path, of_file in zip(files, runs):
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, quality_report.COLUMNS)
            writer.writeheader()
            for method, labels, precision in of_file:
                run = {"method": method, "labels": labels, "fit_seconds": 2}
                writer.writerow(about | run | {"precision_at_100": precision})
    options = ["--from-csv", *map(str, files), "--markdown"]
    assert bench_quality.main(options) == 0
    tables = capsys.readouterr().out.strip().split("\n\n")
    header = ["| {} | news |", "| --- | --- |"]
    # The later file counts; methods that use labels come first.
    expected = [
        ("0 % of labels", "| itq | 0.400 |", "| pca | 0.300 |"),
        ("10 % of labels", "| cca | 0.700 |"),
        ("fit / encode, seconds", "| cca | 2.00 |", "| itq | 2.00 |", "| pca | 2.00 |"),
    ]
    for table, (title, *lines) in zip(tables, expected, strict=True):
        assert table.splitlines() == [header[0].format(title), header[1], *lines]
