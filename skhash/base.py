"""What every hasher promises: rows in, binary codes out."""

from abc import ABCMeta, abstractmethod
from numbers import Integral

import numpy as np
import scipy.sparse as sp
from sklearn.base import (
    BaseEstimator,
    ClassNamePrefixFeaturesOutMixin,
    TransformerMixin,
    _fit_context,
)
from sklearn.utils import gen_batches
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import check_is_fitted, validate_data

from skhash._labels import as_array, check_partial_labels
from skhash.codes import n_bytes
from skhash.metrics import average_precision_at_k_score

# Rows encoded at a time: enough to keep the matrix products busy, and few enough that
# the real numbers behind the bits never exist for the whole collection.
ROWS_PER_BLOCK = 4096


class BaseHasher(
    ClassNamePrefixFeaturesOutMixin,
    TransformerMixin,
    BaseEstimator,
    metaclass=ABCMeta,
):
    """Base class of all hashers.

    A hasher is a transformer whose output is a binary code for each row. A subclass
    stores its parameters, learns in `_fit` and says in `_encode` which bits a block of
    rows gets; validation, blocks, packing, names and scoring are here.

    Parameters
    ----------
    n_bits : int
        The length of the codes.
    output : {"bits", "packed"}
        The form of the codes, see :meth:`transform`.
    """

    _parameter_constraints: dict = {
        "n_bits": [Interval(Integral, 1, None, closed="left")],
        "output": [StrOptions({"bits", "packed"})],
    }

    @abstractmethod
    def _fit(self, X, y):
        """Learn from validated rows `X` (CSR or dense, float) and raw labels `y`."""

    @abstractmethod
    def _encode(self, X):
        """Return the bits of validated rows as booleans, (n_samples, n_bits)."""

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y=None):
        """Learn the hash function.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The training rows. Sparse input is used as CSR and never densified.
        y : array-like of shape (n_samples,) or (n_samples, n_classes), default=None
            Labels, -1 where there is none. Several labels a row are an indicator, dense
            or sparse, in which a row of all -1 has none; labels in doubt are rows of
            class probabilities. Hashers that learn without labels ignore them.

        Returns
        -------
        self : object
            The fitted hasher.

        Raises
        ------
        ValueError
            If `X` holds NaN or infinity, or `y` does not fit `X`.
        """
        X = self._check_rows(X, reset=True)
        self._fit(X, y)
        return self

    def transform(self, X):
        """Encode rows.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The rows to encode.

        Returns
        -------
        codes : ndarray, uint8, C order
            With ``output="bits"`` of shape (n_samples, n_bits), zeros and ones. With
            ``output="packed"`` of shape (n_samples, ceil(n_bits / 8)), in the order of
            :func:`numpy.packbits`: the first bit is the highest bit of the first byte,
            and padding bits are zero.

        Raises
        ------
        ValueError
            If `X` has another number of features than the training rows, or holds NaN
            or infinity.
        """
        check_is_fitted(self)
        X = self._check_rows(X, reset=False)
        n_samples = X.shape[0]
        codes = np.empty((n_samples, self._n_features_out), dtype=np.uint8)
        for rows in gen_batches(n_samples, ROWS_PER_BLOCK):
            bits = self._encode(X[rows])
            codes[rows] = np.packbits(bits, axis=1) if self.output == "packed" else bits
        return codes

    def score(self, X, y):
        """Return how well the codes of rows retrieve rows of the same label.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows that are both queries and index.
        y : array-like of shape (n_samples,) or (n_samples, n_classes)
            Their labels: classes or an indicator, no probabilities. Rows without a
            label (-1) are left out; of several labels a row one in common is enough.

        Returns
        -------
        score : float
            The mean average precision, in [0, 1], of leave-one-out retrieval: every
            row queries all others. Ties in Hamming distance count by expectation over
            a random order.

        Raises
        ------
        ValueError
            If no row has a label, only one has, or no two rows have one in common.
        """
        check_is_fitted(self)
        labelled = check_partial_labels(y, np.shape(X)[0]).labelled
        if not labelled.any():
            raise ValueError(
                "y has no labelled row to score the codes with: all labels are -1, or "
                "y is None. Score on rows with labels, for example with "
                "cv=skhash.model_selection.SemiSupervisedKFold()."
            )
        X = self._check_rows(X, reset=False)[labelled]
        bits = np.concatenate(
            [self._encode(X[rows]) for rows in gen_batches(X.shape[0], ROWS_PER_BLOCK)]
        )
        return average_precision_at_k_score(
            bits.view(np.uint8), as_array(y)[labelled], k=None
        )

    def _check_rows(self, X, *, reset):
        X = validate_data(
            self, X, accept_sparse="csr", dtype=[np.float64, np.float32], reset=reset
        )
        if sp.issparse(X) and not X.has_canonical_format:
            # A value in two parts is not the same to a norm, nor to a logarithm.
            X = X.copy()
            X.sum_duplicates()
        return X

    @property
    def _n_features_out(self):
        return n_bytes(self.n_bits) if self.output == "packed" else self.n_bits

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.transformer_tags.preserves_dtype = []
        return tags


def last_step(estimator):
    """Return the estimator that has the last word on the codes of another one.

    Parameters
    ----------
    estimator : estimator
        A fitted hasher, or a Pipeline or a search by scikit-learn around one.

    Returns
    -------
    last : estimator
        The last step that does something, of the best estimator found; `estimator`
        itself if it has no parts.
    """
    if hasattr(estimator, "best_estimator_"):
        return last_step(estimator.best_estimator_)
    steps = [step for _, step in getattr(estimator, "steps", ())]
    steps = [step for step in steps if step not in (None, "passthrough")]
    return last_step(steps[-1]) if steps else estimator
