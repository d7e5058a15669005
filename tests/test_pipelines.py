"""Test pipelines from texts and few labels to codes, on real data.

Quality is measured on web snippets and 20 Newsgroups with one default setting.
"""

import os
import subprocess
import sys

import joblib
import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn.base import clone
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import Pipeline

from skhash import (
    HammingNearestNeighbors,
    PCAHasher,
    RandomProjectionHasher,
    SSBVAEHasher,
)
from skhash.metrics import precision_at_k_score
from skhash.model_selection import (
    SemiSupervisedKFold,
    make_retrieval_scorer,
    mask_labels,
)
from tests.data import MissingDataError, load_web_snippets_texts

GRID = {"hasher__label_weight": [0.0, 5.0]}


def small_hasher(**kwargs):
    small = {"hidden_layer_sizes": (64,), "batch_size": 128, "max_epochs": 4}
    return SSBVAEHasher(n_bits=16, random_state=0, **(small | kwargs))


def pipeline(*others):
    return Pipeline(
        [
            ("tfidf", TfidfVectorizer(max_features=3000, stop_words="english")),
            ("hasher", small_hasher()),
            *others,
        ]
    )


@pytest.fixture(scope="module")
def snippets():
    """Return 1500 texts of 8 domains, and their labels, of which a third is kept."""
    try:
        texts = load_web_snippets_texts()
    except MissingDataError as missing:
        pytest.skip(str(missing))
    rows = np.random.RandomState(0).permutation(len(texts.X_train))[:1500]
    labels = mask_labels(texts.y_train[rows], 1 / 3, stratify=True, random_state=0)
    return texts.X_train[rows], labels


@pytest.mark.parametrize(
    "options",
    [
        {"cv": 2},
        {"cv": 2, "scoring": make_retrieval_scorer("precision_at_100")},
        {"cv": SemiSupervisedKFold(n_splits=2)},
        {"cv": SemiSupervisedKFold(n_splits=2), "n_jobs": 2},
    ],
    ids=["own score", "scorer", "splitter", "two jobs"],
)
def test_grid_search(snippets, options):
    texts, labels = snippets
    search = GridSearchCV(pipeline(), GRID, error_score="raise", **options)
    search.fit(texts, labels)
    scores = search.cv_results_["mean_test_score"]
    assert ((scores > 0) & (scores <= 1)).all()
    # Learning from labels beats ignoring them.
    assert search.best_params_ == {"hasher__label_weight": 5.0}
    assert search.score(texts, labels) > scores.min()
    assert search.transform(texts[:5]).shape == (5, 16)


def test_results_do_not_depend_on_the_number_of_jobs(snippets):
    texts, labels = snippets
    one, two = (
        cross_val_score(
            pipeline(), texts, labels, cv=SemiSupervisedKFold(2), n_jobs=n_jobs
        )
        for n_jobs in (1, 2)
    )
    assert_array_equal(one, two)


def test_scores_of_a_search_without_labels(snippets):
    texts, _ = snippets
    search = GridSearchCV(pipeline(), GRID, cv=2, error_score="raise")
    with pytest.raises(ValueError, match=r"no labeled row.*SemiSupervisedKFold"):
        search.fit(texts)


def test_grid_search_over_neighbors(snippets):
    texts, labels = snippets
    whole = pipeline(("neighbors", HammingNearestNeighbors(n_neighbors=10)))
    search = GridSearchCV(
        whole, GRID, cv=SemiSupervisedKFold(n_splits=2), error_score="raise"
    )
    search.fit(texts, labels)
    scores = search.cv_results_["mean_test_score"]
    assert ((scores > 1 / 8) & (scores <= 1)).all()
    assert search.best_params_ == {"hasher__label_weight": 5.0}
    fitted = search.best_estimator_
    codes = fitted[:-1].transform(texts[:3])
    distances, indices = fitted[-1].kneighbors(codes)
    assert distances.shape == indices.shape == (3, 10)
    assert_array_equal(distances[:, 0], 0)


def test_pipeline_of_packed_codes(snippets):
    texts, labels = snippets
    bits = pipeline(("neighbors", HammingNearestNeighbors(n_neighbors=10)))
    packed = clone(bits).set_params(hasher__output="packed", neighbors__packed=True)
    scores = [model.fit(texts, labels).score(texts, labels) for model in (bits, packed)]
    assert scores[0] == scores[1]


def test_clone_and_set_params(snippets):
    texts, labels = snippets
    model = pipeline().fit(texts, labels)
    again = clone(model).fit(texts, labels)
    assert_array_equal(again.transform(texts), model.transform(texts))
    again.set_params(hasher__n_bits=8, tfidf__max_features=100)
    assert again.fit(texts, labels).transform(texts).shape == (1500, 8)
    assert again[-1].n_features_in_ == 100


def in_another_process(code, *arguments):
    result = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code, *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    return result.stdout


def test_load_in_another_process(snippets, tmp_path):
    texts, labels = snippets
    model = pipeline().fit(texts, labels)
    joblib.dump(model, tmp_path / "model.joblib")
    joblib.dump(texts, tmp_path / "texts.joblib")
    in_another_process(
        """
import sys
import joblib, numpy as np
model, texts = (joblib.load(path) for path in sys.argv[1:3])
np.save(sys.argv[3], model.transform(texts))
np.save(sys.argv[4], model[-1].predict(model[0].transform(texts)))
""",
        *(tmp_path / name for name in ("model.joblib", "texts.joblib")),
        *(tmp_path / name for name in ("codes.npy", "classes.npy")),
    )
    assert_array_equal(np.load(tmp_path / "codes.npy"), model.transform(texts))
    classes = model[-1].predict(model[0].transform(texts))
    assert_array_equal(np.load(tmp_path / "classes.npy"), classes)


def test_size_of_the_file(snippets, tmp_path):
    texts, labels = snippets
    X = TfidfVectorizer(max_features=10_000).fit_transform(texts)
    hasher = SSBVAEHasher(max_epochs=1, random_state=0).fit(X, labels)
    joblib.dump(hasher, tmp_path / "hasher.joblib")
    weights = hasher.network_.state_dict().values()
    n_bytes = sum(weight.numel() * weight.element_size() for weight in weights)
    assert os.path.getsize(tmp_path / "hasher.joblib") <= 1.2 * n_bytes


def precision_with_a_tenth_of_the_labels(data, hasher):
    y = mask_labels(data.y_train, 0.1, random_state=0)
    hasher.fit(data.X_train, y)
    return precision_at_k_score(
        hasher.transform(data.X_train),
        data.y_train,
        hasher.transform(data.X_test),
        data.y_test,
        k=100,
    )


def test_quality_on_web_snippets(web_snippets):
    score = precision_with_a_tenth_of_the_labels(
        web_snippets, SSBVAEHasher(random_state=0)
    )
    assert score >= 0.74


def test_quality_on_newsgroups(newsgroups):
    score = precision_with_a_tenth_of_the_labels(
        newsgroups, SSBVAEHasher(random_state=0)
    )
    assert score >= 0.76


def test_order_of_the_baselines(web_snippets):
    """Better than chance, which is 1/8, and in their order."""
    random, pca = (
        precision_with_a_tenth_of_the_labels(web_snippets, hasher)
        for hasher in (
            RandomProjectionHasher(random_state=0),
            PCAHasher(random_state=0),
        )
    )
    assert 0.14 < random < pca < 0.56


@pytest.mark.parametrize("name", ["SSBVAEHasher", "PCAHasher"])
def test_never_densified(name):
    """Dense rows would take 4 GB in single precision and 8 in double."""
    out = in_another_process(
        """
import resource, sys
import numpy as np, scipy.sparse as sp
import skhash
rng = np.random.default_rng(0)
n_rows, n_features, nnz = 20_000, 50_000, 50
X = sp.csr_matrix(
    (
        rng.uniform(size=n_rows * nnz).astype(np.float32),
        rng.integers(n_features, size=n_rows * nnz, dtype=np.int32),
        np.arange(0, n_rows * nnz + 1, nnz, dtype=np.int32),
    ),
    shape=(n_rows, n_features),
)
X.sum_duplicates()
y = np.where(np.arange(n_rows) % 10, -1, np.arange(n_rows) // 10 % 4)
hasher = getattr(skhash, sys.argv[1])(random_state=0)
if hasattr(hasher, "max_epochs"):
    hasher.set_params(max_epochs=1)
assert hasher.fit(X, y).transform(X).shape == (n_rows, 32)
unit = 1 if sys.platform == "darwin" else 1024
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit)
""",
        name,
    )
    assert int(out) < 2.5e9
