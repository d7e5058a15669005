"""Test the validation of codes in all forms, and its errors."""

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.base import clone

from skhash.codes import pack_bits
from skhash.neighbors import HammingNearestNeighbors, HammingNeighborsTransformer

N_BITS = 24


@pytest.fixture
def bits():
    return np.random.default_rng(0).integers(0, 2, (500, N_BITS), dtype=np.uint8)


@pytest.fixture
def queries():
    return np.random.default_rng(1).integers(0, 2, (30, N_BITS), dtype=np.uint8)


def assert_same(got, want):
    for a, b in zip(got, want, strict=True):
        np.testing.assert_array_equal(a, b)


def test_packed_equals_bits(bits, queries):
    a = HammingNearestNeighbors().fit(bits)
    b = HammingNearestNeighbors(packed=True).fit(pack_bits(bits))
    assert_same(a.kneighbors(queries), b.kneighbors(pack_bits(queries)))
    a = HammingNearestNeighbors().fit(bits[:, :21])
    b = HammingNearestNeighbors(packed=True, n_bits=21).fit(pack_bits(bits[:, :21]))
    assert a.n_bits_ == b.n_bits_ == 21
    queries = queries[:, :21]
    assert_same(a.kneighbors(queries), b.kneighbors(pack_bits(queries)))


@pytest.mark.parametrize("kind", [bool, np.int64, np.float32, list])
def test_bits_of_any_type(bits, queries, kind):
    model = HammingNearestNeighbors().fit(bits)
    expected = model.kneighbors(queries)
    if kind is list:
        got = clone(model).fit(bits.tolist()).kneighbors(queries.tolist())
    else:
        got = clone(model).fit(bits.astype(kind)).kneighbors(queries.astype(kind))
    assert_same(got, expected)


def test_read_only_arrays(bits, queries):
    expected = HammingNearestNeighbors().fit(bits).kneighbors(queries)
    for array in (bits, queries):
        array.flags.writeable = False
    model = HammingNearestNeighbors().fit(bits)
    assert_same(model.kneighbors(queries), expected)
    packed, packed_queries = pack_bits(bits), pack_bits(queries)
    packed.flags.writeable = packed_queries.flags.writeable = False
    for copy in (True, False):
        model = HammingNearestNeighbors(packed=True, copy=copy).fit(packed)
        assert_same(model.kneighbors(packed_queries), expected)


@pytest.mark.parametrize(
    ("X", "error", "message"),
    [
        (np.array([[0.0, np.nan]]), ValueError, "NaN"),
        (np.array([[0.0, np.inf]]), ValueError, "infinity"),
        (np.array([[0, 2]]), ValueError, "packed=True"),
        (np.array([[7, 250]], dtype=np.uint8), ValueError, "unpack_bits"),
        (np.array([[0, -1]]), ValueError, "0 or 1"),
        (np.array([["0", "1"]]), ValueError, "dtype"),
        (np.array([0, 1]), ValueError, "1D array"),
        (np.empty((0, 4)), ValueError, "0 sample"),
        (np.empty((4, 0)), ValueError, "0 feature"),
        (sparse.csr_matrix([[0, 1]]), TypeError, "[Ss]parse"),
    ],
)
def test_bad_codes(X, error, message):
    for model in (HammingNearestNeighbors(), HammingNeighborsTransformer()):
        with pytest.raises(error, match=message):
            model.fit(X)


def test_wrong_number_of_bits(bits):
    model = HammingNearestNeighbors().fit(bits)
    with pytest.raises(ValueError, match=r"23 features.*24"):
        model.kneighbors(bits[:, 1:])
    with pytest.raises(ValueError, match="packed=True"):
        model.kneighbors(np.full((2, N_BITS), 7))
    with pytest.raises(ValueError, match=r"must have 20 bits"):
        HammingNearestNeighbors(n_bits=20).fit(bits)
    for packed, n_columns in ((False, 65_529), (True, 8192)):
        codes = np.zeros((2, n_columns), dtype=np.uint8)
        with pytest.raises(ValueError, match=r"at most 65528 bits; got 655"):
            HammingNearestNeighbors(packed=packed).fit(codes)
        longest = HammingNearestNeighbors(1, packed=packed).fit(codes[:, :-1])
        ones = np.packbits(np.ones(65_528, dtype=np.uint8))
        query = ones if packed else np.unpackbits(ones)
        assert longest.kneighbors([query])[0] == 65_528
    packed = HammingNearestNeighbors(packed=True).fit(pack_bits(bits))
    with pytest.raises(ValueError, match=r"2 features.*3"):
        packed.kneighbors(pack_bits(bits)[:, 1:])
    with pytest.raises(TypeError, match="uint8"):
        packed.kneighbors(pack_bits(bits).astype(float))
    with pytest.raises(ValueError, match="padding"):
        HammingNearestNeighbors(packed=True, n_bits=20).fit(pack_bits(bits))


def test_empty_input_is_reported_with_its_shape():
    for packed, n_columns in ((False, 16), (True, 2)):
        codes = np.empty((0, n_columns), dtype=np.uint8)
        with pytest.raises(ValueError, match=rf"0 sample.*shape=\(0, {n_columns}\)"):
            HammingNearestNeighbors(packed=packed).fit(codes)


@pytest.mark.parametrize("max_memory", [-0.1, "all", None])
def test_bad_max_memory(bits, max_memory):
    with pytest.raises(ValueError, match="max_memory"):
        HammingNearestNeighbors(max_memory=max_memory).fit(bits)


def test_form_of_the_codes_is_that_of_fit(bits):
    model = HammingNearestNeighbors(1).fit(bits).set_params(packed=True, n_bits=3)
    assert not model.kneighbors(bits)[0].any()
    model.partial_fit(bits[:3])
    assert model.n_samples_fit_ == 503


def test_feature_names_are_kept_and_checked(bits):
    frame = pd.DataFrame(bits, columns=[f"bit {i}" for i in range(N_BITS)])
    model = HammingNearestNeighbors(1).fit(frame)
    assert model.feature_names_in_.tolist() == list(frame)
    assert not model.kneighbors(frame)[0].any()
    with pytest.raises(ValueError, match="feature names"):
        model.kneighbors(frame.rename(columns={"bit 0": "other"}))
    with pytest.warns(UserWarning, match="valid feature names"):
        model.kneighbors(bits)
    model.fit(bits)
    assert not hasattr(model, "feature_names_in_")
