"""Compare the table of radii with plain counts, and check its bounds."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import stats

from skhash import DuplicateDetector
from skhash.duplicates import radius_table
from skhash.duplicates._radius import check_matches, lower_bound


@pytest.fixture(scope="module")
def codes():
    """Return 300 random codes of 64 bits, and copies of 100 with 3 changed bits."""
    rng = np.random.RandomState(0)
    codes = rng.randint(2, size=(400, 64))
    codes[300:] = codes[:100]
    for row in codes[300:]:
        row[rng.choice(64, 3, replace=False)] ^= 1
    return codes


def test_counts(codes):
    table = radius_table(codes, max_radius=12)
    distances = (codes[:, None] != codes[None]).sum(axis=2)[np.triu_indices(400, 1)]
    assert_array_equal(table.radius, np.arange(13))
    assert_array_equal(table.n_pairs, [(distances <= r).sum() for r in range(13)])
    assert np.isnan(table.recall).all()
    assert not table.recall_lower.any()


def test_random_pairs_of_independent_bits():
    codes = np.random.RandomState(1).randint(2, size=(2000, 32))
    table = radius_table(codes, max_radius=10)
    expected = 2000 * 1999 / 2 * stats.binom.cdf(np.arange(11), 32, 0.5)
    assert_allclose(table.n_random[4:], expected[4:], rtol=0.25)
    assert table.largest() <= 3


def test_choice_by_precision(codes):
    table = radius_table(codes)
    radius = table.largest(0.95)
    assert radius >= 3
    assert table.n_random[radius] <= 0.05 * table.n_pairs[radius]
    assert (table.precision >= table.precision_lower).all()
    detector = DuplicateDetector("auto").fit(codes)
    assert detector.radius_ == radius
    with pytest.raises(ValueError, match="must be at most"):
        detector.set_radius(radius + 1)


def test_correlated_bits_have_more_random_pairs():
    rng = np.random.RandomState(2)
    half = rng.randint(2, size=(1000, 16))
    table = radius_table(np.concatenate([half, half], axis=1), max_radius=8)
    independent = stats.binom.cdf(np.arange(9), 32, 0.5) * 1000 * 999 / 2
    assert (table.n_random[:9] > independent).all()


def test_copies_do_not_count(codes):
    table = radius_table(codes, max_radius=6)
    more = radius_table(np.concatenate([codes, codes[:1].repeat(500, 0)]), max_radius=6)
    assert_array_equal(more.n_pairs, table.n_pairs)
    assert_array_equal(more.precision_lower, table.precision_lower)


def test_choice_by_recall(codes):
    matches = np.stack([np.arange(100), 300 + np.arange(100)], axis=1)
    table = radius_table(codes, matches)
    assert_array_equal(table.recall[:4], [0, 0, 0, 1])
    assert table.smallest(0.95) == 3
    assert table.recall_lower[3] == pytest.approx(0.05 ** (1 / 100))
    with pytest.raises(ValueError, match=r"min_recall must be at most 0\.970"):
        table.smallest(0.99)


def test_lower_bound_covers():
    hits = np.arange(51)
    bound = lower_bound(hits, 50, 0.95)
    for p in (0.3, 0.8, 0.95, 0.99):
        assert stats.binom.pmf(hits, 50, p)[bound <= p].sum() >= 0.95
    assert (bound[1:] > bound[:-1]).all()


def test_frame_and_plot(codes):
    pytest.importorskip("matplotlib").use("Agg")
    matches = [[0, 300], [1, 301]]
    table = radius_table(codes, matches, max_radius=5)
    frame = table.to_frame()
    assert_array_equal(frame.index, np.arange(6))
    assert_array_equal(frame["recall"], table.recall)
    ax = table.plot()
    assert [line.get_label() for line in ax.lines] == ["precision", "recall"]
    assert len(radius_table(codes, max_radius=5).plot(ax).lines) == 3


def test_single_code():
    table = radius_table(np.ones((5, 8)))
    assert_array_equal(table.n_pairs, np.zeros(len(table.radius)))
    assert DuplicateDetector("auto").fit(np.ones((5, 8))).labels_.tolist() == [0] * 5


def test_invalid_input(codes):
    with pytest.raises(ValueError, match="confidence"):
        radius_table(codes, confidence=1.0)
    with pytest.raises(ValueError, match="max_radius must be from 0 to 63"):
        radius_table(codes, max_radius=64)
    with pytest.raises(ValueError, match="different samples"):
        radius_table(codes, [[1, 1]])
    with pytest.raises(ValueError, match="below 400"):
        radius_table(codes, [[1, 400]])


def test_check_matches():
    assert check_matches([[0, 4]], 1, 5).dtype == np.intp
    for wrong in ([], [0, 1], [[0, 1, 2]]):
        with pytest.raises(ValueError, match="shape"):
            check_matches(wrong, 9, 9)
    with pytest.raises(TypeError, match="integers"):
        check_matches([[0.5, 1]], 9, 9)
    with pytest.raises(ValueError, match="below 1 in the first column and 5"):
        check_matches([[1, 0]], 1, 5)
