"""Singular directions against a plain SVD."""

import numpy as np
import pytest
import scipy.sparse as sp
from sklearn.decomposition import TruncatedSVD

from skhash.utils._linalg import singular_directions


@pytest.mark.parametrize("form", [np.asarray, sp.csr_array])
def test_equals_plain_svd(form):
    X = np.random.RandomState(0).standard_normal((60, 9)) * 2.0 ** -np.arange(9)
    found = singular_directions(form(X), 4, random_state=0)
    expected = np.linalg.svd(X)[2][:4]
    np.testing.assert_allclose(np.abs(found @ expected.T), np.eye(4), atol=1e-6)
    svd = TruncatedSVD(4, random_state=0).fit(form(X))
    np.testing.assert_allclose(found, svd.components_, atol=1e-12)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("form", [np.asarray, sp.csr_array])
@pytest.mark.parametrize(("shape", "n_found"), [((5, 1), 1), ((1, 5), 1), ((5, 3), 3)])
def test_few_rows_or_features_or_rows_all_the_same(form, shape, n_found):
    directions = singular_directions(form(np.ones(shape)), 4, random_state=0)
    assert directions.shape == (n_found, shape[1])
    np.testing.assert_allclose(directions @ directions.T, np.eye(n_found), atol=1e-7)
