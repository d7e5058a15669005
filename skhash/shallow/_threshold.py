"""Thresholds on single features: binary quantization of embeddings."""

from numbers import Integral
from typing import Literal

import numpy as np
import scipy.sparse as sp
from numpy.typing import ArrayLike, NDArray

from skhash._base import BaseHasher
from skhash.codes import n_bytes
from skhash.shallow._docs import TEXTS
from skhash.utils._compat import Interval, StrOptions
from skhash.utils._docstrings import substitute
from skhash.utils._thresholds import median_thresholds
from skhash.utils._typing import Output, Rows


@substitute(**TEXTS)
class ThresholdHasher(BaseHasher):
    """Compare each feature with a threshold, as binary quantization of embeddings does.

    Suits dense samples whose features are worth one bit each, such as the embeddings of
    a neural encoder. Learned hashers reach the same quality with fewer bits.

    Parameters
    ----------
    n_bits : int or None, default=None
        Length of the codes, from 1 to the number of features. The first `n_bits`
        features are used, as encoders trained with Matryoshka losses allow; all
        features if None.
    threshold : {"zero", "mean", "median"}, default="zero"
        Value above which the bit of a feature is set: zero, the usual sign quantization
        [1]_; its mean over the training samples; or its median, which balances the
        bits.
    output : {"bits", "packed"}, default="bits"
        {output_text}

    Attributes
    ----------
    thresholds_ : ndarray of shape (n_bits,)
        Thresholds.
    {feature_attributes}

    Notes
    -----
    Fit costs O(n_samples * n_bits), times log(n_samples) for medians; transform
    O(n_samples * n_bits). Sparse samples are accepted, except for medians, most of
    which would be zero.

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

    def __init__(
        self,
        n_bits: int | None = None,
        *,
        threshold: Literal["zero", "mean", "median"] = "zero",
        output: Output = "bits",
    ) -> None:
        self.n_bits = n_bits
        self.threshold = threshold
        self.output = output

    def _fit(self, X: Rows, y: ArrayLike | None) -> None:
        n_bits = X.shape[1] if self.n_bits is None else self.n_bits
        if n_bits > X.shape[1]:
            raise ValueError(
                "n_bits must be at most the number of features, one per bit; got "
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

    def _decision_values(self, X: Rows) -> NDArray[np.floating]:
        X = X[:, : len(self.thresholds_)]
        # One block of samples, as large as its values, becomes dense.
        with np.errstate(over="ignore"):
            return (X.toarray() if sp.issparse(X) else X) - self.thresholds_

    @property
    def _n_features_out(self) -> int:
        n_bits = len(self.thresholds_)
        return n_bytes(n_bits) if self.output == "packed" else n_bits
