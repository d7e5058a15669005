"""Test retrieval measures inside scikit-learn's tools."""

import pickle
import warnings

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from sklearn.base import BaseEstimator, TransformerMixin, clone
from sklearn.compose import ColumnTransformer
from sklearn.decomposition import PCA
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.model_selection import (
    GridSearchCV,
    StratifiedKFold,
    cross_val_score,
    cross_validate,
)
from sklearn.pipeline import FeatureUnion, Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from skhash import PCAHasher, metrics
from skhash.codes import pack_bits
from skhash.model_selection import (
    SemiSupervisedKFold,
    UnseenClassSplit,
    make_retrieval_scorer,
    mask_labels,
)

# Many tests score partial labels without a split; one test is about the warning.
pytestmark = pytest.mark.filterwarnings("ignore:y has no label for")


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


def rows_and_labels(seed=0, n=120):
    """Vectors around the corners of a cube, half of the labels masked."""
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 4, n)
    corners = np.array([[1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]])
    X = np.hstack([corners[y], np.zeros((n, 3))]) + rng.normal(0, 0.6, (n, 6))
    return X, mask_labels(y, keep=0.5, random_state=seed)


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


def test_scorers_have_a_representation():
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


def test_packed_codes_of_columns_score_as_bits():
    X, y = rows_and_labels()
    frame = pd.DataFrame(X, columns=[f"x{i}" for i in range(6)])
    frame, y = frame[y >= 0], y[y >= 0]
    scorer = make_retrieval_scorer("ndcg_at_5")

    def union(output):
        hashers = [PCAHasher(b, output=output, random_state=0) for b in (3, 5)]
        columns = [("a", hashers[0], ["x0", "x1", "x2"]), ("b", hashers[1], [*frame])]
        return ColumnTransformer(columns), FeatureUnion([*zip("ab", hashers)])

    for bits, packed in zip(union("bits"), union("packed")):
        expected = scorer(bits.fit(frame), frame, y)
        assert scorer(packed.fit(frame), frame, y) == expected


def test_plain_splits_of_partial_labels_warn():
    X, y = rows_and_labels()
    hasher, scoring = PCAHasher(4, random_state=0), make_retrieval_scorer()
    keywords = {"scoring": scoring, "error_score": "raise"}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for cv in (SemiSupervisedKFold(3), UnseenClassSplit(3, random_state=0)):
            cross_val_score(hasher, X, y, cv=cv, **keywords)
    for cv in (3, StratifiedKFold(3)):
        with pytest.warns(UserWarning, match=r"cv=skhash.*SemiSupervisedKFold"):
            cross_val_score(hasher, X, y, cv=cv, **keywords)


def test_a_radius_that_finds_nothing_warns():
    X, y = rows_and_labels()
    X, y = X[y >= 0], y[y >= 0]
    hasher = SignHasher(6).fit(X)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        make_retrieval_scorer("precision_within_2")(hasher, X, y)
    with pytest.warns(UserWarning, match="% of the queries find nothing"):
        make_retrieval_scorer("recall_within_0")(hasher, X[:12], y[:12])
