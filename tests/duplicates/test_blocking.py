"""Compare candidate pairs with plain sorting, and check their target recall."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_array_equal

from skhash.duplicates import HammingBlocker, blocking_scores


@pytest.fixture(scope="module")
def tables():
    """Return two tables of codes, of which row i of one matches row i of the other."""
    rng = np.random.RandomState(0)
    first = rng.randint(2, size=(150, 24))
    second = first ^ (rng.uniform(size=first.shape) < 0.25)
    return first, second, np.stack([np.arange(150)] * 2, axis=1)


def distances(a, b):
    return (a[:, None] != b[None]).sum(axis=2)


def test_nearest_of_two_tables(tables):
    first, second, _ = tables
    blocker = HammingBlocker(max_candidates=4).fit(first, second)
    order = np.argsort(distances(first, second), axis=1, kind="stable")[:, :4]
    expected = {(i, j) for i, row in enumerate(order.tolist()) for j in row}
    assert set(zip(blocker.pairs_.i.tolist(), blocker.pairs_.j.tolist())) == expected
    assert blocker.n_candidates_ == 4
    assert blocker.recall_lower_ == 0


def test_nearest_of_one_table(tables):
    codes = np.concatenate(tables[:2])
    blocker = HammingBlocker(max_candidates=2).fit(codes)
    all_ = distances(codes, codes)
    np.fill_diagonal(all_, 99)
    order = np.argsort(all_, axis=1, kind="stable")[:, :2]
    expected = {
        (min(i, j), max(i, j)) for i, row in enumerate(order.tolist()) for j in row
    }
    found = list(zip(blocker.pairs_.i.tolist(), blocker.pairs_.j.tolist()))
    assert found == sorted(expected)
    assert_array_equal(blocker.pairs_.distance, all_[tuple(np.array(found).T)])


@pytest.mark.parametrize("one_table", [False, True])
def test_radius(tables, one_table):
    first, second, _ = tables
    blocker = HammingBlocker("radius", max_radius=5)
    blocker.fit(first, None if one_table else second)
    near = distances(first, first if one_table else second) <= 5
    expected = np.argwhere(np.triu(near, 1) if one_table else near)
    assert_array_equal(np.stack(blocker.pairs_[:2], axis=1), expected)


@pytest.mark.parametrize("method", ["nearest", "radius"])
def test_target(tables, method):
    first, second, matches = tables
    blocker = HammingBlocker(method, target_recall=0.8, max_candidates=30)
    blocker.fit(first, second, matches=matches[:60])
    known = blocking_scores(blocker.pairs_, matches[:60], 150, 150)
    assert known.pair_completeness >= blocker.recall_lower_ >= 0.8
    smaller = {
        "nearest": ("max_candidates", "n_candidates_"),
        "radius": ("max_radius", "radius_"),
    }
    parameter, attribute = smaller[method]
    blocker.set_params(**{parameter: getattr(blocker, attribute) - 1})
    with pytest.warns(UserWarning, match="below target_recall=0.8"):
        blocker.fit(first, second, matches=matches[:60])


def test_target_is_met(tables):
    """The recall is below its target in few runs."""
    first, second, matches = tables
    below = 0
    for seed in range(40):
        known = np.random.RandomState(seed).permutation(150)[:70]
        blocker = HammingBlocker(target_recall=0.7, max_candidates=30)
        blocker.fit(first, second, matches=matches[known])
        scores = blocking_scores(blocker.pairs_, matches, 150, 150)
        below += scores.pair_completeness < 0.7
    assert below <= 2


def test_warning_with_few_matches(tables):
    first, second, matches = tables
    with pytest.warns(UserWarning, match="5 of 5 known matches found, below"):
        HammingBlocker(max_candidates=150).fit(first, second, matches=matches[:5])


def test_scores():
    scores = blocking_scores(([0, 1, 1], [1, 0, 2]), [[1, 0], [0, 3]], 4)
    assert scores == (0.5, 0.5, 1 - 2 / 6)
    assert blocking_scores(([], []), [[1, 0]], 4, 4) == (0, 0, 1)
    with pytest.raises(ValueError, match="below 4"):
        blocking_scores(([4], [0]), [[1, 0]], 4)


def test_multiindex(tables):
    first, second, _ = tables
    blocker = HammingBlocker(max_candidates=2).fit(first, second)
    plain = blocker.to_multiindex()
    assert plain.names == ["first", "second"]
    assert_array_equal(plain.get_level_values("second"), blocker.pairs_.j)
    ids = pd.Index([f"rec-{i}" for i in range(150)])
    named = blocker.to_multiindex(ids, ids + "-dup")
    assert named[0] == (f"rec-{plain[0][0]}", f"rec-{plain[0][1]}-dup")
    with pytest.raises(ValueError, match="ids must be unique; got 'a'"):
        blocker.to_multiindex(["a"] * 150)
    with pytest.raises(ValueError, match="one identifier per record; got 3"):
        blocker.to_multiindex(ids, [1, 2, 3])


def test_invalid_input(tables):
    first, second, _ = tables
    with pytest.raises(ValueError, match="X_other must have 24 bits"):
        HammingBlocker().fit(first, second[:, 1:])
    with pytest.raises(ValueError, match="two samples"):
        HammingBlocker().fit(first[:1])
    with pytest.raises(ValueError, match="below 150 in the first"):
        HammingBlocker().fit(first, second, matches=[[150, 0]])
    with pytest.raises(ValueError, match="target_recall"):
        HammingBlocker(target_recall=1.0).fit(first)
