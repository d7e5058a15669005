"""Compare ids with a list."""

import pickle

import numpy as np
import pandas as pd
import pytest

from skhash.neighbors._ids import LEAST_RECENT, Ids, check_ids

FORMS = {
    "integers": lambda numbers: numbers - 500,
    "unsigned": lambda numbers: numbers.astype(np.uint64) + np.uint64(2**63),
    "small": lambda numbers: numbers.astype(np.uint16),
    "strings": lambda numbers: np.array([f"{'x' * (n % 9)}{n}" for n in numbers]),
}


@pytest.mark.parametrize("form", FORMS)
def test_long_sequence_of_changes_equals_a_list(form):
    rng = np.random.default_rng(0)
    pool = FORMS[form](rng.permutation(5000))
    known, ids, end = pool[:100].tolist(), Ids(check_ids(pool[:100])), 100
    branches = []
    while end < len(pool) - 600:
        kind = rng.integers(4)
        if kind == 0:
            gone = np.unique(rng.integers(0, len(known), 5))
            ids = ids.without(gone)
            known = np.delete(np.array(known), gone).tolist()
        else:
            n = (1, 7, 600)[kind - 1]
            more = check_ids(pool[end : end + n])
            if len(branches) < 20:
                last = check_ids(pool[end + n - 1 : end + n])
                branches.append((ids.append(last), ids))
            ids = ids.append(more)
            known += more.tolist()
            end += n
        assert ids.values.tolist() == known
        asked = rng.permutation(len(pool))[:60]
        places = {id_: place for place, id_ in enumerate(known)}
        expected = [places.get(id_, -1) for id_ in pool[asked].tolist()]
        assert ids.positions(check_ids(pool[asked])).tolist() == expected
    for branch, before in branches:
        positions = branch.positions(branch.values)
        np.testing.assert_array_equal(positions, np.arange(len(before) + 1))
        np.testing.assert_array_equal(
            before.positions(branch.values)[:-1], positions[:-1]
        )
        assert before.positions(branch.values[-1:]) == -1


def test_positions_after_unpickling():
    ids = Ids(np.array([5, 3, 9])).append(np.array([1]))
    loaded = pickle.loads(pickle.dumps(ids))
    assert loaded.positions(np.array([1, 2, 9])).tolist() == [3, -1, 2]
    assert loaded.append(np.array([2])).values.tolist() == [5, 3, 9, 1, 2]


def test_ids_that_are_cut_or_wrapped_are_not_found():
    texts = Ids(np.array(["ab", "cd"]))
    assert texts.positions(np.array(["abc", "ab"])).tolist() == [-1, 0]
    assert texts.positions(np.array([1])).tolist() == [-1]
    signed = Ids(np.array([-1, 2]))
    assert signed.positions(np.array([2**64 - 1, 2], dtype=np.uint64)).tolist() == [
        -1,
        1,
    ]
    unsigned = Ids(np.array([2**64 - 1, 2], dtype=np.uint64))
    assert unsigned.positions(np.array([-1, 2])).tolist() == [-1, 1]


def test_signed_and_unsigned_ids():
    ids = Ids(np.array([1, 2])).append(np.array([2**63], dtype=np.uint64))
    assert ids.values.dtype == np.uint64
    assert ids.append(np.array([7])).values.tolist() == [1, 2, 2**63, 7]
    with pytest.raises(ValueError, match="got -7 beside ids of dtype uint64"):
        ids.append(np.array([-7]))
    with pytest.raises(ValueError, match="got -1 beside"):
        Ids(np.array([-1])).append(np.array([2**63], dtype=np.uint64))


@pytest.mark.parametrize("n", [1, LEAST_RECENT, LEAST_RECENT + 1])
def test_repeated_ids(n):
    with pytest.raises(ValueError, match="ids must be unique; 'a' is twice"):
        Ids(np.array(["a", "b", "a"]))
    ids = Ids(np.arange(5, 15)).append(np.arange(100, 100 + n))
    for known in (5, 100):
        with pytest.raises(ValueError, match=f"unique; {known} is in the index"):
            ids.append(np.array([1, known]))
    with pytest.raises(ValueError, match="unique; 1 is twice"):
        ids.append(np.array([1, 2, 1]))


@pytest.mark.parametrize(
    ("ids", "expected"),
    [
        ([3, 1], [3, 1]),
        (range(3), [0, 1, 2]),
        (["a", "b"], ["a", "b"]),
        (pd.Series(["a", "b"]), ["a", "b"]),
        (pd.Series([4, 2], dtype="Int64"), [4, 2]),
        (np.array([1, 2], dtype=object), [1, 2]),
        ([2**64 - 1], [2**64 - 1]),
        ([], []),
    ],
)
def test_forms_of_ids(ids, expected):
    checked = check_ids(ids)
    assert checked.tolist() == expected
    assert checked.dtype.kind in "iuU"


@pytest.mark.parametrize(
    "ids",
    [
        [1.0, 2.0],
        [True, False],
        [b"a", b"b"],
        [1, "a"],
        ["a", None],
        [2**64],
        [[1, 2]],
        np.array(["2020-01-01"], dtype="M8[D]"),
        5,
    ],
)
def test_other_types_raise(ids):
    with pytest.raises(ValueError, match="ids must be"):
        check_ids(ids)
