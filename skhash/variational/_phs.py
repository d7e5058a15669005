"""Pairwise supervised hashing with a Bernoulli autoencoder."""

from numbers import Real

import torch

from skhash.utils._compat import Interval
from skhash.utils._docstrings import substitute
from skhash.variational._docs import TEXTS
from skhash.variational._supervised import SupervisedVAEHasher
from skhash.variational._trainer import TrainingTask
from skhash.variational.nn._batches import TrainingRows
from skhash.variational.nn._networks import BernoulliAutoencoder
from skhash.variational.nn._objectives import PairwiseObjective


@substitute(**TEXTS)
class PHSHasher(SupervisedVAEHasher):
    """Learn binary codes by pairwise supervision of an autoencoder (PHS-GS).

    Minimizes ``mean(REC + beta KL) + alpha (gamma mean(POINT) + PAIR)`` with relaxed
    bits; a pair is similar if the *given* labels of its samples are [1]_. Unlabeled
    samples carry -1 in `y`. With few labels there are few such pairs;
    :class:`~skhash.SSBVAEHasher` predicts the classes of the other samples.

    Parameters
    ----------
    n_bits : int, default=32
        {n_bits_text}
    mask_unlabeled : bool, default=True
        Whether pairs with an unlabeled sample are left out. If False they count as
        dissimilar, as in the original code, which separates unlabeled samples.
    label_weight : float, default=1000.0
        gamma, at least 0. The weight of the labels is alpha * gamma, by default 10,
        which is about the reconstruction loss of a text.
    pair_weight : float, default=0.01
        alpha, at least 0. PAIR is a sum over all pairs of a batch, so that its weight
        grows with the square of `batch_size`.
    kl_weight : float, default=0.01
        beta, at least 0.
    reconstruction : {"auto", "softmax", "gaussian"}, default="auto"
        {reconstruction_text}
    hidden_layer_sizes : tuple of int, default=(500, 500)
        {hidden_layer_sizes_text}
    dropout : float, default=0.2
        {dropout_text}
    feature_dropout : float, default=0.0
        {feature_dropout_text}
    max_epochs : int, default=30
        {max_epochs_text}
    batch_size : int, default=100
        {batch_size_text}
    learning_rate : float, default=1e-3
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
    {common_attributes}

    Notes
    -----
    PAIR = 1/n_bits sum_ij [S_ij D_ij + (1 - S_ij) max(0, n_bits/3 - D_ij)] over the
    pairs of a batch, with the squared distance D_ij of their relaxed bits and S_ij = 1
    for samples of one class, else 0 (the Jaccard index for several labels per sample).
    REC and KL are those of :class:`~skhash.BernoulliVAEHasher`, and POINT is the
    cross-entropy of the given labels. The sums are those of the code of [2]_, whose
    PHS-GS relaxes the bits where [1]_ estimates gradients.

    {architecture_cost}

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
        **SupervisedVAEHasher._parameter_constraints,
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

    def _make_network(
        self, task: TrainingTask, rows: TrainingRows, generator: torch.Generator
    ) -> BernoulliAutoencoder:
        return self._build_network(
            BernoulliAutoencoder, task, rows, generator, sampler="concrete"
        )

    def _make_objective(self, task: TrainingTask) -> PairwiseObjective:
        return PairwiseObjective(
            task.reconstruction,
            task.multilabel,
            kl_weight=self.kl_weight,
            label_weight=self.label_weight,
            pair_weight=self.pair_weight,
            mask_unlabeled=self.mask_unlabeled,
        )
