"""Whatever ends a change early or runs beside it finds the state before or after."""

import copy
import pickle
import threading

import numpy as np
import pytest

from skhash.neighbors import (
    HammingNearestNeighbors,
    HammingNeighborsTransformer,
    RerankedNearestNeighbors,
)
from skhash.neighbors._contents import Labels
from skhash.shallow import PCAHasher
from skhash.utils._labels import concatenate_labels
from tests.faults import interrupted_at


def random_rows(n, n_bytes=8, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (n, n_bytes), dtype=np.uint8)


def repeated_rows(n):
    return random_rows(20)[np.random.default_rng(1).integers(0, 20, n)]


def grown(model):
    """Leave spare memory, or a tail, behind the codes."""
    labels = model.labels_
    rows = random_rows(3, seed=3)
    return model.partial_fit(rows, None if labels is None else labels[:3])


STORAGES = {
    "blocks": (random_rows(130), {"algorithm": "brute"}),
    "distinct": (repeated_rows(1100), {}),
    "external": (random_rows(130), {"copy": False}),
    "tables": (random_rows(130), {"algorithm": "multi_index"}),
}
LABELS = {
    "none": lambda n: None,
    "numbers": np.arange,
    "names": lambda n: np.array([f"name {i}" for i in range(n)], dtype=object),
}
CHANGES = {
    "fit": lambda model, rows, y: model.fit(
        rows[:50, :6], None if y is None else y[:50]
    ),
    "partial_fit": lambda model, rows, y: model.partial_fit(
        rows[:70], None if y is None else y[:70]
    ),
    "remove": lambda model, rows, y: model.remove([3, 64, len(rows)]),
}


def state(model):
    """Return everything that can be seen of a model; searches must agree with it."""
    rows, labels = model._index.rows(), model.labels_
    assert len(rows) == model.n_samples_fit_
    assert rows.shape[1] == model.n_features_in_
    assert model.n_bits_ == 8 * rows.shape[1]
    assert labels is None or len(labels) == len(rows)
    queries = rows[:: max(1, len(rows) // 7)]
    distances = np.bitwise_count(queries[:, None] ^ rows[None]).sum(axis=2)
    expected = np.argsort(distances, axis=1, kind="stable")[:, :4]
    found = model.kneighbors(queries, 4, return_distance=False)
    np.testing.assert_array_equal(found, expected)
    return rows.tobytes(), rows.shape, None if labels is None else labels.tolist()


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("labels", LABELS)
@pytest.mark.parametrize("storage", STORAGES)
def test_error_at_any_line_leaves_the_old_or_the_new_state(storage, labels, change):
    rows, parameters = STORAGES[storage]
    y = LABELS[labels](len(rows))

    def make():
        return grown(HammingNearestNeighbors(packed=True, **parameters).fit(rows, y))

    model = make()
    old = state(model)
    CHANGES[change](model, rows, y)
    new = state(model)
    n, seen = 1, set()
    while True:
        model = make()
        if not interrupted_at(n, CHANGES[change], model, rows, y):
            break
        found = state(model)
        assert found in (old, new)
        seen.add(found == new)
        more = rows[:1, : model.n_features_in_]
        model.partial_fit(more, None if y is None else y[:1])  # neither locked nor lost
        assert state(model)[0] == found[0] + more.tobytes()
        n += 1
    assert n > 20
    assert seen == {False, True}


def test_error_at_any_line_of_other_packages():
    rows = random_rows(130)
    n, seen = 1, set()
    while True:
        model = HammingNearestNeighbors().fit(rows & 1, rows[:, 0])
        if not interrupted_at(n, model.fit, rows[:9, 1:] & 1, rows[:9, 0], within=""):
            break
        seen.add(len(state_of_bits(model)))
        n += 1
    assert n > 100
    assert seen == {9, 130}


def state_of_bits(model):
    rows = np.unpackbits(model._index.rows(), axis=1, count=model.n_bits_)
    assert rows.shape == (model.n_samples_fit_, model.n_features_in_)
    assert len(model.labels_) == len(rows)
    distances = model.kneighbors(rows, 1)[0]
    assert not distances.any()
    return rows


def test_error_at_any_line_of_a_two_stage_fit():
    X = np.random.default_rng(0).standard_normal((60, 6))
    hasher = PCAHasher(4, random_state=0)

    def make():
        return RerankedNearestNeighbors(hasher, rerank_factor=60).fit(X)

    model = make()
    old = model.kneighbors(X[:3])[0]
    new = make().fit(X[:40, :5]).kneighbors(X[:3, :5])[0]
    for n in range(1, 4000, 3):
        model = make()
        if not interrupted_at(n, model.fit, X[:40, :5]):
            break
        n_features = model.n_features_in_
        expected = old if n_features == 6 else new
        assert model.n_samples_fit_ == (60 if n_features == 6 else 40)
        np.testing.assert_array_equal(model.kneighbors(X[:3, :n_features])[0], expected)
    assert n > 100


def test_threads_that_add_lose_nothing():
    model = HammingNearestNeighbors(packed=True).fit(random_rows(100), np.arange(100))

    def add(thread):
        for i in range(150):
            rows = random_rows(1 + i % 3, seed=1000 * thread + i)
            model.partial_fit(rows, np.full(len(rows), thread))

    run_all([threading.Thread(target=add, args=(t,)) for t in range(4)])
    assert model.n_samples_fit_ == 100 + 4 * 300
    for thread in range(4):
        added = model._index.rows()[100:][model.labels_[100:] == thread]
        expected = [random_rows(1 + i % 3, seed=1000 * thread + i) for i in range(150)]
        np.testing.assert_array_equal(added, np.concatenate(expected))


@pytest.mark.parametrize("storage", STORAGES)
def test_searches_beside_changes_see_one_state(storage):
    rows, parameters = STORAGES[storage]
    model = HammingNearestNeighbors(3, packed=True, **parameters).fit(rows)
    errors, stop = [], threading.Event()

    def search():
        try:
            while not stop.is_set():
                distances, indices = model.kneighbors(rows[:9], 1)
                assert not distances.any()
                assert (indices.ravel() <= np.arange(9)).all()
                assert model.kneighbors(return_distance=False).shape[1] == 3
                graph = model.radius_neighbors_graph(rows[:9], 1)
                assert graph.shape[1] >= len(rows)
                model.kneighbors(rows[:2], 1, indices=[0, 1, len(rows) - 1])
        except BaseException as error:
            errors.append(error)

    def change():
        try:
            for i in range(60):
                model.partial_fit(random_rows(1 + i, seed=i))
                model.remove(np.arange(len(rows), len(rows) + 1 + i))
        except BaseException as error:
            errors.append(error)

    searchers = [threading.Thread(target=search) for _ in range(2)]
    for thread in searchers:
        thread.start()
    run_all([threading.Thread(target=change)])
    stop.set()
    for thread in searchers:
        thread.join()
    assert not errors
    assert model.n_samples_fit_ == len(rows)


def test_two_threads_that_remove():
    rows = random_rows(4000)
    model = HammingNearestNeighbors(packed=True).fit(rows, np.arange(4000))
    run_all(
        [
            threading.Thread(target=model.remove, args=(np.arange(n, m),))
            for n, m in ((0, 10), (100, 1000))
        ]
    )
    np.testing.assert_array_equal(model._index.rows(), rows[model.labels_])
    assert model.n_samples_fit_ == 4000 - 10 - 900


def run_all(threads):
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


@pytest.mark.parametrize("storage", STORAGES)
def test_copies_grow_apart(storage):
    rows, parameters = STORAGES[storage]
    model = grown(HammingNearestNeighbors(packed=True, **parameters).fit(rows))
    copies = [copy.copy(model), copy.deepcopy(model), pickle.loads(pickle.dumps(model))]
    before = state(model)
    for i, other in enumerate(copies):
        other.partial_fit(random_rows(2, seed=50 + i))
    assert state(model) == before
    for i, other in enumerate(copies):
        np.testing.assert_array_equal(
            other._index.rows()[-2:], random_rows(2, seed=50 + i)
        )


def test_unfitted_estimators_have_no_fitted_attributes():
    for estimator in (HammingNearestNeighbors(), HammingNeighborsTransformer()):
        for name in ("n_bits_", "n_samples_fit_", "n_features_in_", "_n_features_out"):
            assert not hasattr(estimator, name)
    assert not hasattr(HammingNearestNeighbors(), "labels_")
    assert not hasattr(RerankedNearestNeighbors(), "hasher_")
    fitted = HammingNearestNeighbors().fit([[0, 1]])
    assert fitted.labels_ is None
    assert not hasattr(fitted, "feature_names_in_")


PARTS = [
    np.arange(3),
    np.arange(3, dtype=np.int8),
    np.array([0.5, 1.0]),
    np.array([True, False]),
    np.array(["a", "b"]),
    np.array(["long name"]),
    np.array(["a", -1], dtype=object),
    np.array([2**63], dtype=np.uint64),
]


@pytest.mark.parametrize("first", PARTS)
@pytest.mark.parametrize("second", PARTS)
def test_labels_of_any_types_are_concatenated(first, second):
    labels = Labels(first)
    for more in (first, second, second, first):
        before, expected = labels.values, concatenate_labels([labels.values, more])
        labels = labels.append(more)
        assert labels.values.dtype == expected.dtype
        assert labels.values.tolist() == expected.tolist()
        assert before.tolist() == expected.tolist()[: len(before)]
    kept = labels.without(np.array([0, 2]))
    assert kept.values.tolist() == np.delete(expected, [0, 2]).tolist()
    assert pickle.loads(pickle.dumps(labels)).values.tolist() == expected.tolist()


@pytest.mark.parametrize("labels", [np.arange(9), np.array(["x"] * 9, dtype=object)])
def test_adding_labels_is_amortized(labels):
    grown, memory = Labels(labels), set()
    for _ in range(500):
        grown = grown.append(labels)
        memory.add(grown.values.ctypes.data)
    assert len(memory) < 20
    with pytest.raises(ValueError, match="read-only"):
        grown.values[0] = 1
