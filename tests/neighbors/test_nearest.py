"""HammingNearestNeighbors and HammingNeighborsTransformer: the contract of the API."""

import os
import pickle
import subprocess
import sys

import joblib
import numpy as np
import pytest
from scipy import sparse
from sklearn.base import clone
from sklearn.cluster import DBSCAN
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV
from sklearn.neighbors import (
    KNeighborsClassifier,
    KNeighborsTransformer,
    NearestNeighbors,
)
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import Binarizer

from skhash.codes import pack_bits
from skhash.metrics import precision_at_k_score
from skhash.neighbors import (
    HammingNearestNeighbors,
    HammingNeighborsTransformer,
    simd_name,
    simd_names,
)

N_BITS = 24


@pytest.fixture
def bits():
    return np.random.default_rng(0).integers(0, 2, (500, N_BITS), dtype=np.uint8)


@pytest.fixture
def queries():
    return np.random.default_rng(1).integers(0, 2, (30, N_BITS), dtype=np.uint8)


def assert_same(got, want):
    for a, b in zip(got, want, strict=True):
        np.testing.assert_array_equal(a, b)


# Results ------------------------------------------------------------------------------


def test_distances_are_those_of_scikit_learn(bits, queries):
    reference = NearestNeighbors(metric="hamming", algorithm="brute").fit(bits)
    for X in (queries, None):
        distances, indices = HammingNearestNeighbors().fit(bits).kneighbors(X, 7)
        expected, _ = reference.kneighbors(X, 7)
        np.testing.assert_array_equal(distances, np.rint(expected * N_BITS))
        assert distances.dtype == np.int32
        assert indices.dtype == np.intp


def test_radius_is_inclusive_and_results_are_ragged(bits, queries):
    reference = NearestNeighbors(metric="hamming", algorithm="brute").fit(bits)
    model = HammingNearestNeighbors(radius=6).fit(bits)
    expected, expected_indices = reference.radius_neighbors(
        queries, 6.5 / N_BITS, sort_results=True
    )
    distances, indices = model.radius_neighbors(queries)
    assert distances.dtype == indices.dtype == object
    assert any((d == 6).any() for d in distances)
    for row in range(len(queries)):
        np.testing.assert_array_equal(distances[row], np.rint(expected[row] * N_BITS))
        assert set(indices[row]) == set(expected_indices[row])
        np.testing.assert_array_equal(
            indices[row], indices[row][np.lexsort((indices[row], distances[row]))]
        )
    assert_same(model.radius_neighbors(queries, return_distance=False), indices)


def test_self_is_excluded_by_index():
    bits = np.zeros((6, 9), dtype=int)
    model = HammingNearestNeighbors(n_neighbors=3).fit(bits)
    expected = [[1, 2, 3], [0, 2, 3], [0, 1, 3], [0, 1, 2], [0, 1, 2], [0, 1, 2]]
    np.testing.assert_array_equal(model.kneighbors(return_distance=False), expected)
    indices = model.radius_neighbors(return_distance=False)
    assert [list(row) for row in indices[:2]] == [[1, 2, 3, 4, 5], [0, 2, 3, 4, 5]]


@pytest.mark.parametrize("mode", ["connectivity", "distance"])
def test_graphs(bits, queries, mode):
    queries[0] = bits[3]
    model = HammingNearestNeighbors(radius=5).fit(bits)
    for X in (queries, None):
        graph = model.kneighbors_graph(X, 4, mode=mode)
        distances, indices = model.kneighbors(X, 4)
        assert graph.format == "csr"
        assert graph.dtype == np.float64
        assert graph.shape == (len(distances), len(bits))
        np.testing.assert_array_equal(graph.indices.reshape(-1, 4), indices)
        weights = np.ones_like(distances) if mode == "connectivity" else distances
        np.testing.assert_array_equal(graph.data.reshape(-1, 4), weights)

        graph = model.radius_neighbors_graph(X, mode=mode)
        distances, indices = model.radius_neighbors(X)
        np.testing.assert_array_equal(graph.indices, np.concatenate(indices))
        if mode == "distance":
            np.testing.assert_array_equal(graph.data, np.concatenate(distances))
            assert X is None or (graph.data == 0).any()
        np.testing.assert_array_equal(np.diff(graph.indptr), [len(i) for i in indices])


def test_packed_equals_bits(bits, queries):
    a = HammingNearestNeighbors().fit(bits)
    b = HammingNearestNeighbors(packed=True).fit(pack_bits(bits))
    assert_same(a.kneighbors(queries), b.kneighbors(pack_bits(queries)))
    a = HammingNearestNeighbors().fit(bits[:, :21])
    b = HammingNearestNeighbors(packed=True, n_bits=21).fit(pack_bits(bits[:, :21]))
    assert a.n_bits_ == b.n_bits_ == 21
    queries = queries[:, :21]
    assert_same(a.kneighbors(queries), b.kneighbors(pack_bits(queries)))


@pytest.mark.parametrize("kind", [bool, np.int64, np.float32, list])
def test_bits_of_any_type(bits, queries, kind):
    model = HammingNearestNeighbors().fit(bits)
    expected = model.kneighbors(queries)
    if kind is list:
        got = clone(model).fit(bits.tolist()).kneighbors(queries.tolist())
    else:
        got = clone(model).fit(bits.astype(kind)).kneighbors(queries.astype(kind))
    assert_same(got, expected)


@pytest.mark.parametrize("algorithm", ["brute", "multi_index"])
@pytest.mark.parametrize("n_jobs", [1, 2])
def test_no_query_gives_no_result(bits, algorithm, n_jobs):
    model = HammingNearestNeighbors(algorithm=algorithm, n_jobs=n_jobs).fit(bits)
    distances, indices = model.kneighbors(bits[:0])
    assert distances.shape == indices.shape == (0, 5)
    assert len(model.radius_neighbors(bits[:0], return_distance=False)) == 0
    assert model.kneighbors_graph(bits[:0]).shape == (0, 500)
    assert model.radius_neighbors_graph(bits[:0]).shape == (0, 500)


def test_subset_equals_filtering(bits, queries):
    model = HammingNearestNeighbors(radius=8).fit(bits)
    mask = np.random.default_rng(2).random(len(bits)) < 0.3
    all_distances, all_indices = model.kneighbors(queries, len(bits))
    distances, indices = model.kneighbors(queries, 4, mask=mask)
    for row in range(len(queries)):
        kept = mask[all_indices[row]]
        np.testing.assert_array_equal(indices[row], all_indices[row][kept][:4])
        np.testing.assert_array_equal(distances[row], all_distances[row][kept][:4])
    chosen = np.flatnonzero(mask)[::-1]
    assert_same(model.kneighbors(queries, 4, indices=chosen), (distances, indices))
    for row in model.radius_neighbors(mask=mask, return_distance=False):
        assert mask[row].all()
    empty = model.radius_neighbors(queries, indices=[], return_distance=False)
    assert [len(row) for row in empty] == [0] * len(queries)


# Living index -------------------------------------------------------------------------


@pytest.mark.parametrize("algorithm", ["auto", "brute", "multi_index"])
def test_append_and_remove_equal_a_new_fit(bits, queries, algorithm):
    labels = np.arange(len(bits))
    model = HammingNearestNeighbors(algorithm=algorithm)
    for part in np.array_split(np.arange(len(bits)), 7):
        model.partial_fit(bits[part], labels[part])
    fresh = HammingNearestNeighbors(algorithm="brute").fit(bits, labels)
    assert_same(model.kneighbors(queries), fresh.kneighbors(queries))
    np.testing.assert_array_equal(model.labels_, labels)

    gone = [3, 77, 78, 499]
    assert model.remove(gone) is model
    fresh.fit(np.delete(bits, gone, axis=0), np.delete(labels, gone))
    assert_same(model.kneighbors(queries), fresh.kneighbors(queries))
    np.testing.assert_array_equal(model.labels_, fresh.labels_)
    assert model.n_samples_fit_ == fresh.n_samples_fit_ == 496
    model.remove([])
    assert model.n_samples_fit_ == 496


def test_append_is_amortised():
    rows = np.random.default_rng(0).integers(0, 256, (64, 8), dtype=np.uint8)
    model = HammingNearestNeighbors(packed=True).fit(rows)
    memory = set()
    for _ in range(500):
        model.partial_fit(rows)
        memory.add(model._index.head._planes.ctypes.data)
    assert len(memory) < 20


@pytest.mark.parametrize("algorithm", ["auto", "multi_index"])
def test_memory_map_is_searched_in_place(tmp_path, algorithm):
    rows = np.random.default_rng(0).integers(0, 256, (5000, 16), dtype=np.uint8)
    queries = rows[:50] ^ np.uint8(1)
    np.save(tmp_path / "codes.npy", rows)
    mapped = np.load(tmp_path / "codes.npy", mmap_mode="r")
    model = HammingNearestNeighbors(packed=True, copy=False, algorithm=algorithm)
    model.fit(mapped)
    assert np.shares_memory(model._index.head._rows, mapped)
    fresh = HammingNearestNeighbors(packed=True).fit(rows)
    assert_same(model.kneighbors(queries), fresh.kneighbors(queries))
    model.partial_fit(queries)
    fresh.partial_fit(queries)
    assert_same(model.kneighbors(queries), fresh.kneighbors(queries))
    assert np.shares_memory(model._index.head._rows, mapped)


def test_read_only_arrays(bits, queries):
    expected = HammingNearestNeighbors().fit(bits).kneighbors(queries)
    for array in (bits, queries):
        array.flags.writeable = False
    model = HammingNearestNeighbors().fit(bits)
    assert_same(model.kneighbors(queries), expected)
    packed, packed_queries = pack_bits(bits), pack_bits(queries)
    packed.flags.writeable = packed_queries.flags.writeable = False
    for copy in (True, False):
        model = HammingNearestNeighbors(packed=True, copy=copy).fit(packed)
        assert_same(model.kneighbors(packed_queries), expected)


# Persistence --------------------------------------------------------------------------


@pytest.mark.parametrize("algorithm", ["auto", "brute", "multi_index"])
@pytest.mark.parametrize("repeat", [1, 20])
def test_persistence(tmp_path, algorithm, repeat):
    rng = np.random.default_rng(0)
    rows = rng.integers(0, 256, (20_000 // repeat, 8), dtype=np.uint8)
    rows = rows[rng.integers(0, len(rows), 20_000)] if repeat > 1 else rows
    model = HammingNearestNeighbors(packed=True, algorithm=algorithm).fit(rows)
    expected = model.kneighbors(rows[:20])
    expected_within = model.radius_neighbors(rows[:20], return_distance=False)
    path = tmp_path / "model.joblib"
    joblib.dump(model, path)
    assert path.stat().st_size < 1.05 * rows.nbytes + 10_000
    for loaded in (
        pickle.loads(pickle.dumps(model)),
        joblib.load(path),
        joblib.load(path, mmap_mode="r"),
        clone(model).fit(rows),
    ):
        assert_same(loaded.kneighbors(rows[:20]), expected)
        assert_same(
            loaded.radius_neighbors(rows[:20], return_distance=False), expected_within
        )
        loaded.partial_fit(rows[:10])
        assert loaded.n_samples_fit_ == 20_010


# Bad input ----------------------------------------------------------------------------


def test_query_before_fit(bits):
    for method in ("kneighbors", "radius_neighbors", "kneighbors_graph"):
        with pytest.raises(NotFittedError):
            getattr(HammingNearestNeighbors(), method)(bits)
    with pytest.raises(NotFittedError):
        HammingNearestNeighbors().remove([0])
    with pytest.raises(NotFittedError):
        HammingNearestNeighbors().score(bits, bits[:, 0])
    with pytest.raises(NotFittedError):
        HammingNeighborsTransformer().transform(bits)


@pytest.mark.parametrize(
    ("X", "error", "message"),
    [
        (np.array([[0.0, np.nan]]), ValueError, "NaN"),
        (np.array([[0.0, np.inf]]), ValueError, "infinity"),
        (np.array([[0, 2]]), ValueError, "packed=True"),
        (np.array([[7, 250]], dtype=np.uint8), ValueError, "unpack_bits"),
        (np.array([[0, -1]]), ValueError, "0 or 1"),
        (np.array([["0", "1"]]), ValueError, "dtype"),
        (np.array([0, 1]), ValueError, "1D array"),
        (np.empty((0, 4)), ValueError, "0 sample"),
        (np.empty((4, 0)), ValueError, "0 feature"),
        (sparse.csr_matrix([[0, 1]]), TypeError, "[Ss]parse"),
    ],
)
def test_bad_codes(X, error, message):
    for model in (HammingNearestNeighbors(), HammingNeighborsTransformer()):
        with pytest.raises(error, match=message):
            model.fit(X)


def test_wrong_number_of_bits(bits):
    model = HammingNearestNeighbors().fit(bits)
    with pytest.raises(ValueError, match=r"23 features.*24"):
        model.kneighbors(bits[:, 1:])
    with pytest.raises(ValueError, match="packed=True"):
        model.kneighbors(np.full((2, N_BITS), 7))
    with pytest.raises(ValueError, match=r"must have 20 bits"):
        HammingNearestNeighbors(n_bits=20).fit(bits)
    for packed, n_columns in ((False, 65_529), (True, 8192)):
        codes = np.zeros((2, n_columns), dtype=np.uint8)
        with pytest.raises(ValueError, match=r"at most 65528 bits; got 655"):
            HammingNearestNeighbors(packed=packed).fit(codes)
        longest = HammingNearestNeighbors(1, packed=packed).fit(codes[:, :-1])
        ones = np.packbits(np.ones(65_528, dtype=np.uint8))
        query = ones if packed else np.unpackbits(ones)
        assert longest.kneighbors([query])[0] == 65_528
    packed = HammingNearestNeighbors(packed=True).fit(pack_bits(bits))
    with pytest.raises(ValueError, match=r"2 features.*3"):
        packed.kneighbors(pack_bits(bits)[:, 1:])
    with pytest.raises(TypeError, match="uint8"):
        packed.kneighbors(pack_bits(bits).astype(float))
    with pytest.raises(ValueError, match="padding"):
        HammingNearestNeighbors(packed=True, n_bits=20).fit(pack_bits(bits))


@pytest.mark.parametrize(
    ("n_neighbors", "error"),
    [(0, ValueError), (-2, ValueError), (501, ValueError), (2.0, TypeError)],
)
def test_bad_n_neighbors(bits, n_neighbors, error):
    model = HammingNearestNeighbors().fit(bits)
    with pytest.raises(error, match="n_neighbors"):
        model.kneighbors(bits, n_neighbors)
    with pytest.raises(ValueError, match="n_neighbors=500, n_samples=500"):
        model.kneighbors(n_neighbors=500)
    with pytest.raises(ValueError, match="n_samples=2"):
        model.kneighbors(bits, 3, indices=[1, 2])


def test_bad_radius_mode_and_subset(bits):
    model = HammingNearestNeighbors().fit(bits)
    for radius, error in [(-1, ValueError), (1.5, TypeError), (True, TypeError)]:
        with pytest.raises(error, match="radius"):
            model.radius_neighbors(bits, radius)
    for method in ("kneighbors_graph", "radius_neighbors_graph"):
        with pytest.raises(ValueError, match="mode"):
            getattr(model, method)(bits, mode="weight")
    for subset in (
        {"mask": np.ones(499, dtype=bool)},
        {"mask": np.ones(500)},
        {"mask": np.ones(500, dtype=bool), "indices": [1]},
        {"indices": [500]},
        {"indices": [-1]},
        {"indices": [0.5]},
        {"indices": [[1]]},
    ):
        with pytest.raises(ValueError, match=r"mask|indices"):
            model.kneighbors(bits, **subset)
    with pytest.raises(ValueError, match="at least one code"):
        model.remove(np.arange(500))


def test_bad_labels(bits):
    labels = np.zeros(len(bits))
    with pytest.raises(ValueError, match="inconsistent"):
        HammingNearestNeighbors().fit(bits, labels[1:])
    model = HammingNearestNeighbors().fit(bits)
    with pytest.raises(ValueError, match="score needs the labels"):
        model.score(bits, labels)
    with pytest.raises(ValueError, match="if and only if"):
        model.partial_fit(bits, labels)
    with pytest.raises(ValueError, match="if and only if"):
        HammingNearestNeighbors().fit(bits, labels).partial_fit(bits)


# Score --------------------------------------------------------------------------------


def test_score_is_tie_aware_precision(bits):
    rng = np.random.default_rng(0)
    y = rng.integers(-1, 3, len(bits))
    few = bits & 1  # any order of ties must give the same score
    for X, packed in ((few, False), (pack_bits(few), True)):
        model = HammingNearestNeighbors(7, packed=packed, n_bits=N_BITS)
        score = model.fit(X[:400], y[:400]).score(X[400:], y[400:])
        expected = precision_at_k_score(few[:400], y[:400], few[400:], y[400:], k=7)
        assert score == expected


def test_sparse_indicators_are_labels(bits):
    y = np.random.default_rng(0).integers(0, 2, (len(bits), 3))
    model = HammingNearestNeighbors(7).fit(bits[:300], sparse.csr_array(y[:300]))
    model.partial_fit(bits[300:400], sparse.csr_matrix(y[300:400]))
    expected = HammingNearestNeighbors(7).fit(bits[:400], y[:400])
    score = model.score(bits[400:], sparse.csr_array(y[400:]))
    assert score == expected.score(bits[400:], y[400:])


def test_last_step_of_a_pipeline_under_grid_search():
    X, y = clustered()
    labels = y.copy()
    labels[::7] = -1
    noisy = X + np.random.default_rng(0).normal(0, 0.1, X.shape)
    model = Pipeline(
        [("binarize", Binarizer()), ("search", HammingNearestNeighbors(3))]
    )
    grid = {"binarize__threshold": [-9.0, 0.5], "search__n_neighbors": [3, 5]}
    search = GridSearchCV(model, grid, cv=3, error_score="raise").fit(noisy, labels)
    assert search.best_params_["binarize__threshold"] == 0.5
    assert search.best_score_ > 0.7


# Instruction sets ---------------------------------------------------------------------


def run_python(code, **environment):
    return subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def test_instruction_set_can_be_forced():
    assert simd_name() in simd_names()
    code = "from skhash.neighbors import simd_name; print(simd_name())"
    for name in simd_names():
        assert run_python(code, SKHASH_SIMD=name).stdout.strip() == name
    failed = run_python(code, SKHASH_SIMD="mmx")
    assert "SKHASH_SIMD must be one of" in failed.stderr


def test_no_torch_needed():
    code = "import sys, skhash.neighbors; print('torch' in sys.modules)"
    assert run_python(code).stdout.strip() == "False"


# Transformer --------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["distance", "connectivity"])
def test_transformer_equals_scikit_learn(bits, queries, mode):
    bits = np.unique(bits, axis=0)
    ours = HammingNeighborsTransformer(n_neighbors=3, mode=mode).fit(bits)
    theirs = KNeighborsTransformer(
        n_neighbors=3, mode=mode, metric="hamming", algorithm="brute"
    ).fit(bits)
    for X in (bits, queries):
        a, b = ours.transform(X), theirs.transform(X)
        assert a.shape == b.shape
        np.testing.assert_array_equal(np.diff(a.indptr), np.diff(b.indptr))
        if mode == "distance":
            np.testing.assert_allclose(a.data, b.data * N_BITS)
    graph = ours.fit_transform(bits)
    np.testing.assert_array_equal(
        graph.indices[:: 3 + (mode == "distance")], np.arange(len(bits))
    )
    assert len(ours.get_feature_names_out()) == len(bits)


def clustered():
    rng = np.random.default_rng(0)
    y = rng.integers(0, 3, 300)
    centers = rng.integers(0, 2, (3, 40))
    return centers[y] ^ (rng.random((300, 40)) < 0.05), y


def test_transformer_feeds_classifier_and_clustering():
    X, y = clustered()
    model = make_pipeline(
        HammingNeighborsTransformer(n_neighbors=10),
        KNeighborsClassifier(n_neighbors=5, metric="precomputed"),
    ).fit(X[:200], y[:200])
    plain = KNeighborsClassifier(n_neighbors=5, metric="hamming").fit(X[:200], y[:200])
    assert model.score(X[200:], y[200:]) == plain.score(X[200:], y[200:]) == 1.0

    graph = HammingNeighborsTransformer(n_neighbors=150).fit_transform(X)
    found = DBSCAN(eps=8, min_samples=5, metric="precomputed").fit_predict(graph)
    pairs = {(a, b) for a, b in zip(found, y) if a >= 0}
    assert len(pairs) == 3
    assert (found >= 0).mean() > 0.95


def test_score_with_fewer_labeled_codes_than_neighbors(bits):
    labels = np.full(len(bits), -1)
    labels[:3] = 0, 1, 0
    model = HammingNearestNeighbors().fit(bits, labels)
    assert model.score(bits[:3], labels[:3]) == pytest.approx(5 / 9)
    with pytest.raises(ValueError, match="score needs the labels"):
        HammingNearestNeighbors().fit(bits, labels[3:].repeat(2)[:500]).score(
            bits, labels
        )


@pytest.mark.parametrize("order", [1, -1])
def test_unlabeled_codes_beside_names(bits, order):
    parts = [(bits[:4], np.array(list("abab"))), (bits[4:8], np.full(4, -1))]
    model = HammingNearestNeighbors(1)
    for codes, labels in parts[::order]:
        model.partial_fit(codes, labels)
    assert model.labels_.tolist()[::order][:4] == list("abab")[::order]
    assert model.score(bits[:2], np.array(["a", "b"])) == 1
