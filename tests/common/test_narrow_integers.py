"""Parameters of 8 bits give what Python integers give, also where sums overflow."""

import numpy as np
import pytest

from skhash import (
    DuplicateDetector,
    HammingNearestNeighbors,
    HammingNeighborsTransformer,
    HammingRadiusNeighborsTransformer,
    ITQHasher,
    RerankedNearestNeighbors,
)
from skhash.distributed import ShardedHammingNearestNeighbors
from skhash.duplicates import find_leakage, radius_table
from skhash.inspection import label_errors

RNG = np.random.default_rng(0)
CENTERS = RNG.integers(0, 2, (60, 250), dtype=np.uint8)
BITS = CENTERS[RNG.integers(0, 60, 300)] ^ (RNG.random((300, 250)) < 0.02)
ROWS = np.packbits(BITS, axis=1)
VECTORS = RNG.standard_normal((300, 8))


def reranked(**parameters):
    return RerankedNearestNeighbors(ITQHasher(8, random_state=0), **parameters).fit(
        VECTORS
    )


def grown(index):
    index.fit(ROWS).extend([ROWS[:50]] * 9)
    return index.n_shards_, *index.kneighbors(ROWS[:9])


def empty(n_bits):
    index = HammingNearestNeighbors(2, packed=True, n_bits=n_bits)
    return index.fit(np.empty((0, 32), np.uint8)).partial_fit(ROWS)


SEARCHES = {
    "n_neighbors": lambda n: HammingNearestNeighbors(n).fit(BITS).kneighbors(),
    "n_neighbors of a graph": lambda n: (
        HammingNeighborsTransformer(n).fit_transform(BITS).indices
    ),
    "radius": lambda n: (
        HammingRadiusNeighborsTransformer(n).fit_transform(BITS).indices
    ),
    "n_bits": lambda n: (
        HammingNearestNeighbors(2, packed=True, n_bits=n)
        .fit(ROWS)
        .kneighbors(None, 3, indices=[1], pad=True)
    ),
    "n_bits of an empty index": lambda n: empty(n).kneighbors(),
    "n_bits of shards": lambda n: (
        ShardedHammingNearestNeighbors(3, packed=True, n_bits=n).fit(ROWS).kneighbors()
    ),
    "shard_size": lambda n: grown(
        ShardedHammingNearestNeighbors(3, packed=True, shard_size=n)
    ),
    "n_neighbors of vectors": lambda n: reranked(n_neighbors=n).kneighbors(),
    "rerank_factor": lambda n: reranked(n_neighbors=3, rerank_factor=n).kneighbors(
        VECTORS[:9]
    ),
    "rerank_factor of the default hasher": lambda n: (
        RerankedNearestNeighbors(rerank_factor=n, random_state=0)
        .fit(VECTORS)
        .kneighbors()
    ),
    "n_bits of duplicates": lambda n: (
        DuplicateDetector("auto", packed=True, n_bits=n).fit(ROWS).labels_
    ),
    "n_bits of a table": lambda n: radius_table(ROWS, packed=True, n_bits=n).n_pairs,
    "n_neighbors of errors": lambda n: (
        label_errors(BITS, np.arange(300) % 3, n_neighbors=n).scores
    ),
    "n_bits of leakage": lambda n: (
        find_leakage(ROWS, ROWS[:9], 9, packed=True, n_bits=n).distances
    ),
}


def assert_same(found, expected):
    if not isinstance(found, tuple):
        found, expected = (found,), (expected,)
    for one, other in zip(found, expected):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("search", SEARCHES)
def test_integers_of_8_bits(search):
    assert_same(SEARCHES[search](np.uint8(250)), SEARCHES[search](250))


@pytest.mark.parametrize("search", [name for name in SEARCHES if "n_bits" not in name])
def test_signed_integers_of_8_bits(search):
    assert_same(SEARCHES[search](np.int8(127)), SEARCHES[search](127))
