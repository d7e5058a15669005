"""The self-supervised Bernoulli autoencoder of items with several views."""

from numbers import Real
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray

from skhash.utils._compat import Interval
from skhash.utils._docstrings import substitute
from skhash.utils._labels import PartialLabels
from skhash.utils._scaling import Rows
from skhash.utils._views import ViewScaler, check_views, missing_as_zeros
from skhash.variational._docs import TEXTS
from skhash.variational._ssbvae import SSBVAEHasher
from skhash.variational._trainer import Trainer, TrainingTask
from skhash.variational.nn._batches import TrainingRows
from skhash.variational.nn._networks import BernoulliAutoencoder
from skhash.variational.nn._view_layers import MultiViewAutoencoder
from skhash.variational.pseudo_labels._graph import LATENT_DIMENSIONS
from skhash.variational.pseudo_labels._view_models import ViewLatentSpace

# The latent space is learned from this many samples at most.
_MAX_SAMPLES = 20_000


@substitute(**TEXTS)
class MultiViewSSBVAEHasher(SSBVAEHasher):
    """Learn binary codes of items with several views, from few labels or none.

    A view is a block of features: the words of a text and an embedding of it, or an
    image and its caption. Each view has its own input layer, decoder and class models;
    the code, neighbors and clusters are common. Class posteriors of the views are
    multiplied, with weights chosen on held-out labels. The rest is as in
    :class:`~skhash.SSBVAEHasher`.

    A sample may lack views: all features of the view are then 0 or NaN. Its code is
    made from the others.

    Parameters
    ----------
    n_bits : int, default=32
        Length of the codes.
    views : sequence of int, default=None
        The number of features of each view, in the order of the columns of `X`: the
        blocks of a :class:`~sklearn.pipeline.FeatureUnion` or a
        :class:`~sklearn.compose.ColumnTransformer`. -1, at most once, stands for the
        remaining columns, such as a vocabulary of unknown size: ``(-1, 384)`` for words
        before an embedding. None is one view of all features.
    view_dropout : float, default=0.1
        The probability, in [0, 1), that a sample lacks one of its views in a training
        step, so that codes can be made from the others.
    class_weight : float or "auto", default="auto"
        As for :class:`~skhash.SSBVAEHasher`. The content is that of all views.
    pseudo_labeler : PseudoLabeler, "auto" or None, default="auto"
        Finds neighbors, clusters and pseudo-labels before training. "auto" is
        ``PseudoLabeler()``; None trains on samples and given labels alone.
    code_assigner : CodeAssigner, "auto" or None, default="auto"
        Makes codes from logits and class posteriors. "auto" is ``CodeAssigner()``;
        with None a code is the signs of the logits.
    label_weight : float, default=1.0
        The weight of the label heads, at least 0.
    pair_weight : float, default=1.0
        The weight of the pairs, at least 0.
    hidden_layer_sizes : tuple of int, default=(1000,)
        {hidden_layer_sizes_text}
    dropout : float, default=0.5
        {dropout_text}
    feature_dropout : float, default=0.2
        Fraction of the words of a sample that is hidden from the encoder in a training
        step, in [0, 1).
    max_epochs : int or "auto", default="auto"
        {max_epochs_text}
        "auto" is 10, and 30 with up to 2,048 features.
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
    reconstruction_ : str
        "views": words have a softmax decoder, other views a Gaussian one.
    history_ : list of dict
        For each epoch its number, the mean of each weighted term of the loss, their
        sum ``train_loss``, and the seconds ``dur``.
    network_ : torch.nn.Module
        The trained network, on the CPU.
    scaler_ : ViewScaler
        Scales samples for the network. Its ``is_words`` says which views are words.
    n_iter_ : int
        Number of epochs trained.
    n_features_in_ : int
        Number of features seen in fit.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the features, where `X` had names.

    See Also
    --------
    skhash.SSBVAEHasher : The hasher of samples with one view.

    Notes
    -----
    A view is treated as words if none of its values is negative and at most half of
    them are not 0; other views are centered, and divided by one number. A sparse block
    that is not words becomes dense one batch at a time.

    Examples
    --------
    >>> from sklearn.decomposition import TruncatedSVD
    >>> from sklearn.feature_extraction.text import TfidfVectorizer
    >>> from sklearn.pipeline import make_pipeline, make_union
    >>> from skhash import MultiViewSSBVAEHasher
    >>> texts = ["a cat sat", "the cat ran", "stocks fell", "stocks rose"] * 5
    >>> words = TfidfVectorizer()
    >>> latent = make_pipeline(TfidfVectorizer(), TruncatedSVD(2, random_state=0))
    >>> hasher = MultiViewSSBVAEHasher(n_bits=8, views=(-1, 2), random_state=0)
    >>> model = make_pipeline(make_union(words, latent), hasher)
    >>> model.fit_transform(texts, [0, -1, 1, -1] * 5).shape
    (20, 8)
    """

    # Each view has its own.
    reconstruction: Any = "views"

    _ALLOWED_VALUES = "allow-nan"

    _ARCHITECTURE_PARAMETERS = (
        *("n_bits", "views", "hidden_layer_sizes", "dropout", "feature_dropout"),
        *("view_dropout", "class_weight"),
    )

    _parameter_constraints: dict = {
        name: constraint
        for name, constraint in SSBVAEHasher._parameter_constraints.items()
        if name not in ("reconstruction", "sampled_features")
    } | {
        "views": ["array-like", None],
        "view_dropout": [Interval(Real, 0, 1, closed="left")],
        "feature_dropout": [Interval(Real, 0, 1, closed="left")],
    }

    def __init__(
        self,
        n_bits=32,
        *,
        views=None,
        view_dropout=0.1,
        class_weight="auto",
        pseudo_labeler="auto",
        code_assigner="auto",
        label_weight=1.0,
        pair_weight=1.0,
        hidden_layer_sizes=(1000,),
        dropout=0.5,
        feature_dropout=0.2,
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
        self.views = views
        self.view_dropout = view_dropout
        self.class_weight = class_weight
        self.pseudo_labeler = pseudo_labeler
        self.code_assigner = code_assigner
        self.label_weight = label_weight
        self.pair_weight = pair_weight
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

    def _check_samples(self, X: ArrayLike, *, reset: bool) -> Rows:
        samples = super()._check_samples(X, reset=reset)
        return missing_as_zeros(samples, check_views(self.views, samples.shape[1]))

    def _choose_reconstruction(self, X: Rows) -> str:
        return "views"

    def _make_scaler(self, X: Rows) -> ViewScaler:
        return ViewScaler(X, check_views(self.views, X.shape[1]))

    def _make_network(
        self, task: TrainingTask, rows: TrainingRows, generator: torch.Generator
    ) -> BernoulliAutoencoder:
        clusters = rows.clusters
        return self._build_network(
            MultiViewAutoencoder,
            task,
            rows,
            generator,
            widths=task.scaler.scale(rows.X[:1]).widths,
            view_dropout=self.view_dropout,
            n_clusterings=0 if clusters is None else clusters.n_clusterings,
            n_clusters=0 if clusters is None else clusters.n_clusters,
        )

    def _fit_code_mixer(
        self, X: Rows, labels: PartialLabels, trainer: Trainer, *, is_chunk: bool
    ) -> None:
        if self.class_weight != 1 and (not is_chunk or self.code_mixer_ is None):
            rows = trainer.random_state.permutation(X.shape[0])[:_MAX_SAMPLES]
            self._content_space = ViewLatentSpace(
                self.scaler_.scale(X[np.sort(rows)]),
                LATENT_DIMENSIONS,
                trainer.random_state,
            )
        super()._fit_code_mixer(X, labels, trainer, is_chunk=is_chunk)

    def _content_rows(self, rows: Rows) -> NDArray[np.float64]:
        return self._content_space.coordinates(rows)
