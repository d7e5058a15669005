"""Add classes to a fitted hasher whose stored codes stay valid."""

import copy
from typing import Any

import numpy as np
import scipy.sparse as sp
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from skhash.utils._labels import PartialLabels
from skhash.utils._rows import row_blocks, sample_labeled_first
from skhash.utils._scaling import Rows
from skhash.variational._code_assigner import CodeAssigner
from skhash.variational._supervised import SupervisedVAEHasher
from skhash.variational.nn._dense_ops import by_torch
from skhash.variational.nn._networks import BernoulliAutoencoder, CodewordHead
from skhash.variational.pseudo_labels._posteriors import infer_posteriors

#: Earlier training samples that a hasher keeps, to distinguish new classes from old.
MOST_ANCHORS = 2000
# Samples of a call that the new classes are learned from, at most.
_MOST_NEW = 20_000
# How far logits are moved towards a new codeword, in standard deviations of a logit:
# the network was not trained to be near it.
_PULL = 2.5
# The penalty of the weights of the label head for new classes.
_DECAY = 1e-3
_STEPS = 60
# Codewords that are drawn for each new class, of which the most distant is taken.
_CANDIDATES = 512
# A codeword bit of (nearly) 1: tanh(4 * 0.6) is 0.98.
_CODEWORD_WEIGHT = 0.6


def draw_anchors(anchors: Any, X: Rows) -> Any:
    """Return a sample of earlier anchors and of new samples.

    Parameters
    ----------
    anchors : {ndarray, CSR} of shape (n_anchors, n_features), or None
        Earlier ones.
    X : {ndarray, CSR} of shape (n_samples, n_features)
        New samples.
    """
    rows = X if anchors is None else _stacked([anchors, X])
    if rows.shape[0] <= MOST_ANCHORS:
        return rows.copy()
    # A generator of its own: that of the hasher gives the same numbers as without.
    kept = np.random.RandomState(0).permutation(rows.shape[0])[:MOST_ANCHORS]
    return rows[np.sort(kept)]


def _stacked(parts: list[Any]) -> Any:
    if any(map(sp.issparse, parts)):
        return sp.vstack([sp.csr_matrix(part) for part in parts], format="csr")
    return np.concatenate(parts)


class NewClasses:
    """The places of old and new classes among all.

    Parameters
    ----------
    old, labels : ndarray
        The classes of a hasher, and those of new samples; both sorted.
    """

    def __init__(self, old: NDArray, labels: NDArray) -> None:
        self.classes = np.union1d(old, labels)
        self.old = np.searchsorted(self.classes, old)
        self.new = np.setdiff1d(np.arange(len(self.classes)), self.old)

    def widened(self, values: Any, axis: int, fill: float = 0.0) -> Any:
        """Return an array with an entry per class, with entries for the new ones."""
        shape = list(values.shape)
        shape[axis] = len(self.classes)
        wide = np.full(shape, fill, dtype=values.dtype)
        where: list[Any] = [slice(None)] * len(shape)
        where[axis] = self.old
        wide[tuple(where)] = values
        return wide


def widened_network(
    network: BernoulliAutoencoder, places: NewClasses, codewords: NDArray[np.int8]
) -> BernoulliAutoencoder:
    """Return a copy of a network whose label heads have rows for new classes."""
    wide = copy.deepcopy(network)
    n_classes = len(places.classes)
    head = nn.utils.skip_init(nn.Linear, network.n_hidden, n_classes)
    codes = CodewordHead(network.n_bits, n_classes, torch.Generator())
    with torch.no_grad():
        for new, old in ((head, network.feature_head), (codes, network.code_head)):
            for name in ("weight", "bias"):
                values = getattr(old, name).detach().numpy()
                getattr(new, name).copy_(torch.from_numpy(places.widened(values, 0)))
        signs = torch.from_numpy(codewords.astype(np.float32))
        codes.weight[torch.from_numpy(places.new)] = _CODEWORD_WEIGHT * signs
    wide.feature_head, wide.code_head = head, codes
    return wide


def draw_codewords(
    codewords: NDArray[np.int8], n_new: int, random_state: np.random.RandomState
) -> NDArray[np.int8]:
    """Draw codewords far from given ones and from each other.

    Parameters
    ----------
    codewords : ndarray of shape (n_classes, n_bits), int8
        Signs of the old codewords.
    n_new : int
        Number of new ones.
    random_state : RandomState
        Draws the candidates.

    Returns
    -------
    codewords : ndarray of shape (n_new, n_bits), int8
        Signs.
    """
    known = codewords.astype(np.int32)
    for _ in range(n_new):
        drawn = random_state.randint(2, size=(_CANDIDATES, known.shape[1])) * 2 - 1
        # The largest agreement with a known codeword should be small.
        nearest = (drawn @ known.T).max(axis=1)
        known = np.vstack([known, drawn[nearest.argmin()]])
    return known[len(codewords) :].astype(np.int8)


def fit_new_rows(
    head: nn.Linear, features: Tensor, targets: Tensor, weights: Tensor, new: Tensor
) -> None:
    """Fit the rows of a label head for new classes; the others stay.

    Parameters
    ----------
    head : Linear
        The label head; changed in place.
    features : Tensor of shape (n_rows, n_hidden)
        Rows of all classes.
    targets : Tensor of shape (n_rows, n_classes)
        Their class memberships.
    weights : Tensor of shape (n_rows,)
        Their weights.
    new : Tensor of shape (n_new,), int64
        The places of the new classes.
    """
    with torch.no_grad():
        scores = head(features)
    weight = torch.zeros(len(new), features.shape[1], requires_grad=True)
    bias = torch.zeros(len(new), requires_grad=True)
    optimizer = torch.optim.LBFGS([weight, bias], max_iter=_STEPS)
    total = weights.sum()

    def loss() -> Tensor:
        optimizer.zero_grad()
        all_scores = scores.index_copy(1, new, features @ weight.T + bias)
        losses = -(targets * F.log_softmax(all_scores, dim=1)).sum(dim=1)
        value = (weights * losses).sum() / total + _DECAY * weight.square().sum()
        value.backward()
        return value

    optimizer.step(loss)
    with torch.no_grad():
        head.weight[new] = weight.detach()
        head.bias[new] = bias.detach()


def widened_assigner(
    assigner: CodeAssigner, network: BernoulliAutoencoder, task: Any, places: NewClasses
) -> CodeAssigner:
    """Return a copy of a code assigner with entries for new classes."""
    wide = copy.copy(assigner)
    wide._network, wide._task = network, task
    pulls = assigner._pulls
    if pulls is None:
        pulls = np.ones(len(places.old), dtype=np.float32)
    wide._pulls = places.widened(pulls, 0, _PULL / max(assigner.codeword_weight, 0.1))
    if assigner._thresholds is not None:
        wide._thresholds = places.widened(assigner._thresholds, 0, -np.inf)
    if assigner._label_lookup is not None:
        lookup = copy.copy(assigner._label_lookup)
        lookup.sums = places.widened(lookup.sums, 1)
        wide._label_lookup = lookup
    if assigner._word_classifier is not None:
        words = copy.copy(assigner._word_classifier)
        words.counts = places.widened(words.counts, 1)
        words.regression = places.widened(words.regression, 1)
        wide._word_classifier = words
    return wide


def update_words(
    classifier: Any, rows: Rows, posteriors: NDArray[np.float32], new: NDArray
) -> None:
    """Count the words of samples, and fit the regressions of the new classes alone.

    Parameters
    ----------
    classifier : WordClassifier
        With entries for all classes; its arrays are replaced.
    rows : Rows
        Scaled samples of old and new classes.
    posteriors : ndarray of shape (n_rows, n_classes), float32
        Their class memberships.
    new : ndarray of int
        The places of the new classes.
    """
    updated = copy.copy(classifier)
    updated.regression = np.zeros_like(classifier.regression)
    updated.update(rows, posteriors)
    kept = classifier.regression.copy()
    # `update` averages over all updates, of which the others are zero here.
    kept[:, new] = updated.n_updates * updated.regression[:, new]
    classifier.complement, classifier.regression = updated.complement, kept
    classifier.counts = updated.counts


class NewClassesMixin(SupervisedVAEHasher):
    """Extension of a hasher by new classes in `partial_fit`.

    A subclass has `classes_`, `multilabel_` and `code_assigner_`, and calls
    `_keep_anchors` when it has been fitted.
    """

    code_assigner_: Any
    # Hashers that were saved before have none.
    _anchors: Any = None
    _n_anchored = 0

    def _initialize(
        self, X: Rows, y: Any, labels: PartialLabels, classes: NDArray | None
    ) -> None:
        super()._initialize(X, y, labels, classes)
        self._anchors, self._n_anchored = None, 0

    def _keep_anchors(self, X: Rows) -> None:
        """Keep some samples, from which later classes are distinguished."""
        if self.code_assigner_ is not None and not self.multilabel_:
            self._anchors = draw_anchors(self._anchors, X)
            self._n_anchored += X.shape[0]

    def _learn_new_classes(self, X: Rows, labels: PartialLabels) -> bool:
        if not has_new_classes(self, labels):
            return False
        learn_new_classes(self, X, labels)
        self._keep_anchors(X)
        return True

    def _class_scores(self, X: Rows, features: Tensor, logits: Tensor) -> Tensor:
        """Return the scores of the label heads.

        The bits of the network do not encode classes that were added: instead of the
        score of their codeword, these get the best one of the other classes.
        """
        scores = super()._class_scores(X, features, logits)
        pulls = getattr(self.code_assigner_, "_pulls", None)
        if pulls is None:
            return scores
        codes = self.network_.code_head(2.0 * (logits > 0) - 1)
        added = torch.from_numpy(pulls > 1)
        best = codes[:, ~added].max(dim=1, keepdim=True).values
        return torch.where(added, scores + best - codes, scores)


def has_new_classes(hasher: Any, labels: PartialLabels) -> bool:
    """Return whether labels have classes that a fitted hasher can be extended by."""
    known, found = hasher.classes_, labels.classes
    if known is None or found is None or hasher.multilabel_:
        return False
    if (
        hasher.code_assigner_ is None
        or np.asarray(found).dtype.kind != known.dtype.kind
    ):
        return False
    return len(np.setdiff1d(found, known)) > 0


def learn_new_classes(hasher: Any, X: Rows, labels: PartialLabels) -> None:
    """Extend a fitted hasher by the new classes of samples.

    The encoder stays as it is, and so do the codes of samples of old classes: the
    label heads get rows for the new classes, and codes of their samples are moved
    towards codewords of their own.

    Parameters
    ----------
    hasher : SSBVAEHasher
        A fitted hasher with a code assigner; its fitted attributes are replaced.
    X : {ndarray, CSR} of shape (n_samples, n_features)
        Samples of new classes, maybe of old ones, maybe unlabeled.
    labels : PartialLabels
        Their labels.
    """
    places = NewClasses(hasher.classes_, np.asarray(labels.classes))
    trainer = hasher._trainer.resume()
    sample = sample_labeled_first(labels.labeled, _MOST_NEW, trainer.random_state)
    rows = _stacked([hasher._anchors, X[sample]])
    n_anchors = hasher._anchors.shape[0]
    known = places.widened(_posteriors(hasher, hasher._anchors), 1)
    _widen(hasher, trainer, places)
    targets = np.vstack([known, labels.aligned(places.classes)[sample]])
    # An anchor stands for several samples.
    weights = np.full(len(targets), hasher._n_anchored / n_anchors, dtype=np.float32)
    labeler, labeled = hasher.pseudo_labeler_, labels.labeled
    if labeled.all():
        weights[n_anchors:] = 1
    elif labeler is None:
        # A labeled sample stands for the unlabeled ones beside it.
        weights[n_anchors:] = labeled[sample] / labeled.mean()
    else:
        is_known = np.append(np.ones(n_anchors, dtype=bool), labeled[sample])
        _infer(hasher, rows, targets, is_known, places, trainer.random_state)
        weights[n_anchors:] = np.square(targets[n_anchors:]).sum(axis=1)
    _fit_posteriors(hasher, rows, targets, weights, places)
    assigner = hasher.code_assigner_
    if assigner.use_training_labels and labeled.any():
        smoothing = 0.0 if labeler is None else labeler.label_smoothing
        given = labels.aligned(places.classes)[labeled]
        assigner._learn_labels(X[labeled], given, smoothing, trainer.random_state)


def _infer(
    hasher: Any,
    rows: Rows,
    targets: NDArray[np.float32],
    is_known: NDArray[np.bool_],
    places: NewClasses,
    random_state: np.random.RandomState,
) -> None:
    """Estimate the posteriors of unlabeled rows, as those of training samples are."""
    # All anchors count as labeled, while only some samples of the new classes are.
    n_anchors = hasher._anchors.shape[0]
    frequencies = np.full(len(places.classes), is_known[n_anchors:].mean())
    frequencies[places.new] = 1
    targets[:] = infer_posteriors(
        hasher.scaler_.scale(rows),
        np.where(is_known[:, None], targets, np.float32(0)),
        is_known,
        n_neighbors=hasher.pseudo_labeler_.n_neighbors,
        class_weights=frequencies.astype(np.float32),
        random_state=random_state,
    )


def _widen(hasher: Any, trainer: Any, places: NewClasses) -> None:
    """Replace the network, the classes and the code assigner by wider ones."""
    signs = np.sign(hasher.network_.code_head.codewords().detach().numpy())
    codewords = draw_codewords(
        signs.astype(np.int8), len(places.new), trainer.random_state
    )
    trainer.network = widened_network(hasher.network_, places, codewords)
    trainer._optimizer_state = None  # of the narrower heads
    hasher._trainer, hasher.network_ = trainer, trainer.network
    hasher.classes_ = places.classes
    hasher.code_assigner_ = widened_assigner(
        hasher.code_assigner_, hasher.network_, hasher._task, places
    )


def _fit_posteriors(
    hasher: Any,
    rows: Rows,
    targets: NDArray[np.float32],
    weights: NDArray[np.float32],
    places: NewClasses,
) -> None:
    """Fit the label head and the word classifier to weighted rows."""
    features = [
        hasher._activations(rows[block], precise=False)[0].cpu()
        for block in row_blocks(rows.shape[0])
    ]
    fit_new_rows(
        hasher.network_.feature_head,
        torch.cat(features).clone(),
        torch.from_numpy(targets),
        torch.from_numpy(weights),
        torch.from_numpy(places.new),
    )
    classifier, used = hasher.code_assigner_._word_classifier, weights > 0
    if classifier is not None:
        scaled = hasher.scaler_.scale(rows[used])
        update_words(classifier, scaled, targets[used], places.new)


def _posteriors(hasher: Any, X: Rows) -> NDArray[np.float32]:
    """Return the class posteriors of samples."""
    assigner = hasher.code_assigner_
    blocks = [
        assigner.log_posteriors(
            X[block], hasher._activations(X[block], precise=False)[0].cpu().numpy()
        )
        for block in row_blocks(X.shape[0])
    ]
    return by_torch(torch.exp, np.concatenate(blocks))
