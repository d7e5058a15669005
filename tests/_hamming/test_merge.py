"""Compare merged results of the parts of a search with a sort of all results."""

import numpy as np
import pytest

from skhash._hamming import _merge


def nearest(rng, n_queries, n_columns, first):
    """Draw sorted results with indices from `first` on."""
    found = []
    for _ in range(n_queries):
        indices = first + rng.permutation(3 * n_columns)[:n_columns]
        pairs = sorted(zip(rng.integers(0, 4, n_columns).tolist(), indices.tolist()))
        found.append(pairs)
    array = np.array(found).reshape(n_queries, n_columns, 2)
    return (
        np.ascontiguousarray(array[..., 0], dtype=np.int32),
        np.ascontiguousarray(array[..., 1], dtype=np.intp),
    )


def within(rng, n_queries, first):
    """Draw sorted results of different lengths."""
    counts = rng.integers(0, 6, n_queries)
    rows = [nearest(rng, 1, int(count), first) for count in counts]
    return (
        counts.astype(np.int64),
        np.concatenate([d.ravel() for d, _ in rows]),
        np.concatenate([i.ravel() for _, i in rows]),
    )


def split(counts, values):
    return np.split(values, np.cumsum(counts)[:-1])


@pytest.mark.parametrize("seed", range(10))
def test_merged_results_are_sorted(seed):
    rng = np.random.default_rng(seed)
    a, b = nearest(rng, 5, 4, 0), nearest(rng, 5, 3, 100)
    for k in (1, 4, 7):
        distances, indices = _merge.merge_nearest(*a, *b, k)
        for q in range(5):
            pairs = [*zip(a[0][q], a[1][q]), *zip(b[0][q], b[1][q])]
            assert [*zip(distances[q], indices[q])] == sorted(pairs)[:k]

    a, b = within(rng, 5, 0), within(rng, 5, 100)
    counts, distances, indices = _merge.merge_within(*a, *b)
    np.testing.assert_array_equal(counts, a[0] + b[0])
    parts = [split(n, x) for n, d, i in (a, b) for x in (d, i)]
    for q, found in enumerate(zip(split(counts, distances), split(counts, indices))):
        pairs = [*zip(parts[0][q], parts[1][q]), *zip(parts[2][q], parts[3][q])]
        assert [*zip(*found)] == sorted(pairs)


def test_queries_are_taken_out_of_their_own_results():
    indices = np.array([[7, 3, 4], [8, 7, 9], [1, 2, 3]])
    distances = np.array([[0, 1, 2], [0, 0, 5], [1, 2, 3]], dtype=np.int32)
    found = _merge.drop_self_nearest(distances, indices, 7)
    np.testing.assert_array_equal(found[1], [[3, 4], [7, 9], [1, 2]])
    np.testing.assert_array_equal(found[0], [[1, 2], [0, 5], [1, 2]])
    counts = np.array([3, 3, 3])
    found = _merge.drop_self_within(counts, distances.ravel(), indices.ravel(), 7)
    np.testing.assert_array_equal(found[0], [2, 2, 3])
    np.testing.assert_array_equal(found[2], [3, 4, 7, 9, 1, 2, 3])


def test_shapes_are_checked():
    d, i = np.zeros((2, 3), dtype=np.int32), np.zeros((2, 3), dtype=np.intp)
    with pytest.raises(ValueError, match="same queries"):
        _merge.merge_nearest(d, i, d[:1], i[:1], 3)
    with pytest.raises(ValueError, match="as many indices"):
        _merge.merge_nearest(d, i[:, :2].copy(), d, i, 3)
    with pytest.raises(ValueError, match="too few columns"):
        _merge.merge_nearest(d, i, d, i, 7)
    with pytest.raises(ValueError, match="as many indices"):
        _merge.drop_self_nearest(d, i[:1], 0)
    flat = d.ravel(), i.ravel()
    for counts in ([3, 2], [7, -1], [2**62, 2**62], [6]):
        counts = np.array(counts, dtype=np.int64)
        short = flat[0], flat[1][:5]
        for results in (flat, short):
            if counts.tolist() == [6] and results is flat:
                continue
            with pytest.raises(ValueError, match="counts must sum"):
                _merge.drop_self_within(counts, *results, 0)
            with pytest.raises(ValueError, match="counts must sum"):
                _merge.merge_within(counts, *results, counts, *results)
