"""Find test samples that have a duplicate in the training collection."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from skhash.duplicates._pairs import (
    Indices,
    check_codes,
    check_radius,
    code_index,
    cross_pairs,
    distinct_rows,
)


@dataclass(frozen=True)
class Leakage:
    """Samples of a test collection that have a duplicate in a training collection.

    Attributes
    ----------
    test_indices : ndarray of shape (n_leaked,), intp
        Test samples with a training sample within the radius, ascending.
    train_indices : ndarray of shape (n_leaked,), intp
        The nearest training sample of each, the first of those at the same distance.
    distances : ndarray of shape (n_leaked,), int32
        Their distances in bits.
    mask : ndarray of shape (n_test,), bool
        Whether a test sample leaks; ``X_test[~mask]`` is a test collection without.
    rate : float
        Fraction of test samples that leak, in [0, 1].

    See Also
    --------
    find_leakage : Computes it.
    """

    test_indices: Indices
    train_indices: Indices
    distances: NDArray[np.int32]
    mask: NDArray[np.bool_]

    @property
    def rate(self) -> float:
        """Fraction of test samples that leak."""
        return float(self.mask.mean())


def find_leakage(
    train_codes: ArrayLike,
    test_codes: ArrayLike,
    radius: int,
    *,
    packed: bool = False,
    n_bits: int | None = None,
    n_jobs: int | None = None,
) -> Leakage:
    """Find test samples that have a training sample within a radius.

    Parameters
    ----------
    train_codes : array-like of shape (n_train, n_bits or n_bytes)
        Codes of the training samples.
    test_codes : array-like of shape (n_test, n_bits or n_bytes)
        Codes of the test samples, of the same length and form.
    radius : int
        Largest distance of duplicates in bits, inclusive; from 0 to the length of the
        codes less one.
    packed : bool, default=False
        Whether codes are packed.
    n_bits : int, default=None
        Length of the codes. If None, the number of columns, or eight times that for
        packed codes.
    n_jobs : int, default=None
        Number of threads, as in :class:`joblib.Parallel`.

    Returns
    -------
    leakage : Leakage
        The test samples, and the nearest training sample of each.

    Raises
    ------
    TypeError
        If `radius` is not an int, or packed codes are not of dtype uint8.
    ValueError
        If a collection is empty or not binary, codes have different lengths, or
        `radius` is out of range.

    Examples
    --------
    >>> import numpy as np
    >>> from skhash.duplicates import find_leakage
    >>> train = np.array([[0, 0, 0, 0], [1, 1, 1, 1]])
    >>> test = np.array([[0, 0, 1, 1], [0, 1, 1, 1]])
    >>> leakage = find_leakage(train, test, radius=1)
    >>> leakage.test_indices, leakage.train_indices, leakage.rate
    (array([1]), array([1]), 0.5)
    """
    form = {"packed": packed}
    train, n_bits = check_codes(train_codes, n_bits=n_bits, name="train_codes", **form)
    test, _ = check_codes(test_codes, n_bits=n_bits, name="test_codes", **form)
    radius = check_radius(radius, n_bits)
    known, asked = distinct_rows(train), distinct_rows(test)
    first = known.first
    index = code_index(known.distinct(train), n_bits, n_jobs)
    found = cross_pairs(index, radius, asked.distinct(test))
    # From the farthest to the nearest, so that the nearest is assigned last.
    nearest_last = np.lexsort((first[found.j], found.distance))[::-1]
    best = np.full(asked.n_codes, -1, dtype=np.intp)
    best[found.i[nearest_last]] = nearest_last
    pair_of_row = best[asked.code_of_row]
    mask = pair_of_row >= 0
    chosen = found.take(pair_of_row[mask])
    return Leakage(
        test_indices=np.flatnonzero(mask),
        train_indices=first[chosen.j].astype(np.intp),
        distances=chosen.distance,
        mask=mask,
    )
