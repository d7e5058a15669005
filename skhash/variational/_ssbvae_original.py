"""The self-supervised Bernoulli autoencoder as published."""

from numbers import Real

import torch

from skhash.utils._compat import Interval
from skhash.utils._docstrings import substitute
from skhash.variational._docs import TEXTS
from skhash.variational._supervised import SupervisedVAEHasher
from skhash.variational._trainer import TrainingTask
from skhash.variational.nn._batches import TrainingRows
from skhash.variational.nn._networks import BernoulliAutoencoder
from skhash.variational.nn._objectives import SSBVAEObjective


@substitute(**TEXTS)
class OriginalSSBVAEHasher(SupervisedVAEHasher):
    """Learn binary codes by self-supervised autoencoding as published (SSB-VAE).

    Minimizes ``mean(REC + beta KL) + alpha (gamma mean(POINT) + PAIR)`` with relaxed
    bits; the similarity of a pair is that of the classes that the network itself
    predicts [1]_. Unlabeled samples carry -1 in `y`. For reproduction and comparison;
    the defaults are the settings of the authors.

    Parameters
    ----------
    n_bits : int, default=32
        {n_bits_text}
    label_weight : float, default=1000.0
        gamma, at least 0, in the experiments of [1]_ from 1 to 1e7. The weight of the
        labels is alpha * gamma.
    pair_weight : float, default=0.01
        alpha, at least 0, in the experiments of [1]_ from 1e-6 to 1e-2. PAIR is a sum
        over all pairs of a batch, so that its weight grows with the square of
        `batch_size`.
    kl_weight : float, default=0.01
        beta, at least 0.
    reconstruction : {"auto", "softmax", "gaussian"}, default="auto"
        {reconstruction_text}
    hidden_layer_sizes : tuple of int, default=(500, 500)
        {hidden_layer_sizes_text}
    dropout : float, default=0.0
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

    See Also
    --------
    skhash.SSBVAEHasher : The recommended objective, with one setting for all data.

    Notes
    -----
    PAIR = 1/n_bits sum_ij [S_ij D_ij + (1 - S_ij) max(0, n_bits/3 - D_ij)] over the
    pairs of a batch, with the squared distance D_ij of their relaxed bits and the
    similarity S_ij of the predicted class distributions, through which gradients pass.
    REC and KL are those of :class:`~skhash.BernoulliVAEHasher`, and POINT is the
    cross-entropy of the given labels. Sums and means are those of the code of the
    authors. They tuned the three weights for each data set and number of labels.

    {architecture_cost}

    References
    ----------
    .. [1] R. Ñanculef, F. Mena, A. Macaluso, S. Lodi, C. Sartori, "Self-supervised
       Bernoulli autoencoders for semi-supervised hashing", 2020. arXiv:2007.08799

    Examples
    --------
    >>> import numpy as np
    >>> from skhash import OriginalSSBVAEHasher
    >>> X = np.random.RandomState(0).poisson(1.0, size=(100, 20))
    >>> y = np.where(X[:, 0] > X[:, 1], 1, 0)
    >>> y[50:] = -1
    >>> OriginalSSBVAEHasher(n_bits=8, random_state=0).fit(X, y).transform(X).shape
    (100, 8)
    """

    _parameter_constraints: dict = {
        **SupervisedVAEHasher._parameter_constraints,
        "label_weight": [Interval(Real, 0, None, closed="left")],
        "pair_weight": [Interval(Real, 0, None, closed="left")],
        "kl_weight": [Interval(Real, 0, None, closed="left")],
    }

    def __init__(
        self,
        n_bits=32,
        *,
        label_weight=1000.0,
        pair_weight=0.01,
        kl_weight=0.01,
        reconstruction="auto",
        hidden_layer_sizes=(500, 500),
        dropout=0.0,
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

    def _make_objective(self, task: TrainingTask) -> SSBVAEObjective:
        return SSBVAEObjective(
            task.reconstruction,
            task.multilabel,
            kl_weight=self.kl_weight,
            label_weight=self.label_weight,
            pair_weight=self.pair_weight,
        )
