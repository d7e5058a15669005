import csv
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import quality_report
import reference_data
import reranking
import retrieval_quality
import scipy.sparse as sp
import search_speed
import shallow_limits
import training_speed
from baselines import BASELINES
from problems import Problem, make_problem
from sklearn.utils import Bunch
from training_speed import draw_rows

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"


@pytest.fixture
def drawn(monkeypatch):
    """Return the name of a loader of 400 training and 120 test rows in 20 topics."""
    X, y = draw_rows(520, 200, density=0.1)
    data = Bunch(X_train=X[:400], y_train=y[:400], X_test=X[400:], y_test=y[400:])
    monkeypatch.setitem(reference_data.LOADERS, "drawn", lambda: data)
    return "drawn"


@pytest.mark.parametrize(
    "script",
    [
        "reranking.py",
        "retrieval_quality.py",
        "search_speed.py",
        "shallow_limits.py",
        "training_parts.py",
        "training_speed.py",
    ],
)
def test_help(script):
    finished = subprocess.run(
        [sys.executable, BENCHMARKS / script, "--help"],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert finished.returncode == 0, finished.stderr
    assert "python benchmarks/" in finished.stdout


@pytest.mark.parametrize(
    "options",
    [
        ["--methods", "no-such-method"],
        ["--methods", "pca", "--set", "no_such_parameter=1"],
        ["--set", "dropout"],
        ["--dataset", "no-such-data"],
    ],
)
def test_retrieval_quality_refuses_what_it_does_not_know(options, capsys):
    with pytest.raises(SystemExit):
        retrieval_quality.parse(options)
    assert "error" in capsys.readouterr().err


def test_retrieval_quality_runs_and_writes(drawn, tmp_path, capsys):
    table, picture = tmp_path / "quality.csv", tmp_path / "quality.png"
    options = f"--dataset {drawn} --methods pca --bits 16 --labels 0 50 --seeds 0"
    options += f" --csv {table} --plot {picture}"
    status = retrieval_quality.main(options.split())
    assert status == 0
    with table.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    # The baselines and pca, which ignores labels, once each: no share of labels twice.
    assert sorted((row["method"], float(row["labels"])) for row in rows) == [
        ("float-cosine", 0),
        ("oracle-features", 50),
        ("oracle-latent", 50),
        ("pca", 0),
        ("random-ranking", 0),
    ]
    quality = {row["method"]: float(row["precision_at_100"]) for row in rows}
    assert quality["random-ranking"] < min(quality["pca"], quality["oracle-features"])
    assert picture.stat().st_size > 1000
    assert "precision_at_100, by % of labels" in capsys.readouterr().out


def test_reranking_runs_on_more_rows_than_there_are(monkeypatch, capsys):
    rng = np.random.RandomState(0)
    y = np.arange(300) % 5
    X = rng.standard_normal((5, 32))[y] + rng.standard_normal((300, 32))
    data = Bunch(X_train=X[:200], y_train=y[:200], X_test=X[200:], y_test=y[200:])
    monkeypatch.setitem(reference_data.LOADERS, "drawn", lambda: data)
    options = "--dataset drawn --rows 500 --noise 0.1 --bits 32 --queries 50 --rounds 1"
    assert reranking.main([*options.split(), "--factors", "50"]) == 0
    lines = capsys.readouterr().out.strip().splitlines()[-3:]
    # A short list of all rows is exact search, and so are the other two.
    assert [line.split("  ")[0] for line in lines] == [
        "itq, 32 bits, 50x",
        "numpy",
        "scikit-learn",
    ]
    assert all(line.count("100.0 %") == 2 for line in lines)


def test_search_speed_runs(capsys):
    options = "--n 5000 --bits 64 --queries 4 --rounds 1 --peers numpy"
    search_speed.main(options.split())
    shown = capsys.readouterr().out
    assert "skhash brute" in shown
    assert "numpy" in shown


def test_shallow_limits_are_checked(capsys):
    options = "--rows 300 --features 100 --density 0.1 --hashers pca --bits 8"
    assert shallow_limits.main([*options.split(), "--seconds", "0"]) == 1
    assert "encode, s" in capsys.readouterr().out


def test_training_speed_runs(capsys):
    options = "--rows 500 --features 300 --density 0.03 --bits 16 --epochs 2"
    options += " --case epoch fit --original-epochs 1 --repeats 1"
    training_speed.main(options.split())
    shown = capsys.readouterr().out
    assert "same, dense" in shown
    assert "original, 1 epochs" in shown


def test_shares_of_labels_are_nested_and_noise_makes_that_many_wrong(drawn):
    problem = make_problem(drawn, seed=0)
    few, many = (problem.partial_labels(percent, 0, 0) for percent in (10, 30))
    assert (few >= 0).sum() == 40
    assert np.array_equal(many[few >= 0], few[few >= 0])
    noisy = problem.partial_labels(30, 0.25, 0)
    assert np.array_equal(noisy >= 0, many >= 0)
    assert (noisy != many).sum() == 30


def test_noise_moves_sets_of_labels_as_a_whole():
    y = np.zeros((40, 5), dtype=np.int64)
    y[:, :2] = 1
    X = sp.csr_array(np.ones((40, 1)))
    problem = Problem(X, y, X, y, X, y)
    noisy = problem.partial_labels(50, 0.5, 0)
    known = noisy[(noisy >= 0).all(axis=1)]
    assert len(known) == 20
    assert (known.sum(axis=1) == 2).all()
    assert (known != y[:20]).any(axis=1).sum() == 10


def test_validation_leaves_the_test_rows_out(drawn):
    data = reference_data.LOADERS[drawn]()
    problem = make_problem(drawn, seed=0, validation="random")
    assert problem.X_query.shape[0] == 80
    assert problem.X_fit.shape[0] == problem.X_index.shape[0] == 320
    words = sp.vstack([problem.X_fit, problem.X_query]).sum(axis=0)
    assert np.array_equal(words, data.X_train.sum(axis=0))


@pytest.mark.parametrize("by_age", [False, True])
def test_later_rows_of_each_class_ask(drawn, monkeypatch, by_age):
    data = Bunch(**reference_data.LOADERS[drawn]())
    data.age_train = np.arange(400)[::-1] if by_age else None
    monkeypatch.setitem(reference_data.LOADERS, drawn, lambda: data)
    problem = make_problem(drawn, seed=0, validation="later")
    asked = np.concatenate(
        [
            np.flatnonzero(data.y_train == one)[:: -1 if by_age else 1][-n:]
            for one, size in enumerate(np.bincount(data.y_train))
            if (n := round(size / 4))
        ]
    )
    asked = np.isin(np.arange(400), asked)
    assert (problem.X_query != data.X_train[asked]).nnz == 0
    assert (problem.X_fit != data.X_train[~asked]).nnz == 0
    np.testing.assert_array_equal(problem.y_query, data.y_train[asked])


def test_the_later_quarter_of_rows_with_several_labels_asks(drawn, monkeypatch):
    data = Bunch(**reference_data.LOADERS[drawn]())
    data.y_train, data.y_test = (np.eye(20)[y] for y in (data.y_train, data.y_test))
    monkeypatch.setitem(reference_data.LOADERS, drawn, lambda: data)
    problem = make_problem(drawn, seed=0, validation="later", max_rows=200)
    assert problem.X_query.shape[0] == 50


def test_unseen_classes_are_searched_and_asked_but_not_learned(drawn):
    problem = make_problem(drawn, seed=1, unseen=True)
    unseen = set(problem.y_index)
    assert len(unseen) == 5
    assert unseen >= set(problem.y_query)
    assert not unseen & set(problem.y_fit)
    data = reference_data.LOADERS[drawn]()
    asked = np.isin(data.y_test, list(unseen))
    assert (problem.X_query != data.X_test[asked]).nnz == 0


def test_max_rows_takes_a_sample(drawn):
    problem = make_problem(drawn, seed=0, max_rows=100)
    assert (problem.X_fit.shape[0], problem.X_query.shape[0]) == (100, 25)


@pytest.mark.parametrize("multilabel", [False, True])
@pytest.mark.parametrize("name", BASELINES)
def test_rivals_give_one_vector_a_row(name, multilabel, drawn):
    problem = make_problem(drawn, seed=0)
    if multilabel:
        indicator = (problem.y_fit[:, None] == np.arange(21)).astype(int)
        problem = replace(problem, y_fit=indicator)
    function, _ = BASELINES[name]
    index, query, metric = function(problem, problem.partial_labels(20, 0, 0), 0)
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
def test_shares_of_labels_are_run_where_they_matter(name, needs, learns):
    assert retrieval_quality.use_of_labels(name) == (needs, learns)


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
    assert retrieval_quality.main(options) == 0
    tables = capsys.readouterr().out.strip().split("\n\n")
    header = ["| {} | news, 32 |", "| --- | --- |"]
    # The later file counts, and what hears labels comes first.
    expected = [
        ("0 % of labels", "| itq | 0.400 |", "| pca | 0.300 |"),
        ("10 % of labels", "| cca | 0.700 |"),
        ("fit / encode, seconds", "| cca | 2.00 |", "| itq | 2.00 |", "| pca | 2.00 |"),
    ]
    for table, (title, *lines) in zip(tables, expected, strict=True):
        assert table.splitlines() == [header[0].format(title), header[1], *lines]
