"""Compute expectations over all orders of tied samples in closed form, per query.

A query finds ``n_r`` samples at distance r, and the sum of their gains is ``g_r``;
``N_r`` and ``G_r`` are the sums up to r, and R is the gain of the whole index. Where
gains are 0 or 1, ``g_r`` is the number of relevant samples. NaN marks a query without a
relevant sample where the measure is a fraction of them.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln

from skhash.metrics._distances import Radius
from skhash.metrics._tie_groups import TieGroups

Values = NDArray[np.float64]

# Cells of a block of probabilities.
_BLOCK_CELLS = 2**21


def gain_at(groups: TieGroups, k: int) -> Values:
    """Return the expected gain of the first `k` positions."""
    counts = groups.counts
    before = np.cumsum(counts, axis=1) - counts
    taken = np.clip(k - before, 0, counts)
    return (_mean_gains(groups) * taken).sum(axis=1)


def precision_at(groups: TieGroups, k: int) -> Values:
    """Return the expected gain of the first `k` positions over `k`."""
    return gain_at(groups, k) / k


def recall_at(groups: TieGroups, k: int) -> Values:
    """Return the expected fraction of all gain in the first `k` positions."""
    return _ratio(gain_at(groups, k), groups.total)


def average_precision_at(
    groups: TieGroups, k: int, normalization: str = "min"
) -> Values:
    """Return the expected average precision of the first `k` positions.

    Within a group, position t holds a relevant sample with probability ``g_r / n_r``,
    and if it does, each earlier position of the group does with probability
    ``(g_r - 1) / (n_r - 1)``. The sum over t of the precision at t is then a
    combination of harmonic numbers.
    """
    counts, gains = groups.counts, groups.gains
    after = np.cumsum(counts, axis=1)
    before = after - counts
    earlier = np.cumsum(gains, axis=1) - gains
    end = np.clip(after, before, np.maximum(k, before))
    harmonic = _harmonic_numbers(int(end.max(initial=0)))
    harmonic_sum = harmonic[end] - harmonic[np.minimum(before, end)]
    slope = np.where(counts > 1, (gains - 1) / np.maximum(counts - 1, 1), 0.0)
    constant = 1.0 + earlier - slope * (before + 1)
    parts = _mean_gains(groups) * (slope * (end - before) + constant * harmonic_sum)
    if normalization == "min":
        return _ratio(parts.sum(axis=1), np.minimum(groups.total, k))
    return _over_hits(groups, k, parts, harmonic)


def _over_hits(groups: TieGroups, k: int, parts: Values, harmonic: Values) -> Values:
    """Divide by the number of relevant samples among the first `k` positions.

    That number is random where `k` cuts a group: it follows a hypergeometric
    distribution, and given it, the relevant samples are spread evenly over the
    positions of the group up to `k`.
    """
    counts, gains = groups.counts, groups.gains
    after = np.cumsum(counts, axis=1)
    whole = after <= k
    settled = np.where(whole, parts, 0.0).sum(axis=1)
    certain = np.where(whole, gains, 0.0).sum(axis=1)
    taken = np.where(whole, counts, 0).sum(axis=1)
    result = settled / np.maximum(certain, 1)
    cut = np.flatnonzero((after[:, -1] > k) & (taken < k))
    step = max(1, _BLOCK_CELLS // (k + 1))
    for start in range(0, len(cut), step):
        q = cut[start : start + step]
        group = np.argmax(~whole[q] & (counts[q] > 0), axis=1)
        n, g = counts[q, group][:, None], gains[q, group][:, None]
        first, base = taken[q][:, None], certain[q][:, None]
        m = k - first
        hits = np.arange(int(np.minimum(m, g).max(initial=0)) + 1)[None, :]
        chance = np.exp(
            _log_choose(g, hits) + _log_choose(n - g, m - hits) - _log_choose(n, m)
        )
        slope = np.where(m > 1, (hits - 1) / np.maximum(m - 1, 1), 0.0)
        span = harmonic[first + m] - harmonic[first]
        part = hits / m * (slope * m + (1.0 + base - slope * (first + 1)) * span)
        score = (settled[q][:, None] + part) / np.maximum(base + hits, 1)
        result[q] = (chance * score).sum(axis=1)
    return np.where(groups.total > 0, result, np.nan)


def ndcg_at(groups: TieGroups, k: int) -> Values:
    """Return the expected discounted gain of the first `k` over the best possible.

    Every position of a group has the mean gain of the group; position t is discounted
    by ``1 / log2(1 + t)``.
    """
    counts = groups.counts
    after = np.cumsum(counts, axis=1)
    end = np.minimum(after, k)
    begin = np.minimum(after - counts, k)
    longest = int(end.max(initial=0))
    if groups.ideal is None:
        best_end = np.minimum(groups.total, k).astype(np.int64)
        longest = max(longest, int(best_end.max(initial=0)))
    else:
        longest = max(longest, groups.ideal.shape[1])
    weights = 1.0 / np.log2(np.arange(2, longest + 2))
    discount = _cumulated(weights)
    gain = (_mean_gains(groups) * (discount[end] - discount[begin])).sum(axis=1)
    if groups.ideal is None:
        best = discount[best_end]
    else:
        ideal = groups.ideal[:, :k]
        best = ideal @ weights[: ideal.shape[1]]
    return _ratio(gain, best)


def precision_within(groups: TieGroups, radius: Radius, empty: float = 0.0) -> Values:
    """Return the mean gain within a radius, and `empty` if no sample is there."""
    counts, gains = groups.within_radius[radius]
    return np.where(counts > 0, gains / np.maximum(counts, 1), empty)


def recall_within(groups: TieGroups, radius: Radius) -> Values:
    """Return the fraction of all gain within a radius."""
    return _ratio(groups.within_radius[radius][1], groups.total)


def is_empty_within(groups: TieGroups, radius: Radius) -> Values:
    """Return 1.0 if no sample is within a radius, else 0.0."""
    return (groups.within_radius[radius][0] == 0).astype(np.float64)


def lacks_relevant(groups: TieGroups) -> Values:
    """Return 1.0 for a query without a relevant sample, else 0.0."""
    return (groups.total <= 0).astype(np.float64)


def _mean_gains(groups: TieGroups) -> Values:
    return groups.gains / np.maximum(groups.counts, 1)


def _ratio(part: Values, whole: Values) -> Values:
    return np.where(whole > 0, part / np.where(whole > 0, whole, 1.0), np.nan)


def _cumulated(values: Values) -> Values:
    return np.concatenate([[0.0], np.cumsum(values)])


def _harmonic_numbers(n: int) -> Values:
    """Return the harmonic numbers 0 to n, in one array: n may be the whole index."""
    numbers = np.arange(n + 1, dtype=np.float64)
    np.divide(1.0, numbers[1:], out=numbers[1:])
    return np.cumsum(numbers, out=numbers)


def _log_choose(n: NDArray[Any], k: NDArray[Any]) -> Values:
    valid = (k >= 0) & (k <= n)
    k = np.where(valid, k, 0)
    value = gammaln(n + 1) - gammaln(k + 1) - gammaln(np.maximum(n - k, 0) + 1)
    return np.where(valid, value, -np.inf)
