"""Test an index of codes: changes, labels, persistence."""

import pickle
import tracemalloc

import joblib
import numpy as np
import pytest
from scipy import sparse
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import Binarizer

from skhash.codes import pack_bits
from skhash.metrics import precision_at_k_score
from skhash.neighbors import HammingNearestNeighbors

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


def test_append_is_amortized():
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


def clustered():
    rng = np.random.default_rng(0)
    y = rng.integers(0, 3, 300)
    centers = rng.integers(0, 2, (3, 40))
    return centers[y] ^ (rng.random((300, 40)) < 0.05), y


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


@pytest.mark.parametrize("kind", ["blocks", "external", "distinct"])
def test_no_codes_change_nothing(kind):
    rng = np.random.default_rng(0)
    rows = rng.integers(0, 256, (2000, 8), dtype=np.uint8)
    rows = rows[rng.integers(0, 20, 2000)] if kind == "distinct" else rows
    labels = np.arange(2000)
    model = HammingNearestNeighbors(1, packed=True, copy=kind != "external")
    model.fit(rows, labels)
    before = model._contents
    assert model.partial_fit(rows[:0], []) is model
    assert model.partial_fit(rows[:0], labels[:0]) is model
    assert model.remove([]) is model
    assert model._contents is before
    with pytest.raises(ValueError, match="features"):
        model.partial_fit(rows[:0, 1:], [])


def traced_peak(call):
    tracemalloc.start()
    call()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak


def test_memory_map_is_never_turned_into_memory(tmp_path):
    rng = np.random.default_rng(0)
    rows = rng.integers(0, 256, (100_000, 64), dtype=np.uint8)
    np.save(tmp_path / "codes.npy", rows)
    mapped = np.load(tmp_path / "codes.npy", mmap_mode="r")
    model = HammingNearestNeighbors(3, packed=True, copy=False)
    mask = rng.random(len(rows)) < 0.1
    gone = np.arange(0, 100_000, 4)
    for call in (
        lambda: model.fit(mapped),
        lambda: model.fit(mapped[::-1]),
        lambda: model.fit(mapped[:, 3:40]),
        lambda: model.fit(mapped),
        lambda: model.kneighbors(rows[:3]),
        lambda: model.partial_fit(rows[:10]),
        lambda: model.remove([7]),
        lambda: model.remove(gone),
        lambda: model.kneighbors(rows[:3], mask=mask[: model.n_samples_fit_]),
        lambda: model.radius_neighbors(rows[:3]),
    ):
        assert traced_peak(call) < 0.2 * rows.nbytes
    kept = np.delete(np.delete(np.concatenate([rows, rows[:10]]), [7], axis=0), gone, 0)
    np.testing.assert_array_equal(model._index.rows(), kept)
    fresh = HammingNearestNeighbors(3, packed=True).fit(kept)
    queries = rows[:40] ^ np.uint8(1)
    assert_same(model.kneighbors(queries), fresh.kneighbors(queries))


def test_score_reads_a_memory_map_slice_by_slice(tmp_path):
    rng = np.random.default_rng(0)
    rows = rng.integers(0, 256, (50_000, 512), dtype=np.uint8)
    y = rng.integers(-1, 20, len(rows))
    np.save(tmp_path / "codes.npy", rows)
    mapped = np.load(tmp_path / "codes.npy", mmap_mode="r")
    model = HammingNearestNeighbors(9, packed=True, copy=False).fit(mapped, y)
    expected = precision_at_k_score(rows, y, rows[:30], y[:30], k=9, packed=True)
    assert model.score(rows[:30], y[:30]) == pytest.approx(expected)
    # Labels take some bytes per sample.
    assert traced_peak(lambda: model.score(rows[:30], y[:30])) < 0.2 * rows.nbytes


@pytest.mark.parametrize("copy", [True, False])
def test_long_sequence_of_changes_equals_a_list(copy):
    rng = np.random.default_rng(0)
    rows = rng.integers(0, 256, (300, 5), dtype=np.uint8)
    labels = rng.integers(0, 5, 300)
    model = HammingNearestNeighbors(4, packed=True, copy=copy).fit(rows, labels)
    for _ in range(60):
        if rng.random() < 0.5:
            more = rng.integers(0, 256, (rng.integers(0, 90), 5), dtype=np.uint8)
            model.partial_fit(more, np.full(len(more), 7))
            rows = np.concatenate([rows, more])
            labels = np.concatenate([labels, np.full(len(more), 7)])
        else:
            gone = rng.integers(0, len(rows), rng.integers(1, 60))
            model.remove(gone)
            rows, labels = np.delete(rows, gone, axis=0), np.delete(labels, gone)
        np.testing.assert_array_equal(model._index.rows(), rows)
        np.testing.assert_array_equal(model.labels_, labels)
        fresh = HammingNearestNeighbors(4, packed=True, algorithm="brute").fit(rows)
        assert_same(model.kneighbors(), fresh.kneighbors())
        mask = rng.random(len(rows)) < 0.5
        queries = rows[:5] ^ np.uint8(4)
        assert_same(
            model.kneighbors(queries, mask=mask), fresh.kneighbors(queries, mask=mask)
        )


STORAGES = ["blocks", "external", "distinct", "tables"]


def codes_for(storage):
    rows = np.random.default_rng(0).integers(0, 256, (1500, 4), dtype=np.uint8)
    rows = rows[np.arange(1500) % 20] if storage == "distinct" else rows
    how = {"external": {"copy": False}, "tables": {"algorithm": "multi_index"}}
    return rows, HammingNearestNeighbors(
        3, packed=True, n_bits=32, **how.get(storage, {})
    )


@pytest.mark.parametrize("storage", STORAGES)
def test_ids_follow_their_codes(storage):
    rows, model = codes_for(storage)
    ids = np.random.default_rng(1).permutation(10_000)[:1500]
    model.fit(rows[:1100], ids=ids[:1100])
    for i in range(1100, 1500, 50):
        model.partial_fit(rows[i : i + 50], ids=ids[i : i + 50])
        if i == 1300:
            model.remove(ids=ids[1000:1200])
    kept = np.r_[:1000, 1200:1500]
    np.testing.assert_array_equal(model.ids_, ids[kept])
    np.testing.assert_array_equal(model.codes_, rows[kept])
    found = model.kneighbors(rows[kept], 1, ids=ids[kept[-9:]], return_ids=True)[1]
    assert set(found.ravel().tolist()) <= set(ids[kept[-9:]].tolist())
    pairs = model.radius_pairs(9, ids=ids[kept[100:300]])
    for got, want in zip(pairs, model.radius_pairs(9, indices=np.arange(100, 300))):
        np.testing.assert_array_equal(got, want)
    model.partial_fit(rows[1000:1200], ids=ids[1000:1200])  # free again
    with pytest.raises(ValueError, match="unique"):
        model.partial_fit(rows[:1], ids=ids[:1])
    with pytest.raises(ValueError, match="ids must be given if and only if"):
        model.partial_fit(rows[:1])
    with pytest.raises(ValueError, match="1 as there are rows; got 2"):
        model.partial_fit(rows[:1], ids=[20_000, 20_001])
    with pytest.raises(ValueError, match="ids must be in the index; got 20000"):
        model.remove(ids=[ids[0], 20_000])
    assert model.n_samples_fit_ == 1500


@pytest.mark.parametrize("storage", STORAGES)
@pytest.mark.parametrize("begin", ["fit", "partial_fit", "remove"])
def test_empty_index_grows(storage, begin):
    rows, model = codes_for(storage)
    if begin == "remove":
        model.fit(rows, np.arange(1500), np.arange(1500))
        model.remove(np.arange(1500))
    else:
        getattr(model, begin)(rows[:0], [], [])
    assert model.n_samples_fit_ == 0
    assert model.n_bits_ == 32
    assert model.codes_.shape == (0, 4)
    with pytest.raises(ValueError, match="n_neighbors"):
        model.kneighbors(rows[:3])
    distances, found = model.kneighbors(rows[:3], 2, pad=True)
    assert (distances == 33).all()
    assert (found == -1).all()
    found = model.kneighbors(rows[:3], 2, pad=True, return_ids=True)[1]
    assert found.shape == (3, 2)
    assert model.kneighbors(pad=True)[0].shape == (0, 3)
    assert [len(some) for some in model.radius_neighbors(rows[:3])[1]] == [0, 0, 0]
    assert len(model.radius_neighbors(return_distance=False)) == 0
    assert model.radius_neighbors_graph(rows[:3]).shape == (3, 0)
    assert model.radius_neighbors_graph().shape == (0, 0)
    assert model.radius_pairs(count_only=True) == 0
    assert len(model.radius_pairs(X=rows[:3])[0]) == 0
    with pytest.raises(ValueError, match="score needs the labels"):
        model.score(rows[:3], [1, 2, 3])
    assert pickle.loads(pickle.dumps(model)).n_samples_fit_ == 0
    names = np.array([f"id {i}" for i in range(1500)])
    labels = np.array(["a", "b"])[np.arange(1500) % 2]
    model.partial_fit(rows[:0], [], []).partial_fit(
        rows[:1200], labels[:1200], names[:1200]
    )
    model.partial_fit(rows[1200:], labels[1200:], names[1200:])
    fresh = HammingNearestNeighbors(3, packed=True, algorithm="brute").fit(rows)
    assert_same(model.kneighbors(rows[:50]), fresh.kneighbors(rows[:50]))
    np.testing.assert_array_equal(model.ids_, names)
    np.testing.assert_array_equal(model.labels_, labels)


def test_empty_fit_needs_the_number_of_bits(bits):
    model = HammingNearestNeighbors(n_bits=N_BITS).fit(bits[:0])
    assert model.partial_fit(bits).n_samples_fit_ == 500
    with pytest.raises(ValueError, match="0 sample"):
        HammingNearestNeighbors().fit(bits[:0])


@pytest.mark.parametrize("storage", STORAGES)
def test_merged_equals_fitted_together(storage, bits):
    rows, model = codes_for(storage)
    labels, ids = np.arange(1500) % 7, np.arange(1500) + 5
    model.fit(rows[:900], labels[:900], ids[:900])
    other = HammingNearestNeighbors(packed=True).fit(
        rows[900:], labels[900:], ids[900:]
    )
    assert model.merge(other) is model
    np.testing.assert_array_equal(model.codes_, rows)
    np.testing.assert_array_equal(model.labels_, labels)
    np.testing.assert_array_equal(model.ids_, ids)
    assert other.n_samples_fit_ == 600
    with pytest.raises(ValueError, match="unique"):
        model.merge(other)
    with pytest.raises(ValueError, match=r"other.ids_ must be given if and only if"):
        model.merge(HammingNearestNeighbors(packed=True).fit(rows, labels))
    with pytest.raises(ValueError, match="of 32 bits, as this index; got 24"):
        model.merge(HammingNearestNeighbors().fit(bits))
    with pytest.raises(TypeError, match="other must be"):
        model.merge(rows)
    assert model.n_samples_fit_ == 1500


def test_codes_are_read_back_as_they_came(bits):
    for X, packed in ((bits[:, :21], False), (pack_bits(bits[:, :21]), True)):
        model = HammingNearestNeighbors(packed=packed, n_bits=21).fit(X)
        np.testing.assert_array_equal(model.codes_, X)
        assert model.codes_.dtype == np.uint8


@pytest.mark.parametrize(
    "y",
    [
        [["a"], ["b"], ["a"], ["c"]],
        [{"a"}, {"b"}, {"a"}, {"c"}],
        [0.5, 1, 2, 3],
        [b"a", b"b", b"c", b"d"],
        [[2, 0], [1, 1], [0, 1], [1, 0]],
    ],
)
def test_ambiguous_labels_raise(bits, y):
    if isinstance(y[0], list) and isinstance(y[0][0], str):
        y = np.array([*y, None], dtype=object)[:4]
    with pytest.raises(ValueError, match="y "):
        HammingNearestNeighbors().fit(bits[:4], y)
    model = HammingNearestNeighbors().fit(bits[:4], [0, 1, 0, 1])
    with pytest.raises(ValueError, match="y "):
        model.partial_fit(bits[:4], y)
    assert model.n_samples_fit_ == 4


def test_score_warns_of_unlabeled_queries(bits):
    model = HammingNearestNeighbors().fit(bits, np.arange(500) % 3)
    with pytest.warns(UserWarning, match="no label for 1 of 3 samples"):
        model.score(bits[:3], [0, 1, -1])
    assert HammingNearestNeighbors(1).fit(bits, np.ones((500, 1))).labels_.ndim == 1
