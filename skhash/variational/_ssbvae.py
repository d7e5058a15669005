"""The self-supervised Bernoulli autoencoder."""

from numbers import Integral, Real

from skhash.utils._compat import Interval, StrOptions
from skhash.variational._code_assigner import ClassGuidedHasher
from skhash.variational.nn._batches import TrainingRows
from skhash.variational.nn._objectives import SSBVAEObjective
from skhash.variational.pseudo_labels._pseudo_labeler import PseudoLabeler
from skhash.variational.self_supervised_objective import SelfSupervisedObjective

# How often each row is seen: more often if it has few features.
_EPOCHS, _EPOCHS_OF_FEW = 10, 30
_FEW_FEATURES = 2048
# The share of the words of a row hidden from the encoder in a training step.
_WORDS_HIDDEN = 0.2
# Of many rows, half of a batch teaches the decoder as much as all of it, in less time:
# see docs/training.md.
_MANY_ROWS = 10_000
_RECONSTRUCTED_SHARE = 0.5


class SSBVAEHasher(ClassGuidedHasher):
    """Binary codes by a self-supervised Bernoulli autoencoder, from few labels or none.

    A variational autoencoder whose latent variables are the bits of the code [1]_. It
    learns to tell the words (or features) of a row from its code; heads on the code and
    on the features learn the classes of the rows that have a label; and a pairwise term
    draws codes together in proportion to how alike the classes are that the network
    itself predicts. Rows without a label carry -1 in `y`; without any label the codes
    are learned from the rows alone.

    The defaults are one setting for all data, code lengths and shares of labels. They
    go beyond the paper, whose weights were tuned anew for each, in what the rows are
    taken to say: a teacher, fitted in closed form before the network, gives every row
    near neighbors, whose words its code has to tell too; soft clusters; and, if there
    are labels, class beliefs that are trusted as far as held-out labels bear them out.
    The code of a row is drawn to the codewords of its likely classes. In a collection
    with few labels most rows of a class then end up with one code, and which of them
    are found first would be left to chance: those of which the network is unsure step
    aside by one bit. ``objective="paper"`` is the objective of the paper
    itself.

    Parameters
    ----------
    n_bits : int, default=32
        The length of the codes. 32 bits are enough for collections of tens of classes;
        16 lose little.
    objective : {"self_supervised", "paper"}, default="self_supervised"
        What is minimized. "paper" is ``mean(REC + beta KL) + alpha (gamma mean(POINT)
        + PAIR)`` of [1]_, with its sum over all pairs of a batch, its relaxed bits, and
        neither teacher, neighbors nor clusters. To train as its authors did, set
        ``hidden_layer_sizes=(500, 500), batch_size=100, max_epochs=30,
        learning_rate=1e-3, dropout=0, feature_dropout=0`` as well, and tune the three
        weights to each data set.
    label_weight : float, default=1.0
        The weight of the label heads, at least 0, against the nats a row costs the
        decoder (about 8 for a text). More makes codes of a class more alike, and the
        labeled rows easier to memorize. With "paper" it is gamma, typically 1 to 1e7.
    cluster_weight : float, default=2.0
        The weight of the clusters, at least 0; a quarter of it counts beside a Gaussian
        decoder. What it brings is largest without labels, and for classes that no row
        has yet. Not used with "paper".
    pair_weight : float, default=1.0
        The weight of the pairs, at least 0. With "paper" it is alpha, which also scales
        the labels, typically 1e-6 to 1e-2.
    kl_weight : float, default=0.0
        beta, the weight of the divergence of the bits' distribution from fair coins,
        at least 0. Only used with "paper"; the default keeps bits balanced by
        normalizing their logits.
    label_smoothing : float, default=0.1
        The share of a given label, in [0, 1), that is spread over all classes. Guards
        against wrong labels. Not used with "paper".
    n_neighbors : int, default=10
        How many near rows a row has, at least 1. More make codes smoother. Not used
        with "paper".
    neighbor_weight : float, default=0.5
        The share of a random near row in what the decoder is asked for, in [0, 1).
        0 reconstructs the row alone. Not used with "paper".
    word_classifier_weight : float, default=3.0
        The weight of the words of a row in its class distribution, beside the network:
        complement naive Bayes and ridge regression, learned after training from labels
        and predictions. At least 0. Only for one label a row, sparse rows and a softmax
        decoder; not used with "paper".
    use_training_labels : bool, default=True
        Whether the label of a training row, known again by its features, has a say in
        its code when the row is encoded: so rows of an index whose class was given are
        found before those whose class was guessed. A label is in as much doubt as
        `label_smoothing` says. Takes 4 (n_classes + 3) bytes a labeled row; codes of
        other rows do not depend on it. Not used with "paper".
    codeword_weight : float, default=0.5
        How far each logit of a row is moved towards the codewords of its likely
        classes, in standard deviations of a logit, at least 0. More makes codes of a
        class more alike, so that less of them is left to tell its rows apart. Not used
        with "paper".
    low_confidence_fraction : float, default=0.7
        The share of the unlabeled training rows of each likeliest class, in [0, 1),
        that count as unsure: those with the lowest probability of it. In the code of a
        row no surer than these, trained on or not, one bit is inverted, if at most a
        tenth of its bits differ from the codeword of its likeliest class: a row farther
        off cannot be taken for one that is sure. 0 inverts none.
        Not used in codes of fewer than 16 bits, with several labels a row, nor with
        "paper".
    reconstruction : {"auto", "softmax", "gaussian"}, default="auto"
        The decoder's distribution: "softmax" takes rows as counts or weights of words
        and needs them non-negative; "gaussian" centers features and gives them one
        common scale. "auto" takes "softmax" unless a training value is negative. From
        10,000 rows on either is asked for half of the rows of each batch, drawn anew,
        but for "paper": that saves a sixth of the time.
    sampled_features : int, "auto" or None, default="auto"
        Of the features that no row of a batch has, about how many the softmax decoder
        is compared with, at least 1; each stands for several, so that the sum over all
        features is met on average. None takes all. "auto" takes all of up to 32,768
        features, and 4,096 of more. Sparse rows only.
    hidden_layer_sizes : tuple of int, default=(1000,)
        The widths of the encoder's hidden layers, at least one.
    dropout : float, default=0.5
        The share of hidden units left out in a training step, in [0, 1).
    feature_dropout : float or "auto", default="auto"
        The share of the words of a row hidden from the encoder in a training step, in
        [0, 1). "auto" hides 0.2 before a softmax decoder, and none before a Gaussian
        one: a text says a thing in several words, an embedding in one feature.
    max_epochs : int or "auto", default="auto"
        How often each row is seen, at least 1. "auto" is 10, and 30 for rows of up to
        2,048 features: embeddings and short vocabularies, where there is less to learn
        by heart and an epoch costs less.
    batch_size : int, default=512
        About how many rows make a training step, at least 2.
    learning_rate : float, default=4e-3
        The highest step size of Adam, above 0. It rises over the first 50 steps, and
        falls along a cosine to a fiftieth.
    warm_start : bool, default=False
        Whether a further call of `fit` goes on from the network of the last one. The
        rows must have the same features and no new class, and the parameters that made
        the network (`n_bits`, `objective`, `reconstruction`, `hidden_layer_sizes`,
        `dropout`, `feature_dropout`) must stay.
    callbacks : sequence of skorch callbacks, default=None
        Called while training, for example
        ``skorch.callbacks.EarlyStopping("train_loss")``, a checkpoint or a progress
        bar. They are not cloned: one that keeps state serves one fit. The first layer
        has no `grad` for sparse rows, so that clipping leaves it out.
    device : str, default="auto"
        Where to train and encode: "cpu", "cuda", ...; "auto" takes a GPU where torch
        sees one. The fitted network always lies on the CPU.
    output : {"bits", "packed"}, default="bits"
        The form of the codes: one column per bit, or eight bits per byte.
    verbose : int, default=0
        From 1 on, a line an epoch with the terms of the loss, through the logger
        "skhash" at level INFO.
    random_state : int, RandomState instance or None, default=None
        Seeds weights, batches, dropout and the teacher. The same seed gives the same
        codes on one machine with the same number of threads; with another number the
        order of sums changes, and so may bits whose logit is near 0.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,) or None
        The classes, -1 not among them; column numbers for several labels a row; None
        without labels.
    multilabel_ : bool
        Whether rows have several labels.
    reconstruction_ : {"softmax", "gaussian"}
        The decoder's distribution.
    history_ : list of dict
        For each epoch its number, the mean of each term of the loss with its weight,
        their sum ``train_loss``, and the seconds ``dur``.
    network_ : BernoulliAutoencoder
        The trained torch module, on the CPU.
    scaler_ : NormScaler or GlobalStandardScaler
        What rows go through before the network.
    word_classifier_ : WordClassifier or None
        What words say of each class, where they are used.
    label_lookup_ : LabelLookup or None
        What labels were given to which rows, if they are remembered.
    confidence_thresholds_ : ndarray of shape (n_classes,), float32, or None
        The log-odds from which a row of each likeliest class counts as sure; None
        if all rows do.
    n_iter_ : int
        The number of epochs trained.
    n_features_in_ : int
        The number of features seen in fit.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Their names, where `X` had some.

    See Also
    --------
    skhash.HammingNearestNeighbors : Exact search in the codes.
    skhash.model_selection.SemiSupervisedKFold : Splits that understand -1.

    Notes
    -----
    An epoch costs O(h nnz(X) + n_samples (h^2 + n_bits n_features)) for h hidden units;
    a sparse `X` is never densified, and the first layer is stepped in the features of a
    batch only. Beyond 32,768 features n_features is to be read as the number of
    features in a batch and `sampled_features`. The teacher learns from 20,000 rows at
    most. Interrupting `fit` (Ctrl-C) keeps what the epochs done have taught the
    network.

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

    _NETWORK_PARAMETERS = (*ClassGuidedHasher._NETWORK_PARAMETERS, "objective")

    _parameter_constraints: dict = {
        **ClassGuidedHasher._parameter_constraints,
        "objective": [StrOptions({"self_supervised", "paper"})],
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
        "kl_weight": [Interval(Real, 0, None, closed="left")],
        "label_weight": [Interval(Real, 0, None, closed="left")],
        "cluster_weight": [Interval(Real, 0, None, closed="left")],
        "pair_weight": [Interval(Real, 0, None, closed="left")],
        "label_smoothing": [Interval(Real, 0, 1, closed="left")],
        "n_neighbors": [Interval(Integral, 1, None, closed="left")],
        "neighbor_weight": [Interval(Real, 0, 1, closed="left")],
        "word_classifier_weight": [Interval(Real, 0, None, closed="left")],
        "use_training_labels": ["boolean"],
        "codeword_weight": [Interval(Real, 0, None, closed="left")],
        "low_confidence_fraction": [Interval(Real, 0, 1, closed="left")],
    }

    def __init__(
        self,
        n_bits=32,
        *,
        objective="self_supervised",
        label_weight=1.0,
        cluster_weight=2.0,
        pair_weight=1.0,
        kl_weight=0.0,
        label_smoothing=0.1,
        n_neighbors=10,
        neighbor_weight=0.5,
        word_classifier_weight=3.0,
        use_training_labels=True,
        codeword_weight=0.5,
        low_confidence_fraction=0.7,
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
        self.objective = objective
        self.label_weight = label_weight
        self.cluster_weight = cluster_weight
        self.pair_weight = pair_weight
        self.kl_weight = kl_weight
        self.label_smoothing = label_smoothing
        self.n_neighbors = n_neighbors
        self.neighbor_weight = neighbor_weight
        self.word_classifier_weight = word_classifier_weight
        self.use_training_labels = use_training_labels
        self.codeword_weight = codeword_weight
        self.low_confidence_fraction = low_confidence_fraction
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

    def _objective(self):
        if self.objective == "paper":
            return SSBVAEObjective(
                reconstruction=self.reconstruction_,
                multilabel=self.multilabel_,
                kl_weight=self.kl_weight,
                label_weight=self.label_weight,
                pair_weight=self.pair_weight,
            )
        return SelfSupervisedObjective(
            reconstruction=self.reconstruction_,
            multilabel=self.multilabel_,
            label_weight=self.label_weight,
            cluster_weight=self.cluster_weight,
            pair_weight=self.pair_weight,
        )

    def _n_epochs(self, n_features):
        if self.max_epochs != "auto":
            return self.max_epochs
        return _EPOCHS_OF_FEW if n_features <= _FEW_FEATURES else _EPOCHS

    def _feature_dropout(self):
        if self.feature_dropout != "auto":
            return self.feature_dropout
        return _WORDS_HIDDEN if self.reconstruction_ == "softmax" else 0.0

    def _sampler(self):
        return "concrete" if self.objective == "paper" else "straight_through"

    def _start(self, X, y, labels, classes):
        super()._start(X, y, labels, classes)
        self.word_classifier_ = None
        self.label_lookup_ = None
        self.confidence_thresholds_ = None
        self._clusterings = None

    def _is_guided(self):
        return super()._is_guided() and self.objective != "paper"

    def _training_rows(self, X, labels, random_state):
        if self.objective == "paper":
            return super()._training_rows(X, labels, random_state)
        teacher = PseudoLabeler(
            X,
            self.scaler_,
            labels.aligned(self.classes_),
            labels.labeled,
            n_neighbors=self.n_neighbors,
            multilabel=self.multilabel_,
            clusterings=self._clusterings,
            random_state=random_state,
        )
        # The network's heads stay with the clusters that they were made for, also where
        # training goes on after loading.
        self._clusterings = teacher.clusterings
        given = teacher.beliefs[labels.labeled]
        if given.size:
            given += self.label_smoothing * (1 / given.shape[1] - given)
            teacher.beliefs[labels.labeled] = given
        return TrainingRows(
            X,
            self.scaler_,
            teacher.beliefs,
            teacher.trust,
            neighbors=teacher.neighbors,
            neighbor_weight=self.neighbor_weight,
            reconstructed_share=(
                _RECONSTRUCTED_SHARE if X.shape[0] >= _MANY_ROWS else 1.0
            ),
            clusterings=teacher.clusterings,
            n_sampled_features=self._n_sampled_features(X.shape[1]),
            random_state=random_state,
        )
