"""Check measures of codes that are read slice by slice."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from skhash._hamming._index import CodeIndex
from skhash.metrics import _stored_codes, precision_at_k_score
from skhash.metrics._stored_codes import precision_of_stored_codes

RNG = np.random.default_rng(0)
ROWS = RNG.integers(0, 4, (500, 3), dtype=np.uint8)  # many distances tie
CLASSES = RNG.integers(-1, 4, 500)
SETS = (RNG.random((500, 5)) < 0.3).astype(int)
SETS[::7] = -1


@pytest.mark.parametrize("y", [CLASSES, CLASSES.astype(str).astype(object), SETS])
@pytest.mark.parametrize("n_rows", [1, 64, 499, 10_000])
def test_slices_give_what_the_whole_gives(monkeypatch, y, n_rows):
    if y.dtype == object:
        y = np.where(CLASSES < 0, -1, y)
    monkeypatch.setattr(_stored_codes, "_BYTES_PER_SLICE", 3 * n_rows)
    monkeypatch.setattr(_stored_codes, "_CELLS_PER_PASS", 25 * 60)
    monkeypatch.setattr(_stored_codes, "_BLOCK_CELLS", 25 * 7)
    queries, asked = ROWS[:200] ^ np.uint8(1), y[:200]
    expected = precision_at_k_score(
        ROWS, y, queries, asked, k=30, packed=True, average=False
    )
    found = precision_of_stored_codes(CodeIndex(ROWS, 24), y, queries, asked, k=30)
    assert_array_equal(found, expected[~np.isnan(expected)])


def test_labels_that_do_not_fit_raise():
    codes = CodeIndex(ROWS, 24)
    with pytest.raises(ValueError, match="same form"):
        precision_of_stored_codes(codes, CLASSES, ROWS[:5], SETS[:5], k=3)
