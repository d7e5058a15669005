"""Describe codes by the features that their decoder gives most weight."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from skhash.codes import unpack_bits
from skhash.duplicates._pairs import check_codes, distinct_rows
from skhash.inspection._features import (
    check_decoder,
    check_feature_names,
    check_one_class,
    decoded_weights,
    lift,
    top_features,
)

_CODES_PER_BLOCK = 1024


@dataclass(frozen=True)
class CodeDescription:
    """One code of a collection.

    Attributes
    ----------
    code : ndarray of shape (n_bits or n_bytes,), uint8
        The code, in the form of the collection.
    indices : ndarray of shape (n_samples,), int
        The samples that have it, ascending.
    features : list of (str, float)
        The features that the decoder weighs most above their average over the
        collection, and by how much, in descending order.
    label : object
        The most frequent label of the samples; None if none of them has one.
    purity : float
        Fraction of the labeled samples that have this label, in [0, 1]; NaN if none
        has one.

    See Also
    --------
    describe_codes : Computes it.
    """

    code: NDArray[np.uint8]
    indices: NDArray[np.integer]
    features: list[tuple[str, float]]
    label: Any
    purity: float

    def __str__(self) -> str:
        words = ", ".join(name for name, _ in self.features)
        label = "" if self.label is None else f", {self.purity:.0%} {self.label}"
        return f"{len(self.indices)} samples{label}: {words}"


def describe_codes(
    hasher: Any,
    codes: ArrayLike,
    feature_names: ArrayLike | None = None,
    *,
    y: ArrayLike | None = None,
    n_codes: int | None = 10,
    n_features: int = 10,
) -> list[CodeDescription]:
    """Describe the most frequent codes of a collection in terms of features.

    Parameters
    ----------
    hasher : estimator
        A fitted hasher with a decoder, such as :class:`~skhash.SSBVAEHasher`.
    codes : array-like of shape (n_samples, n_bits or n_bytes)
        What its `transform` returned for the collection.
    feature_names : array-like of shape (n_features,), default=None
        Names of the features, for example ``vectorizer.get_feature_names_out()``. If
        None, the names that the hasher was fitted with, else "x0", "x1", ...
    y : array-like of shape (n_samples,), default=None
        Labels, one class per sample, -1 for unlabeled samples.
    n_codes : int, default=10
        Number of codes to describe, the most frequent first; all if None.
    n_features : int, default=10
        Number of features per code.

    Returns
    -------
    descriptions : list of CodeDescription
        In descending order of frequency; equally frequent codes in the order of their
        first samples.

    Raises
    ------
    TypeError
        If the hasher has no decoder.
    ValueError
        If codes, names or labels do not fit the hasher or each other.

    Examples
    --------
    >>> from sklearn.feature_extraction.text import TfidfVectorizer
    >>> from skhash import SSBVAEHasher
    >>> from skhash.inspection import describe_codes
    >>> texts = ["red apple", "red cherry", "fast car", "fast train"] * 25
    >>> vectorizer = TfidfVectorizer()
    >>> hasher = SSBVAEHasher(8, random_state=0)
    >>> codes = hasher.fit_transform(vectorizer.fit_transform(texts))
    >>> found = describe_codes(hasher, codes, vectorizer.get_feature_names_out())
    >>> sum(len(description.indices) for description in found)
    100
    """
    check_decoder(hasher)
    names = check_feature_names(hasher, feature_names)
    packed = hasher.output == "packed"
    rows, _ = check_codes(codes, packed=packed, n_bits=hasher.n_bits, name="codes")
    collection = rows if packed else unpack_bits(rows, hasher.n_bits)
    found = distinct_rows(rows)
    first, code_of_row = found.first, found.code_of_row
    counts = np.bincount(code_of_row)
    most = np.argsort(-counts, kind="stable")[:n_codes]
    average = _mean_decoded(hasher, collection[first], counts)
    class_of_sample, classes = check_one_class(y, len(rows))
    members = np.argsort(code_of_row, kind="stable")
    bounds = np.append(0, np.cumsum(counts))
    descriptions = []
    for code in most:
        own = collection[first[code]]
        weights = lift(decoded_weights(hasher, own[None]), average)[0]
        indices = members[bounds[code] : bounds[code + 1]]
        descriptions.append(
            CodeDescription(
                own,
                indices,
                top_features(weights, names, n_features),
                *_majority(class_of_sample[indices], classes),
            )
        )
    return descriptions


def _mean_decoded(hasher: Any, codes: NDArray, counts: NDArray) -> NDArray:
    """Return the mean of the decoded samples of a collection, by its distinct codes."""
    total = np.zeros(hasher.n_features_in_)
    for start in range(0, len(codes), _CODES_PER_BLOCK):
        block = slice(start, start + _CODES_PER_BLOCK)
        total += counts[block] @ decoded_weights(hasher, codes[block])
    return total / counts.sum()


def _majority(indices: NDArray, classes: NDArray) -> tuple[Any, float]:
    """Return the most frequent class of samples, and its fraction of the labeled."""
    known = indices[indices >= 0]
    if not len(known):
        return None, np.nan
    counts = np.bincount(known)
    best = int(counts.argmax())
    return classes[best], float(counts[best] / len(known))
