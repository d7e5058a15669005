"""Apply the same calls to an index and to a plain numpy model, and compare the two."""

import copy
import pickle
import threading
from contextlib import ExitStack
from unittest.mock import patch

import numpy as np

from skhash._hamming import _index, _parts, _threads
from skhash._hamming._multi_index import MultiIndex
from skhash._hamming._storage import DistinctCodes
from skhash.neighbors import HammingNearestNeighbors
from tests.faults import interrupted_at

LABELS = {
    "none": lambda n, rng: None,
    "int": lambda n, rng: rng.integers(-1, 4, n),
    "int8": lambda n, rng: rng.integers(-1, 4, n).astype(np.int8),
    "str": lambda n, rng: rng.choice(["a", "bb", "a long name"], n),
    "object": lambda n, rng: np.array(["a", "b", -1], dtype=object)[
        rng.integers(3, size=n)
    ],
    "columns": lambda n, rng: rng.integers(0, 2, (n, 3)),
}
COPIES = {
    "pickle": lambda estimator: pickle.loads(pickle.dumps(estimator)),
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
}
KINDS = ["random", "equal", "repeated", "near"]
ALGORITHMS = ["auto", "brute", "multi_index"]
WIDTHS = [1, 2, 7, 8, 9, 16, 33]
MOST_CODES = 400


def eager():
    """Make small indexes use the code paths of large ones."""
    stack = ExitStack()
    for target, name, value in (
        (_parts, "THREAD_WORK", 0),
        (_threads, "MOST_THREADS", 3),
        (_index, "LEAST_REPEATED", 1),
        (_index, "OWN_QUERIES", 64),
        (DistinctCodes, "_has_equal_pairs", lambda *_: True),
        (MultiIndex, "build_cost", 0),
        (MultiIndex, "is_cheaper_than_scan", lambda self, radius: self.n_codes > 0),
    ):
        stack.enter_context(patch.object(target, name, value))
    return stack


def draw_rows(n, n_bytes, kind, seed):
    rng = np.random.default_rng(seed)
    rows = rng.integers(0, 256, (n, n_bytes), dtype=np.uint8)
    if kind == "equal":
        rows[:] = rows[:1]
    elif kind in ("repeated", "near") and n:
        flipped = rows & rng.integers(0, 256, rows.shape, dtype=np.uint8)
        rows = rows[rng.integers(0, min(n, 5), n)]
        if kind == "near":
            rows ^= flipped & np.uint8(17)
    return rows


def split(counts, values):
    return np.split(values, np.cumsum(counts)[:-1]) if len(counts) else []


class CheckedIndex:
    """An index, and its expected packed codes and labels."""

    def __init__(self):
        self.index = HammingNearestNeighbors(packed=True)
        self.rows = self.labels = None
        self.label_kind = "none"

    # Changes --------------------------------------------------------------------------

    def fit(self, n, n_bytes, kind, labels, copy_codes, packed, seed):
        rows = draw_rows(n, n_bytes, kind, seed)
        y = LABELS[labels](n, np.random.default_rng(seed))
        self.index.set_params(copy=copy_codes, packed=packed)
        self.index.fit(self._form(rows, packed), y)
        self.rows, self.labels, self.label_kind = rows, y, labels
        self.packed = packed

    @staticmethod
    def _form(rows, packed):
        return rows if packed else np.unpackbits(rows, axis=1)

    def _more(self, n, kind, seed):
        rows = draw_rows(n, self.rows.shape[1], kind, seed)
        if n and seed % 2:
            rows[0] = self.rows[seed % len(self.rows)]
        return rows, LABELS[self.label_kind](n, np.random.default_rng(seed))

    def _with_more(self, rows, y):
        labels = self.labels
        if y is not None and len(y):
            labels = np.concatenate([labels, y])
        return np.concatenate([self.rows, rows]), labels

    def add(self, n, kind, seed):
        rows, y = self._more(n, kind, seed)
        self.index.partial_fit(self._form(rows, self.packed), y)
        self.rows, self.labels = self._with_more(rows, y)

    def _drawn_positions(self, n, seed):
        n = min(n, len(self.rows) - 1)
        rng = np.random.default_rng(seed)
        return rng.permutation(len(self.rows))[:n]

    def _without(self, positions):
        labels = self.labels
        if labels is not None:
            labels = np.delete(labels, positions, axis=0)
        return np.delete(self.rows, positions, axis=0), labels

    def remove(self, n, seed):
        positions = self._drawn_positions(n, seed)
        self.index.remove(positions)
        self.rows, self.labels = self._without(positions)
        if len(self.rows) > MOST_CODES:
            self.remove(len(self.rows) - MOST_CODES // 2, seed)

    def set_params(self, **parameters):
        self.index.set_params(**parameters)

    def replace_by_copy(self, how):
        self.index = COPIES[how](self.index)

    # Changes that fail ----------------------------------------------------------------

    def refused(self, seed):
        """Make changes that do not fit; nothing may change."""
        wide = np.zeros((2, self.rows.shape[1] + 1), dtype=np.uint8)
        y = LABELS[self.label_kind](2, np.random.default_rng(seed))
        good = self._form(self.rows[:1], self.packed)
        calls = [
            lambda: self.index.partial_fit(self._form(wide, self.packed), y),
            lambda: self.index.partial_fit(good, [1] if y is None else None),
            lambda: self.index.partial_fit(good.astype(int) + 300, y),
            lambda: self.index.fit(np.full((2, 3), 7.5), y),
            lambda: self.index.fit(self._form(wide, self.packed), [1]),
            lambda: self.index.remove([len(self.rows)]),
            lambda: self.index.remove([-1]),
        ]
        try:
            calls[seed % len(calls)]()
        except (ValueError, TypeError):
            return
        raise AssertionError(f"change {seed % len(calls)} was not refused")

    def interrupted(self, line, change, n, kind, seed):
        """Raise at a line of a change, after which the old or the new state stands."""
        if change == "add":
            rows, y = self._more(n, kind, seed)
            new = self._with_more(rows, y)
            call = self.index.partial_fit
            arguments = self._form(rows, self.packed), y
        else:
            positions = self._drawn_positions(n, seed)
            new = self._without(positions)
            call, arguments = self.index.remove, (positions,)
        interrupted_at(line, call, *arguments)
        if self.index.n_samples_fit_ != len(self.rows):
            self.rows, self.labels = new

    def beside_threads(self, n, kind, seed):
        """Search in threads while codes are added and removed again."""
        first, errors = len(self.rows), []
        queries = self._form(self.rows[:3], self.packed)
        stop = threading.Event()

        def search():
            try:
                while not stop.is_set():
                    distances, found = self.index.kneighbors(queries, 1)
                    assert not distances.any()
                    assert (found < first).all()
                    self.index.radius_neighbors_graph(queries, 3)
            except BaseException as error:
                errors.append(error)

        threads = [threading.Thread(target=search) for _ in range(2)]
        for thread in threads:
            thread.start()
        try:
            for i in range(3):
                rows, y = self._more(n + i, kind, seed + i)
                self.index.partial_fit(self._form(rows, self.packed), y)
                self.index.remove(np.arange(first, first + n + i))
        finally:
            stop.set()
            for thread in threads:
                thread.join()
        assert not errors, errors

    # Queries --------------------------------------------------------------------------

    def _subset(self, how, seed):
        """Return arguments for a subset, and its mask."""
        n = len(self.rows)
        if how == "all":
            return {}, np.ones(n, dtype=bool)
        density = [0.02, 0.5, 1.0][seed % 3]
        mask = np.random.default_rng(seed).random(n) < density
        mask[seed % n] = True
        if how == "mask":
            return {"mask": mask}, mask
        return {"indices": np.flatnonzero(mask)[::-1]}, mask

    def search(self, n_queries, k, radius, subset, seed):
        """Compare searches for neighbors, with `n_queries` None for all codes."""
        how, mask = self._subset(subset, seed)
        queries, X = self.rows, None
        if n_queries is not None:
            queries = draw_rows(n_queries, self.rows.shape[1], "near", seed)
            rng = np.random.default_rng(seed)
            own = rng.integers(0, len(self.rows), len(queries[::2]))
            queries[::2] = self.rows[own]
            X = self._form(queries, self.packed)
        expected = self._expected(queries, mask, X is None)
        n_found = mask.sum() - (X is None)
        k = min({"1": 1, "n": n_found}.get(k, 3), n_found)
        if k >= 1:
            self._check_nearest(X, int(k), how, expected)
        self._check_within(X, radius, how, expected)

    def _expected(self, queries, mask, to_self):
        """Return per query all (distance, index) pairs, in order."""
        distances = np.bitwise_count(queries[:, None] ^ self.rows[None])
        distances = distances.sum(axis=2, dtype=np.int64)
        keys = distances * len(self.rows) + np.arange(len(self.rows))
        expected = []
        for q, row in enumerate(keys):
            allowed = mask.copy()
            if to_self:
                allowed[q] = False
            expected.append(np.divmod(np.sort(row[allowed]), len(self.rows)))
        return expected

    def _check_nearest(self, X, k, how, expected):
        distances, found = self.index.kneighbors(X, k, **how)
        assert distances.dtype == np.int32
        assert found.dtype == np.intp
        for q, (d, i) in enumerate(expected):
            # A subset without the query itself leaves one neighbor more.
            np.testing.assert_array_equal(distances[q], d[:k])
            np.testing.assert_array_equal(found[q], i[:k])
        graph = self.index.kneighbors_graph(X, k, mode="distance", **how)
        np.testing.assert_array_equal(graph.data, distances.ravel())
        np.testing.assert_array_equal(graph.indices, found.ravel())

    def _check_within(self, X, radius, how, expected):
        radius = min(radius, 8 * self.rows.shape[1])
        distances, found = self.index.radius_neighbors(X, radius, **how)
        assert len(distances) == len(found) == len(expected)
        for q, (d, i) in enumerate(expected):
            np.testing.assert_array_equal(distances[q], d[d <= radius])
            np.testing.assert_array_equal(found[q], i[d <= radius])

    def check_state(self):
        np.testing.assert_array_equal(self.index._index.rows(), self.rows)
        assert self.index.n_samples_fit_ == len(self.rows)
        assert self.index.n_bits_ == 8 * self.rows.shape[1]
        labels = self.index.labels_
        if self.labels is None:
            assert labels is None
        else:
            assert labels.tolist() == self.labels.tolist()
