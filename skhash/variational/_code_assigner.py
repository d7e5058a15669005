"""Codes that follow what is known of the classes of a row."""

import numpy as np
import scipy.sparse as sp
import torch
from sklearn.utils import gen_batches
from torch.nn import functional

from skhash.variational._base import BaseVAEHasher
from skhash.variational._network_hasher import near_zero
from skhash.variational.pseudo_labels._class_models import WordClassifier
from skhash.variational.pseudo_labels._label_lookup import LabelLookup
from skhash.variational.sureness import (
    class_log_odds,
    confidence_thresholds,
    flip_tie_break_bit,
)

# Codewords of short codes lie so near to each other that a step leads to another class.
_LEAST_BITS_TO_STEP = 16
# The crowd of a class: codes that differ from its codeword in this share of the bits at
# most. A row outside of it lies apart already.
_CROWD = 0.1
# Rows whose classes are predicted at a time while the hasher learns.
_ROWS_PER_LOOK = 512
# Words are counted in this many rows at most.
_MAX_WORD_ROWS = 20_000
# So many unlabeled rows tell how sure is sure.
_MAX_UNSURE_ROWS = 4096
# No label is so sure that nothing else counts.
_LEAST_DOUBT = 1e-6


class ClassGuidedHasher(BaseVAEHasher):
    """Base class of the hashers that draw codes to the codewords of likely classes.

    What is likely of the class of a row is said by the network, by its words, and by
    the label that it was given if it is a training row. Rows with nearly the codeword
    of a class that are less sure of it than others step aside by one bit. A subclass
    has the parameters `codeword_weight`, `word_classifier_weight`, `use_training_labels`,
    `label_smoothing` and `low_confidence_fraction`, and starts `word_classifier_`, `label_lookup_`
    and `confidence_thresholds_` with None.
    """

    def _is_guided(self):
        """Tell whether codes follow classes."""
        return self.classes_ is not None

    def _train(self, X, labels, n_epochs, *, anneal):
        super()._train(X, labels, n_epochs, anneal=anneal)
        if not self._is_guided():
            return
        if anneal:  # from the beginning, not one chunk of many
            self.word_classifier_ = self.label_lookup_ = None
        targets = labels.aligned(self.classes_)
        known = np.flatnonzero(labels.labeled)
        if self.use_training_labels and len(known):
            memory = self.label_lookup_ or LabelLookup(
                X.shape[1],
                len(self.classes_),
                self._random_state,
                any_length=self.reconstruction_ == "softmax",
            )
            self.label_lookup_ = memory.learn(X[known], targets[known])
        if self.multilabel_:
            return
        order = self._random_state.permutation(X.shape[0])
        if (
            self.word_classifier_weight
            and sp.issparse(X)
            and self.reconstruction_ == "softmax"
        ):
            self._learn_words(X, targets, labels, np.sort(order[:_MAX_WORD_ROWS]))
        unlabeled = order[~labels.labeled[order]][:_MAX_UNSURE_ROWS]
        if self.n_bits < _LEAST_BITS_TO_STEP or not self.low_confidence_fraction:
            return
        if len(unlabeled):
            log_shares = self._log_shares_of(X[np.sort(unlabeled)])
            self.confidence_thresholds_ = confidence_thresholds(
                log_shares, self.low_confidence_fraction
            )

    def _learn_words(self, X, targets, labels, rows):
        """Learn which words speak for which class from labels and own predictions."""
        evidence = self.word_classifier_ or WordClassifier(
            X.shape[1], len(self.classes_)
        )
        self.word_classifier_ = None  # the network alone predicts what it learns from
        beliefs = self._log_shares_of(X[rows]).exp().numpy()
        known = labels.labeled[rows]
        beliefs[known] = targets[rows[known]]
        evidence.learn(self.scaler_.scale(X[rows]), beliefs)
        self.word_classifier_ = evidence

    def _log_shares_of(self, X):
        # In small blocks: the optimizer's state is still there.
        log_shares = []
        for block in gen_batches(X.shape[0], _ROWS_PER_LOOK):
            features, _ = self._activations(X[block], precise=False)
            log_shares.append(self._log_shares(X[block], features).cpu())
        return torch.cat(log_shares)

    def _log_shares(self, X, features):
        """Return the log class distribution of each row, several classes as equals."""
        head = self.network_.feature_head
        weight, bias = (p.detach().to(features) for p in (head.weight, head.bias))
        scores = functional.linear(features, weight, bias)
        if self.multilabel_:
            scores = self._with_given_labels(X, scores, torch.logit)
            return torch.log(functional.normalize(torch.sigmoid(scores), p=1, dim=1))
        scores = torch.log_softmax(scores, dim=1)
        if self.word_classifier_ is not None:
            rows = self.scaler_.scale(X)
            if features.dtype == torch.float64:
                rows = rows.astype(np.float64)
            words = torch.from_numpy(self.word_classifier_.scores(rows)).to(scores)
            scores = scores + self.word_classifier_weight * words
        scores = self._with_given_labels(X, scores, torch.log)
        return torch.log_softmax(scores, dim=1)

    def _with_given_labels(self, X, scores, evidence):
        """Add what the label of a row says of its classes, if it was given one."""
        if self.label_lookup_ is None:
            return scores
        known, targets = self.label_lookup_.recall(X)
        doubt = max(self.label_smoothing, _LEAST_DOUBT)
        targets += doubt * (1 / targets.shape[1] - targets)
        return scores.index_add(
            0,
            torch.from_numpy(known).to(scores.device),
            evidence(torch.from_numpy(targets)).to(scores),
        )

    def _class_scores(self, features, logits):
        scores = super()._class_scores(features, logits)
        if not self._is_guided() or self.multilabel_:
            return scores  # of several classes the bits tell shares, not memberships
        return scores + self.network_.code_head(2.0 * (logits > 0) - 1)

    def _code_logits(self, X, features, logits):
        if not self._is_guided():
            return super()._code_logits(X, features, logits)
        log_shares = self._log_shares(X, features)
        codewords = self.network_.code_head.codewords().detach().to(log_shares)
        logits, in_doubt = super()._code_logits(
            X, features, logits + self.codeword_weight * (log_shares.exp() @ codewords)
        )
        if self.confidence_thresholds_ is None:
            return logits, in_doubt
        log_odds, likeliest = class_log_odds(log_shares)
        lacking = (
            torch.from_numpy(self.confidence_thresholds_).to(log_odds)[likeliest]
            - log_odds
        )
        differ = (logits > 0) != (codewords[likeliest] > 0)
        unsure = (lacking > 0) & (differ.sum(dim=1) <= _CROWD * self.n_bits)
        logits, lead = flip_tie_break_bit(logits, unsure)
        first, second = log_shares.topk(2).values.T
        in_doubt |= unsure & near_zero(lead, logits)
        in_doubt |= near_zero(lacking, log_odds) | near_zero(first - second, log_shares)
        return logits, in_doubt
