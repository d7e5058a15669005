"""Closed-form models of the features of classes, fitted to beliefs about rows."""

import numpy as np
import scipy.sparse as sp
from sklearn.linear_model import Ridge
from sklearn.preprocessing import normalize

# How much the words of a row count: rows of unit length carry a log-likelihood of
# about one word.
_WORDS_SCALE = 2.0
_SMOOTHING = 0.1
_COMPLEMENT_SMOOTHING = 0.3
# Of standardized rows.
_LEAST_VARIANCE = 1e-6
# The penalty of the regression, against rows of unit length, and what a membership of 1
# counts beside the log-odds of naive Bayes.
_RIDGE = 1.0
_REGRESSION_SCALE = 2.0


def class_model(rows):
    """Return the model that fits the rows: words if sparse, Gaussians if dense.

    Parameters
    ----------
    rows : {ndarray, CSR} of shape (n_samples, n_features)
        Scaled rows to learn from: unit length if sparse, standardized if dense.

    Returns
    -------
    model : MultinomialClassModel or SharedCovarianceClassModel
    """
    model = MultinomialClassModel if sp.issparse(rows) else SharedCovarianceClassModel
    return model(rows)


class MultinomialClassModel:
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


class SharedCovarianceClassModel:
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
        # Where the rows of a class are all the same, any other row is far from it.
        ridge = max(_SMOOTHING * np.trace(within) / len(within), _LEAST_VARIANCE)
        within += ridge * np.eye(len(within), dtype=within.dtype)
        weights = np.linalg.solve(within, means.T)
        offsets = -(means * weights.T).sum(axis=1) / 2
        self.weights = weights.astype(np.float32)
        self.offsets = offsets.astype(np.float32)
        return self

    def scores(self, rows):
        """Return log-likelihood ratios (n_rows, n_classes) of scaled rows."""
        return rows @ self.weights + self.offsets


class WordClassifier:
    """What the words of a row say of its class, told by two linear models.

    Complement naive Bayes [1]_ knows a class by the words that all others lack, and
    hears rare words, which a network that saw them a few times under dropout has not
    learned to hear. Ridge regression of the class memberships, where a row counts by
    how sure it is, weighs the words against each other, after words that tell classes
    apart were made to count more, by the log-count ratios of naive Bayes [2]_.

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
    .. [2] S. Wang, C. D. Manning, "Baselines and bigrams: simple, good sentiment and
       topic classification", ACL 2012, section 2.
    """

    def __init__(self, n_features, n_classes):
        self.counts = np.zeros((n_features, n_classes), dtype=np.float32)
        self.n_lessons = 0
        self.regression = np.float32(0)

    def learn(self, rows, beliefs):
        """Learn from scaled rows and their class distributions, after earlier ones.

        Words are counted on, and the regressions of all lessons averaged; what a word
        counts in them stays as the first lesson has it.
        """
        self.counts += rows.T @ beliefs
        others = self.counts.sum(axis=1, keepdims=True) - self.counts
        others += _COMPLEMENT_SMOOTHING
        complement = np.log(others.sum(axis=0)) - np.log(others)
        self.complement = complement - complement.mean(axis=1, keepdims=True)

        if not self.n_lessons:
            self.importance = self._importance()
        # How likely two draws of the row's class agree.
        sureness = np.square(beliefs).sum(axis=1)
        ridge = Ridge(alpha=_RIDGE * sureness.mean(), tol=1e-2)
        ridge.fit(self._by_importance(rows), beliefs, sample_weight=sureness)
        found = np.vstack([ridge.coef_.T, ridge.intercept_]).astype(np.float32)
        self.n_lessons += 1
        self.regression = self.regression + (found - self.regression) / self.n_lessons
        return self

    def scores(self, rows):
        """Return log-odds (n_rows, n_classes) of scaled rows, in their precision."""
        complement, regression = (
            part.astype(rows.dtype, copy=False)
            for part in (self.complement, self.regression)
        )
        memberships = self._by_importance(rows) @ regression[:-1] + regression[-1]
        return rows @ complement + _REGRESSION_SCALE * memberships

    def _importance(self):
        """Return by how much, root mean square, classes differ in the log of a word."""
        shares = self.counts + _SMOOTHING
        shares /= shares.sum(axis=0)
        ratios = np.log(shares / shares.mean(axis=1, keepdims=True))
        return np.sqrt(np.square(ratios).mean(axis=1))

    def _by_importance(self, rows):
        """Return rows in which words count by importance, of unit length again."""
        importance = self.importance.astype(rows.dtype, copy=False)
        if not sp.issparse(rows):
            return normalize(rows * importance)
        weighed = rows.copy()
        weighed.data *= importance[rows.indices]
        return normalize(weighed, copy=False)
