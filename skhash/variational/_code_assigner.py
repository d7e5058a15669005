"""Assign codes by the logits of a network and the class posteriors of a sample."""

import copy
from collections.abc import Callable
from numbers import Real

import numpy as np
import scipy.sparse as sp
import torch
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from torch import Tensor
from torch.nn import functional as F

from skhash.utils._compat import Interval
from skhash.utils._documentation import DocumentedMixin
from skhash.utils._labels import PartialLabels
from skhash.utils._rows import row_blocks
from skhash.utils._scaling import Rows
from skhash.utils._state import VersionedStateMixin
from skhash.variational._confidence import (
    MIN_BITS_FOR_TIE_BREAK,
    class_log_odds,
    confidence_thresholds,
    flip_tie_break_bits,
)
from skhash.variational._trainer import TrainingTask
from skhash.variational.nn._dense_ops import by_torch, near_zero
from skhash.variational.nn._networks import BernoulliAutoencoder
from skhash.variational.pseudo_labels._label_lookup import LabelLookup
from skhash.variational.pseudo_labels._view_models import feature_classifier
from skhash.variational.pseudo_labels._word_classifier import WordClassifier

# Codes that differ from a codeword in at most this fraction of the bits are near it.
_NEAR_CODEWORD = 0.1
# Samples whose posteriors are computed at a time in fit, where the state of the
# optimizer takes memory too.
_ROWS_PER_BLOCK = 512
# The word classifier learns from this many samples at most.
_MAX_WORD_SAMPLES = 20_000
# Confidence thresholds are quantiles of this many unlabeled samples at most.
_MAX_UNLABELED_SAMPLES = 4096
# Keeps the log posterior of a looked-up label finite.
_MIN_DOUBT = 1e-6

Encode = Callable[[Rows], NDArray]


class CodeAssigner(VersionedStateMixin, DocumentedMixin, BaseEstimator):
    """Move the codes of samples towards the codewords of their likely classes.

    A part of :class:`~skhash.SSBVAEHasher`. The posterior of a sample combines the
    label head of the network, a word classifier, and the label of the sample if it is a
    training sample. Its logits are moved towards the mean codeword under the posterior.
    With few labels, most samples of a class then share one code, and their order in a
    search is arbitrary. One bit is therefore inverted in the codes of samples with low
    confidence, so that samples with high confidence are found first.

    Parameters
    ----------
    codeword_weight : float, default=0.5
        How far a logit is moved towards the codewords, in standard deviations of a
        logit, at least 0. More makes the codes of a class more similar and leaves less
        to distinguish its samples.
    word_classifier_weight : float, default=3.0
        The weight, at least 0, of the word classifier in the log posterior: complement
        naive Bayes and ridge regression, fitted after training to labels and
        predictions. Applies to sparse non-negative samples with one label each.
    use_training_labels : bool, default=True
        Whether the label of a training sample, found by its features, is used when the
        sample is encoded: labeled samples of an index are then found before those whose
        class was predicted. Takes 4 (n_classes + 3) bytes per labeled sample.
    low_confidence_fraction : float, default=0.7
        The fraction of the unlabeled training samples of each predicted class, in
        [0, 1), that count as samples with low confidence. In the codes of samples of
        lower confidence than the others, trained on or not, the bit of median margin
        among each 32 is inverted, if the bits of the network differ from the codeword
        of the class in at most a tenth. Applies to codes of 16 bits or more and one
        label per sample.

    See Also
    --------
    skhash.SSBVAEHasher : The hasher that uses it.

    Examples
    --------
    >>> from skhash import SSBVAEHasher
    >>> from skhash.variational import CodeAssigner
    >>> hasher = SSBVAEHasher(code_assigner=CodeAssigner(codeword_weight=0.25))
    """

    _parameter_constraints: dict = {
        "codeword_weight": [Interval(Real, 0, None, closed="left")],
        "word_classifier_weight": [Interval(Real, 0, None, closed="left")],
        "use_training_labels": ["boolean"],
        "low_confidence_fraction": [Interval(Real, 0, 1, closed="left")],
    }

    # How strongly codewords attract, relative to the others; None: all alike.
    _pulls: NDArray[np.float32] | None = None

    def __init__(
        self,
        *,
        codeword_weight: float = 0.5,
        word_classifier_weight: float = 3.0,
        use_training_labels: bool = True,
        low_confidence_fraction: float = 0.7,
    ):
        self.codeword_weight = codeword_weight
        self.word_classifier_weight = word_classifier_weight
        self.use_training_labels = use_training_labels
        self.low_confidence_fraction = low_confidence_fraction

    def fit(
        self,
        X: Rows,
        labels: PartialLabels,
        *,
        network: BernoulliAutoencoder,
        task: TrainingTask,
        encode: Encode,
        label_smoothing: float,
        random_state: np.random.RandomState,
        previous: "CodeAssigner | None" = None,
    ) -> "CodeAssigner":
        """Fit to a trained network.

        Parameters
        ----------
        X : {ndarray, CSR} of shape (n_samples, n_features)
            The training samples.
        labels : PartialLabels
            Their labels.
        network : BernoulliAutoencoder
            The trained network, with label heads.
        task : TrainingTask
            The task of the network.
        encode : callable
            Returns the last hidden layer (n_rows, n_hidden) of rows.
        label_smoothing : float
            The fraction of a label that is spread over all classes.
        random_state : RandomState
            Draws samples and hash keys.
        previous : CodeAssigner, default=None
            What was fitted to earlier chunks of the same collection, and is continued.

        Returns
        -------
        self : CodeAssigner
        """
        self._network, self._task = network, task
        self._word_classifier: WordClassifier | None = None
        self._label_lookup: LabelLookup | None = None
        self._thresholds: NDArray[np.float32] | None = None
        if previous is not None:
            # Shallow copies, since an update replaces their arrays.
            self._label_lookup = copy.copy(previous._label_lookup)
            self._thresholds = previous._thresholds
        targets = labels.aligned(task.classes)
        if self.use_training_labels and labels.labeled.any():
            self._learn_labels(
                X[labels.labeled],
                targets[labels.labeled],
                label_smoothing,
                random_state,
            )
        if task.multilabel:
            return self
        order = random_state.permutation(X.shape[0])
        if _has_words(X, task):
            rows = np.sort(order[:_MAX_WORD_SAMPLES])
            earlier = copy.copy(getattr(previous, "_word_classifier", None))
            self._learn_words(
                X[rows], targets[rows], labels.labeled[rows], encode, earlier
            )
        unlabeled = order[~labels.labeled[order]][:_MAX_UNLABELED_SAMPLES]
        self._learn_thresholds(X[np.sort(unlabeled)], encode)
        return self

    def _learn_labels(
        self,
        rows: Rows,
        targets: NDArray[np.float32],
        label_smoothing: float,
        random_state: np.random.RandomState,
    ) -> None:
        if self._label_lookup is None:
            self._label_lookup = LabelLookup(
                rows.shape[1],
                targets.shape[1],
                random_state,
                any_norm=self._task.reconstruction == "softmax",
            )
        doubt = max(label_smoothing, _MIN_DOUBT)
        smoothed = targets + doubt * (1 / targets.shape[1] - targets)
        self._label_lookup.update(self._task.scaler.rescale(rows), smoothed)

    def _learn_words(
        self,
        rows: Rows,
        targets: NDArray[np.float32],
        labeled: NDArray[np.bool_],
        encode: Encode,
        earlier: WordClassifier | None,
    ) -> None:
        """Fit the word classifier to labels and to the predictions of the network."""
        if not self.word_classifier_weight:
            return
        scaled = self._task.scaler.scale(rows)
        classifier = earlier or feature_classifier(
            scaled, self._task.scaler, targets.shape[1]
        )
        posteriors = by_torch(torch.exp, self._log_posteriors_in_blocks(rows, encode))
        posteriors[labeled] = targets[labeled]
        classifier.update(scaled, posteriors)
        self._word_classifier = classifier

    def _learn_thresholds(self, unlabeled: Rows, encode: Encode) -> None:
        """Find the log-odds that separate samples of low confidence."""
        if (
            self._network.n_bits >= MIN_BITS_FOR_TIE_BREAK
            and self.low_confidence_fraction
            and unlabeled.shape[0]
        ):
            self._thresholds = confidence_thresholds(
                self._log_posteriors_in_blocks(unlabeled, encode),
                self.low_confidence_fraction,
            )

    def _log_posteriors_in_blocks(self, X: Rows, encode: Encode) -> NDArray:
        return np.concatenate(
            [
                self.log_posteriors(X[block], encode(X[block]))
                for block in row_blocks(X.shape[0], _ROWS_PER_BLOCK)
            ]
        )

    # Classes without doubt have infinite log-odds, and values may be out of range.
    @np.errstate(divide="ignore", over="ignore", invalid="ignore")
    def log_posteriors(
        self, X: Rows, features: NDArray, rows: Rows | None = None
    ) -> NDArray:
        """Return log class posteriors; several classes per sample have equal parts.

        Parameters
        ----------
        X : {ndarray, CSR} of shape (n_rows, n_features)
            Samples.
        features : ndarray of shape (n_rows, n_hidden)
            Their last hidden layer.
        rows : {ndarray, CSR} of shape (n_rows, n_features), default=None
            The scaled samples, if they are known.

        Returns
        -------
        log_posteriors : ndarray of shape (n_rows, n_classes)
            In the precision of `features`.
        """
        scores = self.class_scores(X, features, rows)
        if self._task.multilabel:
            scores = self._add_training_labels(X, scores, torch.logit)
            memberships = torch.sigmoid(torch.from_numpy(scores))
            return torch.log(F.normalize(memberships, p=1, dim=1)).numpy()
        scores = self._add_training_labels(X, scores, torch.log)
        return by_torch(torch.log_softmax, scores, dim=1)

    def class_scores(
        self, X: Rows, features: NDArray, rows: Rows | None = None
    ) -> NDArray:
        """Return class scores without the labels of training samples.

        Parameters
        ----------
        X : {ndarray, CSR} of shape (n_rows, n_features)
            Samples.
        features : ndarray of shape (n_rows, n_hidden)
            Their last hidden layer.
        rows : {ndarray, CSR} of shape (n_rows, n_features), default=None
            The scaled samples, if they are known.

        Returns
        -------
        scores : ndarray of shape (n_rows, n_classes)
            In the precision of `features`: log posteriors, but log-odds of each class
            with several labels per sample.
        """
        dtype = features.dtype
        head, hidden = self._network.feature_head, torch.from_numpy(features)
        weight, bias = (p.detach().to(hidden) for p in (head.weight, head.bias))
        outputs = F.linear(hidden, weight, bias)
        if self._task.multilabel:
            return outputs.numpy()
        scores = torch.log_softmax(outputs, dim=1).numpy()
        if self._word_classifier is None:
            return scores
        rows = self._task.scaler.scale(X) if rows is None else rows
        if dtype == np.float64:
            rows = rows.astype(dtype, copy=False)
        words = self._word_classifier.scores(rows).astype(dtype, copy=False)
        return scores + dtype.type(self.word_classifier_weight) * words

    @property
    def predicts_by_words(self) -> bool:
        """Whether classes are predicted by posteriors with the word classifier.

        Not if classes were added later: of their words few are known.
        """
        return self._word_classifier is not None and self._pulls is None

    def _add_training_labels(
        self, X: Rows, scores: NDArray, to_scores: Callable[[Tensor], Tensor]
    ) -> NDArray:
        """Return scores to which those of known labels are added."""
        if self._label_lookup is not None:
            found, targets = self._label_lookup.lookup(self._task.scaler.rescale(X))
            if len(found):
                scores[found] += by_torch(to_scores, targets)
        return scores

    def move(self, logits: NDArray, log_posteriors: NDArray) -> NDArray:
        """Move the logits of samples towards the codewords of their likely classes."""
        codewords = self._network.code_head.codewords().detach().numpy()
        codewords = codewords.astype(logits.dtype, copy=False)
        posteriors = by_torch(torch.exp, log_posteriors)
        if self._pulls is not None:
            # The stronger pull begins where a class is more likely than all others.
            likely = np.maximum(2 * posteriors - 1, 0)
            posteriors = posteriors * (1 + (self._pulls - 1) * likely)
        moves = by_torch(torch.matmul, posteriors, codewords)
        return logits + logits.dtype.type(self.codeword_weight) * moves

    # Values out of range are compared as well.
    @np.errstate(over="ignore", invalid="ignore")
    def assign(
        self, logits: NDArray, log_posteriors: NDArray
    ) -> tuple[NDArray, NDArray[np.bool_]]:
        """Return logits whose signs are the bits of samples.

        Parameters
        ----------
        logits : ndarray of shape (n_rows, n_bits)
            The logits of the network.
        log_posteriors : ndarray of shape (n_rows, n_classes)
            Logarithms of class distributions.

        Returns
        -------
        logits : ndarray of shape (n_rows, n_bits)
        is_uncertain : ndarray of shape (n_rows,), bool
            Whether rounding in single precision may change the bits.
        """
        logits = self.move(logits, log_posteriors)
        is_uncertain = np.any(near_zero(logits, logits), axis=1)
        if self._thresholds is None:
            return logits, is_uncertain
        logits, is_doubtful = self._flip(self._thresholds, logits, log_posteriors)
        return logits, is_uncertain | is_doubtful

    def _flip(
        self,
        thresholds: NDArray[np.float32],
        values: NDArray,
        log_posteriors: NDArray,
    ) -> tuple[NDArray, NDArray[np.bool_]]:
        """Invert bits of rows of low confidence.

        Returns the values, and whether rounding may decide on a row.
        """
        log_odds, predicted = class_log_odds(log_posteriors)
        shortfall = thresholds[predicted] - log_odds
        is_uncertain = near_zero(shortfall, log_odds)
        second, first = np.partition(log_posteriors, (-2, -1), axis=1)[:, -2:].T
        is_uncertain |= near_zero(first - second, log_posteriors)
        rows = np.flatnonzero(shortfall > 0)
        if not len(rows):
            return values, is_uncertain
        codewords = self._network.code_head.weight.detach().numpy() > 0
        differ = (values[rows] > 0) != codewords[predicted[rows]]
        rows = rows[differ.sum(axis=1) <= _NEAR_CODEWORD * differ.shape[1]]
        flipped, gap = flip_tie_break_bits(values[rows])
        is_uncertain[rows] |= near_zero(gap, values)
        values = values.copy()
        values[rows] = flipped
        return values, is_uncertain


def _has_words(X: Rows, task: TrainingTask) -> bool:
    """Return whether the word classifier applies to samples."""
    if task.reconstruction == "views":
        return True
    return sp.issparse(X) and task.reconstruction == "softmax"
