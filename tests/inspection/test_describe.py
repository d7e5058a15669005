"""Test descriptions of codes."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn.feature_extraction.text import TfidfVectorizer

from skhash import ITQHasher, SSBVAEHasher
from skhash.inspection import describe_codes


@pytest.fixture(scope="module")
def fitted(small_texts):
    texts, topics = small_texts
    vectorizer = TfidfVectorizer()
    X = vectorizer.fit_transform(texts)
    hasher = SSBVAEHasher(8, max_epochs=20, random_state=0).fit(X, topics)
    return hasher, hasher.transform(X), vectorizer.get_feature_names_out(), topics


def test_words_of_the_topic(fitted):
    hasher, codes, names, topics = fitted
    found = describe_codes(hasher, codes, names, y=topics, n_features=5)
    assert found[0].purity > 0.9
    for description in found[:3]:
        own = [name for name, _ in description.features]
        assert sum(name.startswith(f"topic{description.label}") for name in own) >= 4
    assert str(found[0]).startswith(f"{len(found[0].indices)} samples, ")


def test_all_samples_and_purity(fitted):
    hasher, codes, names, topics = fitted
    y = np.where(np.arange(300) < 200, topics, -1)
    found = describe_codes(hasher, codes, names, y=y, n_codes=None)
    sizes = [len(description.indices) for description in found]
    assert sizes == sorted(sizes, reverse=True)
    assert_array_equal(
        np.sort(np.concatenate([d.indices for d in found])), np.arange(300)
    )
    for description in found:
        assert (codes[description.indices] == description.code).all()
        known = y[description.indices]
        known = known[known >= 0]
        if len(known):
            counts = np.bincount(known)
            assert description.label == counts.argmax()
            assert description.purity == counts.max() / len(known)
        else:
            assert description.label is None
            assert np.isnan(description.purity)


def test_packed_codes(fitted, small_texts):
    hasher, codes, names, _ = fitted
    packed = SSBVAEHasher(8, max_epochs=20, output="packed", random_state=0)
    X = TfidfVectorizer().fit_transform(small_texts[0])
    packed.fit(X, small_texts[1])
    found = describe_codes(packed, np.packbits(codes, axis=1), names)
    for one, other in zip(found, describe_codes(hasher, codes, names)):
        assert one.features == other.features


def test_wrong_input(fitted, small_rows):
    hasher, codes, names, _ = fitted
    with pytest.raises(ValueError, match="one name per feature"):
        describe_codes(hasher, codes, names[:3])
    with pytest.raises(TypeError, match="must have a decoder"):
        describe_codes(ITQHasher(8).fit(small_rows[0]), codes)
    with pytest.raises(ValueError, match="codes must have"):
        describe_codes(hasher, codes[:, :5], names)
    with pytest.raises(ValueError, match="one class per sample"):
        describe_codes(hasher, codes, names, y=np.eye(3, dtype=int)[[0] * 300])
