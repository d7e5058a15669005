"""Check that masked values raise in all estimators and functions."""

import numpy as np
import pytest

from skhash import HammingNearestNeighbors, PCAHasher
from skhash.codes import check_bits, check_packed
from skhash.utils._masked import refuse_masked

BITS = np.random.default_rng(0).integers(0, 2, (20, 8)).astype(np.uint8)
MASKED = np.ma.masked_array(BITS, mask=np.arange(160).reshape(20, 8) == 3)
UNMASKED = np.ma.masked_array(BITS)


@pytest.mark.parametrize(
    "take",
    [
        check_bits,
        check_packed,
        HammingNearestNeighbors().fit,
        HammingNearestNeighbors(packed=True).fit,
        HammingNearestNeighbors().fit(BITS).kneighbors,
        PCAHasher(2).fit,
        PCAHasher(2).fit(BITS).transform,
    ],
)
def test_masked_values_raise(take):
    with pytest.raises(ValueError, match="no masked values; got 1"):
        take(MASKED)
    take(UNMASKED)


def test_error_has_the_name_and_other_objects_pass():
    with pytest.raises(ValueError, match="codes must have no masked"):
        refuse_masked(MASKED, "codes")
    for other in (None, [[1]], BITS):
        refuse_masked(other)
