"""What every hasher promises: rows in, binary codes out."""

from abc import ABCMeta, abstractmethod
from numbers import Integral

import numpy as np
import scipy.sparse as sp
from sklearn.base import (
    BaseEstimator,
    ClassNamePrefixFeaturesOutMixin,
    TransformerMixin,
)
from sklearn.utils import ClassifierTags, gen_batches
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted, validate_data

from skhash.codes import n_bytes
from skhash.metrics import average_precision_at_k_score
from skhash.utils._compat import Interval, StrOptions, fit_context
from skhash.utils._labels import as_array, check_partial_labels

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

    @fit_context(prefer_skip_nested_validation=True)
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
        labeled = check_partial_labels(y, np.shape(X)[0]).labeled
        if not labeled.any():
            raise ValueError(
                "y has no labeled row to score the codes with: all labels are -1, or "
                "y is None. Score on rows with labels, for example with "
                "cv=skhash.model_selection.SemiSupervisedKFold()."
            )
        X = self._check_rows(X, reset=False)[labeled]
        bits = np.concatenate(
            [self._encode(X[rows]) for rows in gen_batches(X.shape[0], ROWS_PER_BLOCK)]
        )
        return average_precision_at_k_score(
            bits.view(np.uint8), as_array(y)[labeled], k=None
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


def _may_know_classes(hasher):
    """Whether the hasher knows classes, or still can get to know some."""
    if getattr(hasher, "classes_", ()) is None:
        raise AttributeError(
            f"This {type(hasher).__name__} was fitted without labels, so that it "
            "cannot predict any. Fit it with y, -1 where a row has no label."
        )
    return True


class ClassPredictorMixin(metaclass=ABCMeta):
    """Prediction of classes, for hashers that were fitted with labels.

    A subclass gives the probabilities in `_class_probabilities`, and fits `classes_`,
    None without labels, and `multilabel_`.
    """

    @abstractmethod
    def _class_probabilities(self, X):
        """Return the class probabilities (n_samples, n_classes) of raw rows."""

    @available_if(_may_know_classes)
    def predict_proba(self, X):
        """Return the class probabilities of rows.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The rows to classify.

        Returns
        -------
        probabilities : ndarray of shape (n_samples, n_classes)
            In the order of `classes_`. Rows sum to 1, but for several labels a row,
            where every class is independent of the others.

        Raises
        ------
        AttributeError
            If the hasher was fitted without labels.
        """
        check_is_fitted(self)
        return self._class_probabilities(X)

    @available_if(_may_know_classes)
    def predict(self, X):
        """Predict the class, or the classes, of rows.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The rows to classify.

        Returns
        -------
        y : ndarray of shape (n_samples,) or (n_samples, n_classes)
            The most likely class; for several labels a row an indicator of those with
            a probability above 1/2.

        Raises
        ------
        AttributeError
            If the hasher was fitted without labels.
        """
        probabilities = self.predict_proba(X)
        if self.multilabel_:
            return (probabilities > 0.5).astype(np.int64)
        return self.classes_[probabilities.argmax(axis=1)]

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        # Not of type "classifier", but one that asks for probabilities looks here.
        tags.classifier_tags = ClassifierTags()
        return tags
