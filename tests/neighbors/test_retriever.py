"""Compare the retriever with an encoder and an index."""

import pickle

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.frozen import FrozenEstimator
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline

from skhash import HammingRetriever
from skhash.neighbors import HammingNearestNeighbors, RerankedNearestNeighbors
from skhash.shallow import ITQHasher, RandomProjectionHasher

WORDS = {
    0: ["apple", "pear", "plum", "cherry", "grape", "melon", "fig", "peach"],
    1: ["car", "truck", "wheel", "engine", "brake", "road", "tyre", "motor"],
    2: ["violin", "cello", "flute", "drum", "piano", "harp", "horn", "oboe"],
}


@pytest.fixture(scope="module")
def corpus():
    rng = np.random.default_rng(0)
    y = rng.integers(0, 3, 160)
    return [" ".join(rng.choice(WORDS[label], 5)) for label in y], y


def encoder(output="bits", n_bits=32):
    hasher = RandomProjectionHasher(n_bits, output=output, random_state=0)
    return make_pipeline(TfidfVectorizer(), hasher)


def reranked():
    hasher = RandomProjectionHasher(32, random_state=0)
    return HammingRetriever(TfidfVectorizer(), RerankedNearestNeighbors(hasher))


def assert_same(got, want):
    for a, b in zip(got, want, strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("output", ["bits", "packed"])
def test_equals_encoder_and_index(corpus, output):
    texts, y = corpus
    retriever = HammingRetriever(encoder(output), HammingNearestNeighbors(3, radius=9))
    retriever.fit(texts[:100], y[:100], ids=np.arange(100) + 7)
    retriever.partial_fit(texts[100:120], y[100:120], ids=np.arange(120, 140))
    retriever.remove(ids=[7, 125]).remove([0])
    kept = np.delete(np.arange(120), [0, 1, 105])
    codes = encoder(output).fit(texts[:100]).transform(texts)
    index = HammingNearestNeighbors(3, radius=9, packed=output == "packed")
    ids = np.r_[np.arange(100) + 7, np.arange(120, 140)][kept]
    index.fit(codes[kept], y[kept], ids)
    queries, asked = texts[120:], codes[120:]
    assert_same(retriever.kneighbors(queries), index.kneighbors(asked))
    how = {"return_ids": True, "ids": ids[:2], "pad": True}
    assert_same(retriever.kneighbors(queries, **how), index.kneighbors(asked, **how))
    assert_same(retriever.kneighbors(), index.kneighbors())
    mask = np.arange(len(kept)) % 2 == 0
    graph = retriever.kneighbors_graph(queries, 2, "distance", mask=mask)
    assert (graph != index.kneighbors_graph(asked, 2, "distance", mask=mask)).nnz == 0
    for got, want in zip(
        retriever.radius_neighbors(queries, return_ids=True),
        index.radius_neighbors(asked, return_ids=True),
    ):
        assert [some.tolist() for some in got] == [some.tolist() for some in want]
    assert retriever.score(queries, y[120:]) == index.score(asked, y[120:])
    np.testing.assert_array_equal(retriever.ids_, ids)
    np.testing.assert_array_equal(retriever.labels_, y[kept])
    assert retriever.n_samples_fit_ == len(kept)
    assert retriever.index_.packed == (output == "packed")
    assert not hasattr(retriever, "n_features_in_")


def test_reranking(corpus):
    texts, y = corpus
    retriever = reranked().fit(texts[:100], y[:100], ids=[f"t{i}" for i in range(100)])
    retriever.partial_fit(
        texts[100:120], y[100:120], [f"t{i}" for i in range(100, 120)]
    )
    retriever.remove(ids=["t3"])
    vectors = TfidfVectorizer().fit(texts[:100]).transform(texts).toarray()
    distances, found = retriever.kneighbors(texts[120:], 1, return_ids=True)
    positions = np.char.lstrip(found[:, 0], "t").astype(int)
    cosines = (vectors[120:] * vectors[positions]).sum(axis=1)
    np.testing.assert_allclose(distances[:, 0], 1 - cosines, atol=1e-12)
    assert retriever.score(texts[120:], y[120:]) > 0.9
    counts = [len(some) for some in retriever.radius_neighbors(texts[120:], 0.5)[1]]
    assert sum(counts) > 40


def test_parameters_are_tuned_in_a_grid(corpus):
    texts, y = corpus
    retriever = HammingRetriever(encoder(), HammingNearestNeighbors(3))
    grid = {
        "encoder__randomprojectionhasher__n_bits": [1, 64],
        "index__n_neighbors": [3, 5],
    }
    search = GridSearchCV(retriever, grid, cv=2, error_score="raise").fit(texts, y)
    assert search.best_params_["encoder__randomprojectionhasher__n_bits"] == 64
    assert search.best_score_ > 0.8
    assert search.best_estimator_.kneighbors(texts[:2])[0].shape[0] == 2


def test_parameters_are_cloned_not_fitted(corpus):
    texts, _ = corpus
    retriever = HammingRetriever(encoder("packed"), HammingNearestNeighbors(2))
    retriever.fit(texts)
    assert retriever.index.packed is False
    assert not hasattr(retriever.encoder[0], "vocabulary_")
    other = clone(retriever)
    assert not hasattr(other, "encoder_")
    frozen = FrozenEstimator(retriever.encoder_)
    again = HammingRetriever(frozen, HammingNearestNeighbors(2)).fit(texts)
    assert_same(again.kneighbors(texts[:9]), retriever.kneighbors(texts[:9]))
    loaded = pickle.loads(pickle.dumps(retriever))
    assert_same(loaded.kneighbors(texts[:9]), retriever.kneighbors(texts[:9]))


def test_defaults(corpus):
    X = np.random.default_rng(0).standard_normal((90, 6))
    retriever = HammingRetriever().partial_fit(X)
    assert isinstance(retriever.encoder_, ITQHasher)
    assert retriever.n_features_in_ == 6
    found = retriever.kneighbors(X, 1, return_distance=False).ravel()
    assert (retriever.index_.codes_[found] == retriever.index_.codes_).all()


def test_wrong_parameters(corpus):
    texts, _ = corpus
    with pytest.raises(ValueError, match="'index' parameter"):
        HammingRetriever(encoder(), TfidfVectorizer()).fit(texts)
    with pytest.raises(TypeError, match="encoder must give codes; got a sparse"):
        HammingRetriever(make_pipeline(TfidfVectorizer())).fit(texts)
    with pytest.raises(ValueError, match="ids must be one per code"):
        HammingRetriever(encoder()).fit(texts, ids=[1])
