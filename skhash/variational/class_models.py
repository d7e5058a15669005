"""Closed-form models of the features of classes, fitted to beliefs about rows."""

import numpy as np
import scipy.sparse as sp
from sklearn.linear_model import Ridge

# How much the words of a row count: rows of unit length carry a log-likelihood of
# about one word.
_WORDS_SCALE = 2.0
_SMOOTHING = 0.1
_COMPLEMENT_SMOOTHING = 0.3
# The penalty of the regression, against rows of unit length, and what a membership of 1
# counts beside the log-odds of naive Bayes.
_RIDGE = 1.0
_REGRESSION_SCALE = 4.0


def class_model(rows):
    """Return the model that fits the rows: words if sparse, Gaussians if dense.

    Parameters
    ----------
    rows : {ndarray, CSR} of shape (n_samples, n_features)
        Scaled rows to learn from: unit length if sparse, standardised if dense.

    Returns
    -------
    model : WordModel or GaussianModel
    """
    model = WordModel if sp.issparse(rows) else GaussianModel
    return model(rows)


class WordModel:
    """Naive Bayes: a class is a distribution of words."""

    offsets = np.float32(0)

    def __init__(self, rows):
        self.columns = rows.T.tocsr()

    def fit(self, beliefs):
        """Learn from class memberships (n_samples, n_classes) of the rows."""
        counts = self.columns @ beliefs + _SMOOTHING
        weights = _WORDS_SCALE * np.log(counts / counts.sum(axis=0))
        self.weights = weights.astype(np.float32)
        return self

    def scores(self, rows):
        """Return log-likelihood ratios (n_rows, n_classes) of scaled rows."""
        return rows @ self.weights


class GaussianModel:
    """Classes are Gaussians of one shared covariance."""

    def __init__(self, rows):
        self.rows = rows
        self.covariance = rows.T @ rows / len(rows)

    def fit(self, beliefs):
        """Learn from class memberships (n_samples, n_classes) of the rows."""
        sizes = beliefs.sum(axis=0) + 1e-3
        means = (beliefs.T @ self.rows) / sizes[:, None]
        between = (means.T * (sizes / len(self.rows))) @ means
        within = self.covariance - between
        ridge = _SMOOTHING * np.trace(within) / len(within)
        within += ridge * np.eye(len(within), dtype=within.dtype)
        weights = np.linalg.solve(within, means.T)
        offsets = -(means * weights.T).sum(axis=1) / 2
        self.weights = weights.astype(np.float32)
        self.offsets = offsets.astype(np.float32)
        return self

    def scores(self, rows):
        """Return log-likelihood ratios (n_rows, n_classes) of scaled rows."""
        return rows @ self.weights + self.offsets


class WordEvidence:
    """What the words of a row say of its class, told by two linear models.

    Complement naive Bayes [1]_ knows a class by the words that all others lack, and
    hears rare words, which a network that saw them a few times under dropout has not
    learned to hear. Ridge regression of the class memberships, where a row counts by
    how sure it is, weighs the words against each other.

    Parameters
    ----------
    n_features : int
        The number of words.
    n_classes : int
        The number of classes.

    References
    ----------
    .. [1] J. Rennie et al., "Tackling the poor assumptions of naive Bayes text
       classifiers", ICML 2003, equation 7.
    """

    def __init__(self, n_features, n_classes):
        self.counts = np.zeros((n_features, n_classes), dtype=np.float32)
        self.n_lessons = 0
        self.coefficients = np.float32(0)
        self.intercepts = np.float32(0)

    def learn(self, rows, beliefs):
        """Learn from scaled rows and their class distributions, after earlier ones.

        Words are counted on, and the regressions of all lessons averaged.
        """
        self.counts += rows.T @ beliefs
        others = self.counts.sum(axis=1, keepdims=True) - self.counts
        others += _COMPLEMENT_SMOOTHING
        weights = np.log(others.sum(axis=0)) - np.log(others)
        weights -= weights.mean(axis=1, keepdims=True)

        # How likely two draws of the row's class agree.
        sureness = np.square(beliefs).sum(axis=1)
        ridge = Ridge(alpha=_RIDGE * sureness.mean(), tol=1e-2)
        ridge.fit(rows, beliefs, sample_weight=sureness)
        self.n_lessons += 1
        self.coefficients += (ridge.coef_.T - self.coefficients) / self.n_lessons
        self.intercepts += (ridge.intercept_ - self.intercepts) / self.n_lessons

        weights += _REGRESSION_SCALE * self.coefficients
        self.weights = weights.astype(np.float32)
        self.offsets = (_REGRESSION_SCALE * self.intercepts).astype(np.float32)
        return self

    def scores(self, rows):
        """Return log-odds (n_rows, n_classes) of scaled rows, in their precision."""
        weights, offsets = (
            part.astype(rows.dtype, copy=False) for part in (self.weights, self.offsets)
        )
        return rows @ weights + offsets
