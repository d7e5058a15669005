"""Thresholds on single features: binary quantization of embeddings."""

from numbers import Integral
from typing import Literal

import numpy as np
import scipy.sparse as sp
from numpy.typing import ArrayLike, NDArray
from sklearn.utils import check_random_state

from skhash._base import BaseHasher
from skhash.codes import n_bytes
from skhash.shallow._docs import TEXTS
from skhash.shallow._threshold_rules import RULES, FittedRule, choose_rule
from skhash.utils._compat import Interval, StrOptions
from skhash.utils._docstrings import substitute
from skhash.utils._typing import Output, Rows, Seed


@substitute(**TEXTS)
class ThresholdHasher(BaseHasher):
    """Compare each feature with a threshold, as binary quantization of embeddings does.

    Suits dense samples whose features are worth one bit each, such as the embeddings of
    a neural encoder. Learned hashers reach the same quality with fewer bits.

    Parameters
    ----------
    n_bits : int or None, default=None
        Length of the codes, from 1 to the number of features. The first `n_bits`
        features are used, as encoders trained with Matryoshka losses allow, or with a
        rotation `n_bits` directions of all features; one bit per feature if None.
    threshold : {"zero", "mean", "median", "auto"}, default="zero"
        Value above which the bit of a feature is set: zero, the usual sign quantization
        [1]_; its mean over the training samples; or its median, which balances the
        bits. "auto" chooses among these and rotations of the features, see Notes.
    output : {"bits", "packed"}, default="bits"
        {output_text}
    random_state : int, RandomState instance or None, default=None
        {random_state_text} Used by ``threshold="auto"`` only.

    Attributes
    ----------
    thresholds_ : ndarray of shape (n_bits,)
        Thresholds.
    components_ : ndarray of shape (n_bits, n_features) or None
        Directions on which samples of unit length are projected; None if the features
        themselves are compared with the thresholds.
    rule_ : str
        `threshold`, or the rule that "auto" has chosen.
    recalls_ : dict of str to float, or None
        Recall by rule, from which "auto" has chosen, in [0, 1]; else None. Empty if
        there was a single sample.
    {feature_attributes}

    Notes
    -----
    With ``threshold="auto"`` the rules are "zero", "mean" and "median" of the features,
    and four that scale samples to unit length first: "random", a random rotation;
    "centered_random", the same of centered samples; "pca_random", a random rotation of
    the first `n_bits` principal components; and "itq", a rotation of these learned by
    iterative quantization [2]_. Each is fitted to a draw of at most 3,000 samples, of
    which a tenth are held out as queries. The rule is chosen that has the largest
    recall of their 10 nearest neighbors by the cosine among the first 100 by code, or
    a twentieth of fewer than 2,000 samples. It is then fitted to all samples, rotations
    to at most 10,000.

    Rotations are left out if they have more than 2**24 entries, "itq" above 512 bits,
    "pca_random" if all components are used, and "median" for sparse samples, most of
    whose medians are zero.

    Fit costs O(n_samples * n_bits), times log(n_samples) for medians; "auto" takes
    seconds. Transform costs O(n_samples * n_bits), times n_features with a rotation.

    References
    ----------
    .. [1] A. Shakir, T. Aarsen, S. Lee, "Binary and scalar embedding quantization for
       significantly faster & cheaper retrieval", Hugging Face, 2024.
    .. [2] Y. Gong, S. Lazebnik, "Iterative quantization: a Procrustean approach to
       learning binary codes", CVPR 2011. doi:10.1109/CVPR.2011.5995432

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
        "threshold": [StrOptions({"zero", "mean", "median", "auto"})],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        n_bits: int | None = None,
        *,
        threshold: Literal["zero", "mean", "median", "auto"] = "zero",
        output: Output = "bits",
        random_state: Seed = None,
    ) -> None:
        self.n_bits = n_bits
        self.threshold = threshold
        self.output = output
        self.random_state = random_state

    def _fit(self, X: Rows, y: ArrayLike | None) -> None:
        n_bits = X.shape[1] if self.n_bits is None else self.n_bits
        if n_bits > X.shape[1]:
            raise ValueError(
                "n_bits must be at most the number of features, one per bit; got "
                f"n_bits={n_bits} with n_features={X.shape[1]}."
            )
        if self.threshold == "median" and sp.issparse(X):
            raise ValueError(
                "threshold must be 'zero', 'mean' or 'auto' for sparse X, whose "
                "medians are mostly zero; got 'median'."
            )
        random_state = check_random_state(self.random_state)
        self.rule_: str = self.threshold
        self.recalls_: dict[str, float] | None = None
        if self.threshold == "auto":
            self.rule_, self.recalls_ = choose_rule(
                X, n_bits, random_state=random_state
            )
        rule = RULES[self.rule_](X, n_bits, random_state)
        self.thresholds_, self.components_ = rule.thresholds, rule.components

    def _decision_values(self, X: Rows) -> NDArray[np.floating]:
        return FittedRule(self.thresholds_, self.components_).decision_values(X)

    @property
    def _n_features_out(self) -> int:
        n_bits = len(self.thresholds_)
        return n_bytes(n_bits) if self.output == "packed" else n_bits
