"""Compare sums of signs with numpy, bit by bit."""

import numpy as np
import pytest
import scipy.sparse as sp
from numpy.testing import assert_array_equal

from skhash.shallow._signed_sums import signed_sums
from skhash.shallow._simhash import _word_starts, feature_signs


def rows_of(dtype):
    rng = np.random.RandomState(0)
    X = sp.random(20, 200, 0.1, "csr", dtype=np.float64, random_state=rng)
    X.data = np.ceil(50 * X.data) if dtype == np.float32 else X.data - 0.5
    return X.astype(dtype)


@pytest.mark.parametrize("n_bits", [1, 63, 64, 65, 128])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("index", [np.int32, np.int64])
def test_sums_are_those_of_a_product(n_bits, dtype, index):
    X = rows_of(dtype)
    sums = np.full((20, n_bits), np.nan)
    ends = X.indices.astype(index), X.indptr.astype(index)
    signed_sums(X.data, *ends, _word_starts(n_bits, 5), sums)
    expected = X @ feature_signs(np.arange(200), n_bits, 5, dtype)
    assert_array_equal(sums, expected)


def test_infinite_values():
    values = np.array([np.inf, 1.0, np.inf, -np.inf])
    columns, ends = (
        np.array([0, 1, 2, 2], dtype=np.int32),
        np.array([0, 2, 4], np.int32),
    )
    sums = np.empty((2, 64))
    signed_sums(values, columns, ends, _word_starts(64, 0), sums)
    assert np.isinf(sums[0]).all()
    assert np.isnan(sums[1]).all()


def test_sizes_are_checked():
    values, columns = np.ones(3), np.zeros(3, dtype=np.int32)
    ends, starts, sums = (
        np.array([0, 1, 3], np.int32),
        _word_starts(64, 0),
        np.empty((2, 64)),
    )
    signed_sums(values, columns, ends, starts, sums)
    with pytest.raises(ValueError, match="one start per 64 sums"):
        signed_sums(values, columns, ends, starts, np.empty((2, 65)))
    with pytest.raises(ValueError, match="do not fit"):
        signed_sums(values, columns[:2], ends, starts, sums)
    with pytest.raises(ValueError, match="do not fit"):
        signed_sums(values, columns, ends[:2], starts, sums)
    for wrong in ([0, 1, 4], [0, -1, 3], [2, 1, 3]):
        with pytest.raises(ValueError, match="must ascend"):
            signed_sums(values, columns, np.array(wrong, np.int32), starts, sums)
