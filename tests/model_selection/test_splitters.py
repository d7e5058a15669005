"""Splitters, label subsets and scorers, alone and inside scikit-learn's tools."""

import pickle

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from sklearn.base import BaseEstimator, TransformerMixin, clone
from sklearn.decomposition import PCA
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.model_selection import GridSearchCV, cross_validate
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from skhash import PCAHasher, metrics
from skhash.codes import pack_bits
from skhash.model_selection import (
    SemiSupervisedKFold,
    UnseenClassSplit,
    make_retrieval_scorer,
    mask_labels,
)


class SignHasher(TransformerMixin, BaseEstimator):
    """The signs of the first columns, as bits or packed."""

    def __init__(self, n_bits=4, *, output="bits"):
        self.n_bits = n_bits
        self.output = output

    def fit(self, X, y=None):
        self.fitted_ = True
        return self

    def transform(self, X):
        X = X.toarray() if sp.issparse(X) else np.asarray(X)
        bits = (X[:, : self.n_bits] > 0).astype(np.uint8)
        return pack_bits(bits) if self.output == "packed" else bits


def partial_labels(n=60, n_classes=4, seed=0):
    rng = np.random.default_rng(seed)
    return mask_labels(rng.integers(0, n_classes, n), keep=0.5, random_state=seed)


def several_labels(n=60, n_classes=4, seed=0):
    rng = np.random.default_rng(seed)
    y = (rng.random((n, n_classes)) < [0.6, 0.3, 0.2, 0.1]).astype(int)
    y[::3] = -1
    return y


def rows_and_labels(seed=0, n=120):
    """Vectors around the corners of a cube, half of the labels hidden."""
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 4, n)
    corners = np.array([[1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]])
    X = np.hstack([corners[y], np.zeros((n, 3))]) + rng.normal(0, 0.6, (n, 6))
    return X, mask_labels(y, keep=0.5, random_state=seed)


# Splitters


@pytest.mark.parametrize("shuffle", [False, True])
@pytest.mark.parametrize(
    "y",
    [
        partial_labels(),
        np.array([*"abcabcabca", *[-1] * 7, *"aaaab"], dtype=object),
        np.array(list("abcabcabca")),
        several_labels(),
        np.vstack([np.random.default_rng(0).dirichlet([1, 1], 20), [[-1, -1]]]),
    ],
    ids=["integers", "objects", "strings", "indicator", "probabilities"],
)
def test_k_fold_tests_each_labeled_row_once(y, shuffle):
    labeled = np.array([np.any(np.ravel(row) != -1) for row in y])
    splitter = SemiSupervisedKFold(
        4, shuffle=shuffle, random_state=0 if shuffle else None
    )
    assert splitter.get_n_splits() == 4
    tested = []
    for train, test in splitter.split(np.zeros(len(y)), y):
        assert labeled[test].all()
        assert np.isin(np.flatnonzero(~labeled), train).all()
        np.testing.assert_array_equal(np.union1d(train, test), np.arange(len(y)))
        assert not np.intersect1d(train, test).size
        tested.append(test)
    sizes = [len(test) for test in tested]
    assert max(sizes) - min(sizes) <= 1
    np.testing.assert_array_equal(
        np.sort(np.concatenate(tested)), np.flatnonzero(labeled)
    )


def test_k_fold_keeps_the_shares_of_classes():
    y = np.repeat([0, 1, 2, -1], [40, 10, 2, 30])
    for _, test in SemiSupervisedKFold(5, shuffle=True, random_state=1).split(y, y):
        counts = np.bincount(y[test], minlength=3)
        assert counts[0] == 8
        assert counts[1] == 2
        assert counts[2] <= 1


def test_k_fold_keeps_the_shares_of_several_labels():
    y = several_labels(n=600)
    shares = y[y[:, 0] >= 0].mean(axis=0)
    for _, test in SemiSupervisedKFold(4).split(y, y):
        np.testing.assert_allclose(y[test].mean(axis=0), shares, atol=0.02)


def test_k_fold_depends_on_the_random_state_alone():
    y = partial_labels()
    X = np.zeros((len(y), 1))

    def tests(**parameters):
        return [t.tolist() for _, t in SemiSupervisedKFold(**parameters).split(X, y)]

    assert tests() == tests()
    assert tests(shuffle=True, random_state=3) == tests(shuffle=True, random_state=3)
    assert tests(shuffle=True, random_state=3) != tests(shuffle=True, random_state=4)
    assert tests(shuffle=True, random_state=3) != tests()


@pytest.mark.parametrize(
    ("n_splits", "y", "error", "message"),
    [
        (1, [0, 1, 1], ValueError, "n_splits must be an int of at least 2; got 1"),
        (2.0, [0, 1, 1], TypeError, "n_splits must be an int of at least 2; got 2.0"),
        (4, [0, 1, 1, -1], ValueError, "n_splits must be at most.*3; got 4"),
        (2, [-1, -1, -1], ValueError, "y has no labeled row"),
        (2, None, ValueError, "y has no labeled row"),
        (2, [0, 1], ValueError, "y must have one label per sample"),
    ],
)
def test_bad_input_of_k_fold(n_splits, y, error, message):
    X = np.zeros((max(3, len(y or [])), 1))
    with pytest.raises(error, match=message):
        next(SemiSupervisedKFold(n_splits).split(X, y))


@pytest.mark.parametrize("keep_unlabeled", [True, False])
def test_unseen_classes_are_not_trained_on(keep_unlabeled):
    y = partial_labels(n_classes=8, n=200)
    splitter = UnseenClassSplit(
        6, test_size=0.25, keep_unlabeled=keep_unlabeled, random_state=0
    )
    assert splitter.get_n_splits() == 6
    drawn = set()
    for train, test in splitter.split(y, y):
        unseen = np.unique(y[test])
        assert len(unseen) == 2
        assert -1 not in unseen
        assert not np.isin(y[train], unseen).any()
        assert (y[train] == -1).sum() == keep_unlabeled * (y == -1).sum()
        assert np.isin(y[test], unseen).sum() == np.isin(y, unseen).sum()
        drawn.add(tuple(unseen))
    assert len(drawn) > 1


def test_unseen_classes_among_several_labels():
    y = several_labels(n=300)
    for train, test in UnseenClassSplit(4, test_size=2, random_state=0).split(y, y):
        trained = (y[train] > 0).any(axis=0)
        unseen = (y[test] > 0).any(axis=0)
        assert unseen.sum() == 2
        assert not (trained & unseen).any()
        assert np.isin(np.flatnonzero(y[:, 0] == -1), train).all()


@pytest.mark.parametrize(
    ("parameters", "y", "error", "message"),
    [
        ({"n_splits": 0}, [0, 1], ValueError, "n_splits must be an int of at least 1"),
        ({"test_size": 1.0}, [0, 1], ValueError, r"test_size .*\(0, 1\); got 1.0"),
        ({"test_size": 2}, [0, 1], ValueError, "from 1 to 1; got 2"),
        ({"test_size": "half"}, [0, 1], TypeError, "test_size must be.*'half'"),
        ({}, [0, -1], ValueError, "at least two classes.*got 1"),
        ({}, [-1, -1], ValueError, "y has no labeled row"),
        ({}, [[1, 1], [1, 1]], ValueError, "raise test_size"),
    ],
)
def test_bad_input_of_unseen_classes(parameters, y, error, message):
    with pytest.raises(error, match=message):
        next(UnseenClassSplit(**parameters).split(np.zeros(2), y))


def test_splitters_print_and_clone():
    splitter = SemiSupervisedKFold(3, shuffle=True, random_state=1)
    assert repr(splitter) == (
        "SemiSupervisedKFold(n_splits=3, random_state=1, shuffle=True)"
    )
    assert "test_size=0.25" in repr(UnseenClassSplit())
    assert pickle.loads(pickle.dumps(splitter)).n_splits == 3


# Label subsets


@pytest.mark.parametrize(
    "y",
    [
        np.arange(100) % 7,
        (np.arange(100) % 7).astype(np.uint8),
        np.arange(100) % 2 == 0,
        np.array(list("abcde") * 20),
        np.array(list("abcde") * 20, dtype=object),
        np.arange(100) % 7 + 0.0,
    ],
    ids=["int", "uint8", "bool", "str", "object", "float"],
)
@pytest.mark.parametrize("stratify", [False, True])
def test_hiding_keeps_the_labels_it_says(y, stratify):
    y.flags.writeable = False
    for keep, n_kept in [(0.13, 13), (0, 0), (0.001, 1), (1.0, 100), (1, 1), (0.0, 0)]:
        partial = mask_labels(y, keep, stratify=stratify, random_state=0)
        kept = np.array([label != -1 for label in partial])
        assert kept.sum() == n_kept
        assert (partial[kept] == y[kept]).all()


def test_hiding_more_of_what_is_hidden():
    y = partial_labels()
    partial = mask_labels(y, 0.5, random_state=1)
    assert (partial >= 0).sum() == 15
    assert (partial[y == -1] == -1).all()
    assert mask_labels(y, 0.5).dtype == y.dtype


def test_smaller_subsets_lie_within_larger_ones():
    y = np.arange(200) % 5
    kept = [mask_labels(y, keep, random_state=7) >= 0 for keep in (0.02, 0.1, 0.5)]
    assert not (kept[0] & ~kept[1]).any()
    assert not (kept[1] & ~kept[2]).any()
    assert (kept[2] != (mask_labels(y, 0.5, random_state=8) >= 0)).any()


def test_stratified_subsets_have_every_class():
    y = np.repeat([0, 1, 2, 3], [180, 15, 4, 1])
    for seed in range(5):
        partial = mask_labels(y, 0.1, stratify=True, random_state=seed)
        counts = np.bincount(partial[partial >= 0], minlength=4)
        assert counts.sum() == 20
        assert (counts > 0).all()
        assert counts[0] >= 16
        few = mask_labels(y, 2, stratify=True, random_state=seed)
        assert (few >= 0).sum() == 2


def test_stratified_subsets_of_sets_have_every_class():
    y = np.repeat([0, 1, 2, 3], [180, 15, 4, 1])
    one_hot = np.eye(4, dtype=int)[y]
    several = one_hot | (np.arange(200) % 5 == 0)[:, None] * [1, 0, 0, 0]
    for sets in (one_hot, several):
        for seed in range(5):
            partial = mask_labels(sets, 0.1, stratify=True, random_state=seed)
            kept = (partial >= 0).all(axis=1)
            assert kept.sum() == 20
            assert sets[kept].any(axis=0).all()
            few = mask_labels(sets, 2, stratify=True, random_state=seed)
            assert (few >= 0).all(axis=1).sum() == 2
    assert (mask_labels(one_hot, 1.0, stratify=True) == one_hot).all()


@pytest.mark.parametrize("make", [np.asarray, sp.csr_matrix])
def test_hiding_several_labels(make):
    y = several_labels(n=300).clip(0)
    partial = mask_labels(make(y), 0.1, stratify=True, random_state=0)
    kept = (partial != -1).all(axis=1)
    assert kept.sum() == 30
    np.testing.assert_array_equal(partial[kept], y[kept])
    np.testing.assert_array_equal(partial[~kept], -1)
    np.testing.assert_allclose(y[kept].mean(axis=0), y.mean(axis=0), atol=0.03)
    assert (mask_labels(y, 30) != -1).all(axis=1).sum() == 30


@pytest.mark.parametrize(
    ("keep", "error", "message"),
    [
        (1.5, ValueError, "keep must be a fraction.*got 1.5"),
        (-1, ValueError, "keep must be a fraction.*got -1"),
        (4, ValueError, "from 0 to 3; got 4"),
        ("half", TypeError, "keep must be.*'half'"),
        (True, TypeError, "keep must be.*True"),
    ],
)
def test_bad_input_of_hiding(keep, error, message):
    with pytest.raises(error, match=message):
        mask_labels([0, 1, 1], keep)
    with pytest.raises(ValueError, match="y has no labeled row"):
        mask_labels([-1, -1], 0.5)
    with pytest.raises(ValueError, match=r"y must hold labels.*got None"):
        mask_labels(None, keep)
    with pytest.raises(TypeError, match="stratify must be True or False; got 'x'"):
        mask_labels([0, 1, 1], 1, stratify="x")


def test_flags_of_splitters():
    y = np.arange(9) % 3
    for splitter, message in (
        (SemiSupervisedKFold(2, shuffle="no"), "shuffle must be .*got 'no'"),
        (UnseenClassSplit(keep_unlabeled=1), "keep_unlabeled must be .*got 1"),
    ):
        with pytest.raises(TypeError, match=message):
            next(splitter.split(y, y))


# Scorers


@pytest.mark.parametrize(
    ("name", "function", "parameters"),
    [
        ("precision_at_3", metrics.precision_at_k_score, {"k": 3}),
        ("recall_at_12", metrics.recall_at_k_score, {"k": 12}),
        ("average_precision_at_5", metrics.average_precision_at_k_score, {"k": 5}),
        ("average_precision", metrics.average_precision_at_k_score, {"k": None}),
        ("ndcg_at_5", metrics.ndcg_at_k_score, {"k": 5}),
        ("ndcg", metrics.ndcg_at_k_score, {"k": None}),
        ("precision_within_1", metrics.precision_within_radius_score, {"radius": 1}),
        ("recall_within_0", metrics.recall_within_radius_score, {"radius": 0}),
    ],
)
def test_scorers_by_name_and_by_function(name, function, parameters):
    X, y = rows_and_labels()
    hasher = SignHasher().fit(X)
    expected = function(hasher.transform(X), y, **parameters)
    assert make_retrieval_scorer(name)(hasher, X, y) == pytest.approx(expected)
    scorer = make_retrieval_scorer(function, **parameters)
    assert scorer(hasher, X, y) == pytest.approx(expected)
    packed = SignHasher(output="packed").fit(X)
    assert scorer(packed, X, y) == pytest.approx(expected)
    nested = make_pipeline(StandardScaler(with_mean=False), make_pipeline(packed))
    assert scorer(nested.fit(X), X, y) == pytest.approx(expected)
    again = pickle.loads(pickle.dumps(scorer))
    assert again(hasher, X, y) == pytest.approx(expected)


def test_scorers_take_what_the_estimator_takes():
    X, y = rows_and_labels()
    hasher, scorer = SignHasher().fit(X), make_retrieval_scorer("precision_at_3")
    expected = scorer(hasher, X, y)
    assert scorer(hasher, pd.DataFrame(X), pd.Series(y)) == pytest.approx(expected)
    assert scorer(hasher, sp.csr_matrix(X), list(y)) == pytest.approx(expected)

    texts = ["red green", "blue", "red", "blue sky", "nothing"]
    labels = np.array(["warm", "cold", "warm", "cold", -1], dtype=object)
    pipeline = make_pipeline(TfidfVectorizer(), SignHasher(5)).fit(texts)
    assert make_retrieval_scorer("precision_at_1")(pipeline, texts, labels) == 1.0

    indicator = (y[:, None] == np.arange(4)).astype(int)
    for several in (indicator, sp.csr_matrix(indicator)):
        score = make_retrieval_scorer("ndcg_at_3", relevance="jaccard")(
            hasher, X[y >= 0], several[y >= 0]
        )
        assert score == pytest.approx(
            metrics.ndcg_at_k_score(hasher.transform(X), y, k=3)
        )


def test_scorers_for_real_numbers():
    X, y = rows_and_labels()
    pca = PCA(2).fit(X)
    scorer = make_retrieval_scorer("precision_at_5", metric="euclidean")
    assert scorer(pca, X, y) == pytest.approx(
        metrics.precision_at_k_score(pca.transform(X), y, k=5, metric="euclidean")
    )


@pytest.mark.parametrize("n_jobs", [None, 2])
@pytest.mark.parametrize("output", ["bits", "packed"])
def test_grid_search(output, n_jobs):
    X, y = rows_and_labels()
    pipeline = Pipeline(
        [("scale", StandardScaler()), ("hash", SignHasher(output=output))]
    )
    search = GridSearchCV(
        pipeline,
        {"hash__n_bits": [1, 3]},
        scoring=make_retrieval_scorer("average_precision_at_10"),
        cv=SemiSupervisedKFold(3, shuffle=True, random_state=0),
        n_jobs=n_jobs,
        error_score="raise",
    ).fit(X, y)
    assert search.best_params_ == {"hash__n_bits": 3}
    assert 0.5 < search.best_score_ <= 1.0
    assert 0.5 < search.score(X, y) <= 1.0


def test_several_scorers_and_the_unseen_class_splitter():
    X, y = rows_and_labels()
    names = ["precision_at_1", "ndcg", "recall_within_1"]
    scores = cross_validate(
        clone(SignHasher(3)),
        X,
        y,
        scoring={name: make_retrieval_scorer(name) for name in names},
        cv=UnseenClassSplit(3, test_size=2, random_state=0),
        error_score="raise",
    )
    for name in names:
        assert np.all(scores[f"test_{name}"] > 0.3)
        assert np.all(scores[f"test_{name}"] <= 1.0)


def test_scorers_say_what_they_are():
    assert repr(make_retrieval_scorer("precision_at_3", relevance="any")) == (
        "make_retrieval_scorer(precision_at_k_score, k=3, relevance='any')"
    )


def test_bad_input_of_scorers():
    for name in ("accuracy", "precision", "precision_at_x", "precision_at_3x", "ndcg_"):
        with pytest.raises(ValueError, match=f"measure must be.*got '{name}'"):
            make_retrieval_scorer(name)
    with pytest.raises(TypeError, match="measure must be a name or a function; got 3"):
        make_retrieval_scorer(3)
    with pytest.raises(ValueError, match=r"measure must be.*got 'recall_at_0'"):
        make_retrieval_scorer("recall_at_0")
    with pytest.raises(TypeError, match="unexpected keyword argument 'foo'"):
        make_retrieval_scorer("ndcg_at_10", foo=1)
    with pytest.raises(ValueError, match="average must be True"):
        make_retrieval_scorer("ndcg", average=False)
    with pytest.raises(ValueError, match="k must be given once"):
        make_retrieval_scorer("precision_at_3", k=4)
    X, y = rows_and_labels()
    scorer = make_retrieval_scorer("precision_at_3")
    with pytest.raises(TypeError, match="needs an estimator with transform"):
        scorer(BaseEstimator(), X, y)
    for labels in (None, np.full(len(X), -1)):
        with pytest.raises(ValueError, match="y has no labeled row"):
            scorer(SignHasher().fit(X), X, labels)


def test_scorers_find_the_hasher_in_other_estimators():
    X, y = rows_and_labels()
    hasher = PCAHasher(5, output="packed")
    expected = make_retrieval_scorer()(hasher.fit(X), X, y)
    search = GridSearchCV(hasher, {"n_bits": [5]}, scoring=make_retrieval_scorer())
    for estimator in (search, make_pipeline(hasher, "passthrough")):
        assert make_retrieval_scorer()(estimator.fit(X, y), X, y) == expected
