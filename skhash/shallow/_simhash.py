"""SimHash: sums of hashed feature identities, for near-copies."""

from collections.abc import Iterator
from numbers import Integral
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import ArrayLike, NDArray
from sklearn.utils import Tags

from skhash._base import BaseHasher
from skhash.codes import n_bytes
from skhash.shallow._docs import TEXTS
from skhash.utils._compat import Interval
from skhash.utils._docstrings import substitute
from skhash.utils._typing import Output, Rows

#: Signs that are held at a time, 8 bytes each.
_SIGNS_AT_A_TIME = 2**22

#: Up to this many columns, those that occur are marked; above, indices are sorted.
_MOST_MARKS = 2**24

#: Steps of the generator SplitMix64.
_STEP = 0x9E3779B97F4A7C15
_MULTIPLIERS = (0xBF58476D1CE4E5B9, 0x94D049BB133111EB)
_WORD = 2**64


@substitute(**TEXTS)
class SimHasher(BaseHasher):
    """Sum hashed feature identities, so that near-copies get near codes (SimHash).

    Every feature has a pseudo-random sign per bit. A bit is the sign of the sum of
    those signs, each times the value of the feature in the sample. Two samples at an
    angle differ in about the fraction angle / pi of the bits.
    Suits the detection of near-copies; learned hashers find what is alike in meaning.

    Parameters
    ----------
    n_bits : int, default=64
        Length of the codes, at least 1; usually 64, 128 or 256.
    seed : int, default=0
        Chooses the signs, from 0 to 2**64 - 1. Codes are comparable only if they have
        the same seed, and shorter codes are the beginning of longer ones.
    output : {"bits", "packed"}, default="bits"
        {output_text}

    Attributes
    ----------
    {feature_attributes}

    See Also
    --------
    RandomProjectionHasher : Signs of random projections drawn by a generator in fit.
    skhash.duplicates.DuplicateDetector : Groups samples with near codes.

    Notes
    -----
    The method of [1]_, as applied in [2]_. Nothing is learned: codes depend only on
    the sample and on the seed, and `transform` works without `fit`. A feature is
    identified by its column, so that codes of several collections are comparable if the
    same word always has the same column, as with
    :class:`~sklearn.feature_extraction.text.HashingVectorizer`.

    Transform costs O(n_bits * nnz(X)), and its memory does not grow with the number of
    samples or features. A sum of exactly zero gives the bit 0, and so does a sample
    without any feature in all bits.

    References
    ----------
    .. [1] M. S. Charikar, "Similarity estimation techniques from rounding algorithms",
       STOC 2002, 380-388, doi:10.1145/509907.509965.
    .. [2] G. S. Manku, A. Jain, A. Das Sarma, "Detecting near-duplicates for web
       crawling", WWW 2007, 141-150, doi:10.1145/1242572.1242592.

    Examples
    --------
    >>> from sklearn.feature_extraction.text import HashingVectorizer
    >>> from skhash import SimHasher
    >>> texts = ["the cat sat on the mat", "the cat sat on the mat!", "dogs bark"]
    >>> X = HashingVectorizer(analyzer="char", ngram_range=(3, 3)).transform(texts)
    >>> codes = SimHasher(128).transform(X)
    >>> differing = (codes != codes[0]).sum(axis=1)
    >>> bool(differing[1] < 30), bool(differing[2] > 30)
    (True, True)
    """

    _parameter_constraints: dict = {
        **BaseHasher._parameter_constraints,
        "seed": [Interval(Integral, 0, _WORD - 1, closed="both")],
    }

    def __init__(
        self, n_bits: int = 64, *, seed: int = 0, output: Output = "bits"
    ) -> None:
        self.n_bits = n_bits
        self.seed = seed
        self.output = output

    def _fit(self, X: Rows, y: ArrayLike | None) -> None:
        """Learn nothing."""

    def _decision_values(self, X: Any) -> NDArray[np.float64]:
        # Entries of zero in a dense row add nothing, so that both forms sum alike.
        rows = sp.csr_array(X)
        values = np.empty((rows.shape[0], self.n_bits))
        words = max(1, _SIGNS_AT_A_TIME // self.n_bits)
        for first, last in _cut(rows.indptr, words):
            values[first:last] = self._sums(rows, first, last)
        return values

    def _sums(self, X: sp.csr_array, first: int, last: int) -> NDArray[np.floating]:
        """Return the sums of signs (n_samples, n_bits) of some rows."""
        own = slice(X.indptr[first], X.indptr[last])
        columns, positions = _occurring(X.indices[own], X.shape[1])
        values = X.data[own]
        dtype = np.float32 if _sums_are_exact(values) else np.float64
        some = sp.csr_array(
            (
                values.astype(dtype, copy=False),
                positions,
                X.indptr[first : last + 1] - X.indptr[first],
            ),
            shape=(last - first, len(columns)),
        )
        with np.errstate(over="ignore", invalid="ignore"):
            return some @ feature_signs(columns, self.n_bits, self.seed, dtype)

    def _check_n_bits(self) -> None:
        """Accept another number of bits after fit, which has learned none."""

    @property
    def _n_features_out(self) -> int:
        return n_bytes(self.n_bits) if self.output == "packed" else self.n_bits

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.requires_fit = False
        return tags


def feature_signs(
    columns: NDArray[np.integer],
    n_bits: int,
    seed: int = 0,
    dtype: type[np.floating] = np.float64,
) -> NDArray[np.floating]:
    """Return the pseudo-random signs of features.

    Parameters
    ----------
    columns : ndarray of shape (n_columns,), int
        Columns of the features.
    n_bits : int
        Number of signs per feature.
    seed : int, default=0
        Chooses the signs.
    dtype : type, default=numpy.float64
        Type of the signs.

    Returns
    -------
    signs : ndarray of shape (n_columns, n_bits)
        -1 or 1. Word w of 64 bits is the output of SplitMix64 after ``columns`` steps
        from a start that depends on `seed` and w.
    """
    n_words = -(-n_bits // 64)
    starts = _mixed(np.arange(n_words, dtype=np.uint64) + np.uint64(seed))
    steps = (columns.astype(np.uint64) + np.uint64(1)) * np.uint64(_STEP)
    hashes = _mixed(steps[:, None] + starts)
    octets = hashes.astype(">u8").view(np.uint8)
    bits = np.unpackbits(octets, axis=1, count=n_bits)
    signs = bits.astype(dtype)
    signs *= 2
    signs -= 1
    return signs


def _sums_are_exact(values: NDArray) -> bool:
    """Return whether sums of values are exact in single precision, as of few counts."""
    most = np.abs(values).max(initial=0)
    # Also false for infinity.
    return bool(most * len(values) < 2**24) and np.array_equal(values, np.rint(values))


def _mixed(words: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Return the output function of SplitMix64 of each word."""
    words = (words ^ (words >> np.uint64(30))) * np.uint64(_MULTIPLIERS[0])
    words = (words ^ (words >> np.uint64(27))) * np.uint64(_MULTIPLIERS[1])
    return words ^ (words >> np.uint64(31))


def _occurring(
    indices: NDArray[np.integer], n_features: int
) -> tuple[NDArray[np.integer], NDArray[np.integer]]:
    """Return the columns that occur, and the position among them of each index."""
    if n_features > _MOST_MARKS:
        columns, positions = np.unique(indices, return_inverse=True)
        return columns, positions.astype(np.int32)
    marks = np.zeros(n_features, dtype=bool)
    marks[indices] = True
    numbers = np.cumsum(marks, dtype=np.int32)
    return np.flatnonzero(marks), numbers[indices] - np.int32(1)


def _cut(indptr: NDArray[np.integer], n_most: int) -> Iterator[tuple[int, int]]:
    """Yield stretches of rows with at most `n_most` entries, or of a single row.

    The number of distinct columns of a stretch is at most that of its entries, of which
    there may be some more where columns repeat.
    """
    first, n_rows = 0, len(indptr) - 1
    while first < n_rows:
        last = int(np.searchsorted(indptr, indptr[first] + n_most, side="right")) - 1
        last = min(max(last, first + 1), n_rows)
        yield first, last
        first = last
