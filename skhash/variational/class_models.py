"""Closed-form models of the features of classes, fitted to beliefs about rows."""

import numpy as np
import scipy.sparse as sp

# How much the words of a row count: rows of unit length carry a log-likelihood of
# about one word.
_WORDS_SCALE = 2.0
_SMOOTHING = 0.1


def class_model(rows, *, multilabel=False):
    """Return the model that fits the rows: words if sparse, Gaussians if dense.

    Parameters
    ----------
    rows : {ndarray, CSR} of shape (n_samples, n_features)
        Scaled rows to learn from: unit length if sparse, standardised if dense.
    multilabel : bool, default=False
        Whether classes are independent; scores are then against not being a member.

    Returns
    -------
    model : WordModel or GaussianModel
    """
    model = WordModel if sp.issparse(rows) else GaussianModel
    return model(rows, multilabel=multilabel)


class WordModel:
    """Naive Bayes: a class is a distribution of words."""

    def __init__(self, rows, *, multilabel):
        self.columns = rows.T.tocsr()
        self.multilabel = multilabel

    def fit(self, beliefs):
        """Learn from class memberships (n_samples, n_classes) of the rows."""
        weights = self._log_frequencies(beliefs)
        if self.multilabel:
            weights -= self._log_frequencies(1 - beliefs)
        self.weights = (_WORDS_SCALE * weights).astype(np.float32)
        return self

    def scores(self, rows):
        """Return log-likelihood ratios (n_rows, n_classes) of scaled rows."""
        return rows @ self.weights

    def _log_frequencies(self, beliefs):
        counts = self.columns @ beliefs + _SMOOTHING
        return np.log(counts / counts.sum(axis=0))


class GaussianModel:
    """Classes are Gaussians of one shared covariance."""

    def __init__(self, rows, *, multilabel):
        self.rows = rows
        self.multilabel = multilabel
        self.covariance = rows.T @ rows / len(rows)

    def fit(self, beliefs):
        """Learn from class memberships (n_samples, n_classes) of the rows."""
        means, sizes = self._means(beliefs)
        if self.multilabel:
            other_means, _ = self._means(1 - beliefs)
            weights = np.linalg.solve(self._within(0), (means - other_means).T)
            offsets = ((means + other_means) / 2 * weights.T).sum(axis=1)
        else:
            between = (means.T * (sizes / len(self.rows))) @ means
            weights = np.linalg.solve(self._within(between), means.T)
            offsets = (means * weights.T).sum(axis=1) / 2
        self.weights = weights.astype(np.float32)
        self.offsets = offsets.astype(np.float32)
        return self

    def scores(self, rows):
        """Return log-likelihood ratios (n_rows, n_classes) of scaled rows."""
        return rows @ self.weights - self.offsets

    def _means(self, beliefs):
        sizes = beliefs.sum(axis=0) + 1e-3
        return (beliefs.T @ self.rows) / sizes[:, None], sizes

    def _within(self, between):
        within = self.covariance - between
        ridge = _SMOOTHING * np.trace(within) / len(within)
        return within + ridge * np.eye(len(within), dtype=within.dtype)
