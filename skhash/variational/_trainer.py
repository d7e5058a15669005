"""Train an autoencoder with skorch, in one call or in several."""

import copy
import logging
import math
import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.utils import check_random_state
from skorch import NeuralNet
from skorch.callbacks import Callback, LRScheduler, PassthroughScoring, PrintLog
from torch.nn import BatchNorm1d

from skhash.utils._scaling import Scaler
from skhash.variational._validation import check_callbacks
from skhash.variational.nn._batches import Batch, TrainingRows
from skhash.variational.nn._networks import BernoulliAutoencoder
from skhash.variational.nn._objectives import Objective
from skhash.variational.nn._sparse_layer import RowwiseAdam

# The learning rate rises over the first steps, so that the large gradients of a new
# network have little effect, and falls to this fraction of its maximum.
_WARMUP_STEPS = 50
_FINAL_FRACTION = 0.02

# Batches from which batch normalization is recalibrated after training.
_RECALIBRATION_BATCHES = 20

logger = logging.getLogger("skhash")


@dataclass(frozen=True)
class TrainingTask:
    """The task that a network is made for and trained on.

    Attributes
    ----------
    reconstruction : {"softmax", "gaussian", "views"}
        The distribution of the decoder; "views" if each view has its own.
    scaler : NormScaler, GlobalStandardScaler or ViewScaler
        Makes inputs and decoder targets of the samples.
    classes : ndarray of shape (n_classes,) or None
        The classes, None without labels.
    multilabel : bool
        Whether samples have several labels.
    """

    reconstruction: str
    scaler: Scaler
    classes: NDArray | None
    multilabel: bool

    @property
    def n_classes(self) -> int:
        """Number of classes, 0 without labels."""
        return 0 if self.classes is None else len(self.classes)


@dataclass(frozen=True)
class TrainingSettings:
    """The settings of one call of :meth:`Trainer.train`.

    Attributes
    ----------
    n_epochs, batch_size : int
        Number of epochs, and of samples per batch.
    learning_rate : float
        The highest step size.
    anneal : bool
        Whether the step size rises first and falls at the end; else it is constant.
    callbacks : sequence of skorch callbacks or None
        Callbacks of the user.
    device : str
        Where to train.
    verbose : int
        Whether to log a line per epoch.
    """

    n_epochs: int
    batch_size: int
    learning_rate: float
    anneal: bool
    callbacks: Sequence[Any] | None
    device: str
    verbose: int


class Trainer:
    """Train a network, and continue to train it in later calls.

    Parameters
    ----------
    random_state : int, RandomState instance or None
        Seeds weights, batches and dropout.

    Attributes
    ----------
    network : BernoulliAutoencoder or None
        The network, on the CPU and in evaluation mode; None before training.
    history : list of dict
        For each epoch its number, the mean of each term of the loss, their sum
        "train_loss", and the seconds "dur".
    random_state : RandomState
        The source of all random numbers.
    """

    def __init__(self, random_state: int | np.random.RandomState | None):
        self.random_state = check_random_state(random_state)
        self.network: BernoulliAutoencoder | None = None
        self.history: list[dict[str, float]] = []
        self._optimizer_state: dict | None = None

    def resume(self) -> "Trainer":
        """Return a copy to continue with; this trainer stays as it is."""
        return copy.deepcopy(self)

    def __getstate__(self) -> dict:
        """Leave out the state of the optimizer, which is large."""
        return vars(self) | {"_optimizer_state": None}

    def __deepcopy__(self, memo: dict) -> "Trainer":
        """Copy the state of the optimizer too, unlike pickle."""
        copied = Trainer.__new__(Trainer)
        vars(copied).update(copy.deepcopy(vars(self), memo))
        return copied

    def generator(self, device: str = "cpu") -> torch.Generator:
        """Return a new generator of torch, seeded by the random state."""
        seed = self.random_state.randint(np.iinfo(np.int32).max)
        return torch.Generator(device).manual_seed(seed)

    def train(
        self, rows: TrainingRows, objective: Objective, settings: TrainingSettings
    ) -> None:
        """Train the network for some epochs.

        Parameters
        ----------
        rows : TrainingRows
            The samples.
        objective : Objective
            The loss.
        settings : TrainingSettings
            How to train.
        """
        net = self._make_net(objective, settings)
        network = net.module_
        network.use_generator(self.generator(settings.device))
        net.partial_fit(rows)
        recalibrate_batch_norm(network, rows, settings.batch_size)
        network.use_generator(None)
        net.optimizer_.zero_grad(set_to_none=True)
        net.optimizer_.release()
        self._optimizer_state = net.optimizer_.state_dict()
        self.network = network.to("cpu").eval()
        self._record(net, objective)

    def _make_net(
        self, objective: Objective, settings: TrainingSettings
    ) -> "AutoencoderNet":
        net = AutoencoderNet(
            objective,
            self.network,
            optimizer=RowwiseAdam,
            optimizer__fused=True,
            lr=settings.learning_rate,
            max_epochs=settings.n_epochs,
            batch_size=settings.batch_size,
            train_split=None,
            callbacks=_callbacks(objective, settings),
            callbacks__print_log=PrintLog(sink=_log) if settings.verbose else None,
            callbacks__valid_loss=None,
            callbacks__train_loss=EpochAverage("train_loss", lower_is_better=True),
            device=settings.device,
            verbose=int(settings.verbose),
        ).initialize()
        if self._optimizer_state is not None:
            net.optimizer_.load_state_dict(self._optimizer_state)
            for group in net.optimizer_.param_groups:
                group["lr"] = settings.learning_rate
        return net

    def _record(self, net: "AutoencoderNet", objective: Objective) -> None:
        columns = ("epoch", "train_loss", *objective.TERMS, "dur")
        n_before = len(self.history)
        self.history = self.history + [
            {name: float(epoch[name]) for name in columns}
            | {"epoch": n_before + epoch["epoch"]}
            for epoch in net.history
            if "dur" in epoch  # the epoch was not cut short by a callback
        ]


def _log(line: str) -> None:
    """Log a line of skorch without its colors; print it if no logging is set up."""
    line = re.sub(r"\x1b\[\d*m", "", line)
    if logger.hasHandlers():
        logger.info(line)
    else:
        sys.stdout.write(f"{line}\n")


def _callbacks(objective: Objective, settings: TrainingSettings) -> list[Any]:
    callbacks: list[Any] = [(name, EpochAverage(name)) for name in objective.TERMS]
    # A learning rate schedule of the user replaces the default one.
    users = check_callbacks(settings.callbacks)
    if settings.anneal and not any(isinstance(each, LRScheduler) for each in users):
        callbacks.append(("warmup_cosine", WarmupCosine()))
    return [*callbacks, *(settings.callbacks or ())]


class AutoencoderNet(NeuralNet):
    """The skorch net of an autoencoder; see :class:`skorch.NeuralNet`.

    The criterion is a module that takes the network, its activations and the batch and
    returns the terms of the loss by name. Their sum is minimized, and each is recorded
    in the history.

    Parameters
    ----------
    criterion : Objective
        The objective.
    module : BernoulliAutoencoder
        The network.
    **kwargs : dict
        As for :class:`skorch.NeuralNet`.
    """

    def __init__(self, criterion: Any, module: Any, **kwargs: Any):
        super().__init__(module, criterion, **kwargs)

    def get_iterator(self, dataset: TrainingRows, training: bool = False) -> "_Batches":
        """Return the batches of the training samples."""
        return _Batches(dataset, self.batch_size)

    def partial_fit(self, X, y=None, classes=None, **fit_params):
        """Train until the last epoch, or until a callback ends training.

        Unlike skorch's own method, this one raises when the user interrupts it.
        """
        self.notify("on_train_begin", X=X, y=y)
        with suppress(_TrainingEndedError):
            self.fit_loop(X, y, **fit_params)
        self.notify("on_train_end", X=X, y=y)
        return self

    def notify(self, method_name, **cb_kwargs):
        """Call a method of all callbacks; one may end training."""
        try:
            super().notify(method_name, **cb_kwargs)
        except KeyboardInterrupt as ended:  # the sign of skorch's EarlyStopping
            raise _TrainingEndedError from ended

    def train_step_single(self, batch: Batch, **fit_params: Any) -> dict[str, Any]:
        """Compute the loss of a batch and its gradients, and record its terms."""
        if not self.module_.training:  # setting the mode takes a millisecond
            self._set_training(True)
        batch = batch.to(self.device)
        activations = self.module_(batch.inputs)
        terms = self.criterion_(self.module_, activations, batch)
        loss = sum(terms.values())
        loss.backward()
        for name, term in terms.items():
            self.history.record_batch(name, term.item())
        return {"loss": loss, "y_pred": activations.logits}


class _TrainingEndedError(Exception):
    """A callback ended training."""


class _Batches:
    """Batches in a new random order each time they are iterated over."""

    def __init__(self, dataset: TrainingRows, batch_size: int):
        self.dataset = dataset
        self.batch_size = batch_size

    def __iter__(self) -> Iterator[Batch]:
        return self.dataset.batches(self.batch_size)


class WarmupCosine(Callback):
    """Raise the learning rate over the first steps, then lower it along a cosine."""

    def on_train_begin(self, net, X=None, y=None, **kwargs):
        """Count the steps to come."""
        self.step_ = 0
        self.n_steps_ = net.max_epochs * X.n_batches(net.batch_size)

    def on_batch_begin(self, net, batch=None, training=False, **kwargs):
        """Set the learning rate of the step."""
        progress = self.step_ / self.n_steps_
        self.step_ += 1
        decay = (1 + math.cos(math.pi * progress)) / 2
        warmup = min(1.0, self.step_ / min(_WARMUP_STEPS, self.n_steps_))
        rate = _FINAL_FRACTION + (1 - _FINAL_FRACTION) * decay
        for group in net.optimizer_.param_groups:
            group["lr"] = net.lr * warmup * rate


class EpochAverage(PassthroughScoring):
    """Average a term of the loss over the batches of an epoch."""

    def __init__(self, name, lower_is_better=None):
        super().__init__(name, lower_is_better=lower_is_better, on_train=True)


@torch.no_grad()
def recalibrate_batch_norm(
    network: BernoulliAutoencoder, rows: TrainingRows, batch_size: int
) -> None:
    """Recompute the statistics of batch normalization with the trained weights.

    The running averages lag behind the weights, most of all after few steps, and the
    logits would not be centered at the threshold of the bits.

    Parameters
    ----------
    network : BernoulliAutoencoder
        The network, on any device; left in evaluation mode.
    rows : TrainingRows
        The training samples.
    batch_size : int
        Number of samples per batch.
    """
    device = next(network.parameters()).device
    layers = [layer for layer in network.modules() if isinstance(layer, BatchNorm1d)]
    inputs = [
        batch.inputs.to(device)
        for batch in islice(rows.batches(batch_size), _RECALIBRATION_BATCHES)
    ]
    network.train()
    _average_over(layers, network, inputs)
    # The logits again, with activations as they are without dropout.
    network.eval()
    last = network.logit_layer[-1]
    if isinstance(last, BatchNorm1d):
        last.train()
        _average_over([last], network, inputs)
        last.eval()


def _average_over(
    layers: list[BatchNorm1d], network: BernoulliAutoencoder, inputs: list[Any]
) -> None:
    """Replace running averages by plain averages over some inputs."""
    momenta = [layer.momentum for layer in layers]
    for layer in layers:
        layer.reset_running_stats()
        layer.momentum = None  # a cumulative average
    for batch in inputs:
        network(batch)
    for layer, momentum in zip(layers, momenta, strict=True):
        layer.momentum = momentum
