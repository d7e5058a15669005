"""Test that an exception in training leaves a hasher as it was."""

import sys
from pathlib import Path

import numpy as np
import pytest
import scipy.sparse as sp
from numpy.testing import assert_array_equal
from sklearn.exceptions import NotFittedError
from skorch.callbacks import Callback

import skhash
from skhash import BernoulliVAEHasher, PHSHasher, VDSHHasher
from skhash.variational import (
    CodeAssigner,
    OriginalSSBVAEHasher,
    PseudoLabeler,
    SSBVAEHasher,
    _trainer,
)
from skhash.variational._base import BaseVAEHasher

HASHERS = [
    SSBVAEHasher,
    OriginalSSBVAEHasher,
    BernoulliVAEHasher,
    PHSHasher,
    VDSHHasher,
]
WAYS = ["fit", "partial_fit", "warm fit"]
N_SAMPLES, N_FEATURES = 40, 12


class Injected(Exception):
    """An error that nothing catches."""


@pytest.fixture(scope="module")
def X():
    rng = np.random.default_rng(0)
    return rng.random((N_SAMPLES, N_FEATURES)) * (rng.random((40, 12)) < 0.6)


@pytest.fixture(scope="module")
def y():
    return np.where(np.arange(N_SAMPLES) % 2, np.arange(N_SAMPLES) % 3, -1)


def tiny(hasher_class=SSBVAEHasher, way="fit", **kwargs):
    small = {
        "n_bits": 16,
        "max_epochs": 2,
        "batch_size": 20,
        "hidden_layer_sizes": (8,),
        "random_state": 0,
    }
    return hasher_class(**(small | kwargs), warm_start=way == "warm fit")


def learn(model, way, X, y):
    if way == "partial_fit":
        return model.partial_fit(X, y, classes=[0, 1, 2])
    return model.fit(X, y)


def attributes(model):
    """Return the names of the attributes, without the lock of changes."""
    return sorted({*vars(model)} - {"_mutex"})


def state_of(model):
    """Return the whole fitted state of a hasher."""
    weights = model.network_.state_dict()
    random_state = model._trainer.random_state.get_state()
    return {
        "names": attributes(model),
        "weights": {name: w.numpy().tobytes() for name, w in weights.items()},
        "training": model.network_.training,
        "random": (random_state[1].tobytes(), *random_state[2:]),
        "history": list(model.history_),
        "n_iter": model.n_iter_,
        "classes": None if model.classes_ is None else model.classes_.tolist(),
        "n_features": model.n_features_in_,
    }


def check_failure(model, way, X, y, error, *, before=None):
    """Check that a call raises an error and changes nothing."""
    names = attributes(model)
    codes = None if before is None else model.transform(before)
    state = None if before is None else state_of(model)
    with pytest.raises(error):
        learn(model, way, X, y)
    assert attributes(model) == names
    if before is None:
        with pytest.raises(NotFittedError):
            model.transform(X)
    else:
        assert state_of(model) == state
        assert_array_equal(model.transform(before), codes)


class Raise(Callback):
    """Raise an error in a hook of skorch, the first time or later."""

    HOOKS = (
        "initialize",
        "on_train_begin",
        "on_epoch_begin",
        "on_batch_begin",
        "on_grad_computed",
        "on_batch_end",
        "on_epoch_end",
        "on_train_end",
    )

    def __init__(self, hook, error=Injected, skip=0):
        self.hook = hook
        self.error = error
        self.skip = skip
        self.n_calls = 0

    def _called(self, hook):
        if hook == self.hook:
            self.n_calls += 1
            if self.n_calls > self.skip:
                raise self.error


def _hook(name):
    def hook(self, *args, **kwargs):
        self._called(name)
        return self

    return hook


for _name in Raise.HOOKS:
    setattr(Raise, _name, _hook(_name))


@pytest.mark.parametrize("fitted", [False, True])
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("hook", Raise.HOOKS)
def test_error_in_a_callback(X, y, hook, way, fitted):
    for skip in (0, 1):
        if skip and hook in ("initialize", "on_train_begin", "on_train_end"):
            continue
        if skip and way == "partial_fit" and "epoch" in hook:
            continue
        model = tiny(way=way)
        if fitted:
            learn(model, way, X, y)
        model.set_params(callbacks=[Raise(hook, skip=skip)])
        check_failure(model, way, X, y, Injected, before=X if fitted else None)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("hasher_class", HASHERS)
def test_error_in_the_last_epoch(X, y, hasher_class, way):
    model = tiny(hasher_class, way)
    check_failure(
        model.set_params(callbacks=[Raise("on_epoch_end")]), way, X, y, Injected
    )
    learn(model.set_params(callbacks=None), way, X, y)
    model.set_params(callbacks=[Raise("on_train_end")])
    check_failure(model, way, X, y, Injected, before=X)
    # It can still be trained.
    learn(model.set_params(callbacks=None), way, X, y)
    assert model.transform(X).shape == (N_SAMPLES, 16)


TARGETS = {
    "recalibrate_batch_norm": (_trainer, "recalibrate_batch_norm"),
    "_average_over": (_trainer, "_average_over"),
    "label": (PseudoLabeler, "label"),
    "assign": (CodeAssigner, "fit"),
    "learn words": (CodeAssigner, "_learn_words"),
    "learn labels": (CodeAssigner, "_learn_labels"),
    "record": (_trainer.Trainer, "_record"),
    "train": (_trainer.Trainer, "train"),
    "step": (_trainer.AutoencoderNet, "train_step_single"),
    "fit codes": (SSBVAEHasher, "_fit_codes"),
    "initialize": (BaseVAEHasher, "_initialize"),
    "resume": (_trainer.Trainer, "resume"),
}


@pytest.mark.parametrize(
    ("when", "error"), [("before", MemoryError), ("after", KeyboardInterrupt)]
)
@pytest.mark.parametrize("name", TARGETS)
def test_interrupt_in_a_step(X, y, monkeypatch, name, when, error):
    """Before or after the work of the step, the first time and the second."""
    owner, attribute = TARGETS[name]
    original = getattr(owner, attribute)
    X = sp.csr_array(X)

    def interrupted(*args, **kwargs):
        if when == "after":
            original(*args, **kwargs)
        raise error

    for way in ("fit", "partial_fit") if when == "before" else ("warm fit",):
        fitted = learn(tiny(way=way), way, X, y)
        unfitted = tiny(way=way)
        with monkeypatch.context() as patch:
            patch.setattr(owner, attribute, interrupted)
            if name != "resume":
                check_failure(unfitted, way, X, y, error)
            if name == "initialize" and way != "fit":
                continue  # runs in the first call only
            if name == "resume" and way == "fit":
                continue  # does not run
            check_failure(fitted, way, X, y, error, before=X)


@pytest.mark.parametrize("at", [1, 2])
def test_interrupt_between_two_passes_of_recalibration(X, y, monkeypatch, at):
    original, n_calls = _trainer._average_over, 0

    def interrupted(*args):
        nonlocal n_calls
        n_calls += 1
        original(*args)
        if n_calls == at:
            raise KeyboardInterrupt

    monkeypatch.setattr(_trainer, "_average_over", interrupted)
    check_failure(tiny(), "fit", X, y, KeyboardInterrupt)


# Invalid data


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("hasher_class", HASHERS)
def test_invalid_data(X, y, hasher_class, way):
    wide = np.hstack([X, X])
    nan = np.where(np.arange(N_FEATURES) == 3, np.nan, X)
    refused = [(nan, y), (X[:1], y[:1]), (X[0], y)]
    if way != "fit":
        refused += [(wide, y), (-X, y)]
    if hasher_class is not BernoulliVAEHasher:
        refused += [
            (X, y[:-1]),
            (X, y + 0.5),
            (X, np.full(N_SAMPLES, np.inf)),
            (X, ["a", "-1"] * (N_SAMPLES // 2)),
        ]
        if way != "partial_fit":
            refused += [(X, np.where(y == 1, 1, -1)), (wide, np.zeros(N_SAMPLES))]
        if way != "fit":
            refused += [(X, np.eye(3, dtype=int)[y])]
        # SSBVAEHasher learns new classes.
        if way == "partial_fit" and hasher_class is not SSBVAEHasher:
            refused += [(X, y + 7 * (y >= 0))]
    model = learn(tiny(hasher_class, way), way, X, y)
    for rows, labels in refused:
        check_failure(model, way, rows, labels, ValueError, before=X)


@pytest.mark.parametrize("hasher_class", HASHERS)
def test_invalid_data_of_a_first_call(X, y, hasher_class):
    for way in WAYS:
        for rows in (np.full_like(X, np.nan), X[:1], np.empty((0, 3))):
            check_failure(
                tiny(hasher_class, way), way, rows, y[: len(rows)], ValueError
            )


def test_failed_fit_on_samples_of_another_width(X, y):
    """The old samples are still encoded, and the new ones raise."""
    model = tiny().fit(X, y)
    codes = model.transform(X)
    wide = np.hstack([X, X])
    with pytest.raises(ValueError, match="at least two classes"):
        model.fit(wide, np.zeros(N_SAMPLES))
    assert model.n_features_in_ == N_FEATURES
    assert_array_equal(model.transform(X), codes)
    with pytest.raises(ValueError, match="24 features"):
        model.transform(wide)
    assert model.fit(wide, y).n_features_in_ == 2 * N_FEATURES


# Any line


PACKAGE = str(Path(skhash.__file__).parent)


class Tracer:
    """Count the lines of the package that run, and raise an error at one of them."""

    def __init__(self, at=None, error=None):
        self.at, self.error = at, error
        self.n_lines = 0

    def __call__(self, frame, event, arg):
        name = frame.f_code.co_filename
        return self.line if name.startswith(PACKAGE) else None

    def line(self, frame, event, arg):
        if event == "line":
            self.n_lines += 1
            if self.n_lines == self.at:
                raise self.error
        return self.line

    def __enter__(self):
        self._previous = sys.gettrace()
        sys.settrace(self)
        return self

    def __exit__(self, *error):
        sys.settrace(self._previous)


@pytest.mark.parametrize(
    ("way", "fitted"),
    [("fit", False), ("fit", True), ("partial_fit", True), ("warm fit", True)],
)
def test_error_in_any_line(X, y, way, fitted):
    """The hasher is as before or, at the very end, as after."""
    X = sp.csr_array(X)
    options = {"max_epochs": 1, "batch_size": N_SAMPLES}

    def prepared():
        model = tiny(way=way, **options)
        return learn(model, way, X, y) if fitted else model

    model = prepared()
    with Tracer() as tracer:
        learn(model, way, X, y)
    after, n_lines = model.transform(X), tracer.n_lines
    assert n_lines > 300
    model = prepared()
    before = model.transform(X) if fitted else None
    state = state_of(model) if fitted else None
    for at in range(1, n_lines, max(7, n_lines // 16)):
        raised = False
        try:
            with Tracer(at, Injected):
                learn(model, way, X, y)
        except Injected:
            raised = True
        assert raised
        if hasattr(model, "network_") and (not fitted or state_of(model) != state):
            assert_array_equal(model.transform(X), after)
            break
        if fitted:
            assert_array_equal(model.transform(X), before)
        else:
            assert attributes(model) == sorted(model.get_params(deep=False))
    assert at > 0.9 * n_lines
