"""Search hashes of 64 bits within a radius: our index, a BK-tree, and a loop."""

import numpy as np

from _lib.measure import Watch

N_QUERIES = 200
#: Queries of a loop over objects, which is slow.
N_LOOPED = 10


def draw_hashes(size, seed=0):
    """Return packed hashes, and queries: hashes with up to 8 changed bits."""
    rng = np.random.default_rng(seed)
    hashes = rng.integers(0, 256, (size, 8), dtype=np.uint8)
    queries = hashes[rng.integers(0, size, N_QUERIES)]
    for row in queries:
        bits = rng.choice(64, rng.integers(0, 9), replace=False)
        np.bitwise_xor.at(row, bits // 8, (128 >> (bits % 8)).astype(np.uint8))
    return hashes, queries


def search_index(size, radius):
    """Search with HammingNearestNeighbors."""
    from skhash import HammingNearestNeighbors

    hashes, queries = draw_hashes(size)
    HammingNearestNeighbors(packed=True).fit(hashes[:10]).radius_neighbors(queries, 1)
    with Watch() as build:
        index = HammingNearestNeighbors(packed=True).fit(hashes)
    with Watch() as search:
        _, found = index.radius_neighbors(queries, radius)
    n_found = sum(len(each) for each in found)
    return _line("HammingNearestNeighbors", size, radius, build, search, n_found)


def bk_tree(size, radius):
    """Search with the BK-tree of pybktree over integers, the distance by bit_count."""
    import pybktree

    hashes, queries = (rows.view(">u8").ravel().tolist() for rows in draw_hashes(size))
    with Watch() as build:
        tree = pybktree.BKTree(lambda a, b: (a ^ b).bit_count(), hashes)
    with Watch() as search:
        found = [tree.find(query, radius) for query in queries]
    n_found = sum(len(each) for each in found)
    return _line("pybktree", size, radius, build, search, n_found)


def image_hashes(size, radius):
    """Compare ImageHash objects with each other."""
    import imagehash

    hashes, queries = draw_hashes(size)
    with Watch() as build:
        objects = [
            imagehash.ImageHash(bits.reshape(8, 8))
            for bits in np.unpackbits(hashes, axis=1).astype(bool)
        ]
    bits = np.unpackbits(queries[:N_LOOPED], axis=1).astype(bool)
    asked = [imagehash.ImageHash(each.reshape(8, 8)) for each in bits]
    with Watch() as search:
        n_found = sum(query - each <= radius for query in asked for each in objects)
    return _line("imagehash, loop", size, radius, build, search, n_found, N_LOOPED)


def _line(method, size, radius, build, search, n_found, n_queries=N_QUERIES):
    per_query = 1e6 * search.cpu_seconds / n_queries
    return {
        "task": "trees",
        "method": method,
        "size": size,
        "radius": radius,
        "seconds": round(build.seconds + search.seconds, 3),
        "cpu_seconds": round(build.cpu_seconds, 4),
        "us_per_query": f"{per_query:.1f}",
        "note": f"{n_found} found by {n_queries} queries; cpu_seconds to build",
    }
