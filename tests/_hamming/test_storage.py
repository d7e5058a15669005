"""Check the three storages of codes: reading and growing."""

import pickle

import numpy as np
import pytest

from skhash._hamming._storage import (
    BlockedCodes,
    BufferEnd,
    DistinctCodes,
    ExternalCodes,
    aligned_zeros,
    mask_words,
)


def random_rows(n, n_bytes, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (n, n_bytes), dtype=np.uint8)


def repeated_rows(n, n_distinct, n_bytes):
    rng = np.random.default_rng(1)
    return random_rows(n_distinct, n_bytes)[rng.integers(0, n_distinct, n)]


def everything(codes):
    return codes.rows(np.arange(codes.n_rows))


def test_memory_is_aligned():
    assert {aligned_zeros(n).ctypes.data % 64 for n in range(1, 50)} == {0}


@pytest.mark.parametrize("n", [1, 63, 64, 65, 1000])
def test_mask_words(n):
    mask = np.random.default_rng(n).random(n) < 0.5
    bits = [int(word) >> i & 1 for word in mask_words(mask) for i in range(64)]
    assert bits[:n] == mask.tolist()
    assert not any(bits[n:])


def test_spare_memory_is_used_once():
    end = BufferEnd(5)
    assert not end.advance(4, 1)
    assert end.advance(5, 2)
    assert not end.advance(5, 2)
    assert end.advance(7, 0)
    assert end.advance(7, 1)


@pytest.mark.parametrize("n_bytes", [1, 7, 8, 9, 33])
@pytest.mark.parametrize("form", [np.ascontiguousarray, np.asfortranarray])
def test_blocks_hold_rows_and_more(n_bytes, form):
    rows = random_rows(600, n_bytes)
    codes, snapshots = BlockedCodes(form(rows[:5])), []
    for first, last in ((5, 6), (6, 64), (64, 65), (65, 200), (200, 200), (200, 600)):
        snapshots.append(codes)
        codes = codes.append(rows[first:last][:, ::-1][:, ::-1])
    np.testing.assert_array_equal(everything(codes), rows)
    for snapshot in snapshots:
        np.testing.assert_array_equal(everything(snapshot), rows[: snapshot.n_rows])
    positions = np.array([599, 0, 64, 64])
    np.testing.assert_array_equal(codes.rows(positions), rows[positions])


def test_copies_that_grow_are_independent():
    rows = random_rows(200, 8)
    codes = BlockedCodes(rows[:90]).append(rows[90:100])
    branches = [codes.append(rows[100 + i : 110 + i]) for i in range(5)]
    for i, branch in enumerate(branches):
        expected = np.concatenate([rows[:100], rows[100 + i : 110 + i]])
        np.testing.assert_array_equal(everything(branch), expected)
    copy = pickle.loads(pickle.dumps(branches[0]))
    assert copy.nbytes == 128 * 8
    np.testing.assert_array_equal(everything(copy), everything(branches[0]))


@pytest.mark.parametrize(
    "view",
    [
        lambda rows: rows,
        lambda rows: rows[:, :5],
        lambda rows: rows[::-1, ::2],
        lambda rows: np.asfortranarray(rows),
        lambda rows: np.broadcast_to(rows[:1], rows.shape),
    ],
)
def test_external_codes_of_any_strides(view):
    rows = view(random_rows(3000, 16))
    codes = ExternalCodes(rows)
    removed, rng = np.zeros(len(rows), dtype=bool), np.random.default_rng(0)
    for n_removed in (0, 1, 900, 1500):
        positions = np.sort(rng.choice(codes.n_rows, n_removed, replace=False))
        removed[np.flatnonzero(~removed)[positions]] = True
        codes = codes.without(positions)
        assert codes.n_rows == (~removed).sum()
        np.testing.assert_array_equal(everything(codes), rows[~removed])
        stored = np.flatnonzero(~removed)[::-3]
        expected = np.arange(codes.n_rows)[::-3]
        np.testing.assert_array_equal(codes.positions(stored), expected)
        assert codes.positions(np.array([-1])) == -1
        assert np.shares_memory(codes._rows, rows)


def test_distinct_codes_hold_all_rows():
    rows = repeated_rows(5000, 40, 9)
    codes = DistinctCodes.if_repeated(rows)
    assert codes.distinct.n_rows == 40
    np.testing.assert_array_equal(everything(codes), rows)
    assert codes.nbytes < rows.nbytes
    assert DistinctCodes.if_repeated(random_rows(5000, 9)) is None


def test_a_sample_is_confirmed_by_all_codes():
    # Many equal pairs, but too many distinct codes behind them.
    rows = np.concatenate([np.zeros((3000, 8), np.uint8), random_rows(2000, 8)])
    assert DistinctCodes.if_repeated(rows) is None
