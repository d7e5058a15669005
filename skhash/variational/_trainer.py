"""The skorch net that trains an autoencoder on batches of rows and partial labels."""

import math
from itertools import islice

import torch
from skorch import NeuralNet
from skorch.callbacks import Callback, PassthroughScoring
from torch.nn import BatchNorm1d

from skhash.variational.nn._networks import BernoulliAutoencoder

# The learning rate rises over the first steps, so that the large gradients of a fresh
# network do not decide where it ends, and ends at this share of its peak.
_WARM_UP_STEPS = 50
_FINAL_SHARE = 0.02

# Batches that statistics are taken from after training.
_SETTLING_BATCHES = 20


class AutoencoderNet(NeuralNet):
    """Trains a :class:`BernoulliAutoencoder`; see :class:`skorch.NeuralNet`.

    The criterion is a module that takes the network, its activations and the batch and
    returns the terms of the loss by name; their sum is minimized, and each is recorded
    in the history. Override `train_step_single` to change a step.

    Parameters
    ----------
    criterion : nn.Module or type of nn.Module
        The objective.
    module : nn.Module or type of nn.Module, default=BernoulliAutoencoder
        The network.
    **kwargs : dict
        As for :class:`skorch.NeuralNet`.
    """

    def __init__(self, criterion, module=BernoulliAutoencoder, **kwargs):
        super().__init__(module, criterion, **kwargs)

    def get_iterator(self, dataset, training=False):
        """Return the batches of a :class:`TrainingRows`."""
        return _Batches(dataset, self.batch_size)

    def train_step_single(self, batch, **fit_params):
        """Compute the loss of a batch and its gradients, and record its terms."""
        if not self.module_.training:  # what takes a millisecond to say
            self._set_training(True)
        batch = batch.to(self.device)
        activations = self.module_(batch.inputs)
        terms = self.criterion_(self.module_, activations, batch)
        loss = sum(terms.values())
        loss.backward()
        for name, term in terms.items():
            self.history.record_batch(name, term.item())
        return {"loss": loss, "y_pred": activations.logits}


class _Batches:
    """Batches in a new random order each time they are iterated over."""

    def __init__(self, dataset, batch_size):
        self.dataset = dataset
        self.batch_size = batch_size

    def __iter__(self):
        return self.dataset.batches(self.batch_size)


class WarmupCosine(Callback):
    """Let the learning rate rise over the first steps, and fall along a cosine."""

    def on_train_begin(self, net, X=None, y=None, **kwargs):
        """Count the steps to come."""
        self.step_ = 0
        self.n_steps_ = net.max_epochs * X.n_batches(net.batch_size)

    def on_batch_begin(self, net, batch=None, training=False, **kwargs):
        """Set the learning rate of the step."""
        progress = self.step_ / self.n_steps_
        self.step_ += 1
        decay = (1 + math.cos(math.pi * progress)) / 2
        warm_up = min(1.0, self.step_ / min(_WARM_UP_STEPS, self.n_steps_))
        for group in net.optimizer_.param_groups:
            group["lr"] = net.lr * warm_up * (_FINAL_SHARE + (1 - _FINAL_SHARE) * decay)


class EpochAverage(PassthroughScoring):
    """Average a term of the loss over the batches of an epoch."""

    def __init__(self, name):
        super().__init__(name, lower_is_better=None, on_train=True)


@torch.no_grad()
def recalibrate_batch_norm(network, rows, batch_size):
    """Set the statistics of batch normalization from the trained weights.

    The running averages lag behind weights that just moved, the more so after few
    steps, and the logits would not be centered where the bits are cut.

    Parameters
    ----------
    network : BernoulliAutoencoder
        The network, on any device; left in task mode.
    rows : TrainingRows
        What it was trained on.
    batch_size : int
        The number of rows of a batch.
    """
    device = next(network.parameters()).device
    layers = [layer for layer in network.modules() if isinstance(layer, BatchNorm1d)]
    inputs = [
        batch.inputs.to(device)
        for batch in islice(rows.batches(batch_size), _SETTLING_BATCHES)
    ]
    network.train()
    _average_over(layers, network, inputs)
    # The logits once more, as they come without dropout.
    network.eval()
    last = network.logit_layer[-1]
    if isinstance(last, BatchNorm1d):
        last.train()
        _average_over([last], network, inputs)
        last.eval()


def _average_over(layers, network, inputs):
    """Replace running averages by plain ones over some inputs."""
    momenta = [layer.momentum for layer in layers]
    for layer in layers:
        layer.reset_running_stats()
        layer.momentum = None  # a cumulative average
    for batch in inputs:
        network(batch)
    for layer, momentum in zip(layers, momenta, strict=True):
        layer.momentum = momentum
