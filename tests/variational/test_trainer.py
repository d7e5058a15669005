"""Test the training loop: history, interrupts, callbacks, learning rate, log."""

import io
import logging
import pickle

import joblib
import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal
from skorch.callbacks import Callback, Checkpoint, EarlyStopping, LRScheduler

from skhash.variational import SSBVAEHasher, _ssbvae
from skhash.variational.nn._rows import as_tensor_rows


def hasher(**kwargs):
    small = {
        "n_bits": 16,
        "hidden_layer_sizes": (64,),
        "batch_size": 64,
        "max_epochs": 6,
        "random_state": 0,
    }
    return SSBVAEHasher(**(small | kwargs))


def quick(**kwargs):
    """Return a hasher without the slow parts before and after training."""
    parts = {"pseudo_labeler": None, "code_assigner": None}
    return hasher(**({"hidden_layer_sizes": (8,)} | parts | kwargs))


class Interrupt(Callback):
    """Raise KeyboardInterrupt after some batches."""

    def __init__(self, after):
        self.after = after

    def on_train_begin(self, net, X=None, y=None, **kwargs):
        self.left = self.after

    def on_batch_end(self, net, training=False, **kwargs):
        self.left -= 1
        if not self.left:
            raise KeyboardInterrupt


class Recorder(Callback):
    """Record the learning rate of each batch, and the fraction that is decoded."""

    def on_train_begin(self, net, X=None, y=None, **kwargs):
        self.rates_, self.decoded_ = [], []

    def on_batch_end(self, net, batch=None, training=False, **kwargs):
        self.rates_.append(net.optimizer_.param_groups[0]["lr"])
        self.decoded_.append(batch.n_reconstructed / len(batch.rows))


def test_history(rows, labels):
    fitted = hasher().fit(rows, labels)
    assert fitted.n_iter_ == len(fitted.history_) == 6
    assert [epoch["epoch"] for epoch in fitted.history_] == [1, 2, 3, 4, 5, 6]
    for epoch in fitted.history_:
        terms = set(epoch) - {"epoch", "train_loss", "dur"}
        assert terms >= {"reconstruction", "labels", "pairs"}
        total = sum(epoch[name] for name in terms)
        assert epoch["train_loss"] == pytest.approx(total, rel=1e-4)
        assert epoch["dur"] > 0
    first, last = fitted.history_[0], fitted.history_[-1]
    assert last["train_loss"] < 0.9 * first["train_loss"]
    assert last["labels"] < first["labels"]


def test_terms_without_labels(rows):
    history = hasher().fit(rows).history_
    assert all(epoch["labels"] == epoch["pairs"] == 0 for epoch in history)
    assert history[-1]["reconstruction"] < history[0]["reconstruction"]


def test_weight_of_a_term(rows, labels):
    history = hasher(pair_weight=0.0, max_epochs=1).fit(rows, labels).history_
    assert history[0]["pairs"] == 0
    assert history[0]["labels"] > 0


# 300 rows in batches of 64 are 5 steps per epoch.
@pytest.mark.parametrize(("after", "n_epochs"), [(20, 3), (12, 2), (2, 0)])
def test_interrupted_epochs(rows, labels, after, n_epochs):
    fitted = hasher(callbacks=[Interrupt(after)]).fit(rows, labels)
    assert fitted.n_iter_ == len(fitted.history_) == n_epochs
    codes = fitted.transform(rows)
    assert codes.shape == (300, 16)
    assert np.isfinite(fitted.encode_proba(rows)).all()
    assert_array_equal(fitted.transform(rows[:5]), codes[:5])


def test_fit_after_an_interrupt_starts_anew(rows, labels):
    interrupted = hasher(callbacks=[Interrupt(7)]).fit(rows, labels)
    interrupted.set_params(callbacks=None).fit(rows, labels)
    assert interrupted.n_iter_ == 6
    assert_array_equal(
        interrupted.transform(rows), hasher().fit(rows, labels).transform(rows)
    )


def test_early_stopping(rows, labels):
    # No loss falls by half in an epoch.
    stop = EarlyStopping(monitor="train_loss", patience=2, threshold=0.5, sink=str)
    assert hasher(callbacks=[stop]).fit(rows, labels).n_iter_ == 3


def test_named_callback(rows, labels):
    stop = EarlyStopping(monitor="train_loss", patience=2, threshold=0.5, sink=str)
    assert hasher(callbacks=[("stop", stop)]).fit(rows, labels).n_iter_ == 3


def test_learning_rate_falls_after_a_warm_up(rows, labels):
    recorder = Recorder()
    model = quick(callbacks=[recorder], learning_rate=0.01, batch_size=10)
    model.set_params(max_epochs=6).fit(rows, labels)
    rates = np.array(recorder.rates_)
    assert len(rates) == 6 * 30
    assert rates.max() <= 0.01
    peak = rates.argmax()
    assert 10 < peak < 60
    assert (np.diff(rates[: peak + 1]) > 0).all()
    assert (np.diff(rates[peak:]) < 0).all()
    assert rates[-1] < 0.001


@pytest.mark.parametrize(("n_rows", "fraction"), [(300, 0.5), (298, 1.0)])
def test_half_of_many_samples_is_decoded(rows, labels, monkeypatch, n_rows, fraction):
    monkeypatch.setattr(_ssbvae, "_MANY_SAMPLES", 300)
    recorder = Recorder()
    hasher(callbacks=[recorder], batch_size=50).fit(rows[:n_rows], labels[:n_rows])
    assert recorder.decoded_ == pytest.approx(6 * 6 * [fraction], abs=0.02)


def test_schedule_of_the_user(rows, labels):
    recorder, schedule = Recorder(), LRScheduler("ExponentialLR", gamma=0.01)
    model = quick(callbacks=[schedule, recorder], batch_size=10, max_epochs=3)
    model.fit(rows, labels)
    first, second, _ = np.array(recorder.rates_).reshape(3, 30).mean(axis=1)
    assert second < 0.05 * first


def test_silent_by_default(rows, labels, caplog, capfd):
    caplog.set_level(logging.DEBUG)
    hasher(max_epochs=1).fit(rows, labels)
    assert not [r for r in caplog.records if r.name.startswith("skhash")]
    assert capfd.readouterr() == ("", "")


def test_verbose_goes_to_the_log(rows, labels, caplog, capfd):
    caplog.set_level(logging.INFO, logger="skhash")
    hasher(max_epochs=2, verbose=1).fit(rows, labels)
    messages = [r.getMessage() for r in caplog.records if r.name == "skhash"]
    assert len(messages) >= 3
    assert "reconstruction" in "\n".join(messages)
    assert capfd.readouterr().out == ""


def test_verbose_is_printed_without_logging(rows, labels, monkeypatch, capfd):
    # As in a program that sets up no logging: pytest sets it up at the root.
    monkeypatch.setattr(logging.getLogger("skhash"), "propagate", False)
    hasher(max_epochs=2, verbose=1).fit(rows, labels)
    lines = capfd.readouterr().out.splitlines()
    assert len(lines) == 4
    assert "reconstruction" in lines[0]


def test_size_of_a_pickle(rows, labels):
    model = hasher().fit(rows, labels)
    n_bytes = sum(p.numel() * p.element_size() for p in model.network_.parameters())
    n_bytes += model._clusters.weights.nbytes
    anchors = model._anchors  # a part of the samples
    n_bytes += sum(getattr(anchors, x).nbytes for x in ("data", "indices", "indptr"))
    memory = io.BytesIO()
    joblib.dump(model, memory)
    # The state of the optimizer would take twice as much more.
    assert memory.tell() < 1.2 * n_bytes + 50_000


# Callbacks of the user


def user_callbacks(folder):
    quiet = {"sink": str}
    return {
        "early stopping": EarlyStopping("train_loss", **quiet),
        "early stopping, best": EarlyStopping("train_loss", load_best=True, **quiet),
        "checkpoint": Checkpoint(monitor=None, dirname=folder, **quiet),
        "best checkpoint": Checkpoint("train_loss_best", dirname=folder, **quiet),
        "best checkpoint, load": Checkpoint(
            "train_loss_best", dirname=folder, load_best=True, **quiet
        ),
        "class": EarlyStopping,
    }


@pytest.mark.parametrize("name", user_callbacks("x"))
def test_callbacks_of_skorch(rows, labels, tmp_path, name):
    callback = user_callbacks(str(tmp_path))[name]
    if name == "class":
        callback = ("stop", EarlyStopping("train_loss", sink=str))
    model = hasher(callbacks=[callback], max_epochs=3).fit(rows, labels)
    assert model.n_iter_ == 3
    assert_array_equal(model.transform(rows[:5]), model.transform(rows)[:5])
    assert bool(list(tmp_path.iterdir())) == ("checkpoint" in name)


class Corrupt(Callback):
    """Corrupt the weights of the last epoch, and record those of the best one."""

    def __init__(self, n_epochs):
        self.n_epochs = n_epochs

    def on_epoch_begin(self, net, **kwargs):
        if len(net.history) == self.n_epochs:
            self.best_ = net.module_.decoder.weight.detach().clone()
            with torch.no_grad():
                net.module_.decoder.weight.mul_(-100)


@pytest.mark.parametrize("kind", ["checkpoint", "early stopping"])
def test_weights_of_the_best_epoch(rows, labels, tmp_path, kind):
    """They are loaded at the end, and training continues from them."""
    spoil = Corrupt(n_epochs=4)
    best = (
        Checkpoint("train_loss_best", dirname=tmp_path, load_best=True, sink=str)
        if kind == "checkpoint"
        else EarlyStopping("train_loss", load_best=True, sink=str)
    )
    model = hasher(callbacks=[spoil, best], max_epochs=4, warm_start=True)
    model.fit(rows, labels)
    losses = [epoch["train_loss"] for epoch in model.history_]
    if kind == "checkpoint":  # which loads the history too
        assert model.n_iter_ == 3
    else:
        assert losses[-1] > 2 * min(losses)
    assert torch.equal(model.network_.decoder.weight, spoil.best_)
    assert_array_equal(model.transform(rows[:5]), model.transform(rows)[:5])
    model.set_params(callbacks=None).fit(rows, labels)
    assert model.history_[-1]["train_loss"] < 2 * min(losses)


def test_names_of_the_best_epochs_are_not_in_the_history(rows, tmp_path):
    best = Checkpoint("train_loss_best", dirname=tmp_path, sink=str)
    model = hasher(callbacks=[best], max_epochs=2).fit(rows)
    for epoch in model.history_:
        assert not any(name.endswith("_best") for name in epoch)
        assert all(isinstance(value, (int, float)) for value in epoch.values())


def test_callbacks_given_are_not_changed(rows):
    callbacks = (("record", Recorder()),)
    model = hasher(callbacks=callbacks, max_epochs=1).fit(rows)
    assert model.callbacks is callbacks
    assert len(model.callbacks) == 1


# After training


def test_batch_normalization_is_recalibrated(rows, labels):
    """Logits have mean 0 over the samples, so that bits are balanced."""
    model = hasher(code_assigner=None, batch_size=300).fit(rows, labels)
    _, logits = model._activations(rows)
    assert_allclose(logits.mean(dim=0), 0, atol=1e-3)
    assert_allclose(logits.std(dim=0, unbiased=False), 1, atol=1e-2)
    for layer in model.network_.modules():
        if isinstance(layer, torch.nn.BatchNorm1d):
            assert layer.momentum == 0.1


@pytest.mark.parametrize("way", ["fit", "partial_fit"])
def test_network_is_ready_after_training(rows, labels, way):
    model = hasher(max_epochs=1)
    getattr(model, way)(rows, labels)
    network = model.network_
    assert not network.training
    assert network.generator is None
    for parameter in network.parameters():
        assert parameter.grad is None
        assert parameter.device.type == "cpu"
    for layer in network.modules():
        assert getattr(layer, "generator", None) is None


@pytest.mark.parametrize("way", ["fit", "partial_fit"])
def test_any_optimizer_trains_the_network_further(rows, labels, way):
    """Right after training, before anything is collected as garbage."""
    model = hasher(max_epochs=1)
    getattr(model, way)(rows, labels)
    network = model.network_
    optimizer = torch.optim.SGD(network.parameters(), lr=0.1)
    before = network.input_layer.weight.detach().clone()
    inputs = as_tensor_rows(model.scaler_.scale(rows))
    network.encode(inputs, precise=False)[1].square().sum().backward()
    assert network.input_layer.weight.grad.abs().max() > 0
    optimizer.step()
    assert not torch.equal(network.input_layer.weight, before)


def test_resumed_trainer_is_independent(rows, labels):
    model = hasher(max_epochs=1).fit(rows, labels)
    trainer = model._trainer
    resumed = trainer.resume()
    assert resumed.network is not trainer.network
    assert resumed.history == trainer.history
    assert resumed._optimizer_state is not None
    with torch.no_grad():
        resumed.network.decoder.weight.zero_()
    assert trainer.network.decoder.weight.abs().max() > 0
    numbers = resumed.random_state.random_sample(3)
    assert_array_equal(trainer.random_state.random_sample(3), numbers)
    assert pickle.loads(pickle.dumps(trainer))._optimizer_state is None
    assert trainer._optimizer_state is not None


def test_learning_rate_of_chunks_is_constant(rows, labels):
    recorder = Recorder()
    model = quick(callbacks=[recorder], learning_rate=0.01, batch_size=10)
    for _ in range(2):
        model.partial_fit(rows, labels)
        assert recorder.rates_ == [0.01] * 30
    model.set_params(learning_rate=0.002).partial_fit(rows, labels)
    assert recorder.rates_ == [0.002] * 30
