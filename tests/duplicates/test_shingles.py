"""Compare shingles with plain Python."""

import re

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn.base import clone

from skhash.duplicates import WordShingleVectorizer, _shingles


@pytest.fixture(scope="module")
def texts():
    rng = np.random.RandomState(0)
    words = ["The", "cat", "sat", "on", "MAT", "été", "x_1", "42", "weiß", "日本"]
    marks = [" ", ", ", " - ", "\n", "! ", "\0"]
    drawn = [
        "".join(
            words[rng.randint(10)] + marks[rng.randint(6)]
            for _ in range(rng.randint(25))
        )
        for _ in range(60)
    ]
    return [*drawn, "", "?!", "one", "one two", " leading and trailing "]


def shingles_of(text, n):
    words = re.findall(r"[\w]+", text.lower())
    if not words:
        return []
    if len(words) < n:
        return [tuple(words)]
    return [tuple(words[k : k + n]) for k in range(len(words) - n + 1)]


@pytest.mark.parametrize("n_words", [1, 2, 3, 5])
def test_against_plain_counts(texts, n_words):
    X = WordShingleVectorizer(n_words, n_features=2**31 - 1).transform(texts)
    columns = {}
    for row, text in enumerate(texts):
        shingles = shingles_of(text, n_words)
        counts = {shingle: shingles.count(shingle) for shingle in shingles}
        found = X.indices[X.indptr[row] : X.indptr[row + 1]]
        assert len(found) == len(counts)
        values = X.data[X.indptr[row] : X.indptr[row + 1]]
        assert sorted(values) == sorted(counts.values())
        for shingle in counts:
            columns.setdefault(shingle, set(found.tolist()))
            columns[shingle] &= set(found.tolist())
    # Every shingle has a column that all texts with it share, and only those.
    assert all(columns.values())
    assert len(np.unique(X.indices)) == len(columns)


@pytest.mark.parametrize("size", [1, 100, 1000])
def test_blocks_do_not_matter(texts, size, monkeypatch):
    expected = WordShingleVectorizer().transform(texts)
    monkeypatch.setattr(_shingles, "_BYTES_AT_A_TIME", size)
    found = WordShingleVectorizer().transform(iter(texts))
    for part in ("data", "indices", "indptr"):
        assert_array_equal(getattr(found, part), getattr(expected, part))
    assert found.has_canonical_format


def test_columns_are_spread():
    texts = [f"word{i}" for i in range(20_000)]
    X = WordShingleVectorizer(1, n_features=100).transform(texts)
    counts = np.bincount(X.indices, minlength=100)
    assert ((counts - 200) ** 2 / 200).sum() < 160  # chi-squared, 99 degrees


def test_nothing():
    assert WordShingleVectorizer().transform([]).shape == (0, 2**20)
    assert WordShingleVectorizer().transform(["", "."]).nnz == 0


def test_invalid_input():
    vectorizer = WordShingleVectorizer()
    assert clone(vectorizer).fit(["a"]).get_params() == vectorizer.get_params()
    with pytest.raises(TypeError, match="single str"):
        vectorizer.transform("a text")
    with pytest.raises(TypeError, match="got bytes"):
        vectorizer.transform([b"a text"])
    with pytest.raises(ValueError, match="'n_words'"):
        WordShingleVectorizer(0).transform(["a"])
