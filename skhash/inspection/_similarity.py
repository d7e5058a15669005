"""Explain why two samples have similar codes."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import ArrayLike
from sklearn.utils.validation import validate_data

from skhash.codes import pack_bits, unpack_bits
from skhash.inspection._features import (
    check_decoder,
    check_feature_names,
    decoded_weights,
    lift,
    top_features,
)


@dataclass(frozen=True)
class Similarity:
    """What two samples have in common.

    Attributes
    ----------
    distance : int
        Differing bits of their codes.
    n_bits : int
        Length of the codes.
    features : list of (str, float)
        The features that the decoder weighs above their average for both codes, and
        the smaller of the two excesses, in descending order.
    shared_features : list of (str, float)
        The features that both samples have, and the product of their values in
        samples of unit length, in descending order: the terms of their cosine.

    See Also
    --------
    explain_similarity : Computes it.
    """

    distance: int
    n_bits: int
    features: list[tuple[str, float]]
    shared_features: list[tuple[str, float]]

    def __str__(self) -> str:
        decoded = ", ".join(name for name, _ in self.features) or "nothing"
        shared = ", ".join(name for name, _ in self.shared_features) or "nothing"
        return (
            f"{self.distance} of {self.n_bits} bits differ. Both codes mean: {decoded}."
            f" Both samples have: {shared}."
        )


def explain_similarity(
    hasher: Any,
    X: ArrayLike,
    feature_names: ArrayLike | None = None,
    *,
    n_features: int = 10,
) -> Similarity:
    """Explain why two samples have similar codes.

    Parameters
    ----------
    hasher : estimator
        A fitted hasher with a decoder, such as :class:`~skhash.SSBVAEHasher`.
    X : {array-like, sparse matrix} of shape (2, n_features)
        The two samples.
    feature_names : array-like of shape (n_features,), default=None
        Names of the features. If None, those that the hasher was fitted with, else
        "x0", "x1", ...
    n_features : int, default=10
        Largest number of features to return.

    Returns
    -------
    similarity : Similarity
        The distance of their codes and the features that they have in common.

    Raises
    ------
    TypeError
        If the hasher has no decoder.
    ValueError
        If `X` does not hold two samples, or the names do not fit the hasher.

    Examples
    --------
    >>> from sklearn.feature_extraction.text import TfidfVectorizer
    >>> from skhash import SSBVAEHasher
    >>> from skhash.inspection import explain_similarity
    >>> texts = ["red apple", "red cherry", "fast car", "fast train"] * 25
    >>> vectorizer = TfidfVectorizer()
    >>> X = vectorizer.fit_transform(texts)
    >>> hasher = SSBVAEHasher(8, random_state=0).fit(X)
    >>> names = vectorizer.get_feature_names_out()
    >>> explain_similarity(hasher, X[:2], names).shared_features[0][0]
    'red'
    """
    check_decoder(hasher)
    names = check_feature_names(hasher, feature_names)
    rows = validate_data(hasher, X, accept_sparse="csr", reset=False)
    if rows.shape[0] != 2:
        raise ValueError(f"X must have 2 samples; got {rows.shape[0]}.")
    codes = hasher.transform(X)
    packed = hasher.output == "packed"
    bits = unpack_bits(codes, hasher.n_bits) if packed else codes
    decoded = decoded_weights(hasher, codes)
    # Codes and their complements have each bit set in half of them.
    opposite = pack_bits(1 - bits) if packed else 1 - bits
    average = np.vstack([decoded, decoded_weights(hasher, opposite)]).mean(axis=0)
    both = lift(decoded, average).min(axis=0)
    rows = rows.toarray() if sp.issparse(rows) else rows
    norms = np.linalg.norm(rows, axis=1)
    shared = rows[0] * rows[1] / (norms.prod() or 1.0)
    return Similarity(
        int((bits[0] != bits[1]).sum()),
        hasher.n_bits,
        top_features(both, names, n_features),
        top_features(shared, names, n_features),
    )
