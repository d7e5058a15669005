"""Pairwise supervised hashing with a Bernoulli autoencoder."""

from numbers import Real

from skhash.utils._compat import Interval
from skhash.variational._base import BaseVAEHasher
from skhash.variational.nn._objectives import PairwiseObjective


class PHSHasher(BaseVAEHasher):
    """Binary codes by pairwise supervision of a Bernoulli autoencoder (PHS-GS).

    Minimizes ``mean(REC + beta KL) + alpha (gamma mean(POINT) + PAIR)`` with relaxed
    bits, where the pairs of PAIR are alike if their *given* labels are [1]_. Rows
    without a label carry -1. Where few rows have one, few pairs speak;
    :class:`~skhash.SSBVAEHasher` predicts the classes of the others.

    Parameters
    ----------
    n_bits : int, default=32
        The length of the codes.
    mask_unlabeled : bool, default=True
        Whether pairs with an unlabeled row are left out. If False they count as
        unlike, as in the original code, which drives unlabeled rows apart.
    label_weight : float, default=1000.0
        gamma, at least 0; the labels weigh alpha * gamma, by default 10, about what the
        words of a text cost the decoder.
    pair_weight : float, default=0.01
        alpha, at least 0. PAIR is a sum over all pairs of a batch, so that its weight
        grows with the square of `batch_size`.
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
    PAIR = 1/n_bits sum_ij [S_ij D_ij + (1 - S_ij) max(0, n_bits/3 - D_ij)] over the
    pairs of a batch, D_ij the squared distance of their relaxed bits and S_ij 1 for
    rows of one class, else 0 (the Jaccard index for several classes a row). REC and KL
    are those of :class:`~skhash.BernoulliVAEHasher`, POINT is the cross-entropy of the
    given labels, and all are summed as in the code of [2]_, whose PHS-GS relaxes the
    bits where [1]_ estimates gradients. An epoch costs O(h nnz(X) + n_samples (h^2 +
    n_bits n_features + n_bits batch_size)) for h hidden units, transform O(h nnz(X) +
    n_samples h (h + n_bits)); a sparse `X` is never densified as a whole. Beyond 32,768
    features n_features is to be read as the number of features in a batch and 4,096
    drawn others.

    References
    ----------
    .. [1] S. Z. Dadaneh et al., "Pairwise supervised hashing with Bernoulli variational
       auto-encoder and self-control gradient estimator", UAI 2020.
       arXiv:2005.10477
    .. [2] R. Ñanculef et al., "Self-supervised Bernoulli autoencoders for
       semi-supervised hashing", 2020. arXiv:2007.08799

    Examples
    --------
    >>> import numpy as np
    >>> from skhash import PHSHasher
    >>> X = np.random.RandomState(0).poisson(1.0, size=(100, 20))
    >>> y = np.where(X[:, 0] > X[:, 1], 1, 0)
    >>> y[50:] = -1
    >>> PHSHasher(n_bits=8, random_state=0).fit(X, y).transform(X).shape
    (100, 8)
    """

    _parameter_constraints: dict = {
        **BaseVAEHasher._parameter_constraints,
        "mask_unlabeled": ["boolean"],
        "label_weight": [Interval(Real, 0, None, closed="left")],
        "pair_weight": [Interval(Real, 0, None, closed="left")],
        "kl_weight": [Interval(Real, 0, None, closed="left")],
    }

    def __init__(
        self,
        n_bits=32,
        *,
        mask_unlabeled=True,
        label_weight=1000.0,
        pair_weight=0.01,
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
        self.mask_unlabeled = mask_unlabeled
        self.label_weight = label_weight
        self.pair_weight = pair_weight
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

    def _objective(self):
        return PairwiseObjective(
            reconstruction=self.reconstruction_,
            multilabel=self.multilabel_,
            kl_weight=self.kl_weight,
            label_weight=self.label_weight,
            pair_weight=self.pair_weight,
            mask_unlabeled=self.mask_unlabeled,
        )

    def _sampler(self):
        return "concrete"
