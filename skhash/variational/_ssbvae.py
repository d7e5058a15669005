"""The self-supervised Bernoulli autoencoder."""

from numbers import Integral, Real
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from skhash.utils._compat import Interval, StrOptions
from skhash.utils._docstrings import substitute
from skhash.utils._labels import PartialLabels
from skhash.utils._scaling import Rows
from skhash.variational._code_assigner import CodeAssigner
from skhash.variational._code_mixer import BLOCK_BITS, CodeMixer
from skhash.variational._docs import TEXTS
from skhash.variational._mixture_choice import fit_code_mixer
from skhash.variational._new_classes import NewClassesMixin
from skhash.variational._supervised import SupervisedVAEHasher
from skhash.variational._trainer import Trainer, TrainingTask
from skhash.variational._validation import collaborator
from skhash.variational.nn._batches import ClusterScorer, TrainingRows
from skhash.variational.nn._networks import BernoulliAutoencoder
from skhash.variational.nn._objectives import SelfSupervisedObjective
from skhash.variational.pseudo_labels._pseudo_labeler import PseudoLabeler

# Epochs; more for samples with up to so many features.
_EPOCHS, _EPOCHS_FEW_FEATURES = 10, 30
_FEW_FEATURES = 2048
# Fraction of the words of a sample that is hidden from the encoder in training.
_WORD_DROPOUT = 0.2
# With many samples, reconstructing half of each batch trains the decoder as well, in
# less time: see docs/training.md.
_MANY_SAMPLES = 10_000
_RECONSTRUCTED_FRACTION = 0.5


@substitute(**TEXTS)
class SSBVAEHasher(NewClassesMixin, SupervisedVAEHasher):
    """Learn binary codes from few labels or none, by a self-supervised autoencoder.

    A variational autoencoder whose latent variables are the bits of the code [1]_. The
    decoder reconstructs a sample and its neighbors from the code; label heads on the
    code and on the features learn the classes of labeled samples; and a pairwise term
    makes codes similar in proportion to the similarity of the classes that the network
    itself predicts. Unlabeled samples carry -1 in `y`; without any label the codes are
    learned from the samples alone. Bits of the network separate classes or clusters;
    further ones also distinguish samples of a class (`class_weight`).

    The defaults are one setting for all data, code lengths and numbers of labels. They
    extend the method, which is :class:`~skhash.OriginalSSBVAEHasher`, by closed-form
    pseudo-labels, neighbors and clusters (`pseudo_labeler`), codes near codewords of
    likely classes (`code_assigner`), and the mixture of class and content.

    Parameters
    ----------
    n_bits : int, default=32
        Length of the codes. 32 bits are enough for tens of classes; others find more
        similar samples. The first 32 do not depend on it.
    class_weight : float or "auto", default="auto"
        How much of the squared distance between two codes is due to the class or
        cluster, in [0, 1]: 0 is the similarity of the samples alone, and 1 the bits of
        the network. "auto" is 1 for the first 32 bits, or 24 where most samples have
        labels, and 0.15 to 0.6 for others, rising with the number of labels. Without
        labels, it is 0.5 for the first 32 if these find more similar samples then.
    pseudo_labeler : PseudoLabeler, "auto" or None, default="auto"
        Finds neighbors, clusters and pseudo-labels before training. "auto" is
        ``PseudoLabeler()``; None trains on samples and given labels alone.
    code_assigner : CodeAssigner, "auto" or None, default="auto"
        Makes codes from logits and class posteriors. "auto" is ``CodeAssigner()``;
        with None a code is the signs of the logits.
    label_weight : float, default=1.0
        The weight of the label heads, at least 0, relative to the reconstruction loss
        of a sample (about 8 nats for a text). More makes codes of a class more similar,
        and labeled samples easier to memorize.
    pair_weight : float, default=1.0
        The weight of the pairs, at least 0.
    reconstruction : {"auto", "softmax", "gaussian"}, default="auto"
        {reconstruction_text}
        From 10,000 samples on, the decoder reconstructs half of each batch, drawn
        anew, which saves a sixth of the time.
    sampled_features : int, "auto" or None, default="auto"
        Of the features that no sample of a batch has, about how many the softmax
        decoder is compared with, at least 1. Each represents several, so that the sum
        over all features is met in expectation. None takes all. "auto" takes all of up
        to 32,768 features, and 4,096 of more. Sparse samples only.
    hidden_layer_sizes : tuple of int, default=(1000,)
        {hidden_layer_sizes_text}
    dropout : float, default=0.5
        {dropout_text}
    feature_dropout : float or "auto", default="auto"
        {feature_dropout_text}
        "auto" is 0.2 with a softmax decoder and 0 with a Gaussian one: texts are
        redundant, the features of an embedding are not.
    max_epochs : int or "auto", default="auto"
        {max_epochs_text}
        "auto" is 10, and 30 with up to 2,048 features, where there is less to memorize
        and an epoch takes less time.
    batch_size : int, default=512
        {batch_size_text}
    learning_rate : float, default=4e-3
        {learning_rate_text}
    warm_start : bool, default=False
        {warm_start_text}
    callbacks : sequence of skorch callbacks, default=None
        {callbacks_text}
    device : str, default="auto"
        {device_text}
    output : {"bits", "packed"}, default="bits"
        {output_text}
    verbose : int, default=0
        {verbose_text}
    random_state : int, RandomState instance or None, default=None
        {random_state_text}

    Attributes
    ----------
    {classes_attribute}
    pseudo_labeler_ : PseudoLabeler or None
        The pseudo-labeler that was used.
    code_assigner_ : CodeAssigner or None
        The fitted code assigner; None without labels.
    code_mixer_ : CodeMixer or None
        The mixer of bits; None if all are those of the network.
    {common_attributes}

    See Also
    --------
    skhash.HammingNearestNeighbors : Exact search in the codes.
    skhash.model_selection.SemiSupervisedKFold : Splits for partial labels.

    Notes
    -----
    {architecture_cost}

    The pseudo-labeler learns from 20,000 samples at most. An error or interrupt
    (Ctrl-C) in `fit` or `partial_fit` leaves the hasher as it was. To keep what was
    learned so far, end training by a callback such as skorch's ``EarlyStopping``.

    References
    ----------
    .. [1] R. Ñanculef, F. Mena, A. Macaluso, S. Lodi, C. Sartori, "Self-supervised
       Bernoulli autoencoders for semi-supervised hashing", 2020. arXiv:2007.08799

    Examples
    --------
    >>> from sklearn.feature_extraction.text import TfidfVectorizer
    >>> from sklearn.pipeline import make_pipeline
    >>> from skhash import SSBVAEHasher
    >>> texts = ["a cat sat", "the cat ran", "stocks fell", "stocks rose"] * 5
    >>> y = [0, -1, 1, -1] * 5
    >>> hasher = SSBVAEHasher(n_bits=8, random_state=0)
    >>> codes = make_pipeline(TfidfVectorizer(), hasher).fit_transform(texts, y)
    >>> codes.shape, codes.dtype
    ((20, 8), dtype('uint8'))
    """

    _ARCHITECTURE_PARAMETERS = (
        *SupervisedVAEHasher._ARCHITECTURE_PARAMETERS,
        "class_weight",
    )

    _parameter_constraints: dict = {
        **SupervisedVAEHasher._parameter_constraints,
        "class_weight": [StrOptions({"auto"}), Interval(Real, 0, 1, closed="both")],
        "pseudo_labeler": [StrOptions({"auto"}), PseudoLabeler, None],
        "code_assigner": [StrOptions({"auto"}), CodeAssigner, None],
        "max_epochs": [
            StrOptions({"auto"}),
            Interval(Integral, 1, None, closed="left"),
        ],
        "feature_dropout": [
            StrOptions({"auto"}),
            Interval(Real, 0, 1, closed="left"),
        ],
        "sampled_features": [
            StrOptions({"auto"}),
            Interval(Integral, 1, None, closed="left"),
            None,
        ],
        "label_weight": [Interval(Real, 0, None, closed="left")],
        "pair_weight": [Interval(Real, 0, None, closed="left")],
    }

    def __init__(
        self,
        n_bits=32,
        *,
        class_weight="auto",
        pseudo_labeler="auto",
        code_assigner="auto",
        label_weight=1.0,
        pair_weight=1.0,
        reconstruction="auto",
        sampled_features="auto",
        hidden_layer_sizes=(1000,),
        dropout=0.5,
        feature_dropout="auto",
        max_epochs="auto",
        batch_size=512,
        learning_rate=4e-3,
        warm_start=False,
        callbacks=None,
        device="auto",
        output="bits",
        verbose=0,
        random_state=None,
    ):
        self.n_bits = n_bits
        self.class_weight = class_weight
        self.pseudo_labeler = pseudo_labeler
        self.code_assigner = code_assigner
        self.label_weight = label_weight
        self.pair_weight = pair_weight
        self.reconstruction = reconstruction
        self.sampled_features = sampled_features
        self.hidden_layer_sizes = hidden_layer_sizes
        self.dropout = dropout
        self.feature_dropout = feature_dropout
        self.max_epochs = max_epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.warm_start = warm_start
        self.callbacks = callbacks
        self.device = device
        self.output = output
        self.verbose = verbose
        self.random_state = random_state

    def _initialize(
        self, X: Rows, y: Any, labels: PartialLabels, classes: NDArray | None
    ) -> None:
        super()._initialize(X, y, labels, classes)
        self.code_assigner_ = None
        self.code_mixer_: CodeMixer | None = None
        self._clusters = None

    def _make_training_rows(
        self,
        X: Rows,
        labels: PartialLabels,
        task: TrainingTask,
        random_state: np.random.RandomState,
    ) -> TrainingRows:
        self.pseudo_labeler_ = collaborator(self.pseudo_labeler, PseudoLabeler)
        if self.pseudo_labeler_ is None:
            return super()._make_training_rows(X, labels, task, random_state)
        self.pseudo_labeler_._validate_params()
        pseudo_labels = self.pseudo_labeler_.label(
            X,
            labels,
            scaler=task.scaler,
            classes=task.classes,
            random_state=random_state,
            clusters=self._clusters,
        )
        # Kept, since the heads of the network belong to these clusters.
        self._clusters = clusters = pseudo_labels.clusters
        return TrainingRows(
            X,
            task.scaler,
            pseudo_labels.targets,
            pseudo_labels.confidence,
            neighbors=pseudo_labels.neighbors,
            neighbor_weight=self.pseudo_labeler_.neighbor_weight,
            reconstructed_fraction=(
                _RECONSTRUCTED_FRACTION if X.shape[0] >= _MANY_SAMPLES else 1.0
            ),
            clusters=ClusterScorer(
                clusters.weights,
                clusters.offsets,
                clusters.n_clusterings,
                clusters.power,
            ),
            n_sampled_features=self._n_sampled_features(X.shape[1]),
            random_state=random_state,
        )

    def _make_network(
        self, task: TrainingTask, rows: TrainingRows, generator: torch.Generator
    ) -> BernoulliAutoencoder:
        clusters = rows.clusters
        feature_dropout = self.feature_dropout
        if feature_dropout == "auto":
            feature_dropout = _WORD_DROPOUT if task.reconstruction == "softmax" else 0.0
        return self._build_network(
            BernoulliAutoencoder,
            task,
            rows,
            generator,
            n_clusterings=0 if clusters is None else clusters.n_clusterings,
            n_clusters=0 if clusters is None else clusters.n_clusters,
            feature_dropout=feature_dropout,
        )

    def _make_objective(self, task: TrainingTask) -> SelfSupervisedObjective:
        labeler = self.pseudo_labeler_
        return SelfSupervisedObjective(
            task.reconstruction,
            task.multilabel,
            label_weight=self.label_weight,
            cluster_weight=0.0 if labeler is None else labeler.cluster_weight,
            pair_weight=self.pair_weight,
        )

    def _fit_codes(
        self, X: Rows, labels: PartialLabels, trainer: Trainer, *, is_chunk: bool
    ) -> None:
        self._fit_code_assigner(X, labels, trainer, is_chunk=is_chunk)
        self._keep_anchors(X)
        self._fit_code_mixer(X, labels, trainer, is_chunk=is_chunk)

    def _fit_code_assigner(
        self, X: Rows, labels: PartialLabels, trainer: Trainer, *, is_chunk: bool
    ) -> None:
        previous = self.code_assigner_
        self.code_assigner_ = collaborator(self.code_assigner, CodeAssigner)
        if self.classes_ is None or self.code_assigner_ is None:
            self.code_assigner_ = None
            return
        self.code_assigner_._validate_params()
        labeler = self.pseudo_labeler_
        self.code_assigner_.fit(
            X,
            labels,
            network=self.network_,
            task=self._task,
            encode=lambda X: self._fast_arrays(X)[0],
            label_smoothing=0.0 if labeler is None else labeler.label_smoothing,
            random_state=trainer.random_state,
            previous=previous if is_chunk else None,
        )

    def _fit_code_mixer(
        self, X: Rows, labels: PartialLabels, trainer: Trainer, *, is_chunk: bool
    ) -> None:
        # A small chunk has too few samples for coordinates of content.
        n_before = 0 if self.code_mixer_ is None else self.code_mixer_.n_samples
        if self.class_weight == 1 or (is_chunk and n_before > X.shape[0]):
            return
        self.code_mixer_ = fit_code_mixer(
            CodeMixer(self.n_bits, self.class_weight),
            X,
            lambda X: self._content_rows(self.scaler_.scale(X)),
            self._class_outputs,
            trainer.random_state,
            labeled_fraction=None if self.classes_ is None else labels.labeled.mean(),
            choose=not is_chunk,  # Chunks keep to one kind of code.
        )

    def _content_rows(self, rows: Rows) -> Rows:
        """Return rows whose similarity is the content of codes, of scaled samples."""
        return rows

    def _class_outputs(self, X: Rows) -> tuple[NDArray, NDArray | None]:
        """Return logits of the bits of the network, and log posteriors if any."""
        features, logits = self._fast_arrays(X)
        if self.code_assigner_ is None:
            return logits, None
        log_posteriors = self.code_assigner_.log_posteriors(X, features)
        return self.code_assigner_.assign(logits, log_posteriors)[0], log_posteriors

    def _code_logits(
        self, X: Rows, rows: Rows, features: NDArray, logits: NDArray
    ) -> tuple[NDArray, NDArray[np.bool_]]:
        if self.code_assigner_ is None:
            logits, is_uncertain = super()._code_logits(X, rows, features, logits)
        else:
            log_posteriors = self.code_assigner_.log_posteriors(X, features, rows)
            logits, is_uncertain = self.code_assigner_.assign(logits, log_posteriors)
        if self.code_mixer_ is not None:
            logits = self.code_mixer_.mix(self._content_rows(rows), logits)
            is_uncertain |= super()._code_logits(X, rows, features, logits)[1]
        return logits, is_uncertain

    def _network_bits(self, bits: NDArray[np.uint8]) -> Tensor:
        if self.code_mixer_ is None:
            return super()._network_bits(bits)
        return torch.from_numpy(self.code_mixer_.class_bits(bits))

    @property
    def _n_network_bits(self) -> int:
        return self.n_bits if self.class_weight == 1 else min(self.n_bits, BLOCK_BITS)

    def _class_scores(self, X: Rows, features: Tensor, logits: Tensor) -> Tensor:
        assigner = self.code_assigner_
        if assigner is not None and assigner.predicts_by_words:
            # More often right than with the scores of bits, by 0.01 to 0.03 on texts.
            return torch.from_numpy(assigner.class_scores(X, features.numpy()))
        scores = super()._class_scores(X, features, logits)
        if self.multilabel_ or assigner is None:
            return scores
        # The code head predicts a distribution, no memberships of several labels.
        return scores + self.network_.code_head(2.0 * (logits > 0) - 1)

    def _n_epochs(self, n_features: int) -> int:
        if self.max_epochs != "auto":
            return self.max_epochs
        return _EPOCHS_FEW_FEATURES if n_features <= _FEW_FEATURES else _EPOCHS
