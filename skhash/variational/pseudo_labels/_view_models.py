"""Latent space, class models and classifier of samples that have several views."""

from collections.abc import Sequence

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from sklearn.preprocessing import normalize

from skhash.utils._scaling import Scaler
from skhash.utils._typing import Rows
from skhash.utils._views import ViewRows, ViewScaler
from skhash.variational.pseudo_labels._class_models import ClassModel, class_model
from skhash.variational.pseudo_labels._graph import LatentSpace
from skhash.variational.pseudo_labels._word_classifier import (
    WordClassifier,
    weighted_words,
)

# The penalty of the regression that predicts a view from the others, relative to the
# number of samples: coordinates of rows of unit length.
_RIDGE = 1e-3


class ViewLatentSpace:
    """The latent spaces of several views side by side.

    Each view has the same weight. The coordinates of a view that a sample lacks are
    predicted from those of its other views by ridge regression on the samples that have
    all views.

    Parameters
    ----------
    rows : ViewRows
        Scaled rows to learn from.
    n_components : int
        The largest number of dimensions of each view.
    random_state : RandomState
        Seeds the randomized SVD.
    """

    def __init__(
        self, rows: ViewRows, n_components: int, random_state: np.random.RandomState
    ):
        self.spaces = [
            LatentSpace(_features(block), n_components, random_state)
            for block in rows.blocks
        ]
        parts = self._parts(rows)
        complete = rows.present().all(axis=1)
        self.regressions = [
            _ridge([part[complete] for part in parts], missing)
            for missing in range(len(parts))
        ]
        # The leading dimensions of all views first, as in one space.
        ranks = np.concatenate([np.arange(part.shape[1]) for part in parts])
        self.order = np.argsort(ranks, kind="stable")

    def _parts(self, rows: ViewRows) -> list[NDArray[np.float64]]:
        """Return the coordinates of each view, of unit length where it is present."""
        parts = []
        for space, block in zip(self.spaces, rows.blocks):
            features = _features(block).astype(np.float64)
            if space.components is not None:
                features = features @ space.components.astype(np.float64)
            elif sp.issparse(features):
                features = features.toarray()
            parts.append(normalize(features))
        return parts

    def coordinates(self, rows: ViewRows) -> NDArray[np.float64]:
        """Return rows as vectors of length 1 (0 for a row without any view)."""
        parts, present = self._parts(rows), rows.present()
        filled = []
        for view, (part, weights) in enumerate(zip(parts, self.regressions)):
            others = [each for other, each in enumerate(parts) if other != view]
            lacking = ~present[:, view]
            if others and lacking.any():
                predicted = np.hstack([each[lacking] for each in others]) @ weights
                part = part.copy()
                part[lacking] = normalize(predicted)
            filled.append(part)
        return normalize(np.hstack(filled)[:, self.order])

    def transform(self, rows: ViewRows) -> NDArray[np.float32]:
        """Return the coordinates in single precision."""
        return self.coordinates(rows).astype(np.float32)


def _features(block: Rows) -> Rows:
    """Return a block without the column that says which rows have the view."""
    return block if sp.issparse(block) else block[:, :-1]


def _ridge(parts: list[NDArray], missing: int) -> NDArray[np.float64]:
    """Return the weights that predict the coordinates of one view from the others."""
    others = [part for view, part in enumerate(parts) if view != missing]
    if not others:
        return np.zeros((0, parts[missing].shape[1]))
    inputs = np.hstack(others)
    gram = inputs.T @ inputs
    gram[np.diag_indices_from(gram)] += _RIDGE * len(inputs) + 1e-9
    return np.linalg.solve(gram, inputs.T @ parts[missing])


class ViewClassModel:
    """The product of the class models of all views.

    Parameters
    ----------
    rows : ViewRows
        Scaled rows to learn from.

    Attributes
    ----------
    weights : ndarray of shape (n_columns, n_classes), float32
        Weights of the log-likelihoods. Offsets of a view are the weights of the column
        that says which rows have it.
    offsets : float32
        0.
    """

    offsets = np.float32(0)

    def __init__(self, rows: ViewRows):
        self.present = rows.present().T
        self.models: list[ClassModel] = [
            class_model(_features(block)[present])
            for block, present in zip(rows.blocks, self.present)
        ]

    def fit(self, posteriors: NDArray[np.float32]) -> "ViewClassModel":
        """Learn from class posteriors (n_samples, n_classes) of the rows."""
        weights = []
        for model, present in zip(self.models, self.present):
            model.fit(posteriors[present])
            weights.append(model.weights)
            if np.ndim(model.offsets):
                weights.append(np.asarray(model.offsets)[None])
        self.weights = np.vstack(weights)
        return self

    def scores(self, rows: ViewRows) -> NDArray:
        """Return log-likelihoods (n_rows, n_classes), up to a constant per row."""
        return rows @ self.weights


class ViewClassifier(WordClassifier):
    """Naive Bayes of the words of all views, and ridge regression of all features.

    Parameters
    ----------
    widths : sequence of int
        Number of columns of each view.
    is_words : sequence of bool
        Which views are words.
    n_classes : int
        Number of classes.
    """

    def __init__(self, widths: Sequence[int], is_words: Sequence[bool], n_classes: int):
        super().__init__(sum(widths), n_classes)
        self.is_word = np.repeat(is_words, widths)

    def _count(self, rows: ViewRows, posteriors: NDArray[np.float32]) -> NDArray:
        return np.vstack(
            [
                block.T @ posteriors
                if sp.issparse(block)
                else np.zeros((block.shape[1], posteriors.shape[1]), dtype=np.float32)
                for block in rows.blocks
            ]
        )

    def _complement(self) -> NDArray[np.float32]:
        return np.where(self.is_word[:, None], super()._complement(), 0)

    def _word_weights(self) -> NDArray[np.float32]:
        return np.where(self.is_word, super()._word_weights(), 1)

    def _weighted(self, rows: ViewRows) -> ViewRows:
        """Return rows of weighted words, of unit length again."""
        weights = np.split(self.word_weights, np.cumsum(rows.widths)[:-1])
        return ViewRows(
            [
                weighted_words(block, each) if sp.issparse(block) else block
                for block, each in zip(rows.blocks, weights)
            ]
        )


def latent_space(
    rows: Rows | ViewRows, n_components: int, random_state: np.random.RandomState
) -> LatentSpace | ViewLatentSpace:
    """Return the latent space of scaled rows, of one view or of several."""
    if isinstance(rows, ViewRows):
        return ViewLatentSpace(rows, n_components, random_state)
    return LatentSpace(rows, n_components, random_state)


def row_class_model(rows: Rows | ViewRows) -> ClassModel | ViewClassModel:
    """Return the class model of scaled rows, of one view or of several."""
    return ViewClassModel(rows) if isinstance(rows, ViewRows) else class_model(rows)


def feature_classifier(
    rows: Rows | ViewRows, scaler: Scaler | ViewScaler, n_classes: int
) -> WordClassifier:
    """Return a new classifier of scaled rows, of one view or of several."""
    if isinstance(scaler, ViewScaler):
        return ViewClassifier(rows.widths, scaler.is_words, n_classes)
    return WordClassifier(rows.shape[1], n_classes)
