"""Test real-valued queries against binary codes."""

import numpy as np
import pytest

from skhash._hamming._index import CodeIndex
from skhash._hamming._search import SearchTarget, StopFlag, simd_name, simd_names
from skhash._hamming._storage import aligned_zeros
from skhash.neighbors import HammingNearestNeighbors
from skhash.neighbors._asymmetric import quantize


def expected_neighbors(weights, bits, k, allowed=None):
    scores = weights.astype(int) @ (2 * bits - 1).T
    if allowed is not None:
        scores = np.where(allowed, scores, -(10**9))
    order = np.argsort(-scores, axis=1, kind="stable")[:, :k]
    return np.take_along_axis(scores, order, axis=1), order


@pytest.mark.parametrize("simd", simd_names())
@pytest.mark.parametrize("most", [7, 127])
@pytest.mark.parametrize("n_bits", [1, 8, 20, 64, 100, 256, 500])
def test_kernels_are_exact_for_quantized_queries(n_bits, most, simd):
    rng = np.random.default_rng(n_bits)
    bits = rng.integers(0, 2, (1300, n_bits))
    bits[400:900] = bits[rng.integers(0, 5, 500)]
    index = CodeIndex(np.packbits(bits.astype(np.uint8), axis=1), n_bits)
    weights = np.zeros((70, -(-n_bits // 8) * 8), dtype=np.int8)
    weights[:, :n_bits] = rng.integers(-most, most + 1, (70, n_bits))
    weights[:2, :n_bits] = [[most], [-most]]
    allowed = rng.random(1300) < 0.5
    for k, mask in ((1, None), (30, None), (200, allowed)):
        scores, order = expected_neighbors(weights[:, :n_bits], bits, k, mask)
        for n_threads in (1, 2):
            how = {"simd": simd, "mask": mask, "n_threads": n_threads}
            distances, found = index.nearest(
                weights.view(np.uint8), k, weighted=True, **how
            )
            np.testing.assert_array_equal(found, order)
            totals = np.abs(weights).sum(axis=1, dtype=int)[:, None]
            np.testing.assert_array_equal(totals - 2 * distances, scores)


@pytest.mark.parametrize("query_bits", [4, 8])
@pytest.mark.parametrize("packed", [True, False])
def test_estimator_quantizes_and_scales(packed, query_bits):
    rng = np.random.default_rng(0)
    bits, queries = rng.integers(0, 2, (500, 20)), rng.normal(size=(30, 20))
    queries[0] = 0
    codes = np.packbits(bits, axis=1) if packed else bits
    model = HammingNearestNeighbors(7, packed=packed, n_bits=20).fit(codes)
    weights, scales = quantize(queries, query_bits)
    assert np.abs(weights).max() == {4: 7, 8: 127}[query_bits]
    assert (
        np.abs(weights[:, :20] * scales[:, None] - queries).max() < scales.max() / 1.9
    )
    expected, order = expected_neighbors(weights[:, :20], bits, 7)
    scores, found = model.asymmetric_kneighbors(queries, query_bits=query_bits)
    np.testing.assert_array_equal(found, order)
    np.testing.assert_allclose(scores, expected * scales[:, None])
    how = {"query_bits": query_bits}
    np.testing.assert_array_equal(
        model.asymmetric_kneighbors(queries, return_score=False, **how), order
    )
    subset = np.arange(0, 500, 9)
    found = model.asymmetric_kneighbors(queries, 3, False, indices=subset, **how)
    allowed = np.isin(np.arange(500), subset)
    np.testing.assert_array_equal(
        found, expected_neighbors(weights[:, :20], bits, 3, allowed)[1]
    )


@pytest.mark.parametrize("n_bits", [1, 300, 3000, 65528])
@pytest.mark.parametrize("scale", [1e-300, 1.0, 1e300])
def test_sums_of_magnitudes_fit_the_distances(n_bits, scale):
    rng = np.random.default_rng(0)
    values = np.stack(
        [np.ones(n_bits), rng.normal(size=n_bits), np.arange(n_bits) == 0]
    )
    for query_bits in (4, 8):
        weights, scales = quantize(values * scale, query_bits)
        assert np.abs(weights.astype(int)).sum(axis=1).max() <= 65534
        error = np.abs(weights[:, :n_bits] * (scales / scale)[:, None] - values)
        assert (error <= 0.51 * (scales / scale)[:, None]).all()


def test_codes_of_any_length():
    rng = np.random.default_rng(0)
    rows = rng.integers(0, 256, (70, 8191), dtype=np.uint8)
    model = HammingNearestNeighbors(packed=True).fit(rows)
    queries = np.unpackbits(rows[:3], axis=1) * 2.0 - 1
    scores, found = model.asymmetric_kneighbors(queries, 1, query_bits=8)
    np.testing.assert_array_equal(found[:, 0], [0, 1, 2])
    np.testing.assert_allclose(scores[:, 0], 65528, rtol=1e-3)


def test_errors_name_the_parameter():
    model = HammingNearestNeighbors().fit(np.eye(6, dtype=int))
    with pytest.raises(ValueError, match="one value per bit, 6 columns; got 5"):
        model.asymmetric_kneighbors(np.zeros((2, 5)))
    with pytest.raises(ValueError, match="NaN"):
        model.asymmetric_kneighbors(np.full((2, 6), np.nan))
    with pytest.raises(ValueError, match="query_bits must be 4 or 8; got 7"):
        model.asymmetric_kneighbors(np.zeros((2, 6)), query_bits=7)
    with pytest.raises(ValueError, match="n_neighbors must be at most"):
        model.asymmetric_kneighbors(np.zeros((2, 6)), 7)


def test_weights_of_another_length_raise():
    target = SearchTarget(aligned_zeros(128), 64, 2)
    distances, found = np.empty((1, 1), np.int32), np.empty((1, 1), np.intp)
    how = 0, 64, 0, simd_name(), StopFlag(), True
    with pytest.raises(ValueError, match="Queries must have 16 bytes; got 2"):
        target.nearest(np.zeros((1, 2), np.uint8), distances, found, *how)
    for weights in (np.full((1, 16), -128, np.int8), np.full((1, 16), 128, np.uint8)):
        with pytest.raises(ValueError, match=r"from -127 to 127, .* got up to 128"):
            target.nearest(weights.view(np.uint8), distances, found, *how)
    long = SearchTarget(aligned_zeros(64 * 65), 64, 65)
    with pytest.raises(ValueError, match=r"at most 65534 per query; .* and 66040"):
        long.nearest(np.full((1, 520), 127, np.uint8), distances, found, *how)
