"""Two-stage search against exact search."""

import numpy as np
import pytest
import scipy.sparse as sp
from sklearn.frozen import FrozenEstimator
from sklearn.neighbors import NearestNeighbors
from sklearn.utils.estimator_checks import check_estimator

from skhash.rerank import RerankedNearestNeighbors
from skhash.shallow import CCAITQHasher, ITQHasher


@pytest.fixture
def X():
    rng = np.random.RandomState(0)
    centers = 2 * rng.standard_normal((10, 16))
    return centers[rng.randint(10, size=400)] + rng.standard_normal((400, 16))


def test_scikit_learn_checks():
    check_estimator(RerankedNearestNeighbors(ITQHasher(2), n_neighbors=1))


@pytest.mark.parametrize("sparse", [False, True])
@pytest.mark.parametrize("metric", ["cosine", "euclidean"])
def test_all_candidates_give_exact_search(X, metric, sparse):
    rows = sp.csr_array(X) if sparse else X
    search = RerankedNearestNeighbors(
        ITQHasher(16, random_state=0), rerank_factor=100, metric=metric
    ).fit(rows[:300])
    exact = NearestNeighbors(n_neighbors=5, metric=metric, algorithm="brute")
    exact.fit(X[:300])
    for queries in (None, X[300:]):
        asked = sp.csr_array(queries) if sparse and queries is not None else queries
        distances, indices = search.kneighbors(asked)
        expected_distances, expected = exact.kneighbors(queries)
        np.testing.assert_array_equal(indices, expected)
        np.testing.assert_allclose(distances, expected_distances, atol=1e-7)


def test_inner_product_finds_the_largest(X):
    search = RerankedNearestNeighbors(rerank_factor=400, metric="inner_product")
    distances, indices = search.fit(X).kneighbors(X[:7], n_neighbors=1)
    products = X[:7] @ X.T
    np.testing.assert_array_equal(indices[:, 0], products.argmax(axis=1))
    np.testing.assert_allclose(-distances[:, 0], products.max(axis=1))


def test_more_candidates_find_more(X):
    exact = NearestNeighbors(n_neighbors=5, metric="cosine").fit(X)
    expected = exact.kneighbors(return_distance=False)
    recalls = []
    for factor in (1, 4, 16):
        search = RerankedNearestNeighbors(
            ITQHasher(16, random_state=0), rerank_factor=factor
        )
        found = search.fit(X).kneighbors(return_distance=False)
        recalls.append(
            np.mean([np.isin(*pair).mean() for pair in zip(found, expected)])
        )
    assert recalls[0] < recalls[1] < recalls[2]
    assert recalls[2] > 0.95


@pytest.mark.parametrize("output", ["bits", "packed"])
def test_takes_a_fitted_hasher_of_either_output(X, output):
    hasher = ITQHasher(16, output=output, random_state=0).fit(X)
    search = RerankedNearestNeighbors(FrozenEstimator(hasher)).fit(X[:200])
    plain = RerankedNearestNeighbors(ITQHasher(16, random_state=0)).fit(X)
    np.testing.assert_array_equal(search.hasher_.transform(X), hasher.transform(X))
    assert search.index_.n_bits_ == 16 == plain.index_.n_bits_


def test_labels_reach_the_hasher(X):
    y = (X[:, 0] > 0).astype(int)
    search = RerankedNearestNeighbors(CCAITQHasher(8, random_state=0)).fit(X, y)
    assert search.kneighbors(X[:3])[1].shape == (3, 5)


@pytest.mark.parametrize("n_neighbors", [0, 401])
def test_wrong_number_of_neighbors_is_an_error(X, n_neighbors):
    with pytest.raises(ValueError, match="n_neighbors"):
        RerankedNearestNeighbors().fit(X).kneighbors(X, n_neighbors)
