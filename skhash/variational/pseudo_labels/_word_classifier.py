"""Classify samples by their words, beside a network."""

from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from sklearn.linear_model import Ridge

from skhash.utils._scaling import Rows, unit_length
from skhash.utils._sparse import sparse_product, with_data
from skhash.utils._views import stacked

_SMOOTHING = 0.1
_COMPLEMENT_SMOOTHING = 0.3
# The penalty of the regression for rows of unit length, and the weight of a predicted
# membership of 1 relative to the log-odds of naive Bayes.
_RIDGE = 1.0
_REGRESSION_SCALE = 2.0


class WordClassifier:
    """Sum of complement naive Bayes and ridge regression on words.

    Complement naive Bayes [1]_ describes a class by the words of all other classes. It
    uses rare words, which a network with dropout has seen too few times. Ridge
    regression of the class posteriors weighs words against each other. Samples are
    weighted by the purity of their posteriors, and words by the root mean square of
    their log-count ratios [2]_.

    Parameters
    ----------
    n_features : int
        Number of words.
    n_classes : int
        Number of classes.

    References
    ----------
    .. [1] J. Rennie et al., "Tackling the poor assumptions of naive Bayes text
       classifiers", ICML 2003, equation 7.
    .. [2] S. Wang, C. D. Manning, "Baselines and bigrams: simple, good sentiment and
       topic classification", ACL 2012, section 2.
    """

    def __init__(self, n_features: int, n_classes: int):
        self.counts = np.zeros((n_features, n_classes), dtype=np.float32)
        self.n_updates = 0
        self.regression: Any = np.float32(0)

    def update(self, rows: Rows, posteriors: NDArray[np.float32]) -> "WordClassifier":
        """Learn from scaled rows and their class posteriors, beside earlier ones.

        Word counts add up, and the regressions of all updates are averaged. The word
        weights of the regression are those of the first update.
        """
        self.counts = self.counts + self._count(rows, posteriors)
        self.complement = self._complement()
        if not self.n_updates:
            self.word_weights = self._word_weights()
        # The probability that two draws from the posterior agree.
        purity = np.square(posteriors).sum(axis=1)
        ridge = Ridge(alpha=_RIDGE * purity.mean(), tol=1e-2)
        ridge.fit(stacked(self._weighted(rows)), posteriors, sample_weight=purity)
        found = np.vstack([ridge.coef_.T, ridge.intercept_]).astype(np.float32)
        self.n_updates += 1
        self.regression = self.regression + (found - self.regression) / self.n_updates
        return self

    def scores(self, rows: Rows) -> NDArray:
        """Return log-odds (n_rows, n_classes) of scaled rows, in their precision."""
        weights, intercepts = self.regression[:-1], self.regression[-1]
        memberships = _product(self._weighted(rows), weights) + intercepts
        return _product(rows, self.complement) + _REGRESSION_SCALE * memberships

    def _count(self, rows: Rows, posteriors: NDArray[np.float32]) -> NDArray:
        """Return the counts of the words (n_features, n_classes) of all classes."""
        return rows.T @ posteriors

    def _complement(self) -> NDArray[np.float32]:
        """Return the centered log-odds of the words for complement naive Bayes."""
        others = self.counts.sum(axis=1, keepdims=True) - self.counts
        others += _COMPLEMENT_SMOOTHING
        complement = np.log(others.sum(axis=0)) - np.log(others)
        return complement - complement.mean(axis=1, keepdims=True)

    def _word_weights(self) -> NDArray[np.float32]:
        """Return the root mean square over the classes of the log-count ratios."""
        fractions = self.counts + _SMOOTHING
        fractions /= fractions.sum(axis=0)
        ratios = np.log(fractions / fractions.mean(axis=1, keepdims=True))
        return np.sqrt(np.square(ratios).mean(axis=1))

    def _weighted(self, rows: Rows) -> Rows:
        """Return rows of weighted words, of unit length again."""
        return weighted_words(rows, self.word_weights)


def weighted_words(rows: Rows, word_weights: NDArray[np.float32]) -> Rows:
    """Return rows times weights of their features, of unit length again."""
    weights = word_weights.astype(rows.dtype, copy=False)
    if not sp.issparse(rows):
        return unit_length(rows * weights)
    weighted = with_data(rows, rows.data * weights[rows.indices])
    return unit_length(weighted, copy=False)


def _product(rows: Rows, weights: NDArray[np.float32]) -> NDArray:
    if sp.issparse(rows):
        return sparse_product(rows, weights)
    return rows @ weights.astype(rows.dtype, copy=False)
