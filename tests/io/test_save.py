"""Test round trips of all estimators."""

import json
import os
import pickle
import subprocess
import sys
import warnings

import numpy as np
import pytest
import scipy.sparse as sp
from numpy.testing import assert_array_equal
from sklearn.base import BaseEstimator, clone
from sklearn.compose import ColumnTransformer, make_column_selector
from sklearn.decomposition import TruncatedSVD
from sklearn.exceptions import InconsistentVersionWarning
from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer
from sklearn.feature_selection import SelectKBest, chi2
from sklearn.impute import SimpleImputer
from sklearn.pipeline import FeatureUnion, make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    Normalizer,
    OneHotEncoder,
    StandardScaler,
)

import skhash
from skhash import (
    DuplicateDetector,
    HammingNearestNeighbors,
    ITQHasher,
    MultiViewSSBVAEHasher,
    SSBVAEHasher,
    io,
)
from skhash._base import BaseHasher
from skhash.duplicates import HammingBlocker, WordShingleVectorizer
from skhash.io._file import ArrayFile
from skhash.neighbors._base import HammingNeighborsBase

FEW_EPOCHS = {"max_epochs": 2, "batch_size": 50}


# Its shards are files of their own.
NOT_SAVED = "ShardedHammingNearestNeighbors"


def estimators():
    for name in sorted({*skhash.__all__} - {NOT_SAVED}):
        found = getattr(skhash, name)
        if not isinstance(found, type) or not issubclass(found, BaseEstimator):
            continue
        arguments = {"n_bits": 11} if issubclass(found, BaseHasher) else {}
        names = found().get_params(deep=False)
        arguments |= {k: v for k, v in FEW_EPOCHS.items() if k in names}
        arguments |= {"random_state": 3} if "random_state" in names else {}
        yield found(**arguments)


# The last ones have codes of class and content.
ESTIMATORS = [
    *estimators(),
    SSBVAEHasher(40, random_state=3, **FEW_EPOCHS),
    MultiViewSSBVAEHasher(40, random_state=3, **FEW_EPOCHS),
]


def test_sharded_index_raises(tmp_path):
    index = getattr(skhash, NOT_SAVED)().fit(np.eye(4, dtype=np.uint8))
    with pytest.raises(TypeError, match=f"{NOT_SAVED}._contents cannot be saved"):
        io.save(tmp_path / "index", index)
    assert not list(tmp_path.iterdir())


@pytest.fixture(scope="module")
def rows(small_rows):
    return small_rows[0].sorted_indices()


@pytest.fixture(scope="module")
def labels(small_rows):
    labels = small_rows[1].copy()
    labels[::2] = -1
    return labels


@pytest.fixture
def path(tmp_path):
    return tmp_path / "estimator.skhash"


def samples_for(estimator, rows):
    """Return what the estimator learns from: samples, or codes for an index."""
    if isinstance(estimator, HammingNeighborsBase | DuplicateDetector):
        return ITQHasher(16, random_state=0).fit_transform(rows)
    return rows


def results(estimator, X):
    """Return all that an estimator computes for samples, as a list of arrays."""
    found = []
    for method in ("transform", "predict_proba", "encode_proba", "kneighbors"):
        if hasattr(estimator, method):
            result = getattr(estimator, method)(X)
            found += result if isinstance(result, tuple) else [result]
    if hasattr(estimator, "pairs_"):
        found += [estimator.labels_, *estimator.pairs_]
    return [each.toarray() if sp.issparse(each) else each for each in found]


def assert_same_results(first, second, X):
    expected, got = results(first, X), results(second, X)
    assert expected
    assert len(expected) == len(got)
    for one, other in zip(expected, got):
        assert one.dtype == other.dtype
        assert_array_equal(one, other)


def saved_and_loaded(path, estimator, **options):
    io.save(path, estimator)
    return io.load(path, **options)


# Round trips


@pytest.mark.parametrize("estimator", ESTIMATORS, ids=lambda e: type(e).__name__)
@pytest.mark.parametrize("is_dense", [False, True], ids=["sparse", "dense"])
def test_round_trip(estimator, is_dense, rows, labels, path):
    X = samples_for(estimator, rows)
    if is_dense and sp.issparse(X):
        X = X.toarray()
    estimator = clone(estimator).fit(X, labels)
    assert results(estimator, X)  # What it prepares for that is not saved.
    loaded = saved_and_loaded(path, estimator)
    assert type(loaded) is type(estimator)
    assert repr(loaded) == repr(estimator)
    assert vars(loaded).keys() <= vars(estimator).keys()
    assert_same_results(estimator, loaded, X)
    assert_same_results(estimator, io.load(path, mmap=True), X)


def test_estimators_of_duplicates(rows, path):
    codes = samples_for(DuplicateDetector(), rows)
    blocker = HammingBlocker(max_candidates=2).fit(codes)
    for one, other in zip(saved_and_loaded(path, blocker).pairs_, blocker.pairs_):
        assert_array_equal(one, other)
    texts = ["a cat sat on the mat", "a dog sat on the mat"]
    shingles = WordShingleVectorizer().fit(texts)
    found = saved_and_loaded(path, shingles).transform(texts)
    assert_array_equal(found.toarray(), shingles.transform(texts).toarray())


@pytest.mark.parametrize("estimator", ESTIMATORS, ids=lambda e: type(e).__name__)
def test_round_trip_before_fit(estimator, path):
    loaded = saved_and_loaded(path, estimator)
    assert repr(loaded) == repr(estimator)
    assert vars(loaded).keys() == vars(estimator).keys()


def test_another_process(rows, labels, tmp_path):
    """Codes, probabilities and neighbors are the same where all is imported anew."""
    cases = []
    estimators = [
        each for each in ESTIMATORS if not isinstance(each, DuplicateDetector)
    ]
    for i, estimator in enumerate(estimators):
        X = samples_for(estimator, rows)
        fitted = clone(estimator).fit(X, labels)
        io.save(tmp_path / f"{i}.skhash", fitted)
        cases.append((X, results(fitted, X)))
    (tmp_path / "cases").write_bytes(pickle.dumps(cases))
    code = f"""if True:
        import pickle, sys, numpy as np, scipy.sparse as sp
        from skhash import io
        cases = pickle.load(open({str(tmp_path / "cases")!r}, "rb"))
        for i, (X, expected) in enumerate(cases):
            loaded, found = io.load({str(tmp_path)!r} + f"/{{i}}.skhash"), []
            for name in ("transform", "predict_proba", "encode_proba", "kneighbors"):
                if hasattr(loaded, name):
                    result = getattr(loaded, name)(X)
                    found += result if isinstance(result, tuple) else [result]
            if hasattr(loaded, "pairs_"):
                found += [loaded.labels_, *loaded.pairs_]
            found = [each.toarray() if sp.issparse(each) else each for each in found]
            assert len(found) == len(expected), type(loaded)
            for one, other in zip(found, expected):
                assert np.array_equal(one, other), type(loaded)
        print(len(cases))
    """
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) == len(estimators)


def test_training_continues(rows, labels, path):
    hasher = SSBVAEHasher(8, random_state=0, **FEW_EPOCHS).fit(rows, labels)
    loaded = saved_and_loaded(path, hasher)
    copied = pickle.loads(pickle.dumps(hasher))
    assert_same_results(
        copied.partial_fit(rows, labels), loaded.partial_fit(rows, labels), rows
    )


def test_index_grows_and_shrinks(rows, labels, path):
    codes = ITQHasher(16, random_state=0).fit_transform(rows)
    index = HammingNearestNeighbors().fit(codes, labels)
    for mmap in (False, True):
        loaded = saved_and_loaded(path, index, mmap=mmap)
        assert_array_equal(loaded.labels_, labels)
        loaded.partial_fit(codes[:7], labels[:7]).remove([0, 5, 301])
        expected = HammingNearestNeighbors().fit(
            np.delete(np.r_[codes, codes[:7]], [0, 5, 301], axis=0)
        )
        assert_same_results(expected, loaded, codes)
    # The file that is mapped has not changed.
    assert_same_results(index, io.load(path), codes)


@pytest.mark.parametrize("algorithm", ["auto", "brute", "multi_index"])
def test_mapped_codes(algorithm, path):
    packed = np.random.RandomState(0).randint(256, size=(3000, 7)).astype(np.uint8)
    packed[:, -1] &= 0xF0
    index = HammingNearestNeighbors(packed=True, n_bits=52, algorithm=algorithm)
    index.fit(packed[np.arange(9000) // 3])
    loaded = saved_and_loaded(path, index, mmap=True)
    assert_array_equal(loaded._index.rows(), packed[np.arange(9000) // 3])
    for method in ("kneighbors", "radius_neighbors"):
        expected, found = (
            getattr(each, method)(packed[:20]) for each in (index, loaded)
        )
        for one, other in zip(expected, found):
            assert [list(row) for row in one] == [list(row) for row in other]


def table(pd, texts):
    rng = np.random.RandomState(0)
    n = len(texts)
    return pd.DataFrame(
        {
            "text": texts,
            "height": rng.randn(n),
            "width": rng.randn(n),
            "color": rng.choice(["red", "green"], n),
        }
    )


def pipelines():
    yield make_pipeline(
        TfidfVectorizer(stop_words=["common1"], ngram_range=(1, 2)),
        TruncatedSVD(5, random_state=0),
        Normalizer(),
        ITQHasher(5, random_state=0),
    )
    yield make_pipeline(
        FeatureUnion(
            [
                ("words", TfidfVectorizer()),
                ("letters", CountVectorizer(analyzer="char")),
            ]
        ),
        SelectKBest(chi2, k=20),
        SSBVAEHasher(8, random_state=0, **FEW_EPOCHS),
    )


@pytest.mark.parametrize("pipeline", list(pipelines()), ids=["tfidf", "union"])
def test_pipeline_of_texts(pipeline, small_texts, path):
    texts, topics = small_texts
    pipeline.fit(texts, topics)
    loaded = saved_and_loaded(path, pipeline)
    assert repr(loaded) == repr(pipeline)
    assert_array_equal(loaded.transform(texts), pipeline.transform(texts))


@pytest.mark.parametrize("remainder", ["drop", "passthrough", StandardScaler()])
def test_column_transformer(remainder, small_texts, path):
    pd = pytest.importorskip("pandas")
    frame = table(pd, small_texts[0])
    columns = ColumnTransformer(
        [
            ("text", TfidfVectorizer(), "text"),
            ("color", OneHotEncoder(), make_column_selector("color")),
            ("height", make_pipeline(SimpleImputer(), StandardScaler()), ["height"]),
        ],
        remainder=remainder,
    )
    pipeline = make_pipeline(columns, ITQHasher(6, random_state=0)).fit(frame)
    loaded = saved_and_loaded(path, pipeline)
    assert_array_equal(loaded.transform(frame), pipeline.transform(frame))
    assert_array_equal(loaded.feature_names_in_, pipeline.feature_names_in_)


def test_size(rows, path):
    """A file has at most 1.05 times the bytes of the arrays, and of a pickle."""
    hasher = SSBVAEHasher(32, random_state=0, **FEW_EPOCHS).fit(rows)
    packed = np.random.RandomState(0).randint(256, size=(100_000, 8)).astype(np.uint8)
    index = HammingNearestNeighbors(packed=True).fit(packed)
    for estimator in (hasher, index):
        io.save(path, estimator)
        with ArrayFile(path) as file:
            n_arrays = len(file.graph()["checksums"])
            n_bytes = sum(file.array(i).nbytes for i in range(n_arrays))
        assert path.stat().st_size < 1.05 * n_bytes
        assert path.stat().st_size < 1.05 * len(pickle.dumps(estimator))
    assert n_bytes == packed.nbytes


def test_equal_estimators_give_equal_files(rows, tmp_path):
    paths = [tmp_path / "first", tmp_path / "second"]
    for path in paths:
        io.save(path, ITQHasher(8, random_state=0).fit(rows))
    assert paths[0].read_bytes() == paths[1].read_bytes()


def test_file_of_the_first_version():
    """Files stay readable: this one was written by 0.1.0."""
    folder = os.path.join(os.path.dirname(__file__), "data")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", InconsistentVersionWarning)
        pipeline = io.load(os.path.join(folder, "pipeline-1.skhash"))
        index = io.load(os.path.join(folder, "index-1.skhash"))
    with open(os.path.join(folder, "expected-1.json"), encoding="utf-8") as file:
        expected = json.load(file)
    codes = pipeline.transform(expected["texts"])
    assert codes.tolist() == expected["codes"]
    distances, indices = index.kneighbors(codes)
    assert distances.tolist() == expected["distances"]
    assert indices.tolist() == expected["indices"]


# What cannot be saved


def test_functions_raise(path):
    vectorizer = TfidfVectorizer(tokenizer=str.split)
    with pytest.raises(TypeError, match=r"TfidfVectorizer\.tokenizer cannot be saved"):
        io.save(path, vectorizer)
    with pytest.raises(TypeError, match=r"FunctionTransformer\.func cannot be saved"):
        io.save(path, FunctionTransformer(np.log1p))
    assert not path.exists()


def test_classes_of_other_packages_raise(path):
    class Own(BaseEstimator):
        pass

    with pytest.raises(TypeError, match=r"Own cannot be saved: it is of type .*Own"):
        io.save(path, Own())
    with pytest.raises(TypeError, match=r"\[1\]\[1\] cannot be saved"):
        io.save(path, make_pipeline(StandardScaler(), Own()))


def test_caches_raise(path, tmp_path):
    pipeline = make_pipeline(StandardScaler(), memory=str(tmp_path))
    with pytest.raises(TypeError, match=r"Pipeline.memory must be None"):
        io.save(path, pipeline)


def test_invalid_parameters_raise(path):
    with pytest.raises(ValueError, match="'n_bits' parameter"):
        io.save(path, ITQHasher(-1))


def test_an_estimator_that_holds_itself(path):
    union = FeatureUnion([("scaler", StandardScaler())])
    union.transformer_list.append(("itself", union.transformer_list))
    with pytest.raises(ValueError, match="holds itself"):
        io.save(path, union)
