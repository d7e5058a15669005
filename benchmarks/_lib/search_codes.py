"""Draw or load the codes of search cases."""

import numpy as np


def random_codes(n, n_bits, n_queries, rng):
    """Draw packed codes and queries uniformly."""
    codes = rng.integers(0, 256, (n + n_queries, n_bits // 8), dtype=np.uint8)
    return codes[:n], codes[n:]


def clustered_codes(n, n_bits, n_queries, rng):
    """Draw codes around n / 1000 centers, of which they differ in 1/8 of the bits."""
    centers = rng.integers(0, 256, (max(1, n // 1000), n_bits // 8), dtype=np.uint8)
    codes = centers[rng.integers(0, len(centers), n + n_queries)]
    flips = rng.integers(0, 256, (3, *codes.shape), dtype=np.uint8)
    codes ^= np.bitwise_and.reduce(flips)  # a bit of 1/8: three random bits are set
    return codes[:n], codes[n:]


def near_copies(n, n_bits, n_queries, rng):
    """Draw groups of 20 codes, of each of which up to two bits are flipped."""
    centers = rng.integers(0, 256, (-(-(n + n_queries) // 20), n_bits // 8), np.uint8)
    codes = np.repeat(centers, 20, axis=0)[: n + n_queries]
    rows = np.arange(len(codes))
    for _ in range(2):
        bits = rng.integers(0, n_bits, len(codes))
        codes[rows, bits // 8] ^= (128 >> bits % 8).astype(np.uint8)
    codes = codes[rng.permutation(len(codes))]
    return codes[:n], codes[n:]


def repeated_codes(n, n_bits, n_queries, rng, n_distinct=50_000):
    """Draw codes among few distinct ones, and queries one bit away from these."""
    distinct = rng.integers(0, 256, (n_distinct, n_bits // 8), dtype=np.uint8)
    return distinct[rng.integers(0, n_distinct, n)], distinct[:n_queries] ^ np.uint8(4)


SYNTHETIC = {
    "random": random_codes,
    "clustered": clustered_codes,
    "near-copies": near_copies,
    "repeated": repeated_codes,
}


def _hiv_codes(rng):
    from _lib.reference_data import load_hiv_fingerprints

    return load_hiv_fingerprints()


def _glove_codes(rng):
    from _lib.reference_data import load_glove

    vectors = load_glove()
    vectors = vectors - vectors.mean(axis=0)
    planes = rng.standard_normal((vectors.shape[1], 64))
    return np.packbits(vectors @ planes > 0, axis=1)


def _newsgroups_codes(rng):
    from _lib.reference_data import load_20newsgroups
    from skhash.shallow import ITQHasher

    hasher = ITQHasher(64, output="packed", random_state=0)
    return hasher.fit_transform(load_20newsgroups().X_train)


REAL = {
    "hiv-ecfp4": _hiv_codes,
    "glove-signs": _glove_codes,
    "20newsgroups-itq": _newsgroups_codes,
}


def make_codes(case, seed):
    """Return the packed codes and the queries of a `search_cases.Case`."""
    rng = np.random.default_rng(seed)
    if case.data in SYNTHETIC:
        make = SYNTHETIC[case.data]
        return make(case.n_codes, case.n_bits, case.n_queries, rng)
    codes = REAL[case.data](rng)
    codes = np.ascontiguousarray(codes[rng.permutation(len(codes))])
    return codes[case.n_queries :], codes[: case.n_queries]
