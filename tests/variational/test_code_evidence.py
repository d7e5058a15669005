"""Test the evaluation of codes by similarity, and by posteriors."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from skhash.variational._code_evidence import (
    ClassEvidence,
    class_weights,
    found_similarity,
)


@pytest.fixture
def rng():
    return np.random.RandomState(0)


def test_similarity_of_what_is_found(rng):
    unit = rng.standard_normal((150, 6))
    unit /= np.linalg.norm(unit, axis=1, keepdims=True)
    codes = rng.random_sample((150, 64)) > 0.5
    found = found_similarity(codes, 20, unit, rng)
    distances = (codes[:20, None] != codes).sum(axis=2)
    distances[np.arange(20), np.arange(20)] = 65
    for query, similarity in enumerate(found):
        # Ties at the last place may be broken either way.
        order = np.sort(distances[query])
        sure = np.flatnonzero(distances[query] < order[99])
        tied = np.flatnonzero(distances[query] == order[99])
        cosines = unit @ unit[query]
        rest = np.sort(cosines[tied])
        n_rest = 100 - len(sure)
        least = cosines[sure].sum() + rest[:n_rest].sum()
        most = cosines[sure].sum() + rest[len(rest) - n_rest :].sum()
        assert least - 1e-9 <= 100 * similarity <= most + 1e-9


def test_better_codes_find_more_similar_samples(rng):
    topics = np.repeat(np.arange(5), 60)
    rows = np.eye(5)[topics] + 0.1 * rng.random_sample((300, 5))
    good = np.repeat(rng.random_sample((5, 16)) > 0.5, 60, axis=0)
    order = rng.permutation(300)
    good, rows = good[order], rows[order]
    bad = rng.random_sample((300, 16)) > 0.5
    of_good, of_bad = (found_similarity(codes, 100, rows, rng) for codes in (good, bad))
    assert of_good.mean() > of_bad.mean() + 0.1


def test_errors_that_posteriors_expect(rng):
    y = rng.randint(3, size=600)
    codes = (rng.random_sample((3, 16)) > 0.5)[y]
    sure = ClassEvidence(np.eye(3, dtype=np.float32)[y], rng)
    assert sure.error(codes) == 0
    random_codes = rng.random_sample((600, 16)) > 0.5
    assert 0.63 < sure.error(random_codes) < 0.7
    unsure = ClassEvidence(np.full((600, 3), 1 / 3, dtype=np.float32), rng)
    assert_allclose(unsure.error(codes), 2 / 3, rtol=1e-5)


@pytest.mark.parametrize(
    ("fraction", "expected"),
    [
        (0.0, [0.15, 0.3]),
        (0.01, [0.15, 0.3]),
        (0.03, [0.3]),
        (0.1, [0.3, 0.45]),
        (1.0, [0.3, 0.45, 0.6]),
    ],
)
def test_class_weights_rise_with_the_labels(fraction, expected):
    assert class_weights(fraction) == expected
