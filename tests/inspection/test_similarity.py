"""Test explanations of the similarity of two samples."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.preprocessing import normalize

from skhash import PCAHasher, SSBVAEHasher
from skhash.inspection import explain_similarity


@pytest.fixture(scope="module")
def fitted(small_texts):
    vectorizer = TfidfVectorizer()
    X = vectorizer.fit_transform(small_texts[0])
    hasher = SSBVAEHasher(12, max_epochs=20, random_state=0).fit(X, small_texts[1])
    return hasher, X, vectorizer.get_feature_names_out()


@pytest.mark.parametrize("output", ["bits", "packed"])
def test_shared_words_are_the_terms_of_the_cosine(fitted, output):
    hasher, X, names = fitted
    hasher.set_params(output=output)
    found = explain_similarity(hasher, X[:2], names, n_features=1000)
    rows = normalize(X[:2]).toarray()
    assert_allclose(sum(w for _, w in found.shared_features), rows[0] @ rows[1])
    codes = hasher.set_params(output="bits").transform(X[:2])
    assert found.distance == (codes[0] != codes[1]).sum()
    assert f"{found.distance} of 12 bits differ" in str(found)


def test_words_of_the_topic(fitted, small_texts):
    hasher, X, names = fitted
    first, second = np.flatnonzero(small_texts[1] == 1)[:2]
    found = explain_similarity(hasher, X[[first, second]], names, n_features=5)
    assert sum(name.startswith("topic1") for name, _ in found.features) >= 4


def test_wrong_input(fitted, small_rows):
    hasher, X, names = fitted
    with pytest.raises(ValueError, match="X must have 2 samples; got 3"):
        explain_similarity(hasher, X[:3], names)
    with pytest.raises(TypeError, match="must have a decoder"):
        explain_similarity(PCAHasher(8).fit(small_rows[0]), X[:2])
