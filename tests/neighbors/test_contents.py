"""Check that errors during changes and concurrent calls find a complete state."""

import copy
import pickle
import threading
from itertools import product

import numpy as np
import pytest
import scipy.sparse as sp
from sklearn.neighbors import NearestNeighbors
from sklearn.preprocessing import Normalizer

from skhash.neighbors import (
    HammingNearestNeighbors,
    HammingNeighborsTransformer,
    HammingRetriever,
    RerankedNearestNeighbors,
)
from skhash.neighbors._growing import Labels
from skhash.shallow import PCAHasher
from skhash.utils._labels import concatenate_labels
from tests.faults import interrupted_at


def random_rows(n, n_bytes=8, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (n, n_bytes), dtype=np.uint8)


def repeated_rows(n):
    return random_rows(20)[np.random.default_rng(1).integers(0, 20, n)]


def more_of(model, n, seed):
    """Return codes to add, with labels and ids if the model has some."""
    labels, ids = model.labels_, model.ids_
    if ids is not None:
        new = 10_000 * (1 + seed) + np.arange(n)
        ids = new if ids.dtype.kind == "i" else np.char.mod("id %d", new)
    rows = random_rows(n, n_bytes=model.n_features_in_, seed=seed)
    return rows, None if labels is None else labels[:n], ids


def grown(model):
    """Leave spare memory, or a tail, behind the codes."""
    return model.partial_fit(*more_of(model, 3, seed=3))


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
IDS = {
    "none": lambda n: None,
    "numbers": lambda n: np.arange(n)[::-1],
    "names": lambda n: np.char.mod("id %d", np.arange(n)),
}


def refit(model, rows, y, ids):
    some = [None if each is None else each[:50] for each in (rows[:, :6], y, ids)]
    model.fit(*some)


def merge(model, rows, y, ids):
    other = HammingNearestNeighbors(packed=True)
    model.merge(other.fit(*more_of(model, 70, seed=5)))


CHANGES = {
    "fit": refit,
    "partial_fit": lambda model, *_: model.partial_fit(*more_of(model, 70, seed=5)),
    "remove": lambda model, rows, *_: model.remove([3, 64, len(rows)]),
    "remove by id": lambda model, rows, y, ids: model.remove(ids=ids[[64, 3]]),
    "merge": merge,
}


def state(model):
    """Return the whole visible state of a model; searches must agree with it."""
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
    ids = model.ids_
    if ids is not None:
        assert len(ids) == len(rows)
        own = model._contents.ids.positions(ids)
        np.testing.assert_array_equal(own, np.arange(len(ids)))
        found = model.kneighbors(queries, 4, return_distance=False, return_ids=True)
        np.testing.assert_array_equal(found, ids[expected])
    lists = [None if each is None else each.tolist() for each in (labels, ids)]
    return rows.tobytes(), rows.shape, *lists


def cases():
    """List storage, labels, ids and change: labels or ids, to save time."""
    for storage in STORAGES:
        for labels in ("numbers", "names"):
            for change in ("fit", "partial_fit", "remove"):
                yield storage, labels, "none", change
        for ids in ("numbers", "names") if storage == "blocks" else ("numbers",):
            for change in CHANGES:
                yield storage, "none", ids, change


@pytest.mark.parametrize(("storage", "labels", "ids", "change"), list(cases()))
def test_error_at_any_line_leaves_the_old_or_the_new_state(
    storage, labels, ids, change
):
    rows, parameters = STORAGES[storage]
    y, ids = LABELS[labels](len(rows)), IDS[ids](len(rows))

    def make():
        model = HammingNearestNeighbors(packed=True, **parameters)
        return grown(model.fit(rows, y, ids))

    model = make()
    old = state(model)
    CHANGES[change](model, rows, y, ids)
    new = state(model)
    n, seen = 1, set()
    while True:
        model = make()
        if not interrupted_at(n, CHANGES[change], model, rows, y, ids):
            break
        found = state(model)
        assert found in (old, new)
        seen.add(found == new)
        more = more_of(model, 1, seed=7)
        model.partial_fit(*more)  # neither locked nor lost
        assert state(model)[0] == found[0] + more[0].tobytes()
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


def two_stage(form):
    search = RerankedNearestNeighbors(PCAHasher(4, random_state=0), rerank_factor=60)
    return search if form == "reranked" else HammingRetriever(Normalizer(), search)


TWO_STAGE_CHANGES = {
    "fit": lambda model, X: model.fit(X[:40, :5], ids=np.arange(40)),
    "partial_fit": lambda model, X: model.partial_fit(X[60:70], ids=np.arange(60, 70)),
    "remove": lambda model, X: model.remove([0, 7, 61]),
    "remove by id": lambda model, X: model.remove(ids=[59, 5]),
}


def two_stage_state(model, X):
    """Return the whole visible state of a model; searches must agree with it."""
    queries = X[:3, : model.n_features_in_]
    n, ids = model.n_samples_fit_, model.ids_
    exact = NearestNeighbors(n_neighbors=4, metric="cosine", algorithm="brute")
    exact.fit(X[ids, : model.n_features_in_])
    distances, found = model.kneighbors(queries, 4, return_ids=True)
    assert len(ids) == n
    np.testing.assert_array_equal(found, ids[exact.kneighbors(queries)[1]])
    return n, ids.tolist(), distances.tolist()


@pytest.mark.parametrize("change", TWO_STAGE_CHANGES)
@pytest.mark.parametrize(
    ("form", "convert"), [("reranked", np.asarray), ("retriever", sp.csr_array)]
)
def test_error_at_any_line_of_a_two_stage_change(form, convert, change):
    X = np.random.default_rng(0).standard_normal((80, 6))
    data = convert(X)

    def make():
        model = two_stage(form).fit(data[:60], ids=np.arange(60))
        return model.partial_fit(data[70:73], ids=[70, 71, 72])

    fitted = make()
    old = two_stage_state(fitted, X)
    model = copy.deepcopy(fitted)
    TWO_STAGE_CHANGES[change](model, data)
    new = two_stage_state(model, X)
    n, seen, step = 1, set(), 1 if change != "fit" else 5
    while True:
        model = copy.deepcopy(fitted)
        if not interrupted_at(n, TWO_STAGE_CHANGES[change], model, data):
            break
        found = two_stage_state(model, X)
        assert found in (old, new)
        seen.add(found == new)
        model.partial_fit(data[79:, : model.n_features_in_], ids=[79])
        assert two_stage_state(model, X)[1] == [*found[1], 79]
        n += step
    assert n > 20
    assert False in seen


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


@pytest.mark.parametrize("how", ["indices", "ids", "mask"])
def test_filtered_searches_use_the_state_at_their_start(monkeypatch, how):
    rows = random_rows(50)
    model = HammingNearestNeighbors(3, packed=True).fit(rows, ids=np.arange(100, 150))
    subset = {"indices": np.arange(10, 50), "ids": np.arange(110, 150)}
    subset["mask"] = np.arange(50) >= 10
    filters = {how: subset[how]}
    expected = model.kneighbors(rows[:5], return_ids=True, **filters)
    check = HammingNearestNeighbors._check_subset

    def change_beside(self, *arguments):
        checked = check(self, *arguments)
        monkeypatch.undo()
        model.remove(np.arange(30))
        return checked

    monkeypatch.setattr(HammingNearestNeighbors, "_check_subset", change_beside)
    found = model.kneighbors(rows[:5], return_ids=True, **filters)
    assert model.n_samples_fit_ == 20
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize(
    "copied", [lambda m: pickle.loads(pickle.dumps(m)), copy.deepcopy]
)
def test_copies_beside_changes_are_of_one_state(copied):
    rows = random_rows(1500)
    numbers = np.arange(1500)
    model = HammingNearestNeighbors(packed=True).fit(rows[:1], numbers[:1], ids=[0])

    def grow():
        for i in range(1, 1500):
            model.partial_fit(rows[i : i + 1], numbers[i : i + 1], ids=[i])

    thread, copies = threading.Thread(target=grow), []
    thread.start()
    while thread.is_alive():
        copies.append(copied(model))
    thread.join()
    for each in copies:
        n = each.n_samples_fit_
        np.testing.assert_array_equal(each.labels_, numbers[:n])
        np.testing.assert_array_equal(each.ids_, numbers[:n])
        np.testing.assert_array_equal(each.codes_, rows[:n])


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
    model = HammingNearestNeighbors(packed=True, **parameters)
    model = grown(model.fit(rows, ids=np.arange(len(rows))))
    copies = [copy.copy(model), copy.deepcopy(model), pickle.loads(pickle.dumps(model))]
    before = state(model)
    for i, other in enumerate(copies):
        other.partial_fit(random_rows(2, seed=50 + i), None, [7000 + i, 7010 - i])
    assert state(model) == before
    for i, other in enumerate(copies):
        np.testing.assert_array_equal(
            other._index.rows()[-2:], random_rows(2, seed=50 + i)
        )
        n = len(other.ids_)
        positions = other._contents.ids.positions(np.array([7000 + i, 7010 - i]))
        assert positions.tolist() == [n - 2, n - 1]


def test_unfitted_estimators_have_no_fitted_attributes():
    for estimator in (HammingNearestNeighbors(), HammingNeighborsTransformer()):
        for name in ("n_bits_", "n_samples_fit_", "n_features_in_", "_n_features_out"):
            assert not hasattr(estimator, name)
    assert not hasattr(HammingNearestNeighbors(), "labels_")
    assert not hasattr(RerankedNearestNeighbors(), "hasher_")
    fitted = HammingNearestNeighbors().fit([[0, 1]])
    assert fitted.labels_ is None
    assert not hasattr(fitted, "feature_names_in_")


NUMBERS = [
    np.arange(3),
    np.arange(3, dtype=np.int8),
    np.array([0.5, 1.0]),
    np.array([True, False]),
    np.array([2**63], dtype=np.uint64),
]
STRINGS = [
    np.array(["a", "b"]),
    np.array(["long name"]),
    np.array(["a", -1], dtype=object),
]


@pytest.mark.parametrize(
    ("first", "second"), [*product(NUMBERS, NUMBERS), *product(STRINGS, STRINGS)]
)
def test_labels_of_one_kind_are_concatenated(first, second):
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


@pytest.mark.parametrize(
    ("first", "second"), [*product(NUMBERS, STRINGS), *product(STRINGS, NUMBERS)]
)
def test_labels_of_two_kinds_are_refused(first, second):
    labels = Labels(first)
    with pytest.raises(ValueError, match="classes of the kind of those in the index"):
        labels.append(second)
    assert labels.values.tolist() == first.tolist()


@pytest.mark.parametrize("labels", [np.arange(9), np.array(["x"] * 9, dtype=object)])
def test_adding_labels_is_amortized(labels):
    grown, memory = Labels(labels), set()
    for _ in range(500):
        grown = grown.append(labels)
        memory.add(grown.values.ctypes.data)
    assert len(memory) < 20
    with pytest.raises(ValueError, match="read-only"):
        grown.values[0] = 1
