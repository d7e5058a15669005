"""Count shingles of texts: runs of consecutive words, hashed without a dictionary."""

from collections.abc import Iterable, Iterator
from functools import lru_cache
from numbers import Integral
from typing import Any, Self

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils import Tags

from skhash.utils._compat import Interval, fit_context
from skhash.utils._documentation import DocumentedMixin
from skhash.utils._state import VersionedStateMixin

Words = NDArray[np.uint64]

#: Bytes of text that are hashed at a time, few enough for the cache of the processor; a
#: longer text is hashed alone.
_BYTES_AT_A_TIME = 2**18

#: An odd number, which has an inverse modulo 2**64.
_BASE = 0x9E3779B97F4A7C15
_INVERSE = pow(_BASE, -1, 2**64)
_MULTIPLIER = np.uint64(0xD6E8FEB86659FD93)
_SHIFT = np.uint64(32)

#: Whether a byte belongs to a word: letters and digits of ASCII, the underscore, and
#: all bytes of characters beyond ASCII.
_IN_WORD = np.zeros(256, dtype=bool)
_IN_WORD[128:] = True
_IN_WORD[[ord(c) for c in "_0123456789abcdefghijklmnopqrstuvwxyz"]] = True


class WordShingleVectorizer(
    TransformerMixin, VersionedStateMixin, DocumentedMixin, BaseEstimator
):
    """Count the shingles of texts: runs of consecutive words, by their hashes.

    Texts that share most shingles are near-copies. The columns are hashes, as those of
    :class:`~sklearn.feature_extraction.text.HashingVectorizer`, which does the same
    more slowly but with any tokenizer.

    Parameters
    ----------
    n_words : int, default=3
        Number of words of a shingle, at least 1. A text of fewer words is one shingle.
    n_features : int, default=2**20
        Number of columns, at most 2**31 - 1. Shingles with equal hashes share one.

    See Also
    --------
    skhash.SimHasher : Turns counts into codes.

    Notes
    -----
    Texts are lower-cased. Words are runs of ASCII letters, digits and underscores, and
    of characters beyond ASCII of any kind. Hashes are polynomials of the bytes modulo
    2**64, taken from the running sum over a block of texts, so that the work per word
    is a few vectorized operations. Texts with colliding hashes can be constructed.

    Examples
    --------
    >>> from skhash.duplicates import WordShingleVectorizer
    >>> X = WordShingleVectorizer(2).transform(["one two three", "Two, three!"])
    >>> X.sum(axis=1), int((X[[0]] * X[[1]]).sum())
    (array([2., 1.]), 1)
    """

    _parameter_constraints: dict = {
        "n_words": [Interval(Integral, 1, None, closed="left")],
        "n_features": [Interval(Integral, 1, 2**31 - 1, closed="both")],
    }

    def __init__(self, n_words: int = 3, *, n_features: int = 2**20) -> None:
        self.n_words = n_words
        self.n_features = n_features

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: Any = None, y: Any = None) -> Self:
        """Validate the parameters; there is nothing to learn.

        Parameters
        ----------
        X, y : object, default=None
            Not used, present for compatibility with scikit-learn.

        Returns
        -------
        self : WordShingleVectorizer
        """
        return self

    def transform(self, X: Iterable[str]) -> sp.csr_array:
        """Count the shingles of texts.

        Parameters
        ----------
        X : iterable of str
            Texts.

        Returns
        -------
        counts : csr_array of shape (n_samples, n_features), float64
            Numbers of occurrences, with sorted indices.

        Raises
        ------
        TypeError
            If `X` is one text, or holds something else than texts.
        """
        self._validate_params()
        if isinstance(X, str):
            raise TypeError("X must be an iterable of texts; got a single str.")
        parts = [self._count(block) for block in _blocks(X)]
        if not parts:
            return sp.csr_array((0, self.n_features), dtype=np.float64)
        return sp.vstack(parts, format="csr") if len(parts) > 1 else parts[0]

    def _count(self, texts: list[bytes]) -> sp.csr_array:
        """Count the shingles of one block of texts."""
        words, text_of_word = _hashed_words(texts)
        shingles, text_of_shingle = _joined_words(words, text_of_word, self.n_words)
        columns = ((shingles >> _SHIFT) * np.uint64(self.n_features)) >> _SHIFT
        counts = np.bincount(text_of_shingle, minlength=len(texts))
        indptr = np.concatenate([[0], np.cumsum(counts)]).astype(np.int32)
        rows = sp.csr_array(
            (np.ones(len(columns)), columns.astype(np.int32), indptr),
            shape=(len(texts), self.n_features),
        )
        rows.sum_duplicates()
        return rows

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.requires_fit = False
        tags.input_tags.string = True
        tags.input_tags.two_d_array = False
        return tags


def _blocks(texts: Iterable[str]) -> Iterator[list[bytes]]:
    """Yield lower-cased texts as bytes, in blocks of limited size."""
    block: list[bytes] = []
    size = 0
    for text in texts:
        if not isinstance(text, str):
            raise TypeError(f"X must hold texts; got {type(text).__name__}.")
        octets = text.lower().encode("utf-8", "surrogatepass")
        if block and size + len(octets) > _BYTES_AT_A_TIME:
            yield block
            block, size = [], 0
        block.append(octets)
        size += len(octets) + 1
    if block:
        yield block


def _hashed_words(texts: list[bytes]) -> tuple[Words, NDArray[np.intp]]:
    """Return the hash of each word, and the text that it is in."""
    octets = np.frombuffer(b" ".join([b"", *texts, b""]), dtype=np.uint8)
    inside = _IN_WORD[octets]
    edges = np.flatnonzero(inside[1:] != inside[:-1]) + 1
    first, last = edges[::2], edges[1::2]
    sums = np.cumsum((octets + np.uint64(1)) * _powers(_BASE, len(octets)))
    words = (sums[last - 1] - sums[first - 1]) * _powers(_INVERSE, len(octets))[first]
    ends = np.cumsum([len(text) + 1 for text in texts])
    return _mixed(words), np.searchsorted(ends, first, side="right")


def _powers(base: int, n: int) -> Words:
    """Return the first `n` powers of a base modulo 2**64."""
    return _computed_powers(base, max(n, 2 * _BYTES_AT_A_TIME))[:n]


@lru_cache(maxsize=2)
def _computed_powers(base: int, n: int) -> Words:
    factors = np.full(n, base, dtype=np.uint64)
    factors[:1] = 1
    return np.multiply.accumulate(factors)


def _joined_words(
    words: Words, text_of_word: NDArray[np.intp], n_words: int
) -> tuple[Words, NDArray[np.intp]]:
    """Return the hash of each shingle, and the text that it is in."""
    n = len(words)
    hashes = words.copy()
    is_whole = np.ones(n, dtype=bool)
    for step in range(1, n_words):
        same = np.zeros(n, dtype=bool)
        same[: n - step] = text_of_word[step:] == text_of_word[: n - step]
        (own,) = np.nonzero(same)
        hashes[own] = _mixed(hashes[own] + words[own + step] * np.uint64(2 * step + 1))
        is_whole &= same
    is_first = np.ones(n, dtype=bool)
    is_first[1:] = text_of_word[1:] != text_of_word[:-1]
    chosen = is_whole | is_first
    return hashes[chosen], text_of_word[chosen]


def _mixed(words: Words) -> Words:
    """Spread each bit over all bits."""
    words = (words ^ (words >> _SHIFT)) * _MULTIPLIER
    words = (words ^ (words >> _SHIFT)) * _MULTIPLIER
    return words ^ (words >> _SHIFT)
