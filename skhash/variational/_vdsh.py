"""Variational deep semantic hashing: thresholded Gaussian latent variables."""

from numbers import Real

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from skhash.utils._compat import Interval
from skhash.utils._docstrings import substitute
from skhash.utils._labels import PartialLabels
from skhash.utils._rows import row_blocks
from skhash.utils._scaling import Rows
from skhash.utils._thresholds import median_thresholds
from skhash.variational._docs import TEXTS
from skhash.variational._supervised import SupervisedVAEHasher
from skhash.variational._trainer import Trainer, TrainingTask
from skhash.variational.nn._batches import TrainingRows
from skhash.variational.nn._dense_ops import near_zero
from skhash.variational.nn._networks import BernoulliAutoencoder, GaussianAutoencoder
from skhash.variational.nn._objectives import GaussianObjective

# The medians are those of this many samples at most.
_MAX_MEDIAN_SAMPLES = 100_000


@substitute(**TEXTS)
class VDSHHasher(SupervisedVAEHasher):
    """Learn binary codes from the latent variables of an autoencoder (VDSH-S).

    Minimizes ``REC + beta KL + gamma POINT`` with real latent variables, which the
    label head reads. A bit is 1 where the mean of its variable is above the median over
    the training samples, so that every bit is balanced [1]_. Without labels this is
    VDSH.

    Parameters
    ----------
    n_bits : int, default=32
        {n_bits_text}
    label_weight : float, default=1.0
        gamma, at least 0.
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
    thresholds_ : ndarray of shape (n_bits,)
        The median of each latent variable over the training samples.
    {common_attributes}

    Notes
    -----
    These are the models VDSH and VDSH-S of [1]_. For a sample x, divided by its sum,
    and latent variables z of means mu and deviations sigma, the softmax decoder has REC
    = - sum_w x_w log softmax_w(z W + b); KL = 1/2 sum_j [mu_j^2 + sigma_j^2 - log
    sigma_j^2 - 1], and POINT is the cross-entropy of the given labels.

    {architecture_cost}

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
        **SupervisedVAEHasher._parameter_constraints,
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

    def _make_network(
        self, task: TrainingTask, rows: TrainingRows, generator: torch.Generator
    ) -> BernoulliAutoencoder:
        return self._build_network(GaussianAutoencoder, task, rows, generator)

    def _make_objective(self, task: TrainingTask) -> GaussianObjective:
        return GaussianObjective(
            task.reconstruction,
            task.multilabel,
            kl_weight=self.kl_weight,
            label_weight=self.label_weight,
        )

    def _fit_codes(
        self, X: Rows, labels: PartialLabels, trainer: Trainer, *, is_chunk: bool
    ) -> None:
        X = X[:: -(-X.shape[0] // _MAX_MEDIAN_SAMPLES)]
        means = [
            self._activations(X[block])[1].cpu().numpy()
            for block in row_blocks(X.shape[0])
        ]
        self.thresholds_ = median_thresholds(np.concatenate(means))

    def _code_logits(
        self, X: Rows, rows: Rows, features: NDArray, logits: NDArray
    ) -> tuple[NDArray, NDArray[np.bool_]]:
        above = logits - self.thresholds_.astype(logits.dtype)
        return above, np.any(near_zero(above, logits), axis=1)

    def _class_scores(self, X: Rows, features: Tensor, logits: Tensor) -> Tensor:
        return self.network_.code_head(logits)
