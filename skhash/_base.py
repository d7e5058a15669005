"""Base class of all hashers, and of those that predict classes."""

from abc import ABCMeta, abstractmethod
from numbers import Integral
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import ArrayLike, NDArray
from sklearn.base import (
    BaseEstimator,
    ClassNamePrefixFeaturesOutMixin,
    TransformerMixin,
)
from sklearn.utils import ClassifierTags, Tags
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted, validate_data

from skhash.codes import n_bytes
from skhash.metrics import average_precision_at_k_score
from skhash.utils._compat import Interval, StrOptions, fit_context
from skhash.utils._documentation import DocumentedMixin
from skhash.utils._labels import as_array, check_partial_labels, warn_of_unlabeled
from skhash.utils._masked import refuse_masked
from skhash.utils._rows import is_valid, row_blocks, take_block
from skhash.utils._sparse import plain_rows
from skhash.utils._state import VersionedStateMixin, replace_state, snapshot


class BaseHasher(
    ClassNamePrefixFeaturesOutMixin,
    TransformerMixin,
    VersionedStateMixin,
    DocumentedMixin,
    BaseEstimator,
    metaclass=ABCMeta,
):
    """Base class of all hashers: transformers whose output is binary codes.

    A subclass stores its parameters, learns in `_fit`, and returns real numbers whose
    signs are the bits of a block of samples in `_decision_values`. This class validates
    input, encodes in blocks, packs codes, names the output columns and scores codes.

    Parameters
    ----------
    n_bits : int
        Length of the codes.
    output : {"bits", "packed"}
        Form of the codes, see :meth:`transform`.
    """

    _parameter_constraints: dict = {
        "n_bits": [Interval(Integral, 1, None, closed="left")],
        "output": [StrOptions({"bits", "packed"})],
    }

    # True for finite values only.
    _ALLOWED_VALUES: bool | str = True
    # Parameters beside n_bits that encoding reads, and that must stay those of fit.
    _encoding_parameters: tuple[str, ...] = ()

    @abstractmethod
    def _fit(self, X: Any, y: Any) -> None:
        """Learn from validated samples `X` (CSR or dense, float) and raw labels `y`.

        Runs on a copy of the hasher: it must replace fitted attributes, and not change
        them in place.
        """

    @abstractmethod
    def _decision_values(self, X: Any) -> NDArray[np.floating]:
        """Return real numbers (n_samples, n_bits), above 0 where a bit is set."""

    def _encode(self, X: Any) -> NDArray[np.bool_]:
        """Return the bits (n_samples, n_bits) of validated samples."""
        return self._decision_values(X) > 0

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: ArrayLike, y: ArrayLike | None = None) -> "BaseHasher":
        """Learn the hash function.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Training samples. Sparse input is used as CSR and never densified.
        y : array-like of shape (n_samples,) or (n_samples, n_classes), default=None
            Labels, -1 for unlabeled samples. Several labels per sample are an
            indicator matrix, dense or sparse, in which a row of all -1 is unlabeled;
            uncertain labels are rows of class probabilities. Ignored by hashers that
            learn without labels.

        Returns
        -------
        self : object
            The fitted hasher.

        Raises
        ------
        ValueError
            If `X` holds NaN or infinity, or `y` does not fit `X`. A hasher that was
            fitted before stays as it was, as after any other exception.
        """
        replace_state(self, type(self)._fit_checked, X, y)
        return self

    def _fit_checked(self, X: ArrayLike, y: ArrayLike | None) -> None:
        self._fit(self._check_samples(X, reset=True), y)

    def transform(self, X: ArrayLike) -> NDArray[np.uint8]:
        """Encode samples.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Samples to encode.

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
            If `X` has another number of features than the training samples, or holds
            NaN or infinity.
        """
        hasher = snapshot(self)
        check_is_fitted(hasher)
        hasher._check_parameters()
        samples = hasher._check_samples(X, reset=False)
        codes = np.empty((samples.shape[0], hasher._n_features_out), dtype=np.uint8)
        for block in row_blocks(samples.shape[0]):
            bits = hasher._encode(take_block(samples, block))
            packed = hasher.output == "packed"
            codes[block] = np.packbits(bits, axis=1) if packed else bits
        return codes

    def decision_function(self, X: ArrayLike) -> NDArray[np.floating]:
        """Return the real numbers whose signs are the bits of the codes.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Samples to encode.

        Returns
        -------
        values : ndarray of shape (n_samples, n_bits), float32 or float64
            How far each bit is from the other value: projections less thresholds, or
            the log-odds of a network. :meth:`transform` sets the bits above 0. The
            signs do not depend on the other samples; rounding errors do.

        Raises
        ------
        ValueError
            If `X` has another number of features than the training samples, or holds
            NaN or infinity.

        Notes
        -----
        These are queries for ``HammingNearestNeighbors.asymmetric_kneighbors``.
        """
        hasher = snapshot(self)
        check_is_fitted(hasher)
        hasher._check_parameters()
        samples = hasher._check_samples(X, reset=False)
        blocks = row_blocks(samples.shape[0])
        return np.concatenate([hasher._decision_values(samples[b]) for b in blocks])

    def score(self, X: ArrayLike, y: ArrayLike) -> float:
        """Return the mean average precision of retrieval by the codes of samples.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Samples that are both queries and database.
        y : array-like of shape (n_samples,) or (n_samples, n_classes)
            Their labels: classes or an indicator matrix, no probabilities. Unlabeled
            samples (-1) are left out; of several labels per sample, one in common
            makes two samples relevant to each other.

        Returns
        -------
        score : float
            The mean average precision, in [0, 1], of leave-one-out retrieval: every
            sample queries all others. Ties in Hamming distance count by expectation
            over a random order.

        Raises
        ------
        ValueError
            If no sample has a label, only one has, or no two samples share one.
        """
        hasher = snapshot(self)
        check_is_fitted(hasher)
        hasher._check_parameters()
        labels = check_partial_labels(y, np.shape(X)[0])
        labeled = labels.labeled
        if not labeled.any():
            raise ValueError(
                "y has no labeled row to score the codes with: all labels are -1, or "
                "y is None. Score on samples with labels, for example with "
                "cv=skhash.model_selection.SemiSupervisedKFold()."
            )
        warn_of_unlabeled(labels)
        samples = hasher._check_samples(X, reset=False)[labeled]
        bits = np.concatenate(
            [hasher._encode(samples[block]) for block in row_blocks(samples.shape[0])]
        )
        return float(
            average_precision_at_k_score(
                bits.view(np.uint8), as_array(y)[labeled], k=None
            )
        )

    def _check_samples(self, X: ArrayLike, *, reset: bool) -> Any:
        """Return samples as CSR or as a dense array; `reset` in fit."""
        samples: Any = X
        if reset or not self._is_valid(X):
            refuse_masked(X)
            samples = validate_data(
                self,
                X,
                accept_sparse="csr",
                dtype=[np.float64, np.float32],
                # Sums round otherwise in another order, and so might the directions.
                order="C" if reset else None,
                reset=reset,
                ensure_all_finite=self._ALLOWED_VALUES,
            )
        if reset:
            self._n_fitted_bits = self.n_bits
            names = self._encoding_parameters
            self._fitted_with = {name: getattr(self, name) for name in names}
        return plain_rows(samples) if sp.issparse(samples) else samples

    def _is_valid(self, X: Any) -> bool:
        """Return True where validation would return `X` itself without a warning."""
        attributes = vars(self)
        if "feature_names_in_" in attributes or "n_features_in_" not in attributes:
            return False
        return is_valid(X, self.n_features_in_)

    def _check_parameters(self) -> None:
        """Raise if a parameter that encoding reads was changed after fit."""
        if self.n_bits != self._n_fitted_bits:
            raise ValueError(
                f"n_bits was set to {self.n_bits} after fit, which learned "
                f"{self._n_fitted_bits} bits. Call fit again, or set n_bits back to "
                f"{self._n_fitted_bits}."
            )
        # Files and pickles of earlier versions have none.
        for name, fitted in getattr(self, "_fitted_with", {}).items():
            if getattr(self, name) != fitted:
                raise ValueError(
                    f"{name} was set to {getattr(self, name)!r} after fit, which used "
                    f"{fitted!r}. Call fit again, or set {name} back to {fitted!r}."
                )

    @property
    def _n_features_out(self) -> int:
        n_bits = self._n_fitted_bits
        return n_bytes(n_bits) if self.output == "packed" else n_bits

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.transformer_tags.preserves_dtype = []
        return tags


def _has_classes(hasher: "ClassPredictorMixin") -> bool:
    """Return True unless the hasher was fitted without labels."""
    if getattr(hasher, "classes_", ()) is None:
        raise AttributeError(
            f"This {type(hasher).__name__} was fitted without labels, so that it "
            "cannot predict any. Fit it with y, -1 for unlabeled samples."
        )
    return True


class ClassPredictorMixin(metaclass=ABCMeta):
    """Predict classes, in hashers that are fitted with labels.

    A subclass returns probabilities in `_class_probabilities`, and fits `classes_`,
    None without labels, and `multilabel_`.
    """

    classes_: Any
    multilabel_: bool

    @abstractmethod
    def _class_probabilities(self, X: ArrayLike) -> NDArray:
        """Return the class probabilities (n_samples, n_classes) of raw samples."""

    @available_if(_has_classes)
    def predict_proba(self, X: ArrayLike) -> NDArray:
        """Return the class probabilities of samples.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Samples to classify.

        Returns
        -------
        probabilities : ndarray of shape (n_samples, n_classes)
            In the order of `classes_`. Rows sum to 1, except with several labels per
            sample, where each class is independent of the others.

        Raises
        ------
        AttributeError
            If the hasher was fitted without labels.
        """
        check_is_fitted(self)
        return self._class_probabilities(X)

    @available_if(_has_classes)
    def predict(self, X: ArrayLike) -> NDArray:
        """Predict the class, or the classes, of samples.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Samples to classify.

        Returns
        -------
        y : ndarray of shape (n_samples,) or (n_samples, n_classes)
            The most likely class; with several labels per sample an indicator matrix
            of those with a probability above 1/2.

        Raises
        ------
        AttributeError
            If the hasher was fitted without labels.
        """
        hasher = snapshot(self)
        probabilities = hasher.predict_proba(X)
        if hasher.multilabel_:
            return (probabilities > 0.5).astype(np.int64)
        return hasher.classes_[probabilities.argmax(axis=1)]

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()  # type: ignore[misc]
        # Not of type "classifier", but scorers that need probabilities look here.
        tags.classifier_tags = ClassifierTags()
        return tags
