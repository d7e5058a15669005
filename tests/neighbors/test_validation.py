"""Check how labels of indexed codes are validated."""

import time

import numpy as np
import pandas as pd
import pytest

from skhash.neighbors import HammingNearestNeighbors
from skhash.neighbors._validation import check_labels
from skhash.utils._labels import check_partial_labels

RNG = np.random.default_rng(0)
SOFT = RNG.random((3, 4))
VALUES = [
    -2**70, -2**63 - 1, -2**63, -2, -1, 0, 1, 3, 2**63 - 1, 2**63, 2**64, 0.0, 0.5,
    -1.0, np.nan, np.inf, -np.inf, None, True, False, "a", "b", "", "-1", "nan", "None",
    "<NA>", b"a", pd.NA, np.int8(3), np.float16(2), np.bool_(True), ("a",), 1j,
    np.datetime64("2020-01-01"),
]  # fmt: skip
ROWS = [
    [0, 1, 0], [1, 1, 1], [0, 0, 0], [-1, -1, -1], [0, -1, 1], [0.5, 0.5, 0],
    [0.5, 0.4, 0.2], [0.5, 0.4995, 0], [np.nan] * 3, [np.nan, 1, 0], [2, 0, 0],
    [0, 0, 0.3], [np.inf, 0, 0],
]  # fmt: skip


def outcome(check, *arguments):
    try:
        check(*arguments)
    except (ValueError, TypeError):
        return "refused"
    return "taken"


def drawn_labels():
    rng = np.random.default_rng(0)
    for _ in range(4000):
        y = np.empty(rng.integers(1, 4), dtype=object)
        y[:] = [VALUES[i] for i in rng.integers(0, len(VALUES), len(y))]
        yield y
    for dtype in (float, np.float32, np.float16, int, np.int8, object):
        for _ in range(300):
            rows = np.array([ROWS[i] for i in rng.integers(0, len(ROWS), 2)])
            if np.dtype(dtype).kind == "i":
                rows = np.nan_to_num(rows, posinf=9)
            yield rows.astype(dtype)
    for _ in range(300):
        yield rng.choice([0, 1, -1, 2.5, np.nan, np.inf, 1e300], rng.integers(1, 4))
        yield rng.choice(["a", "b", "-1", "nan", "None", ""], rng.integers(1, 4))


def test_few_labels_are_validated_like_many():
    outcomes = set()
    for y in drawn_labels():
        general = outcome(lambda y: check_partial_labels(y, len(y), chunk=True), y)
        assert outcome(check_labels, y, y) == general, y
        outcomes.add((general, y.dtype.kind, y.ndim))
    assert len(outcomes) >= 12


@pytest.mark.parametrize(
    "y",
    [
        RNG.integers(0, 9, 3),
        RNG.integers(0, 9, 3).astype(float),
        np.array(["a", "bc", "a"]),
        np.array(["a", None, -1], dtype=object),
        np.array([1, np.nan, 2], dtype=object),
        np.eye(3, 200, dtype=int),
        np.eye(3, 200),
        SOFT / SOFT.sum(axis=1, keepdims=True),
    ],
    ids=lambda y: f"{y.dtype}-{y.ndim}",
)
def test_adding_labels_costs_little_for_any_dtype(y):
    """Compared with adding codes alone: microseconds depend on the machine."""
    codes = RNG.integers(0, 256, (3, 8), dtype=np.uint8)

    def seconds(*labels):
        index = HammingNearestNeighbors(packed=True).fit(codes, *labels)
        few = [label[:1] for label in labels]
        times = []
        for _ in range(400):
            start = time.thread_time()
            index.partial_fit(codes[:1], *few)
            times.append(time.thread_time() - start)
        return np.median(times)

    assert seconds(y) < 2.5 * seconds()


def test_columns_of_labels_become_one_dimension():
    assert check_labels([[1], [2]], np.zeros((2, 3))).shape == (2,)


def test_labels_without_columns_are_refused():
    with pytest.raises(ValueError, match="0 feature"):
        check_labels(np.zeros((3, 0)), np.zeros((3, 2)))
