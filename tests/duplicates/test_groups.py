"""Compare groups with plain loops."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from skhash.duplicates._groups import (
    preference_order,
    row_pairs,
    single_linkage,
    single_linkage_to,
    star_linkage,
    star_linkage_to,
)
from skhash.duplicates._pairs import distinct_rows, self_pairs


@pytest.fixture(params=[0, 1, 2])
def case(request):
    """Return distances of all rows, pairs, distinct rows and an order."""
    rng = np.random.RandomState(request.param)
    packed = np.packbits(rng.randint(2, size=(120, 9)), axis=1)
    rows = distinct_rows(packed)
    pairs = self_pairs(packed[rows.first], 9, 2, None)
    bits = np.unpackbits(packed, axis=1)
    distances = (bits[:, None] != bits[None]).sum(axis=2)
    weights = rng.randint(4, size=120) if request.param else None
    return distances, pairs, rows, preference_order(weights)


def merge(labels, a, b):
    return np.where(labels == labels[b], labels[a], labels)


def as_numbers(labels):
    seen = {}
    return [seen.setdefault(label, len(seen)) for label in labels.tolist()]


@pytest.mark.parametrize("radius", [0, 1, 2])
def test_single_linkage(case, radius):
    distances, pairs, rows, order = case
    labels = np.arange(120)
    for a, b in np.argwhere(distances <= radius):
        labels = merge(labels, a, b)
    groups = single_linkage(pairs.within(radius), rows, order)
    assert_array_equal(groups.labels, as_numbers(labels))
    preferred = range(120) if order is None else order
    best = [
        next(r for r in preferred if groups.labels[r] == g)
        for g in range(max(groups.labels) + 1)
    ]
    assert_array_equal(groups.representatives, best)


@pytest.mark.parametrize("radius", [0, 1, 2])
def test_star_linkage(case, radius):
    distances, pairs, rows, order = case
    centers = []
    for row in range(120) if order is None else order:
        if not any(distances[row, c] <= radius for c in centers):
            centers.append(row)
    nearest = [
        min(centers, key=lambda c: (distances[r, c], centers.index(c)))
        for r in range(120)
    ]
    groups = star_linkage(pairs.within(radius), rows, order)
    assert_array_equal(groups.representatives[groups.labels], nearest)
    assert_array_equal(groups.labels, as_numbers(groups.labels))


def test_single_linkage_to_a_number(case):
    _, pairs, rows, order = case
    edges = row_pairs(pairs, rows)
    labels = np.arange(120)
    for e in np.lexsort((edges.j, edges.i, edges.distance)):
        if len(np.unique(labels)) == 40:
            break
        labels = merge(labels, edges.i[e], edges.j[e])
    groups = single_linkage_to(40, pairs, rows, order)
    assert_array_equal(groups.labels, as_numbers(labels))
    assert len(groups.representatives) == 40


def test_star_linkage_to_a_number(case):
    distances, pairs, rows, order = case
    for n_keep in (60, 90, 119, 120):
        groups = star_linkage_to(n_keep, pairs, rows, order)
        assert len(groups.representatives) == n_keep
        away = distances[np.arange(120), groups.representatives[groups.labels]]
        assert away.max() <= 2
        assert_array_equal(groups.labels, as_numbers(groups.labels))
        assert_array_equal(groups.labels[groups.representatives], np.arange(n_keep))


@pytest.mark.parametrize("group", [single_linkage_to, star_linkage_to])
def test_too_few(case, group):
    with pytest.raises(ValueError, match=r"n_keep must be at least \d+"):
        group(1, case[1].within(0), *case[2:])


def test_row_pairs(case):
    distances, pairs, rows, _ = case
    found = row_pairs(pairs, rows)
    assert (found.i < found.j).all()
    assert_array_equal(found.distance, distances[found.i, found.j])
    first = set(rows.first.tolist())
    expected = {
        (a, b)
        for a, b in np.argwhere(np.triu(distances <= 2, 1)).tolist()
        if a in first and (b in first or distances[a, b] == 0)
    }
    assert set(zip(found.i.tolist(), found.j.tolist())) == expected
    assert_array_equal(np.lexsort((found.j, found.i)), np.arange(len(found.i)))
