"""Test SimHash against its definition, in all forms of samples."""

import numpy as np
import pytest
import scipy.sparse as sp
from numpy.testing import assert_array_equal
from sklearn.base import clone
from sklearn.feature_extraction.text import HashingVectorizer

from skhash import SimHasher
from skhash.shallow import _simhash
from skhash.shallow._simhash import feature_signs


@pytest.fixture(scope="module")
def rows():
    rng = np.random.RandomState(0)
    return sp.random(60, 3000, 0.02, "csr", random_state=rng) * 5


def test_splitmix64():
    """The first outputs of SplitMix64 that starts at 0, from its reference program."""
    expected = [0xE220A8397B1DCDAF, 0x6E789E6AA1B965F4, 0x06C45D188009454F]
    bits = (feature_signs(np.arange(3), 64) > 0).astype(np.uint8)
    assert np.packbits(bits, axis=1).view(">u8").ravel().tolist() == expected


@pytest.mark.parametrize("n_bits", [1, 11, 64, 128, 256])
def test_bits_are_signs_of_sums(rows, n_bits):
    codes = SimHasher(n_bits).transform(rows)
    signs = feature_signs(np.arange(3000), n_bits)
    assert set(np.unique(signs)) == {-1, 1}
    sums = rows.toarray() @ signs
    clear = np.abs(sums) > 1e-9
    assert clear.mean() > 0.99
    assert_array_equal(codes[clear], (sums > 0)[clear])


def test_unfitted_as_fitted(rows):
    hasher = SimHasher(64, output="packed")
    codes = hasher.transform(rows)
    assert_array_equal(clone(hasher).fit(rows[:3]).transform(rows), codes)
    assert not hasattr(hasher, "n_features_in_")
    assert hasher.get_feature_names_out().tolist() == [
        f"simhasher{i}" for i in range(8)
    ]
    frame = clone(hasher).set_output(transform="pandas").transform(rows.toarray())
    assert_array_equal(frame.to_numpy(), codes)


def test_short_codes_begin_long_ones(rows):
    long = SimHasher(200).transform(rows)
    assert_array_equal(SimHasher(70).transform(rows), long[:, :70])


def test_seeds_differ(rows):
    one, other = (SimHasher(256, seed=s).transform(rows) for s in (0, 2**64 - 1))
    assert 0.4 < (one != other).mean() < 0.6
    with pytest.raises(ValueError, match="'seed'"):
        SimHasher(seed=-1).fit(rows)


@pytest.mark.parametrize("most", [1, 200, 2**22])
def test_stretches_do_not_matter(rows, most, monkeypatch):
    expected = SimHasher(16).transform(rows)
    monkeypatch.setattr(_simhash, "_ENTRIES_AT_A_TIME", most)
    X = sp.vstack([sp.csr_matrix((2, 3000)), rows, sp.csr_matrix((1, 3000))], "csr")
    codes = SimHasher(16).transform(X)
    assert_array_equal(codes[2:-1], expected)
    assert not codes[[0, 1, -1]].any()


def test_wide_samples():
    X = sp.csr_array(
        (np.ones(2), np.array([5, 2**31 - 2]), np.array([0, 2])), shape=(1, 2**31 - 1)
    )
    narrow = sp.csr_array((np.ones(1), ([0], [5])), shape=(1, 10))
    codes = SimHasher(64).transform(X)
    own = SimHasher(64).transform(narrow)
    assert_array_equal(codes[codes == 1], own[codes == 1])


def test_differing_fraction_follows_the_angle():
    rng = np.random.RandomState(0)
    a, b = rng.normal(size=(2, 500))
    a /= np.linalg.norm(a)
    b -= a * (a @ b)
    b /= np.linalg.norm(b)
    for angle in (0.1, 0.8, 1.5):
        X = np.stack([a, np.cos(angle) * a + np.sin(angle) * b])
        codes = SimHasher(4096).transform(X)
        differing = (codes[0] != codes[1]).mean()
        assert differing == pytest.approx(angle / np.pi, abs=4 * 0.5 / 64)


def test_near_copies_of_texts():
    words = [f"word{i}" for i in range(400)]
    rng = np.random.RandomState(0)
    texts = [" ".join(rng.choice(words, 120)) for _ in range(30)]
    edited = [text.replace(text.split()[7], "other") for text in texts]
    X = HashingVectorizer(alternate_sign=False).transform(texts + edited)
    codes = SimHasher(64).transform(X)
    differing = (codes[:30, None] != codes[None, 30:]).sum(axis=2)
    assert differing.diagonal().max() < 15
    assert_array_equal(differing.argmin(axis=1), np.arange(30))
