"""Training: what it reports, how it is stopped, and how it goes on."""

import copy
import io
import logging
import pickle

import joblib
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from skorch.callbacks import Callback, EarlyStopping, LRScheduler

from skhash.model_selection import mask_labels
from skhash.variational import SSBVAEHasher, ssbvae


def hasher(**kwargs):
    small = {
        "n_bits": 16,
        "hidden_layer_sizes": (64,),
        "batch_size": 64,
        "max_epochs": 6,
        "random_state": 0,
    }
    return SSBVAEHasher(**(small | kwargs))


@pytest.fixture(scope="module")
def rows(small_rows):
    return small_rows[0]


@pytest.fixture(scope="module")
def labels(small_rows):
    return mask_labels(small_rows[1], 0.2, stratify=True, random_state=0)


class Interrupt(Callback):
    """As Ctrl-C does, after some batches."""

    def __init__(self, after):
        self.after = after

    def on_train_begin(self, net, X=None, y=None, **kwargs):
        self.left = self.after

    def on_batch_end(self, net, training=False, **kwargs):
        self.left -= 1
        if not self.left:
            raise KeyboardInterrupt


class Recorder(Callback):
    """Remembers of every batch the learning rate, and the share that is decoded."""

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


# 300 rows in batches of 64 are 5 steps an epoch.
@pytest.mark.parametrize(("after", "n_epochs"), [(20, 3), (12, 2), (2, 0)])
def test_interrupt_leaves_a_model_of_the_epochs_done(rows, labels, after, n_epochs):
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
    # Nothing falls by half in an epoch.
    stop = EarlyStopping(monitor="train_loss", patience=2, threshold=0.5, sink=str)
    assert hasher(callbacks=[stop]).fit(rows, labels).n_iter_ == 3


def test_named_callback(rows, labels):
    stop = EarlyStopping(monitor="train_loss", patience=2, threshold=0.5, sink=str)
    assert hasher(callbacks=[("stop", stop)]).fit(rows, labels).n_iter_ == 3


def test_learning_rate_falls_after_a_warm_up(rows, labels):
    recorder = Recorder()
    hasher(callbacks=[recorder], learning_rate=0.01, batch_size=10).fit(rows, labels)
    rates = np.array(recorder.rates_)
    assert len(rates) == 6 * 30
    assert rates.max() <= 0.01
    peak = rates.argmax()
    assert 10 < peak < 60
    assert (np.diff(rates[: peak + 1]) > 0).all()
    assert (np.diff(rates[peak:]) < 0).all()
    assert rates[-1] < 0.001


@pytest.mark.parametrize(("n_rows", "share"), [(300, 0.5), (298, 1.0)])
def test_half_of_many_rows_is_decoded(rows, labels, monkeypatch, n_rows, share):
    monkeypatch.setattr(ssbvae, "_MANY_ROWS", 300)
    recorder = Recorder()
    hasher(callbacks=[recorder], batch_size=50).fit(rows[:n_rows], labels[:n_rows])
    assert recorder.decoded_ == pytest.approx(6 * 6 * [share], abs=0.02)


def test_schedule_of_the_user(rows, labels):
    recorder, schedule = Recorder(), LRScheduler("ExponentialLR", gamma=0.01)
    model = hasher(callbacks=[schedule, recorder], batch_size=10, max_epochs=3)
    model.fit(rows, labels)
    first, second, _ = np.array(recorder.rates_).reshape(3, 30).mean(axis=1)
    assert second < 0.05 * first


def test_warm_start(rows, labels):
    warm = hasher(warm_start=True, max_epochs=3).fit(rows, labels)
    first = warm.history_[-1]["train_loss"]
    warm.fit(rows, labels)
    assert warm.n_iter_ == 6
    assert [epoch["epoch"] for epoch in warm.history_] == [1, 2, 3, 4, 5, 6]
    assert warm.history_[3]["train_loss"] < warm.history_[0]["train_loss"]
    assert warm.history_[-1]["train_loss"] < first
    cold = hasher(max_epochs=3).fit(rows, labels).fit(rows, labels)
    assert cold.n_iter_ == 3
    assert cold.history_[-1]["train_loss"] == pytest.approx(first)


def test_warm_start_with_other_features(rows, labels):
    warm = hasher(warm_start=True, max_epochs=2).fit(rows, labels)
    with pytest.raises(ValueError, match="features"):
        warm.fit(rows[:, 1:], labels)


def test_training_goes_on_after_a_journey(rows, labels):
    memory = io.BytesIO()
    joblib.dump(hasher(warm_start=True, max_epochs=3).fit(rows, labels), memory)
    memory.seek(0)
    loaded = joblib.load(memory)
    before = loaded.history_[0]["train_loss"]
    loaded.fit(rows, labels)
    assert loaded.history_[-1]["train_loss"] < before


def test_partial_fit_over_chunks(small_rows):
    X, topics = small_rows
    y = mask_labels(topics, 0.3, random_state=0)
    model = hasher(batch_size=32)
    for _ in range(6):
        for chunk in range(3):
            result = model.partial_fit(X[chunk::3], y[chunk::3], classes=[0, 1, 2])
    assert result is model
    assert model.n_iter_ == 18
    assert model.score(X, topics) > 0.8
    assert (model.predict(X) == topics).mean() > 0.9


def test_classes_that_come_later(rows, small_rows):
    topics = small_rows[1]
    first, rest = topics < 2, topics == 2
    model = hasher()
    model.partial_fit(rows[first], topics[first], classes=[2, 0, 1])
    model.partial_fit(rows[rest], topics[rest])
    assert_array_equal(model.classes_, [0, 1, 2])
    assert model.predict_proba(rows).shape == (300, 3)


def test_class_that_nobody_announced(rows, small_rows):
    topics = small_rows[1]
    first = topics < 2
    model = hasher().partial_fit(rows[first], topics[first])
    with pytest.raises(ValueError, match=r"known from the start, \[0, 1\]; got 2"):
        model.partial_fit(rows, topics)
    with pytest.raises(ValueError, match=r"known from the start, \[\]; got 0"):
        hasher().partial_fit(rows).partial_fit(rows, topics)


def test_chunk_of_other_features(rows):
    model = hasher().partial_fit(rows)
    with pytest.raises(ValueError, match=r"129 features.*expecting 130"):
        model.partial_fit(rows[:, 1:])


def test_chunks_without_labels(rows, labels):
    model = hasher().partial_fit(rows, labels)
    model.partial_fit(rows).partial_fit(rows, np.full(300, -1))
    assert model.n_iter_ == 3
    assert len(model.classes_) == 3


@pytest.mark.parametrize("first", [True, False])
def test_chunk_of_one_row(rows, labels, first):
    model = hasher()
    if not first:
        model.partial_fit(rows, labels)
    with pytest.raises(ValueError, match="at least two rows"):
        model.partial_fit(rows[:1], labels[:1])


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


def test_what_travels_is_the_weights_and_the_clusters(rows, labels):
    model = hasher().fit(rows, labels)
    n_bytes = sum(p.numel() * p.element_size() for p in model.network_.parameters())
    n_bytes += model._clusterings.weights.nbytes
    memory = io.BytesIO()
    joblib.dump(model, memory)
    # The optimizer would be twice the weights more.
    assert memory.tell() < 1.2 * n_bytes + 50_000


def test_unlabeled_rows_teach_too(small_rows):
    """Six labels of 300: their rows alone are too few to learn from."""
    X, topics = small_rows
    y = mask_labels(topics, 6, stratify=True, random_state=0)
    assert (hasher(batch_size=32).fit(X, y).predict(X) == topics).mean() > 0.9


def test_minus_one_is_not_among_the_classes(rows, small_rows):
    y = np.where(np.arange(300) % 2, small_rows[1], -1)
    model = hasher().partial_fit(rows, y, classes=np.unique(y))
    assert_array_equal(model.classes_, [0, 1, 2])
    names = np.array(["a", "b", "c", -1], dtype=object)
    model = hasher().partial_fit(rows, names[y], classes=names)
    assert_array_equal(model.classes_, ["a", "b", "c"])


def test_first_chunk_of_one_class(rows):
    y = np.where(np.arange(300) % 2, 0, -1)
    with pytest.raises(ValueError, match=r"classes must name .* got one class, 0"):
        hasher().partial_fit(rows, y)
    with pytest.raises(ValueError, match=r"classes must name .* got one class, 'a'"):
        hasher().partial_fit(rows, classes=["a"])
    assert_array_equal(hasher().partial_fit(rows, y, classes=[0, 1]).classes_, [0, 1])


def test_first_chunk_of_an_indicator_without_labels(rows, small_rows):
    sets = np.eye(3, dtype=int)[small_rows[1]]
    model = hasher().partial_fit(rows, np.full((300, 3), -1), classes=[0, 1, 2])
    model.partial_fit(rows, sets)
    assert model.multilabel_
    assert model.predict(rows).shape == (300, 3)


def test_training_goes_on_with_the_same_kind_only(rows, labels):
    sets = np.eye(3, dtype=int)[labels]
    signed = -rows.toarray()
    model = hasher(warm_start=True, max_epochs=1, reconstruction="softmax")
    model.fit(rows, labels)
    codes = model.transform(rows)
    other = {"n_bits": 8, "hidden_layer_sizes": (9,), "dropout": 0.1}
    other |= {"objective": "paper", "reconstruction": "auto", "feature_dropout": 0.1}
    for again in (model.fit, model.partial_fit):
        with pytest.raises(ValueError, match="y must hold one class a row"):
            again(rows, sets)
        with pytest.raises(ValueError, match="X must be non-negative"):
            again(signed, labels)
        with pytest.raises(ValueError, match="features"):
            again(rows[:, 1:], labels)
        for name, value in other.items():
            before = model.get_params()[name]
            model.set_params(**{name: value})
            with pytest.raises(ValueError, match=f"{name} must stay "):
                again(rows, labels)
            model.set_params(**{name: before})
    # What was refused has left no trace.
    assert_array_equal(model.transform(rows), codes)
    several = hasher(warm_start=True, max_epochs=1).fit(rows, sets)
    with pytest.raises(ValueError, match="y must hold an indicator"):
        several.fit(rows, labels)


def weights(model):
    return model.network_.decoder.weight.detach().numpy().copy()


@pytest.mark.parametrize("way", ["fit", "partial_fit"])
def test_parameters_of_the_training_may_change_while_it_goes_on(rows, labels, way):
    model = hasher(max_epochs=1, warm_start=True).fit(rows, labels)
    before = weights(model)
    getattr(model.set_params(learning_rate=1e-12), way)(rows, labels)
    assert_allclose(weights(model), before, atol=1e-9)
    model.set_params(batch_size=300, label_weight=0.0, cluster_weight=0.0)
    recorder = Recorder()
    getattr(model.set_params(callbacks=[recorder]), way)(rows, labels)
    assert len(recorder.rates_) == 1
    assert model.history_[-1]["labels"] == model.history_[-1]["clusters"] == 0


@pytest.mark.parametrize("save", [pickle.dumps, copy.deepcopy, joblib.hash])
def test_training_goes_on_as_if_it_had_not_been_saved(rows, labels, save):
    models = [hasher(max_epochs=2, warm_start=True).fit(rows, labels) for _ in "ab"]
    save(models[0])
    first, second = (model.fit(rows, labels).transform(rows) for model in models)
    assert_array_equal(first, second)


@pytest.mark.parametrize("n_rows", [40, 290])
def test_training_goes_on_after_a_journey_with_other_numbers_of_rows(rows, n_rows):
    model = pickle.loads(pickle.dumps(hasher().partial_fit(rows)))
    for chunk in (rows[:n_rows], rows):
        model.partial_fit(chunk)
    assert model.n_iter_ == 3


def test_epochs_are_counted_on_after_a_journey(rows):
    model = pickle.loads(pickle.dumps(hasher(max_epochs=2).fit(rows)))
    model.partial_fit(rows)
    assert model.n_iter_ == 3
    assert [epoch["epoch"] for epoch in model.history_] == [1, 2, 3]


@pytest.mark.parametrize(
    ("parameters", "error", "message"),
    [
        ({"hidden_layer_sizes": ()}, ValueError, "hidden_layer_sizes must be"),
        ({"hidden_layer_sizes": (0,)}, ValueError, "hidden_layer_sizes must be"),
        ({"hidden_layer_sizes": (9, 1.5)}, ValueError, "hidden_layer_sizes must be"),
        ({"callbacks": [print]}, TypeError, "callbacks must be skorch callbacks"),
        ({"callbacks": [("p", print)]}, TypeError, "callbacks must be skorch"),
        ({"device": "tpu9"}, ValueError, "device must be 'auto' or name"),
    ],
)
def test_bad_settings(rows, parameters, error, message):
    model = hasher(**parameters)
    for learn in (model.fit, model.partial_fit):
        with pytest.raises(error, match=message):
            learn(rows)
    assert not hasattr(model, "classes_")


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("value", [0.0, -1.0])
def test_rows_that_are_all_the_same(value):
    codes = hasher(max_epochs=1).fit_transform(np.full((61, 12), value))
    assert len(np.unique(codes, axis=0)) == 1
