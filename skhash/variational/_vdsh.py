"""Variational deep semantic hashing: real latent variables, cut at their median."""

from numbers import Real

import numpy as np
import torch
from sklearn.utils import gen_batches

from skhash._base import ROWS_PER_BLOCK
from skhash.utils._compat import Interval
from skhash.utils._thresholds import median_thresholds
from skhash.variational._base import BaseVAEHasher
from skhash.variational._network_hasher import near_zero
from skhash.variational.nn._networks import GaussianAutoencoder
from skhash.variational.nn._objectives import GaussianObjective

# Rows of which the medians are taken at most.
_MAX_MEDIAN_ROWS = 100_000


class VDSHHasher(BaseVAEHasher):
    """Binary codes from the Gaussian latent variables of an autoencoder (VDSH-S).

    Minimizes ``REC + beta KL + gamma POINT`` with real latent variables; the label head
    reads these, not the hidden layer. A bit is set where the mean of its variable is
    above the median over the training rows, so that every bit is balanced [1]_. Without
    labels this is VDSH.

    Parameters
    ----------
    n_bits : int, default=32
        The length of the codes.
    label_weight : float, default=1.0
        gamma, at least 0.
    kl_weight : float, default=0.01
        beta, at least 0.
    reconstruction : {"auto", "softmax", "gaussian"}, default="auto"
        The decoder's distribution: "softmax" takes rows as counts or weights of words
        and needs them non-negative; "gaussian" centers features and gives them one
        common scale. "auto" takes "softmax" unless a training value is negative.
    hidden_layer_sizes : tuple of int, default=(500, 500)
        The widths of the encoder's hidden layers, at least one.
    dropout : float, default=0.2
        The share of hidden units left out in a training step, in [0, 1).
    feature_dropout : float, default=0.0
        The share of the features of a row hidden from the encoder in a training step,
        in [0, 1).
    max_epochs : int, default=30
        How often each row is seen, at least 1.
    batch_size : int, default=100
        About how many rows make a training step, at least 2.
    learning_rate : float, default=1e-3
        The highest step size of Adam, above 0.
    warm_start : bool, default=False
        Whether a further call of `fit` goes on from the network of the last one, whose
        features, classes and shape must stay.
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
    classes_ : ndarray of shape (n_classes,) or None
        The classes, -1 not among them; None without labels.
    multilabel_ : bool
        Whether rows have several labels.
    reconstruction_ : {"softmax", "gaussian"}
        The decoder's distribution.
    thresholds_ : ndarray of shape (n_bits,)
        The median of each latent variable over the training rows.
    history_ : list of dict
        For each epoch its number, the mean of each term of the loss, their sum
        ``train_loss``, and the seconds ``dur``.
    network_ : GaussianAutoencoder
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
    These are the models VDSH and VDSH-S of [1]_. For a row x, divided by its sum, and
    latent variables z of means mu and deviations sigma, the softmax decoder has
    REC = - sum_w x_w log softmax_w(z W + b); KL = 1/2 sum_j [mu_j^2 + sigma_j^2 -
    log sigma_j^2 - 1], and POINT is the cross-entropy of the given labels. An epoch
    costs O(h nnz(X) + n_samples (h^2 + n_bits n_features)) for h hidden units,
    transform O(h nnz(X) + n_samples h (h + n_bits)); a sparse `X` is never densified as
    a whole. Beyond 32,768 features n_features is to be read as the number of features
    in a batch and 4,096 drawn others.

    References
    ----------
    .. [1] S. Chaidaroon, Y. Fang, "Variational deep semantic hashing for text
       documents", SIGIR 2017. arXiv:1708.03436

    Examples
    --------
    >>> import numpy as np
    >>> from skhash import VDSHHasher
    >>> X = np.random.RandomState(0).poisson(1.0, size=(100, 20))
    >>> VDSHHasher(n_bits=8, random_state=0).fit_transform(X).mean(axis=0)
    array([0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5])
    """

    _parameter_constraints: dict = {
        **BaseVAEHasher._parameter_constraints,
        "label_weight": [Interval(Real, 0, None, closed="left")],
        "kl_weight": [Interval(Real, 0, None, closed="left")],
    }

    def __init__(
        self,
        n_bits=32,
        *,
        label_weight=1.0,
        kl_weight=0.01,
        reconstruction="auto",
        hidden_layer_sizes=(500, 500),
        dropout=0.2,
        feature_dropout=0.0,
        max_epochs=30,
        batch_size=100,
        learning_rate=1e-3,
        warm_start=False,
        callbacks=None,
        device="auto",
        output="bits",
        verbose=0,
        random_state=None,
    ):
        self.n_bits = n_bits
        self.label_weight = label_weight
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

    _network_class = GaussianAutoencoder

    def _objective(self):
        return GaussianObjective(
            reconstruction=self.reconstruction_,
            multilabel=self.multilabel_,
            kl_weight=self.kl_weight,
            label_weight=self.label_weight,
        )

    def _train(self, X, labels, n_epochs, *, anneal):
        super()._train(X, labels, n_epochs, anneal=anneal)
        X = X[:: -(-X.shape[0] // _MAX_MEDIAN_ROWS)]
        means = [
            self._activations(X[rows])[1].cpu().numpy()
            for rows in gen_batches(X.shape[0], ROWS_PER_BLOCK)
        ]
        self.thresholds_ = median_thresholds(np.concatenate(means))

    def _code_logits(self, X, features, logits):
        above = logits - torch.from_numpy(self.thresholds_).to(logits)
        return above, near_zero(above, logits).any(dim=1)

    def _class_scores(self, features, logits):
        return self.network_.code_head(logits)
