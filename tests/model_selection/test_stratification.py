"""Test the stratification of labeled samples."""

import numpy as np
import pytest

from skhash.model_selection._stratification import (
    cover_classes,
    deal_classes,
    iterative_stratification,
    least_to_pair,
    paired_quotas,
    stratified_sample,
)


def table(classes, parts, n_parts):
    """Count samples by part and class."""
    counts = np.zeros((n_parts, classes.max() + 1), dtype=int)
    np.add.at(counts, (parts, classes), 1)
    return counts


@pytest.mark.parametrize("n_parts", [2, 3, 5, 10])
@pytest.mark.parametrize("seed", range(10))
def test_dealing_any_classes(seed, n_parts):
    rng = np.random.default_rng(seed)
    sizes = rng.integers(1, 4 * n_parts, rng.integers(1, 12))
    classes = rng.permutation(np.repeat(np.arange(len(sizes)), sizes))
    counts = table(classes, deal_classes(classes, n_parts), n_parts)
    assert np.ptp(counts.sum(axis=1)) <= 2
    least = least_to_pair(sizes, n_parts)
    for one, size in enumerate(sizes):
        column = np.sort(counts[:, one])
        if size >= 2 * n_parts:
            assert np.ptp(column) <= 1
        elif size >= least:
            assert np.count_nonzero(column >= 2) == size // 2
        else:
            assert column.max() == 1


def test_few_samples_per_class_come_in_pairs():
    classes = np.repeat(np.arange(20), 5)
    counts = table(classes, deal_classes(classes, 5), 5)
    np.testing.assert_array_equal(counts.sum(axis=1), 20)
    np.testing.assert_array_equal((counts >= 2).sum(axis=1), 8)


def test_two_samples_are_only_paired_where_no_larger_class_is():
    only_pairs = np.repeat(np.arange(4), 2)
    counts = table(only_pairs, deal_classes(only_pairs, 2), 2)
    assert (counts[counts > 0] == 2).all()
    beside = np.repeat([0, 1], [10, 2])
    assert table(beside, deal_classes(beside, 2), 2)[:, 1].tolist() == [1, 1]


def test_quotas_of_rare_classes_are_pairs():
    quotas = paired_quotas(np.array([100, 5, 2, 0]), 5)
    np.testing.assert_array_equal(quotas.sum(axis=0), [100, 5, 2, 0])
    assert (quotas[:, 0] == 20).all()
    assert sorted(quotas[:, 1]) == [0, 0, 1, 2, 2]
    assert (quotas[:, 2] == 0.4).all()


def test_several_rare_classes_come_in_pairs():
    rng = np.random.default_rng(0)
    indicator = np.eye(12)[rng.permutation(np.repeat(np.arange(12), 4))]
    sizes = np.array([10, 10, 10, 9, 9])
    parts = iterative_stratification(
        indicator, sizes, quotas=paired_quotas(indicator.sum(axis=0), 5)
    )
    np.testing.assert_array_equal(np.bincount(parts), sizes)
    counts = table(indicator.argmax(axis=1), parts, 5)
    assert (counts.max(axis=1) >= 2).all()
    assert np.count_nonzero(counts == 2) >= 18


def test_proportions_and_sizes_of_several_classes():
    rng = np.random.default_rng(0)
    indicator = (rng.random((400, 6)) < [0.5, 0.3, 0.2, 0.1, 0.05, 0.02]).astype(int)
    sizes = np.array([200, 120, 80])
    parts = iterative_stratification(indicator, sizes)
    np.testing.assert_array_equal(np.bincount(parts), sizes)
    for part, size in enumerate(sizes):
        expected = indicator.mean(axis=0) * size
        assert np.abs(indicator[parts == part].sum(axis=0) - expected).max() < 4


def test_covering_and_sampling():
    indicator = np.eye(3, dtype=int)[[0, 0, 1, 0, 2, 1]]
    assert cover_classes(indicator, 6).tolist() == [0, 2, 4]
    assert len(cover_classes(indicator, 2)) == 2
    classes = np.repeat([0, 1, 2], [60, 30, 10])
    for n_kept in (1, 3, 10, 50, 100):
        kept = stratified_sample(classes, n_kept)
        assert len(np.unique(kept)) == n_kept
        expected = n_kept * np.array([0.6, 0.3, 0.1])
        counts = np.bincount(classes[kept], minlength=3)
        assert np.abs(counts - expected).max() <= 1
