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
from skhash.shallow._signed_sums import signed_sums
from skhash.utils._compat import Interval
from skhash.utils._docstrings import substitute
from skhash.utils._typing import Output, Rows

#: Entries that are summed between two looks at signals.
_ENTRIES_AT_A_TIME = 2**16

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
    Suits the detection of near-copies; learned hashers find samples of similar meaning.

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
    skhash.DuplicateDetector : Groups samples with near codes.

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
        starts = _word_starts(self.n_bits, self.seed)
        for first, last in _cut(rows.indptr, _ENTRIES_AT_A_TIME):
            own = slice(rows.indptr[first], rows.indptr[last])
            entries, columns = rows.data[own], np.ascontiguousarray(rows.indices[own])
            ends = rows.indptr[first : last + 1] - rows.indptr[first]
            dtype = np.float32 if _sums_are_exact(entries) else np.float64
            signed_sums(
                np.ascontiguousarray(entries, dtype=dtype),
                columns,
                ends.astype(columns.dtype, copy=False),
                starts,
                values[first:last],
            )
        return values

    def _check_parameters(self) -> None:
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
    starts = _word_starts(n_bits, seed)
    steps = (columns.astype(np.uint64) + np.uint64(1)) * np.uint64(_STEP)
    hashes = _mixed(steps[:, None] + starts)
    octets = hashes.astype(">u8").view(np.uint8)
    bits = np.unpackbits(octets, axis=1, count=n_bits)
    signs = bits.astype(dtype)
    signs *= 2
    signs -= 1
    return signs


def _word_starts(n_bits: int, seed: int) -> NDArray[np.uint64]:
    """Return the start of the generator per word of 64 bits."""
    n_words = -(-n_bits // 64)
    return _mixed(np.arange(n_words, dtype=np.uint64) + np.uint64(seed))


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


def _cut(indptr: NDArray[np.integer], n_most: int) -> Iterator[tuple[int, int]]:
    """Yield stretches of rows with at most `n_most` entries, or of a single row."""
    first, n_rows = 0, len(indptr) - 1
    while first < n_rows:
        last = int(np.searchsorted(indptr, indptr[first] + n_most, side="right")) - 1
        last = min(max(last, first + 1), n_rows)
        yield first, last
        first = last
