"""Check the conversion of rows to planes, numbers of distinct codes, and errors."""

import subprocess
import sys
import time

import numpy as np
import pytest

from skhash._hamming import _layout


def random_rows(n, n_bytes, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (n, n_bytes), dtype=np.uint8)


@pytest.mark.parametrize("n_bytes", [1, 3, 4, 8, 11, 16, 40])
def test_distinct_codes_are_numbered_by_first_appearance(n_bytes):
    rng = np.random.default_rng(0)
    rows = random_rows(700, n_bytes)[rng.integers(0, 700, 5000)]
    unique, first, inverse = np.unique(
        rows, axis=0, return_index=True, return_inverse=True
    )
    order = np.argsort(first)
    codes, first_rows = _layout.distinct_codes(rows, 5000)
    np.testing.assert_array_equal(first_rows, first[order])
    np.testing.assert_array_equal(order[codes], inverse.ravel())
    assert _layout.distinct_codes(rows, len(unique)) is not None
    assert _layout.distinct_codes(rows, len(unique) - 1) is None
    assert _layout.distinct_codes(rows, 0) is None
    assert len(_layout.distinct_codes(rows[:0], 0)[0]) == 0
    starts, members = _layout.rows_by_code(codes, len(unique))
    for code in (0, len(unique) - 1):
        expected = np.flatnonzero(codes == code)
        np.testing.assert_array_equal(
            members[starts[code] : starts[code + 1]], expected
        )


def test_numbers_do_not_depend_on_the_seed_of_the_process():
    code = """
import numpy as np
from skhash._hamming._layout import distinct_codes
rows = np.random.default_rng(0).integers(0, 3, (2000, 8), dtype=np.uint8)
print(hash(distinct_codes(rows, 2000)[0].tobytes().hex()))
"""
    command = [sys.executable, "-c", code]
    outputs = {
        subprocess.run(
            command, capture_output=True, check=True, env={"PYTHONHASHSEED": "0"}
        ).stdout
        for _ in range(2)
    }
    assert len(outputs) == 1


def codes_of_one_slot(n):
    """Return codes that a sum of products with a fixed multiplier sends to one slot."""
    inverse = pow(0x9E3779B97F4A7C15, -1, 2**64)
    x = np.arange(1, n + 1, dtype=np.uint64)
    words = (x << np.uint64(32) | x) * np.uint64(inverse) ^ np.uint64(8)
    return words.view(np.uint8).reshape(n, 8)


def structured_codes(n):
    """Return codes that differ in few bits, high or low ones."""
    low = np.arange(n, dtype=np.uint64)
    return [low.view(np.uint8), (low << np.uint64(44)).view(np.uint8)]


def test_colliding_codes_take_no_longer():
    n = 30_000
    kinds = [random_rows(n, 8), codes_of_one_slot(n)]
    kinds += [rows.reshape(n, 8) for rows in structured_codes(n)]
    times = []
    for rows in kinds:
        start = time.process_time()
        for _ in range(3):
            _layout.distinct_codes(rows, n)
        times.append(time.process_time() - start)
    assert max(times) < 20 * times[0] + 0.05


def test_positions_and_sizes_are_checked():
    rows = random_rows(100, 8)
    planes = np.zeros(128 * 8, dtype=np.uint8)
    _layout.store_rows(rows, planes, 28)
    for start in (29, 2**60, 2**64 - 100):
        with pytest.raises(ValueError, match="too short"):
            _layout.store_rows(rows, planes, start)
    out = np.empty((1, 8), dtype=np.uint8)
    for position in (128, -1, 2**62, -(2**62)):
        with pytest.raises(IndexError, match="from 0 to 127"):
            _layout.load_rows(planes, np.array([position]), out)
    with pytest.raises(ValueError, match="one row per position"):
        _layout.load_rows(planes, np.array([0, 1]), out)
    for n_bytes in (0, 8192):
        with pytest.raises(ValueError, match="1 to 8191 bytes"):
            _layout.store_rows(np.zeros((1, n_bytes), np.uint8), planes, 0)
    with pytest.raises(ValueError, match="less than 2"):
        _layout.rows_by_code(np.array([0, 1, 2], dtype=np.uint32), 2)
