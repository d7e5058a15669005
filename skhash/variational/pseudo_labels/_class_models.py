"""Closed-form models of the features of classes, fitted to class posteriors."""

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from skhash.utils._scaling import Rows

# Weight of the words of a sample: a row of unit length has a log-likelihood of about
# one word.
_WORD_SCALE = 2.0
_SMOOTHING = 0.1
# Of standardized rows.
_MIN_VARIANCE = 1e-6


class MultinomialClassModel:
    """Naive Bayes: a class is a distribution over the features.

    Parameters
    ----------
    rows : CSR of shape (n_samples, n_features)
        Rows of unit length to learn from.

    Attributes
    ----------
    weights : ndarray of shape (n_features, n_classes), float32
        Scaled log probabilities of the features.
    offsets : float32
        0.
    """

    offsets = np.float32(0)

    def __init__(self, rows: sp.csr_array | sp.csr_matrix):
        self.columns = rows.T.tocsr()

    def fit(self, posteriors: NDArray[np.float32]) -> "MultinomialClassModel":
        """Learn from class posteriors (n_samples, n_classes) of the rows."""
        counts = self.columns @ posteriors + _SMOOTHING
        weights = _WORD_SCALE * np.log(counts / counts.sum(axis=0))
        self.weights = weights.astype(np.float32)
        return self

    def scores(self, rows: Rows) -> NDArray:
        """Return log-likelihoods (n_rows, n_classes), up to a constant per row."""
        return rows @ self.weights


class SharedCovarianceClassModel:
    """Gaussian classes with one covariance.

    Parameters
    ----------
    rows : ndarray of shape (n_samples, n_features)
        Standardized rows to learn from.

    Attributes
    ----------
    weights : ndarray of shape (n_features, n_classes), float32
    offsets : ndarray of shape (n_classes,), float32
        The linear discriminant of each class.
    """

    def __init__(self, rows: NDArray):
        self.rows = rows
        self.covariance = rows.T @ rows / len(rows)

    def fit(self, posteriors: NDArray[np.float32]) -> "SharedCovarianceClassModel":
        """Learn from class posteriors (n_samples, n_classes) of the rows."""
        sizes = posteriors.sum(axis=0) + 1e-3
        means = (posteriors.T @ self.rows) / sizes[:, None]
        between = (means.T * (sizes / len(self.rows))) @ means
        within = self.covariance - between
        # Without any variance within classes the matrix would be singular.
        ridge = max(_SMOOTHING * np.trace(within) / len(within), _MIN_VARIANCE)
        within += ridge * np.eye(len(within), dtype=within.dtype)
        weights = np.linalg.solve(within, means.T)
        offsets = -(means * weights.T).sum(axis=1) / 2
        self.weights = weights.astype(np.float32)
        self.offsets = offsets.astype(np.float32)
        return self

    def scores(self, rows: NDArray) -> NDArray:
        """Return log-likelihoods (n_rows, n_classes), up to a constant per row."""
        return rows @ self.weights + self.offsets


ClassModel = MultinomialClassModel | SharedCovarianceClassModel


def class_model(rows: Rows) -> ClassModel:
    """Return the class model for some rows: multinomial if sparse, else Gaussian.

    Parameters
    ----------
    rows : {ndarray, CSR} of shape (n_samples, n_features)
        Scaled rows to learn from: unit length if sparse, standardized if dense.

    Returns
    -------
    model : MultinomialClassModel or SharedCovarianceClassModel
    """
    if sp.issparse(rows):
        return MultinomialClassModel(rows)
    return SharedCovarianceClassModel(rows)
