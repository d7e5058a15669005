"""Choose a radius from random pairs, or from pairs that are known to be duplicates."""

from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats
from sklearn.utils import check_random_state

from skhash.duplicates._matches import check_matches
from skhash.duplicates._pairs import (
    Packed,
    check_codes,
    check_radius,
    distinct_rows,
    self_pairs,
)
from skhash.utils._typing import Seed

#: Pairs drawn to learn how unrelated codes differ.
_DRAWN_PAIRS = 200_000

#: Fraction of drawn pairs in the tail that is fitted. Duplicates must be rarer.
_TAIL = 0.01

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class RadiusTable:
    """Precision and recall of pairs within each radius, with confidence bounds.

    Attributes
    ----------
    radius : ndarray of shape (n_radii,), intp
        From 0 to the largest radius, in bits.
    n_pairs : ndarray of shape (n_radii,), intp
        Pairs of distinct codes within the radius.
    n_random : ndarray of shape (n_radii,), float64
        How many of these to expect among unrelated codes.
    precision : ndarray of shape (n_radii,), float64
        Estimated fraction of the pairs that is not by chance, in [0, 1]; 1 without
        pairs.
    precision_lower : ndarray of shape (n_radii,), float64
        Its lower confidence bound.
    recall : ndarray of shape (n_radii,), float64
        Fraction of the known pairs within the radius, in [0, 1]; NaN without known
        pairs.
    recall_lower : ndarray of shape (n_radii,), float64
        Its lower confidence bound (Clopper-Pearson, one-sided); 0 without known pairs.

    See Also
    --------
    radius_table : Computes it.
    """

    radius: NDArray[np.intp]
    n_pairs: NDArray[np.intp]
    n_random: Floats
    precision: Floats
    precision_lower: Floats
    recall: Floats
    recall_lower: Floats

    def largest(self, min_precision: float = 0.95) -> int:
        """Return the largest radius up to which the precision has a lower bound.

        Parameters
        ----------
        min_precision : float, default=0.95
            Least lower confidence bound of the precision, in (0, 1).

        Returns
        -------
        radius : int
            0 if every other radius has a lower precision.
        """
        precise = self.precision_lower >= min_precision
        return int(np.argmin(precise) - 1) if not precise.all() else len(precise) - 1

    def smallest(self, min_recall: float = 0.95) -> int:
        """Return the smallest radius whose recall has a lower bound.

        Parameters
        ----------
        min_recall : float, default=0.95
            Least lower confidence bound of the recall, in (0, 1).

        Returns
        -------
        radius : int

        Raises
        ------
        ValueError
            If there is none, as with too few known pairs.
        """
        enough = self.recall_lower >= min_recall
        if not enough.any():
            raise ValueError(
                f"min_recall must be at most {self.recall_lower.max():.3f}, the "
                f"largest lower bound of the table; got {min_recall}. Give more known "
                "pairs, or a larger max_radius."
            )
        return int(self.radius[enough.argmax()])

    def to_frame(self) -> Any:
        """Return the table as a :class:`pandas.DataFrame`, one row per radius."""
        import pandas as pd

        columns = {field.name: getattr(self, field.name) for field in fields(self)}
        return pd.DataFrame(columns).set_index("radius")

    def plot(self, ax: Any = None) -> Any:
        """Plot precision and recall against the radius, with their lower bounds.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, default=None
            Where to plot; new axes if None.

        Returns
        -------
        ax : matplotlib.axes.Axes
        """
        if ax is None:
            import matplotlib.pyplot as plt

            ax = plt.subplots()[1]
        for name, color in (("precision", "C0"), ("recall", "C1")):
            values, lower = getattr(self, name), getattr(self, f"{name}_lower")
            if np.isnan(values).all():
                continue
            ax.plot(self.radius, values, color=color, marker="o", label=name)
            ax.fill_between(self.radius, lower, values, color=color, alpha=0.2)
        ax.set(xlabel="radius (bits)", ylim=(0, 1.05))
        ax.legend()
        return ax


def radius_table(
    codes: ArrayLike,
    matches: ArrayLike | None = None,
    *,
    max_radius: int | None = None,
    confidence: float = 0.95,
    packed: bool = False,
    n_bits: int | None = None,
    random_state: Seed = 0,
    n_jobs: int | None = None,
) -> RadiusTable:
    """Estimate precision and recall of pairs within each radius.

    Parameters
    ----------
    codes : array-like of shape (n_samples, n_bits or n_bytes)
        Codes of the samples.
    matches : array-like of shape (n_matches, 2), int, default=None
        Indices of pairs that are known to be duplicates, a random sample of all such
        pairs; for the recall.
    max_radius : int, default=None
        The largest radius. If None, the largest at which unrelated codes have at most
        as many pairs as there are samples, or that of the farthest known pair.
    confidence : float, default=0.95
        Confidence of each bound, in (0, 1).
    packed : bool, default=False
        Whether codes are packed.
    n_bits : int, default=None
        Length of the codes; that of their columns if None.
    random_state : int, RandomState instance or None, default=0
        Draws random pairs.
    n_jobs : int, default=None
        Number of threads, as in :class:`joblib.Parallel`.

    Returns
    -------
    table : RadiusTable
        One entry per radius, from 0.

    Raises
    ------
    TypeError
        If packed codes are not of dtype uint8, or `matches` are not integers.
    ValueError
        If codes are empty or not binary, or a parameter is out of range.

    Notes
    -----
    A beta-binomial distribution, which allows for correlated bits, is fitted to the
    distances of random pairs of distinct codes: their mean, and their variance or a
    larger one that gives as many pairs below their first percentile. The bound of the
    precision moves mean and variance by their standard errors, and the number of pairs
    by that of a Poisson variable. It does not cover distances that are far from such a
    distribution, as in a collection of many tight topics: there, confirm some pairs.

    Examples
    --------
    >>> import numpy as np
    >>> from skhash.duplicates import radius_table
    >>> codes = np.random.RandomState(0).randint(2, size=(400, 64))
    >>> codes[200:] = codes[:200]
    >>> codes[200:, :2] ^= 1
    >>> table = radius_table(codes)
    >>> radius = table.largest(min_precision=0.95)
    >>> bool(table.n_pairs[radius] >= 200), bool(table.n_random[radius] < 10)
    (True, True)
    """
    if not 0 < confidence < 1:
        raise ValueError(f"confidence must be in (0, 1); got {confidence}.")
    rows, n_bits = check_codes(codes, packed=packed, n_bits=n_bits, name="codes")
    known = _known_distances(rows, matches)
    distinct = distinct_rows(rows).distinct(rows)
    estimate, upper = _random_pairs(distinct, n_bits, confidence, random_state)
    if max_radius is None:
        affordable = np.flatnonzero(upper <= len(rows)).max(initial=0)
        wanted = int(known.max(initial=0))
        max_radius = int(min(max(affordable, wanted), n_bits - 1))
    radii = np.arange(check_radius(max_radius, n_bits, "max_radius") + 1)
    pairs = self_pairs(distinct, n_bits, int(radii[-1]), n_jobs)
    n_pairs = np.cumsum(np.bincount(pairs.distance, minlength=len(radii)))
    least = np.maximum(0.0, n_pairs - stats.norm.ppf(confidence) * np.sqrt(n_pairs))
    hits = (known[:, None] <= radii).sum(axis=0)
    return RadiusTable(
        radius=radii,
        n_pairs=n_pairs,
        n_random=estimate[radii],
        precision=_precision(estimate[radii], n_pairs, n_pairs),
        precision_lower=_precision(upper[radii], least, n_pairs),
        recall=hits / len(known) if len(known) else np.full(len(radii), np.nan),
        recall_lower=lower_bound(hits, len(known), confidence),
    )


def lower_bound(n_hits: ArrayLike, n_trials: int, confidence: float) -> Floats:
    """Return the one-sided Clopper-Pearson lower bound of a probability."""
    hits = np.asarray(n_hits)
    bound = stats.beta.ppf(1 - confidence, np.maximum(hits, 1), n_trials - hits + 1)
    return np.where(hits > 0, bound, 0.0)


def _known_distances(rows: Packed, matches: ArrayLike | None) -> NDArray[np.intp]:
    """Return the distances of known pairs."""
    if matches is None:
        return np.empty(0, dtype=np.intp)
    pairs = check_matches(matches, len(rows), len(rows))
    if (pairs[:, 0] == pairs[:, 1]).any():
        raise ValueError("matches must be pairs of different samples.")
    return row_distances(rows[pairs[:, 0]], rows[pairs[:, 1]])


def row_distances(first: Packed, second: Packed) -> NDArray[np.intp]:
    """Return the distance of each row of one array to that row of another."""
    return np.bitwise_count(first ^ second).sum(axis=1, dtype=np.intp)


def _random_pairs(
    distinct: Packed, n_bits: int, confidence: float, random_state: Seed
) -> tuple[Floats, Floats]:
    """Return how many random pairs are within each radius, and an upper bound."""
    n = len(distinct)
    if n < 2:
        return np.zeros(n_bits + 1), np.zeros(n_bits + 1)
    rng = check_random_state(random_state)
    i = rng.randint(n, size=_DRAWN_PAIRS)
    j = (i + rng.randint(1, n, size=_DRAWN_PAIRS)) % n
    distances = row_distances(distinct[i], distinct[j])
    mean = distances.mean()
    variance = _tail_variance(distances, n_bits)
    # Drawn pairs share codes: there is no more to learn than from n codes.
    n_free = min(_DRAWN_PAIRS, n)
    z = stats.norm.ppf(confidence)
    low = max(mean - z * np.sqrt(variance / n_free), 0.0)
    wide = variance * (1 + z * np.sqrt(2 / n_free))
    n_all = n * (n - 1) / 2
    estimate = n_all * _fitted_cdf(mean, variance, n_bits)
    return estimate, np.maximum(estimate, n_all * _fitted_cdf(low, wide, n_bits))


def _tail_variance(distances: NDArray[np.intp], n_bits: int) -> float:
    """Return the variance, or a larger one that fits the lowest hundredth better."""
    mean, variance = distances.mean(), distances.var()
    edge = int(np.quantile(distances, _TAIL))
    below = float((distances <= edge).mean())
    most = mean * (n_bits - mean)
    while variance < most and _fitted_cdf(mean, variance, n_bits)[edge] < below:
        variance = variance * 1.05 + 1e-6
    return variance


def _fitted_cdf(mean: float, variance: float, n_bits: int) -> Floats:
    """Return the distribution of distances with a mean and a variance.

    Beta-binomial, or binomial where the variance is not above that of independent bits.
    """
    radii = np.arange(n_bits + 1)
    p = float(np.clip(mean / n_bits, 1e-9, 1 - 1e-9))
    excess = variance / (n_bits * p * (1 - p))
    if excess <= 1 + 1e-6 or n_bits == 1:
        return stats.binom.cdf(radii, n_bits, p)
    correlation = min((excess - 1) / (n_bits - 1), 0.999)
    total = 1 / correlation - 1
    return stats.betabinom.cdf(radii, n_bits, p * total, (1 - p) * total)


def _precision(n_random: Floats, n_pairs: NDArray, n_found: NDArray) -> Floats:
    """Return the fraction of pairs that is not random; 1 where none was found."""
    with np.errstate(divide="ignore", invalid="ignore"):
        fraction = np.clip(1 - n_random / n_pairs, 0.0, 1.0)
    return np.where(n_found == 0, 1.0, np.where(n_pairs > 0, fraction, 0.0))
