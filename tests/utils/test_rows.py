"""Test blocks and samples of rows."""

import numpy as np
import pytest
import scipy.sparse as sp
from numpy.testing import assert_array_equal

from skhash.utils._rows import (
    ROWS_PER_BLOCK,
    is_valid,
    row_blocks,
    sample_labeled_first,
)


@pytest.mark.parametrize("size", [1, 4, 10, 11])
def test_blocks_cover_all_rows_in_order(size):
    blocks = [np.arange(10)[block] for block in row_blocks(10, size)]
    assert_array_equal(np.concatenate(blocks), range(10))
    assert all(len(block) == size for block in blocks[:-1])
    assert 1 <= len(blocks[-1]) <= size


def test_default_size_of_a_block(monkeypatch):
    assert [*row_blocks(ROWS_PER_BLOCK)] == [slice(0, ROWS_PER_BLOCK)]
    monkeypatch.setattr("skhash.utils._rows.ROWS_PER_BLOCK", 4)
    assert [*row_blocks(10)] == [slice(0, 4), slice(4, 8), slice(8, 10)]


@pytest.mark.parametrize("n_most", [300, 301, 10**6])
def test_all_rows_where_there_are_no_more(n_most):
    labeled = np.arange(300) < 10
    sample = sample_labeled_first(labeled, n_most, np.random.RandomState(0))
    assert_array_equal(sample, range(300))


@pytest.mark.parametrize("n_labeled", [0, 60, 200, 300])
def test_half_of_a_sample_is_labeled_at_least_where_possible(n_labeled):
    labeled = np.random.RandomState(1).permutation(300) < n_labeled
    sample = sample_labeled_first(labeled, 150, np.random.RandomState(0))
    assert len(np.unique(sample)) == 150
    assert_array_equal(sample, np.sort(sample))
    assert labeled[sample].sum() >= min(n_labeled, 75)
    if n_labeled <= 75:
        assert set(np.flatnonzero(labeled)) <= set(sample)
    other = sample_labeled_first(labeled, 150, np.random.RandomState(1))
    assert not np.array_equal(sample, other)


@pytest.mark.parametrize(
    "form", [np.asarray, sp.csr_array, sp.csr_matrix], ids=lambda form: form.__name__
)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_valid_samples(form, dtype):
    X = form(np.eye(3, dtype=dtype))
    assert is_valid(X, 3)
    assert not is_valid(X, 4)
    assert not is_valid(X[:0], 3)
    for value in (np.nan, np.inf, -np.inf):
        invalid = X.copy()
        invalid[0, 0] = value
        assert not is_valid(invalid, 3)


@pytest.mark.parametrize(
    "X",
    [
        np.eye(3, dtype=int),
        np.eye(3, dtype=np.float16),
        np.eye(3, dtype=">f8"),
        np.eye(3, dtype=complex),
        np.ones(3),
        np.ones((3, 3, 1)),
        np.eye(3).tolist(),
        np.ma.masked_array(np.eye(3)),
        sp.coo_array(np.eye(3)),
        sp.csc_array(np.eye(3)),
        sp.csr_array(np.eye(3, dtype=int)),
        None,
    ],
    ids=lambda X: type(X).__name__,
)
def test_samples_to_validate(X):
    assert not is_valid(X, 3)
