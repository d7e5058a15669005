"""Bernoulli autoencoder without labels."""

from numbers import Real
from typing import Any

import torch
from numpy.typing import NDArray

from skhash.utils._compat import Interval, StrOptions
from skhash.utils._docstrings import substitute
from skhash.utils._labels import PartialLabels, check_partial_labels
from skhash.utils._scaling import Rows
from skhash.variational._base import BaseVAEHasher
from skhash.variational._docs import TEXTS
from skhash.variational._trainer import TrainingTask
from skhash.variational.nn._batches import TrainingRows
from skhash.variational.nn._networks import BernoulliAutoencoder
from skhash.variational.nn._objectives import EvidenceLowerBound


@substitute(**TEXTS)
class BernoulliVAEHasher(BaseVAEHasher):
    """Learn binary codes by a Bernoulli autoencoder without labels.

    Minimizes ``REC + beta KL``: the decoder reconstructs a sample from its code, and
    the distribution of each bit is kept close to that of a fair coin. Labels are
    ignored. Either deterministic bits with a straight-through gradient, as NASH [1]_,
    or relaxed bits as in [2]_.

    Parameters
    ----------
    n_bits : int, default=32
        {n_bits_text}
    sampler : {"straight_through", "concrete"}, default="straight_through"
        The input of the decoder in training: the bits, differentiated as if they were
        the logits [1]_, or samples of the binary concrete distribution with temperature
        2/3 [2]_.
    kl_weight : float, default=0.01
        beta, at least 0. If it is too large, bits no longer depend on the sample.
    reconstruction : {"auto", "softmax", "gaussian"}, default="auto"
        {reconstruction_text}
    hidden_layer_sizes : tuple of int, default=(500, 500)
        {hidden_layer_sizes_text}
    dropout : float, default=0.2
        {dropout_text}
    feature_dropout : float, default=0.2
        {feature_dropout_text}
    max_epochs : int, default=30
        {max_epochs_text}
    batch_size : int, default=256
        {batch_size_text}
    learning_rate : float, default=2e-3
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
    classes_ : None
        There are no classes, whatever `y` is.
    multilabel_ : bool
        False, whatever `y` is.
    {common_attributes}

    See Also
    --------
    skhash.SSBVAEHasher : Uses pseudo-labels, neighbors, and labels if there are any.

    Notes
    -----
    For a sample x, divided by its sum, and a code z, the softmax decoder has REC = -
    sum_w x_w log softmax_w(z W + b) (equation 6 of [1]_). With the probabilities p of
    the bits, KL = n_bits log 2 + sum_j [p_j log p_j + (1 - p_j) log(1 - p_j)] (equation
    4 for fair coins); the loss is the weighted sum of the two terms of equation 3. Hard
    bits are those of equation 1. By equation 5 their gradient passes to p; here it
    passes to the logits.

    {architecture_cost}

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

    _ARCHITECTURE_PARAMETERS = (*BaseVAEHasher._ARCHITECTURE_PARAMETERS, "sampler")

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

    def _check_labels(self, X: Rows, y: Any, *, is_chunk: bool) -> PartialLabels:
        return check_partial_labels(None, X.shape[0])

    def _initialize(
        self, X: Rows, y: Any, labels: PartialLabels, classes: NDArray | None
    ) -> None:
        super()._initialize(X, None, labels, None)

    def _make_network(
        self, task: TrainingTask, rows: TrainingRows, generator: torch.Generator
    ) -> BernoulliAutoencoder:
        return self._build_network(
            BernoulliAutoencoder, task, rows, generator, sampler=self.sampler
        )

    def _make_objective(self, task: TrainingTask) -> EvidenceLowerBound:
        return EvidenceLowerBound(task.reconstruction, self.kl_weight)
