"""Closed forms of the expectation over all orders of tied rows, query by query.

One query finds ``n_r`` rows at distance r, the sum of their gains is ``g_r``; ``N_r``
and ``G_r`` are the sums up to r, and R is the gain of the whole index. Where gains are
0 or 1, ``g_r`` is the number of relevant rows. NaN marks a query without relevant rows
where the measure is a share of them.
"""

import numpy as np
from scipy.special import gammaln

_MAX_CELLS = 2**21


def gain_at(groups, k):
    """Return the expected gain of the first `k` positions."""
    counts = groups.counts
    before = np.cumsum(counts, axis=1) - counts
    taken = np.clip(k - before, 0, counts)
    return (_share(groups) * taken).sum(axis=1)


def precision_at(groups, k):
    """Return the expected gain of the first `k` positions over `k`."""
    return gain_at(groups, k) / k


def recall_at(groups, k):
    """Return the expected share of all gain in the first `k` positions."""
    return _ratio(gain_at(groups, k), groups.total)


def average_precision_at(groups, k, normalization="min"):
    """Return the expected average precision of the first `k` positions.

    Within a group, position t holds a relevant row with probability ``g_r / n_r``, and
    if it does, each earlier position of the group does with probability
    ``(g_r - 1) / (n_r - 1)``. The sum over t of the precision at t is then a matter of
    harmonic numbers.
    """
    counts, gains = groups.counts, groups.gains
    after = np.cumsum(counts, axis=1)
    before = after - counts
    earlier = np.cumsum(gains, axis=1) - gains
    end = np.clip(after, before, np.maximum(k, before))
    harmonic = _cumulated(1.0 / np.arange(1, int(end.max(initial=0)) + 1))
    harmonic_sum = harmonic[end] - harmonic[np.minimum(before, end)]
    slope = np.where(counts > 1, (gains - 1) / np.maximum(counts - 1, 1), 0.0)
    constant = 1.0 + earlier - slope * (before + 1)
    parts = _share(groups) * (slope * (end - before) + constant * harmonic_sum)
    if normalization == "min":
        return _ratio(parts.sum(axis=1), np.minimum(groups.total, k))
    return _over_hits(groups, k, parts, harmonic)


def _over_hits(groups, k, parts, harmonic):
    """Divide by the number of relevant rows among the first `k` positions.

    That number is itself random where `k` cuts a group: it follows a hypergeometric
    distribution, and given it, the hits are spread evenly over the positions taken.
    """
    counts, gains = groups.counts, groups.gains
    after = np.cumsum(counts, axis=1)
    whole = after <= k
    settled = np.where(whole, parts, 0.0).sum(axis=1)
    certain = np.where(whole, gains, 0.0).sum(axis=1)
    taken = np.where(whole, counts, 0).sum(axis=1)
    result = settled / np.maximum(certain, 1)
    cut = np.flatnonzero((after[:, -1] > k) & (taken < k))
    step = max(1, _MAX_CELLS // (k + 1))
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


def ndcg_at(groups, k):
    """Return the expected discounted gain of the first `k` over the best possible.

    Every position of a group gets the mean gain of the group; position t is discounted
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
    gain = (_share(groups) * (discount[end] - discount[begin])).sum(axis=1)
    if groups.ideal is None:
        best = discount[best_end]
    else:
        ideal = groups.ideal[:, :k]
        best = ideal @ weights[: ideal.shape[1]]
    return _ratio(gain, best)


def precision_within(groups, radius, empty=0.0):
    """Return the mean gain within a radius, and `empty` where nothing lies there."""
    counts, gains = groups.balls[radius]
    return np.where(counts > 0, gains / np.maximum(counts, 1), empty)


def recall_within(groups, radius):
    """Return the share of all gain within a radius."""
    return _ratio(groups.balls[radius][1], groups.total)


def is_empty_within(groups, radius):
    """Return 1.0 where nothing lies within a radius, else 0.0."""
    return (groups.balls[radius][0] == 0).astype(np.float64)


def lacks_relevant(groups):
    """Return 1.0 for a query without any relevant row, else 0.0."""
    return (groups.total <= 0).astype(np.float64)


def _share(groups):
    return groups.gains / np.maximum(groups.counts, 1)


def _ratio(part, whole):
    return np.where(whole > 0, part / np.where(whole > 0, whole, 1.0), np.nan)


def _cumulated(values):
    return np.concatenate([[0.0], np.cumsum(values)])


def _log_choose(n, k):
    valid = (k >= 0) & (k <= n)
    k = np.where(valid, k, 0)
    value = gammaln(n + 1) - gammaln(k + 1) - gammaln(np.maximum(n - k, 0) + 1)
    return np.where(valid, value, -np.inf)
