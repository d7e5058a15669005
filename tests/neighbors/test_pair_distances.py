"""Compare distances of queries to candidates with SciPy."""

import numpy as np
import pytest
import scipy.sparse as sp
from scipy.spatial.distance import cdist
from sklearn.preprocessing import normalize

from skhash.neighbors._pair_distances import pair_distances


@pytest.mark.parametrize("form", [np.asarray, sp.csr_array])
@pytest.mark.parametrize("metric", ["cosine", "euclidean", "inner_product"])
def test_distances_are_those_of_the_pairs(metric, form):
    rng = np.random.default_rng(0)
    vectors, queries = rng.normal(size=(40, 6)), rng.normal(size=(5, 6))
    candidates = rng.integers(-1, 40, (5, 9))
    expected = -queries @ vectors.T
    if metric != "inner_product":
        expected = cdist(queries, vectors, metric)
    if metric == "cosine":
        vectors, queries = normalize(vectors), normalize(queries)
    found = pair_distances(form(queries), candidates, form(vectors), metric)
    expected = np.take_along_axis(expected, np.maximum(candidates, 0), axis=1)
    np.testing.assert_allclose(found, np.where(candidates < 0, np.inf, expected))
    nothing = pair_distances(form(queries), np.full((5, 2), -1), form(vectors), metric)
    assert np.isposinf(nothing).all()
