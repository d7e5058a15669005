"""Test codes of other tools in both orders of bits, and wrong orders."""

from types import SimpleNamespace

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from skhash.codes import (
    from_bytes,
    from_hex,
    from_imagehash,
    from_integers,
    unpack_bits,
)


@pytest.fixture
def packed():
    return np.random.RandomState(0).randint(256, size=(20, 8)).astype(np.uint8)


def test_hex(packed):
    strings = [row.tobytes().hex() for row in packed]
    assert_array_equal(from_hex(strings), packed)
    assert_array_equal(from_hex(["0x" + s.upper() for s in strings]), packed)


def test_hex_with_lowest_bit_first(packed):
    bits = np.unpackbits(packed, axis=1)
    little = np.packbits(bits, axis=1, bitorder="little")
    strings = [row.tobytes().hex() for row in little]
    assert_array_equal(from_hex(strings, bit_order="little"), packed)


def test_hex_of_an_odd_number_of_bits():
    bits = np.random.RandomState(1).randint(2, size=(30, 25)).astype(np.uint8)
    numbers = [int("".join(map(str, row)), 2) for row in bits]
    strings = [f"{number:07x}" for number in numbers]  # as imagehash writes them
    found = from_hex(strings, 25, padding="start")
    assert_array_equal(unpack_bits(found, 25), bits)
    assert_array_equal(from_integers(numbers, 25), found)
    with pytest.raises(ValueError, match="zero with bit_order='big', padding='start'"):
        from_hex(strings, 25)


@pytest.mark.parametrize(
    ("strings", "message"),
    [
        (["ff", "f"], "from 1 to 2"),
        (["fg"], "'fg'"),
        (["f\u0660"], "hexadecimal digits"),
        ([], "at least one"),
        (["-1"], "'-1'"),
    ],
)
def test_invalid_hex(strings, message):
    with pytest.raises(ValueError, match=message):
        from_hex(strings)


def test_hex_of_something_else():
    with pytest.raises(TypeError, match="bytes"):
        from_hex([b"ff"])


def test_hex_that_does_not_fit():
    with pytest.raises(ValueError, match=r"16 bits per code.*n_bits=8"):
        from_hex(["ffff"], 8)


def test_bytes(packed):
    assert_array_equal(from_bytes([row.tobytes() for row in packed]), packed)
    assert_array_equal(from_bytes(packed), packed)
    assert_array_equal(from_bytes(packed, bit_order="big"), packed)


def test_bytes_in_the_wrong_order():
    bits = np.ones((3, 9), dtype=np.uint8)
    little = np.packbits(bits, axis=1, bitorder="little")
    with pytest.raises(ValueError, match="bit_order='little', padding='end'"):
        from_bytes(little, 9)
    found = from_bytes(little, 9, bit_order="little")
    assert_array_equal(found, np.packbits(bits, axis=1))


def test_bytes_that_fit_no_order():
    with pytest.raises(ValueError, match=r"padding='end'\.$"):
        from_bytes([b"\xff\xff"], 9)


def test_bytes_of_several_lengths():
    with pytest.raises(ValueError, match="from 1 to 2"):
        from_bytes([b"a", b"bc"])
    with pytest.raises(TypeError, match="int64"):
        from_bytes(np.zeros((2, 2), dtype=np.int64))
    with pytest.raises(ValueError, match="shape"):
        from_bytes(np.zeros(2, dtype=np.uint8))


@pytest.mark.parametrize("dtype", [np.uint64, np.int64, object])
def test_integers(packed, dtype):
    values = packed.view(">u8").ravel().astype(np.uint64)
    values = (
        np.array(values.tolist(), object) if dtype is object else values.view(dtype)
    )
    assert_array_equal(from_integers(values), packed)
    bits = np.unpackbits(packed, axis=1)[:, ::-1]
    found = from_integers(values, bit_order="little")
    assert_array_equal(unpack_bits(found), bits)


def test_integers_of_128_bits():
    value = (1 << 127) + 5
    found = from_integers([value], 128)
    assert found.shape == (1, 16)
    assert int.from_bytes(found.tobytes(), "big") == value


def test_invalid_integers():
    with pytest.raises(ValueError, match="got 0 to 256"):
        from_integers([0, 256], 8)
    with pytest.raises(ValueError, match="got -129"):
        from_integers([-129, 0], 8)
    with pytest.raises(TypeError, match="float64"):
        from_integers([0.5])
    with pytest.raises(ValueError, match="shape"):
        from_integers([[1]])
    with pytest.raises(ValueError, match="at least 1"):
        from_integers([1], 0)
    with pytest.raises(ValueError, match="bit_order"):
        from_integers([1], bit_order="msb")


def test_image_hashes():
    hashes = np.random.RandomState(0).uniform(size=(6, 8, 8)) < 0.5
    objects = [SimpleNamespace(hash=each) for each in hashes]
    found = from_imagehash(objects)
    assert_array_equal(unpack_bits(found), hashes.reshape(6, 64))
    assert_array_equal(from_imagehash(list(hashes)), found)
    with pytest.raises(ValueError, match="from 4 to 64"):
        from_imagehash([hashes[0], np.ones((2, 2), bool)])
    with pytest.raises(TypeError, match="int64"):
        from_imagehash([np.ones((2, 2), np.int64)])
    with pytest.raises(ValueError, match="none"):
        from_imagehash([])
