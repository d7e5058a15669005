"""Compare pairs of distinct codes with plain numpy."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from skhash.duplicates._pairs import (
    check_codes,
    check_radius,
    code_index,
    code_words,
    cross_pairs,
    distinct_rows,
    self_pairs,
)


def distances(a, b):
    a, b = np.unpackbits(a, axis=1), np.unpackbits(b, axis=1)
    return (a[:, None] != b[None]).sum(axis=2)


@pytest.mark.parametrize("n_bytes", [1, 2, 3, 4, 8, 12])
def test_distinct_rows(n_bytes):
    rng = np.random.RandomState(n_bytes)
    rows = rng.randint(3, size=(200, n_bytes)).astype(np.uint8)
    found = distinct_rows(rows)
    assert_array_equal(rows[found.first][found.code_of_row], rows)
    assert len(found.first) == len(np.unique(rows, axis=0))
    assert (np.diff(found.first) > 0).all()
    for code, first in enumerate(found.first):
        assert np.flatnonzero(found.code_of_row == code)[0] == first


def test_distinct_rows_take_no_memory_without_copies():
    codes = np.arange(64, dtype=np.uint8)[:, None]
    found = distinct_rows(codes)
    assert len(found.copies) == len(found.code_of_copy) == 0
    assert_array_equal(found.first, np.arange(64))
    assert_array_equal(found.code_of_row, np.arange(64))


@pytest.mark.parametrize("n_bytes", [1, 8])
def test_extended_rows(n_bytes):
    rng = np.random.RandomState(n_bytes)
    rows = np.zeros((150, n_bytes), dtype=np.uint8)
    rows[:, 0] = rng.randint(60, size=150)
    old, new, expected = (distinct_rows(r) for r in (rows[:70], rows[70:], rows))
    number = expected.code_of_row[70:][new.first]
    found = old.extended(new, number)
    assert found.n_rows == 150
    assert_array_equal(found.first, expected.first)
    assert_array_equal(found.code_of_row, expected.code_of_row)


@pytest.mark.parametrize("n_bytes", [1, 3, 8, 12])
def test_code_words_of_any_layout(n_bytes):
    memory = np.random.RandomState(0).randint(256, size=31 * n_bytes + 1)
    memory = memory.astype(np.uint8)
    for start in (0, 1):
        rows = memory[start : start + 30 * n_bytes].reshape(30, n_bytes)
        for some in (rows, rows[::2], rows[:, ::-1]):
            words = code_words(some)
            assert words.flags.c_contiguous
            assert_array_equal(words.view(np.uint8)[:, :n_bytes], some)
            assert not words.view(np.uint8)[:, n_bytes:].any()


@pytest.mark.parametrize("radius", [0, 3, 7])
def test_pairs(radius):
    rng = np.random.RandomState(0)
    codes = np.unique(rng.randint(256, size=(60, 2)).astype(np.uint8), axis=0)
    queries = rng.randint(256, size=(40, 2)).astype(np.uint8)
    index = code_index(codes, 16, None)
    expected = np.argwhere(np.triu(distances(codes, codes) <= radius, 1))
    found = self_pairs(codes, 16, radius, None)
    assert_array_equal(np.stack(found[:2], axis=1), expected)
    assert_array_equal(found.distance, distances(codes, codes)[tuple(expected.T)])
    expected = np.argwhere(distances(queries, codes) <= radius)
    found = cross_pairs(index, radius, queries)
    assert_array_equal(np.stack(found[:2], axis=1), expected)
    assert_array_equal(found.distance, distances(queries, codes)[tuple(expected.T)])


def test_check_radius():
    assert check_radius(np.int8(3), 8) == 3
    for radius in (8, -1):
        with pytest.raises(ValueError, match=f"from 0 to 7 .* got {radius}"):
            check_radius(radius, 8)
    for radius in (1.0, True, "1"):
        with pytest.raises(TypeError, match="radius must be an int"):
            check_radius(radius, 8)


def test_check_codes():
    rows, n_bits = check_codes([[1, 0, 1]], packed=False, n_bits=None)
    assert_array_equal(rows, [[160]])
    assert n_bits == 3
    assert check_codes(rows, packed=True, n_bits=3)[1] == 3
    assert check_codes(rows, packed=True, n_bits=None)[1] == 8
    with pytest.raises(ValueError, match="minimum of 1"):
        check_codes(np.empty((0, 3)), packed=False, n_bits=None)
