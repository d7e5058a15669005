"""The Bernoulli autoencoder without labels."""

from numbers import Real

from skhash.utils._compat import Interval, StrOptions
from skhash.variational._base import BaseVAEHasher
from skhash.variational.nn._objectives import EvidenceLowerBound


class BernoulliVAEHasher(BaseVAEHasher):
    """Binary codes by a Bernoulli autoencoder that sees no labels.

    Minimizes ``REC + beta KL``: the code has to tell the words of a row, and its bits
    are held near fair coins. Labels are ignored. The plain method beside
    :class:`~skhash.SSBVAEHasher`, in the manner of NASH [1]_ (deterministic bits with a
    straight-through gradient) or with the relaxed bits of [2]_.

    Parameters
    ----------
    n_bits : int, default=32
        The length of the codes.
    sampler : {"straight_through", "concrete"}, default="straight_through"
        What the decoder reads while training: the bits, differentiated as if they were
        the logits [1]_, or samples of the binary concrete distribution with temperature
        2/3 [2]_.
    kl_weight : float, default=0.01
        beta, at least 0. Too much and bits no longer depend on the row.
    reconstruction : {"auto", "softmax", "gaussian"}, default="auto"
        The decoder's distribution: "softmax" takes rows as counts or weights of words
        and needs them non-negative; "gaussian" centers features and gives them one
        common scale. "auto" takes "softmax" unless a training value is negative.
    hidden_layer_sizes : tuple of int, default=(500, 500)
        The widths of the encoder's hidden layers, at least one.
    dropout : float, default=0.2
        The share of hidden units left out in a training step, in [0, 1).
    feature_dropout : float, default=0.2
        The share of the features of a row hidden from the encoder in a training step,
        in [0, 1).
    max_epochs : int, default=30
        How often each row is seen, at least 1.
    batch_size : int, default=256
        About how many rows make a training step, at least 2.
    learning_rate : float, default=2e-3
        The highest step size of Adam, above 0.
    warm_start : bool, default=False
        Whether a further call of `fit` goes on from the network of the last one, whose
        features and shape must stay.
    callbacks : sequence of skorch callbacks, default=None
        Called while training.
    device : str, default="auto"
        Where to train and encode: "cpu", "cuda", ...; "auto" takes a GPU where torch
        sees one.
    output : {"bits", "packed"}, default="bits"
        The form of the codes: one column per bit, or eight bits per byte.
    verbose : int, default=0
        From 1 on, a line an epoch through the logger "skhash" at level INFO.
    random_state : int, RandomState instance or None, default=None
        Seeds weights, batches and noise.

    Attributes
    ----------
    classes_ : None
        There are none, whatever `y` is.
    multilabel_ : bool
        False, whatever `y` is.
    reconstruction_ : {"softmax", "gaussian"}
        The decoder's distribution.
    history_ : list of dict
        For each epoch its number, the mean of each term of the loss, their sum
        ``train_loss``, and the seconds ``dur``.
    network_ : BernoulliAutoencoder
        The trained torch module, on the CPU.
    scaler_ : NormScaler or GlobalStandardScaler
        What rows go through before the network.
    n_iter_ : int
        The number of epochs trained.
    n_features_in_ : int
        The number of features seen in fit.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Their names, where `X` had some.

    Notes
    -----
    For a row x, divided by its sum, and a code z, the softmax decoder has REC = - sum_w
    x_w log softmax_w(z W + b) (equation 6 of [1]_). With the probabilities p of the
    bits, KL = n_bits log 2 + sum_j [p_j log p_j + (1 - p_j) log(1 - p_j)] (equation 4
    for fair coins); the loss weighs the two terms of equation 3. Hard bits are those of
    equation 1. By equation 5 their gradient passes to p; here it passes to the logits.
    An epoch costs O(h nnz(X) + n_samples (h^2 + n_bits n_features)) for h hidden units,
    transform O(h nnz(X) + n_samples h (h + n_bits)); a sparse `X` is never densified as
    a whole. Beyond 32,768 features n_features is to be read as the number of features
    in a batch and 4,096 drawn others.

    References
    ----------
    .. [1] D. Shen et al., "NASH: toward end-to-end neural architecture for generative
       semantic hashing", ACL 2018. arXiv:1805.05361
    .. [2] R. Ñanculef et al., "Self-supervised Bernoulli autoencoders for
       semi-supervised hashing", 2020. arXiv:2007.08799

    Examples
    --------
    >>> import numpy as np
    >>> from skhash import BernoulliVAEHasher
    >>> X = np.random.RandomState(0).poisson(1.0, size=(100, 20))
    >>> BernoulliVAEHasher(n_bits=8, random_state=0).fit_transform(X).shape
    (100, 8)
    """

    _NETWORK_PARAMETERS = (*BaseVAEHasher._NETWORK_PARAMETERS, "sampler")

    _parameter_constraints: dict = {
        **BaseVAEHasher._parameter_constraints,
        "sampler": [StrOptions({"straight_through", "concrete"})],
        "kl_weight": [Interval(Real, 0, None, closed="left")],
    }

    def __init__(
        self,
        n_bits=32,
        *,
        sampler="straight_through",
        kl_weight=0.01,
        reconstruction="auto",
        hidden_layer_sizes=(500, 500),
        dropout=0.2,
        feature_dropout=0.2,
        max_epochs=30,
        batch_size=256,
        learning_rate=2e-3,
        warm_start=False,
        callbacks=None,
        device="auto",
        output="bits",
        verbose=0,
        random_state=None,
    ):
        self.n_bits = n_bits
        self.sampler = sampler
        self.kl_weight = kl_weight
        self.reconstruction = reconstruction
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

    def _check_labels(self, y, X):
        return super()._check_labels(None, X)

    def _start(self, X, y, labels, classes):
        super()._start(X, None, labels, None)

    def _objective(self):
        return EvidenceLowerBound(
            reconstruction=self.reconstruction_,
            kl_weight=self.kl_weight,
        )

    def _sampler(self):
        return self.sampler
