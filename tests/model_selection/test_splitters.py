"""Test splits of collections of which few samples are labeled."""

import pickle
import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn.model_selection import GridSearchCV, cross_val_score

from skhash import PCAHasher
from skhash.model_selection import (
    SemiSupervisedKFold,
    UnseenClassSplit,
    make_retrieval_scorer,
    mask_labels,
)


def partial_labels(n=60, n_classes=4, seed=0):
    rng = np.random.default_rng(seed)
    return mask_labels(rng.integers(0, n_classes, n), keep=0.5, random_state=seed)


def several_labels(n=60, n_classes=4, seed=0):
    rng = np.random.default_rng(seed)
    y = (rng.random((n, n_classes)) < [0.6, 0.3, 0.2, 0.1]).astype(int)
    y[::3] = -1
    return y


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


def test_flags_of_splitters():
    y = np.arange(9) % 3
    for splitter, message in (
        (SemiSupervisedKFold(2, shuffle="no"), "shuffle must be .*got 'no'"),
        (UnseenClassSplit(keep_unlabeled=1), "keep_unlabeled must be .*got 1"),
    ):
        with pytest.raises(TypeError, match=message):
            next(splitter.split(y, y))


@pytest.mark.parametrize("shuffle", [False, True])
@pytest.mark.parametrize("form", ["classes", "sets"])
@pytest.mark.parametrize(
    ("n_each", "n_splits"), [(5, 5), (3, 3), (2, 2), (4, 5), (3, 2)]
)
def test_every_fold_has_a_class_twice(n_each, n_splits, form, shuffle):
    y = np.repeat(np.arange(20), n_each)
    y = np.eye(20, dtype=int)[y] if form == "sets" else y
    seed = 0 if shuffle else None
    splitter = SemiSupervisedKFold(n_splits, shuffle=shuffle, random_state=seed)
    tests = [test for _, test in splitter.split(y, y)]
    assert len(tests) == n_splits
    for test in tests:
        if form == "sets":
            assert y[test].sum(axis=0).max() >= 2
        else:
            assert np.bincount(y[test]).max() >= 2
    np.testing.assert_array_equal(np.sort(np.concatenate(tests)), np.arange(len(y)))


@pytest.mark.parametrize("y", [[0, 1, 2, 3], [0, 0, 1, 2, 3, -1], np.eye(4, dtype=int)])
def test_folds_without_two_samples_of_a_class_raise(y):
    with pytest.raises(ValueError, match=r"n_splits=2 leaves a test fold.*class twice"):
        next(SemiSupervisedKFold(2).split(y, y))


def test_selection_with_few_labels_per_class():
    rng = np.random.default_rng(0)
    y = np.repeat(np.arange(20), 30)
    X = rng.normal(size=(20, 40))[y] + 0.5 * rng.normal(size=(600, 40))
    for n_labels, n_splits in ((100, 5), (60, 3), (40, 2), (100, 2)):
        few = mask_labels(y, n_labels, stratify=True, random_state=1)
        for scoring in (None, make_retrieval_scorer("precision_at_1")):
            search = GridSearchCV(
                PCAHasher(random_state=0),
                {"n_bits": [2, 24]},
                cv=SemiSupervisedKFold(n_splits),
                scoring=scoring,
                error_score="raise",
            )
            with warnings.catch_warnings():
                warnings.simplefilter("error")
                scores = search.fit(X, few).cv_results_["mean_test_score"]
            assert np.isfinite(scores).all()
            assert scores[1] > scores[0] + 0.2


@pytest.mark.parametrize("splitter", [SemiSupervisedKFold(2), UnseenClassSplit(2)])
def test_groups_raise(splitter):
    y = np.arange(12) % 3
    with pytest.raises(ValueError, match=r"groups must be None.*cannot keep groups"):
        next(splitter.split(y, y, np.arange(12) // 2))
    with pytest.raises(ValueError, match="groups must be None"):
        cross_val_score(PCAHasher(2), np.eye(12), y, cv=splitter, groups=y)


def test_a_random_state_without_effect_raises():
    y = np.arange(12) % 3
    with pytest.raises(ValueError, match="random_state must be None unless"):
        next(SemiSupervisedKFold(2, random_state=0).split(y, y))


def test_signed_classes_raise():
    y = np.tile([-1, 1], 10)
    for splitter in (SemiSupervisedKFold(2), UnseenClassSplit(2)):
        with pytest.raises(ValueError, match="y must not have 1 and -1"):
            next(splitter.split(y, y))


def test_missing_labels_are_unlabeled():
    y = np.arange(30) % 3
    y[::4] = -1
    missing = pd.Series(np.where(y < 0, np.nan, y)).astype("Int64")
    for splitter in (SemiSupervisedKFold(2), UnseenClassSplit(2, random_state=0)):
        for found, expected in zip(splitter.split(y, missing), splitter.split(y, y)):
            for got, wanted in zip(found, expected):
                np.testing.assert_array_equal(got, wanted)


def test_unseen_classes_of_one_sample_raise_before_any_split():
    y = np.array([0, 0, 0, 1, 2])
    with pytest.raises(ValueError, match="y has no two rows of a class"):
        next(UnseenClassSplit(20, test_size=1, random_state=0).split(y, y))


def test_eight_bit_number_of_splits():
    y = np.arange(600) % 3
    for found, expected in zip(
        SemiSupervisedKFold(np.int8(100)).split(y, y),
        SemiSupervisedKFold(100).split(y, y),
    ):
        np.testing.assert_array_equal(found[1], expected[1])


def test_folds_of_one_class_measure_nothing():
    y = np.array([0, 0, 0, 0, 1, 1, 1, 1])
    with pytest.raises(ValueError, match="leaves 4 test folds of one class only"):
        next(SemiSupervisedKFold(4).split(y, y))
    y = np.array([0] * 6 + [1] * 6 + [2] * 6)
    with pytest.warns(UserWarning, match="leaves 1 test folds of one class only"):
        list(SemiSupervisedKFold(5).split(y, y))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        list(SemiSupervisedKFold(3).split(y, y))
        # Nothing else can be had from one class.
        list(SemiSupervisedKFold(2).split(y * 0, y * 0))


def test_one_unseen_class_measures_nothing():
    y = np.repeat(np.arange(5), 4)
    with pytest.warns(UserWarning, match="leaves one unseen class"):
        next(UnseenClassSplit(test_size=1).split(y, y))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for _, test in UnseenClassSplit().split(y, y):
            assert len(np.unique(y[test])) == 2
