"""Thresholds on the features themselves: binary quantization of embeddings."""

from numbers import Integral

import numpy as np
import scipy.sparse as sp

from skhash._base import BaseHasher
from skhash.codes import n_bytes
from skhash.utils._compat import Interval, StrOptions
from skhash.utils._thresholds import median_thresholds


class ThresholdHasher(BaseHasher):
    """One bit a feature: what sentence encoders ship as binary quantization.

    Needs dense rows whose features are worth a bit each, such as the embeddings of a
    neural encoder. Learned hashers reach the same quality with fewer bits.

    Parameters
    ----------
    n_bits : int or None, default=None
        The number of bits, which are the first `n_bits` features (as encoders trained
        with Matryoshka losses allow); None takes all features.
    threshold : {"zero", "mean", "median"}, default="zero"
        The value above which a feature's bit is set: zero, the usual sign quantization
        [1]_; its mean over the training rows; or its median, which makes every bit
        balanced.
    output : {"bits", "packed"}, default="bits"
        The form of the codes: one column per bit, or eight bits per byte.

    Attributes
    ----------
    thresholds_ : ndarray of shape (n_bits,)
        The thresholds.
    n_features_in_ : int
        The number of features seen in fit.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Their names, where `X` had some.

    Notes
    -----
    Fit costs O(n_samples * n_bits), times log(n_samples) for medians; transform
    O(n_samples * n_bits). Sparse rows are taken, but have no medians other than zero.

    References
    ----------
    .. [1] A. Shakir, T. Aarsen, S. Lee, "Binary and scalar embedding quantization for
       significantly faster & cheaper retrieval", Hugging Face, 2024.

    Examples
    --------
    >>> import numpy as np
    >>> from skhash import ThresholdHasher
    >>> X = np.array([[0.5, -0.1, 3.0], [0.3, 0.2, 1.0]])
    >>> ThresholdHasher().fit_transform(X)
    array([[1, 0, 1],
           [1, 1, 1]], dtype=uint8)
    >>> ThresholdHasher(threshold="mean").fit_transform(X)
    array([[1, 0, 1],
           [0, 1, 0]], dtype=uint8)
    """

    _parameter_constraints: dict = {
        **BaseHasher._parameter_constraints,
        "n_bits": [Interval(Integral, 1, None, closed="left"), None],
        "threshold": [StrOptions({"zero", "mean", "median"})],
    }

    def __init__(self, n_bits=None, *, threshold="zero", output="bits"):
        self.n_bits = n_bits
        self.threshold = threshold
        self.output = output

    def _fit(self, X, y):
        n_bits = X.shape[1] if self.n_bits is None else self.n_bits
        if n_bits > X.shape[1]:
            raise ValueError(
                "n_bits must be at most the number of features, one a bit; got "
                f"n_bits={n_bits} with n_features={X.shape[1]}."
            )
        X = X[:, :n_bits]
        if self.threshold == "zero":
            self.thresholds_ = np.zeros(n_bits, dtype=X.dtype)
        elif self.threshold == "mean":
            self.thresholds_ = np.asarray(X.mean(axis=0)).ravel()
        elif sp.issparse(X):
            raise ValueError(
                "threshold must be 'zero' or 'mean' for sparse X, whose medians are "
                "mostly zero; got 'median'."
            )
        else:
            self.thresholds_ = median_thresholds(X)

    def _encode(self, X):
        X = X[:, : len(self.thresholds_)]
        # One block of rows at a time, as the codes themselves are dense.
        return (X.toarray() if sp.issparse(X) else X) > self.thresholds_

    @property
    def _n_features_out(self):
        n_bits = len(self.thresholds_)
        return n_bytes(n_bits) if self.output == "packed" else n_bits
