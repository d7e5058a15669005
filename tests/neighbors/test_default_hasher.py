"""Test the choice of the hasher of re-ranked search."""

import warnings

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from sklearn.neighbors import NearestNeighbors

from skhash.neighbors import _default_hasher
from skhash.neighbors._default_hasher import choose_hasher, fit_default_hasher
from skhash.neighbors._reranked import RerankedNearestNeighbors
from skhash.shallow import ITQHasher, RandomProjectionHasher

OPTIONS = {"n_neighbors": 5, "depth": 50, "metric": "cosine", "random_state": 0}


def short_texts(n_texts=1500, n_words=2000):
    """Return texts of three words, of which each occurs rarely."""
    rng = np.random.RandomState(0)
    columns = rng.randint(n_words, size=(n_texts, 3)).ravel()
    rows = np.repeat(np.arange(n_texts), 3)
    shape = (n_texts, n_words)
    return sp.csr_array((np.ones(3 * n_texts), (rows, columns)), shape=shape)


def few_directions(n_samples=1200):
    """Return samples near a space of 12 dimensions, of 60."""
    rng = np.random.RandomState(0)
    X = rng.standard_normal((n_samples, 12)) @ rng.standard_normal((12, 60))
    # A direction in common, which takes the signs of random projections.
    return X + 0.1 * rng.standard_normal(X.shape) + 12


def found(X, hasher):
    """Return the fraction of true neighbors among candidates."""
    queries, X = X[:100], X[100:]
    search = RerankedNearestNeighbors(hasher, random_state=0).fit(X)
    exact = NearestNeighbors(n_neighbors=5, metric="cosine", algorithm="brute").fit(X)
    pairs = zip(
        search.kneighbors(queries, return_distance=False),
        exact.kneighbors(queries, return_distance=False),
    )
    return np.mean([np.isin(*pair).mean() for pair in pairs])


def test_random_projections_for_short_texts():
    X = short_texts()
    assert isinstance(choose_hasher(X, **OPTIONS), RandomProjectionHasher)
    assert found(X, None) > found(X, ITQHasher(64, random_state=0)) + 0.05


def test_principal_components_for_few_directions():
    X = few_directions()
    assert isinstance(choose_hasher(X, **OPTIONS), ITQHasher)
    assert found(X, None) > found(X, RandomProjectionHasher(256, random_state=0)) + 0.05


def test_the_shortest_of_equals_is_chosen():
    # All short lists hold everything.
    X = np.random.RandomState(0).standard_normal((1100, 8))
    chosen = choose_hasher(X, **(OPTIONS | {"depth": 2000}))
    assert (type(chosen), chosen.n_bits) == (ITQHasher, 64)


@pytest.mark.parametrize("shape", [(999, 2000), (1500, 2**17 + 1)])
def test_few_samples_or_many_features_give_no_choice(shape):
    chosen = choose_hasher(short_texts(*shape), **OPTIONS)
    assert (type(chosen), chosen.n_bits) == (ITQHasher, 64)


@pytest.mark.parametrize("metric", ["cosine", "euclidean", "inner_product"])
def test_choice_depends_on_the_seed_alone(metric):
    X = few_directions(1000)
    options = OPTIONS | {"metric": metric}
    first = fit_default_hasher(X, X, **options)
    again = fit_default_hasher(X, X, **options)
    assert type(first) is type(again)
    np.testing.assert_array_equal(first.transform(X), again.transform(X))


def test_chosen_hasher_learns_from_some_samples_and_has_feature_names(monkeypatch):
    monkeypatch.setattr(_default_hasher, "_MAX_FIT_SAMPLES", 100)
    X = few_directions(1000)
    frame = pd.DataFrame(X, columns=[f"x{i}" for i in range(X.shape[1])])
    hasher = fit_default_hasher(frame, X, **OPTIONS)
    assert list(hasher.feature_names_in_) == list(frame.columns)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        RerankedNearestNeighbors(random_state=0).fit(frame).kneighbors(frame[:5])
