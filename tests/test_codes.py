"""Test order, padding, validation and statistics of bits and packed codes."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from skhash.codes import (
    BitStatistics,
    bit_statistics,
    check_bits,
    check_packed,
    n_bytes,
    pack_bits,
    unpack_bits,
)


def random_bits(n_rows, n_bits, seed=0):
    rng = np.random.default_rng(seed)
    return rng.integers(0, 2, (n_rows, n_bits), dtype=np.uint8)


@pytest.mark.parametrize(
    ("n_bits", "expected"), [(1, 1), (7, 1), (8, 1), (9, 2), (64, 8), (65, 9)]
)
def test_n_bytes(n_bits, expected):
    assert n_bytes(n_bits) == expected


@pytest.mark.parametrize("n_bits", [1, 7, 8, 9, 32, 65])
def test_there_and_back(n_bits):
    bits = random_bits(20, n_bits)
    packed = pack_bits(bits)
    assert packed.shape == (20, n_bytes(n_bits))
    assert packed.dtype == np.uint8
    assert packed.flags.c_contiguous
    assert_array_equal(packed, np.packbits(bits, axis=1))
    back = unpack_bits(packed, n_bits)
    assert back.dtype == np.uint8
    assert_array_equal(back, bits)
    whole = unpack_bits(packed)
    assert whole.shape == (20, 8 * n_bytes(n_bits))
    assert_array_equal(whole[:, :n_bits], bits)
    assert not whole[:, n_bits:].any()


def test_first_bit_is_highest_bit_of_first_byte():
    assert_array_equal(pack_bits([[1, 0, 0, 0, 0, 0, 0, 0, 1]]), [[0b10000000] * 2])


@pytest.mark.parametrize("dtype", [bool, np.int8, np.int64, np.uint64, float, "f2"])
def test_bits_of_any_dtype(dtype):
    bits = random_bits(5, 11)
    checked = check_bits(bits.astype(dtype))
    assert checked.dtype == np.uint8
    assert checked.flags.c_contiguous
    assert_array_equal(checked, bits)


@pytest.mark.parametrize(
    "form",
    [np.asfortranarray, np.ndarray.tolist, pd.DataFrame, lambda X: X[::1, ::1]],
    ids=["fortran", "list", "frame", "view"],
)
def test_bits_of_any_form(form):
    bits = random_bits(5, 11)
    checked = check_bits(form(bits))
    assert checked.flags.c_contiguous
    assert_array_equal(checked, bits)


def test_good_bits_are_not_copied():
    bits, packed = random_bits(5, 16), pack_bits(random_bits(5, 16))
    bits.flags.writeable = packed.flags.writeable = False
    assert np.shares_memory(check_bits(bits), bits)
    assert np.shares_memory(check_packed(packed), packed)


# Values that become 0 or 1 when cast to uint8 are no bits either.
@pytest.mark.parametrize("value", [2, 255, 256, 257, -1, -255, 0.5, 1.5, 256.0])
def test_values_that_are_not_bits(value):
    X = random_bits(4, 9).astype(type(value))
    X[2, 3] = value
    with pytest.raises(ValueError, match=rf"codes must hold bits.*value {value}\b"):
        check_bits(X, name="codes")


def test_bytes_where_bits_are_meant():
    packed = np.array([[200, 3]], dtype=np.uint8)
    with pytest.raises(
        ValueError, match=r"unpack them with .*unpack_bits, or pass packed=True"
    ):
        check_bits(packed)


@pytest.mark.parametrize("dtype", [np.int8, np.int64, np.float64])
def test_signs_where_bits_are_meant(dtype):
    signs = 2 * random_bits(4, 9).astype(dtype) - 1
    with pytest.raises(ValueError, match=r"codes of -1 and \+1, pass X > 0") as caught:
        check_bits(signs)
    assert "unpack" not in str(caught.value)
    assert_array_equal(check_bits(signs > 0), signs > 0)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_bits_that_are_not_numbers(value):
    with pytest.raises(ValueError, match=r"NaN|infinity"):
        check_bits([[0.0, value]])


@pytest.mark.parametrize("X", [[["a", "b"]], np.array([[1, 0]], dtype=object)])
def test_bits_of_no_numeric_dtype(X):
    with pytest.raises(ValueError, match=r"as numbers or booleans; got dtype"):
        check_bits(X)


def test_wrong_number_of_bits():
    with pytest.raises(ValueError, match=r"must have 12 bits.*got 11 columns"):
        check_bits(random_bits(3, 11), n_bits=12)


def test_packed_codes_of_another_dtype():
    with pytest.raises(TypeError, match=r"packed must be .*uint8.*got dtype int64"):
        unpack_bits(np.zeros((2, 2), dtype=np.int64))


def test_signed_bytes_of_an_encoder():
    packed = np.array([[200, 3]], dtype=np.uint8)
    signed = (packed.astype(np.int16) - 128).astype(np.int8)
    with pytest.raises(TypeError, match=r"dtype int8.*\+ 128.*X\.view\(np\.uint8\)"):
        check_packed(signed)
    assert_array_equal((signed.astype(np.int16) + 128).astype(np.uint8), packed)


@pytest.mark.parametrize("width", [2, 4, 8])
def test_whole_numbers_that_hold_many_bits(width):
    bits = random_bits(5, 16 * width)
    packed = pack_bits(bits)
    numbers = packed.view(f">u{width}").astype(f"u{width}")
    with pytest.raises(TypeError, match=rf"'>u{width}'\)\.view\(np\.uint8\)"):
        check_packed(numbers)
    assert_array_equal(numbers.astype(f">u{width}").view(np.uint8), packed)


def test_bytes_as_numbers_of_another_dtype():
    with pytest.raises(TypeError, match=r"int64. If each .* X\.astype\(np\.uint8\)"):
        check_packed([[200, 3]])


def test_fingerprints_whose_first_bit_is_the_lowest():
    bits = random_bits(50, 167)
    X = np.packbits(bits, axis=1, bitorder="little")
    with pytest.raises(ValueError, match=r"bitorder='little'"):
        check_packed(X, n_bits=167)
    turned = np.packbits(np.unpackbits(X, axis=1, bitorder="little"), axis=1)
    assert_array_equal(unpack_bits(turned, 167), bits)


@pytest.mark.parametrize("dtype", [np.int8, np.uint8, np.int64])
def test_numbers_of_bits_of_any_dtype(dtype):
    n_bits = np.iinfo(dtype).max if dtype != np.int64 else 250
    bits = random_bits(3, n_bits)
    assert n_bytes(dtype(n_bits)) == n_bytes(n_bits)
    packed = pack_bits(bits)
    assert_array_equal(unpack_bits(packed, dtype(n_bits)), bits)
    assert_array_equal(check_bits(bits, n_bits=dtype(n_bits)), bits)


@pytest.mark.parametrize("n_bits", [8, 17])
def test_wrong_number_of_bytes(n_bits):
    with pytest.raises(ValueError, match=rf"bytes per row for codes of {n_bits} bits"):
        check_packed(np.zeros((3, 2), dtype=np.uint8), n_bits=n_bits)


def test_padding_must_be_zero():
    packed = pack_bits(random_bits(6, 13))
    assert_array_equal(check_packed(packed, n_bits=13), packed)
    packed[4, 1] |= 0b100
    with pytest.raises(ValueError, match=r"last 3 bits .* padding .*13 bits"):
        check_packed(packed, n_bits=13)
    assert_array_equal(check_packed(packed, n_bits=14), packed)


def test_no_rows():
    assert check_bits(np.zeros((0, 5))).shape == (0, 5)
    assert pack_bits(np.zeros((0, 9))).shape == (0, 2)
    empty = np.zeros((0, 5), dtype=np.uint8)
    for call in (
        lambda: bit_statistics(empty),
        lambda: check_bits(empty, min_samples=1),
        lambda: check_packed(empty, min_samples=1),
    ):
        with pytest.raises(ValueError, match=r"0 sample\(s\) \(shape=\(0, 5\)\)"):
            call()


def test_statistics():
    bits = random_bits(500, 6)
    bits[:, 2] = 1
    bits[:, 4] = bits[:, 0]
    bits[:, 5] = (np.arange(500) < 50).astype(np.uint8)
    statistics = bit_statistics(bits)
    assert isinstance(statistics, BitStatistics)
    means = bits.mean(axis=0)
    assert_allclose(statistics.means, means)
    for p, entropy in zip(means, statistics.entropies):
        shares = np.array([q for q in (p, 1 - p) if q])
        assert entropy == pytest.approx(-(shares * np.log2(shares)).sum(), abs=1e-12)
    assert statistics.n_dead == 1
    assert statistics.n_distinct == len({tuple(row) for row in bits.tolist()})
    assert statistics.max_correlation == pytest.approx(1)


def test_statistics_of_packed_codes():
    bits = random_bits(100, 13)
    expected = bit_statistics(bits)
    found = bit_statistics(pack_bits(bits), packed=True, n_bits=13)
    assert_array_equal(found.means, expected.means)
    assert found.max_correlation == expected.max_correlation
    assert found.n_distinct == expected.n_distinct
    assert len(bit_statistics(pack_bits(bits), packed=True).means) == 16


def test_largest_correlation():
    bits = random_bits(300, 5)
    bits[:, 3] = 1 - bits[:, 1]
    bits[:30, 3] ^= 1
    expected = np.abs(np.corrcoef(bits.T) - np.eye(5)).max()
    assert bit_statistics(bits).max_correlation == pytest.approx(expected)


@pytest.mark.parametrize("bits", [[[1, 0, 1]], [[1, 0], [1, 0]], [[0], [1]]])
def test_no_two_bits_that_vary(bits):
    assert bit_statistics(bits).max_correlation == 0
