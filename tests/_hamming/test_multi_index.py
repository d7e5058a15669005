"""Check when tables are used, their memory, and their errors."""

import numpy as np
import pytest

from skhash._hamming._multi_index import MultiIndex
from skhash._hamming._search import Tables
from skhash._hamming._storage import BlockedCodes


def random_rows(n, n_bytes, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (n, n_bytes), dtype=np.uint8)


@pytest.mark.parametrize(("n", "n_bits"), [(1000, 13), (50_000, 64), (5000, 250)])
def test_memory_is_known_before(n, n_bits):
    codes = BlockedCodes(random_rows(n, -(-n_bits // 8)))
    multi_index = MultiIndex(codes, n_bits)
    expected = multi_index.nbytes
    multi_index.build(codes)
    assert multi_index.tables.nbytes == expected
    assert multi_index.n_codes == n // 64 * 64


def test_clustered_codes_have_full_buckets():
    even = MultiIndex(BlockedCodes(random_rows(50_000, 8)), 64)
    draws = np.random.default_rng(1).integers(0, 500, 50_000)
    full = MultiIndex(BlockedCodes(random_rows(500, 8)[draws]), 64)
    assert even.bucket_size < 5
    assert full.bucket_size == pytest.approx(100, rel=0.2)


def test_cost_rises_with_the_radius():
    multi_index = MultiIndex(BlockedCodes(random_rows(200_000, 8)), 64)
    lookups = [multi_index.lookups(radius) for radius in range(65)]
    assert lookups == sorted(lookups)
    cheaper = [multi_index.is_cheaper_than_scan(radius) for radius in range(65)]
    assert cheaper[0]
    assert not cheaper[20]
    assert cheaper == sorted(cheaper, reverse=True)
    assert not MultiIndex(BlockedCodes(random_rows(63, 8)), 64).is_cheaper_than_scan(0)


def test_invalid_tables():
    words = np.zeros((64, 1), dtype=np.uint64)
    for arguments in (
        (words[:0], 1, 8, 8),
        (words, 0, 8, 8),
        (words, 1, 25, 25),
        (words, 1, 0, 8),
        (words, 3, 8, 29),
        (words, 2, 8, -8),
    ):
        with pytest.raises(ValueError, match="must"):
            Tables(*arguments)
    assert Tables(words, 3, 8, 28).n_codes == 64
