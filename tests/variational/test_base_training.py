"""Test training in several calls: warm starts, chunks, and copies in between."""

import copy
import io
import pickle
import threading

import joblib
import numpy as np
import pytest
import scipy.sparse as sp
import torch
from numpy.testing import assert_allclose, assert_array_equal
from skorch.callbacks import Callback

from skhash import BernoulliVAEHasher, PHSHasher, VDSHHasher
from skhash.model_selection import mask_labels
from skhash.variational import OriginalSSBVAEHasher, PseudoLabeler, SSBVAEHasher


def hasher(**kwargs):
    small = {
        "n_bits": 16,
        "hidden_layer_sizes": (64,),
        "batch_size": 64,
        "max_epochs": 6,
        "random_state": 0,
    }
    return SSBVAEHasher(**(small | kwargs))


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


def test_warm_start_after_pickling(rows, labels):
    memory = io.BytesIO()
    joblib.dump(hasher(warm_start=True, max_epochs=3).fit(rows, labels), memory)
    memory.seek(0)
    loaded = joblib.load(memory)
    before = loaded.history_[0]["train_loss"]
    loaded.fit(rows, labels)
    assert loaded.history_[-1]["train_loss"] < before


def test_partial_fit_over_chunks(rows, topics):
    X = rows
    y = mask_labels(topics, 0.3, random_state=0)
    model = hasher(batch_size=32)
    for _ in range(6):
        for chunk in range(3):
            result = model.partial_fit(X[chunk::3], y[chunk::3], classes=[0, 1, 2])
    assert result is model
    assert model.n_iter_ == 18
    assert model.score(X, topics) > 0.8
    assert (model.predict(X) == topics).mean() > 0.9


def test_classes_of_later_chunks(rows, topics):
    first, rest = topics < 2, topics == 2
    model = hasher()
    model.partial_fit(rows[first], topics[first], classes=[2, 0, 1])
    model.partial_fit(rows[rest], topics[rest])
    assert_array_equal(model.classes_, [0, 1, 2])
    assert model.predict_proba(rows).shape == (300, 3)


def test_class_that_was_not_named(rows, topics):
    first = topics < 2
    # With a code assigner they would be learned.
    model = hasher(code_assigner=None).partial_fit(rows[first], topics[first])
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
    with pytest.raises(ValueError, match="at least two samples"):
        model.partial_fit(rows[:1], labels[:1])


def test_minus_one_is_not_a_class(rows, topics):
    y = np.where(np.arange(300) % 2, topics, -1)
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


def test_first_chunk_of_an_indicator_without_labels(rows, topics):
    sets = np.eye(3, dtype=int)[topics]
    model = hasher().partial_fit(rows, np.full((300, 3), -1), classes=[0, 1, 2])
    model.partial_fit(rows, sets)
    assert model.multilabel_
    assert model.predict(rows).shape == (300, 3)


def test_what_may_not_change_during_training(rows, labels):
    sets = np.eye(3, dtype=int)[labels]
    signed = -rows.toarray()
    model = hasher(warm_start=True, max_epochs=1, reconstruction="softmax")
    model.fit(rows, labels)
    codes = model.transform(rows)
    other = {"n_bits": 8, "hidden_layer_sizes": (9,), "dropout": 0.1}
    other |= {"reconstruction": "auto", "feature_dropout": 0.1}
    for again in (model.fit, model.partial_fit):
        with pytest.raises(ValueError, match="y must hold one class per sample"):
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
    # The hasher is as it was before the errors.
    assert_array_equal(model.transform(rows), codes)
    several = hasher(warm_start=True, max_epochs=1).fit(rows, sets)
    with pytest.raises(ValueError, match="y must hold an indicator"):
        several.fit(rows, labels)


class BatchCounter(Callback):
    def on_train_begin(self, net, X=None, y=None, **kwargs):
        self.n_batches_ = 0

    def on_batch_end(self, net, training=False, **kwargs):
        self.n_batches_ += 1


def weights(model):
    return model.network_.decoder.weight.detach().numpy().copy()


@pytest.mark.parametrize("way", ["fit", "partial_fit"])
def test_what_may_change_during_training(rows, labels, way):
    model = hasher(max_epochs=1, warm_start=True).fit(rows, labels)
    before = weights(model)
    getattr(model.set_params(learning_rate=1e-12), way)(rows, labels)
    assert_allclose(weights(model), before, atol=1e-9)
    model.set_params(batch_size=300, label_weight=0.0)
    model.set_params(pseudo_labeler=PseudoLabeler(cluster_weight=0.0))
    counter = BatchCounter()
    getattr(model.set_params(callbacks=[counter]), way)(rows, labels)
    assert counter.n_batches_ == 1
    assert model.history_[-1]["labels"] == model.history_[-1]["clusters"] == 0


@pytest.mark.parametrize("save", [pickle.dumps, copy.deepcopy, joblib.hash])
def test_saving_does_not_change_later_training(rows, labels, save):
    models = [hasher(max_epochs=2, warm_start=True).fit(rows, labels) for _ in "ab"]
    save(models[0])
    first, second = (model.fit(rows, labels).transform(rows) for model in models)
    assert_array_equal(first, second)


@pytest.mark.parametrize("n_rows", [40, 290])
def test_chunks_of_other_sizes_after_pickling(rows, n_rows):
    model = pickle.loads(pickle.dumps(hasher().partial_fit(rows)))
    for chunk in (rows[:n_rows], rows):
        model.partial_fit(chunk)
    assert model.n_iter_ == 3


def test_epochs_are_numbered_on_after_pickling(rows):
    model = pickle.loads(pickle.dumps(hasher(max_epochs=2).fit(rows)))
    model.partial_fit(rows)
    assert model.n_iter_ == 3
    assert [epoch["epoch"] for epoch in model.history_] == [1, 2, 3]


# Forms of samples


HASHERS = [
    SSBVAEHasher,
    OriginalSSBVAEHasher,
    BernoulliVAEHasher,
    PHSHasher,
    VDSHHasher,
]


def tiny(hasher_class=SSBVAEHasher, **kwargs):
    small = {"max_epochs": 2, "hidden_layer_sizes": (8,), "random_state": 0}
    return hasher_class(**({"n_bits": 8} | small | kwargs))


@pytest.mark.parametrize("order", ["sparse, dense", "dense, sparse"])
@pytest.mark.parametrize("way", ["fit", "partial_fit"])
@pytest.mark.parametrize("hasher_class", HASHERS)
@pytest.mark.parametrize("sign", ["counts", "signed"])
def test_sparse_and_dense_samples_alternate(hasher_class, way, order, sign):
    """The second call trains as if its samples had the form of the first."""
    rng = np.random.default_rng(0)
    dense = rng.random((60, 12)) * (rng.random((60, 12)) < 0.5)
    if sign == "signed":
        dense -= 0.1 * (dense > 0.8)
        dense[0, 0] = -1
    y = np.arange(60) % 3
    forms = {"sparse": sp.csr_matrix(dense), "dense": dense}
    model = tiny(hasher_class, warm_start=True)
    for form in order.split(", "):
        getattr(model, way)(forms[form], y)
    assert model.n_iter_ == (4 if way == "fit" else 2)
    codes = model.transform(dense)
    assert_array_equal(model.transform(sp.csr_array(dense)), codes)
    alone = np.vstack([model.transform(dense[[i]]) for i in range(10)])
    assert_array_equal(alone, codes[:10])
    # The input layer is still trained, with any form.
    before = model.network_.input_layer.weight.detach().clone()
    for form in forms.values():
        getattr(model, way)(form, y)
        after = model.network_.input_layer.weight.detach().clone()
        assert not torch.equal(before, after)
        before = after


@pytest.mark.parametrize("index", [np.int32, np.int64])
def test_many_chunks_of_any_form(rows, labels, index):
    model = tiny()
    for i, chunk in enumerate(np.array_split(np.arange(300), 5)):
        X = sp.csr_array(rows[chunk])
        X.indices, X.indptr = X.indices.astype(index), X.indptr.astype(index)
        X = (X, X.toarray(), X.astype(np.float32))[i % 3]
        model.partial_fit(X, labels[chunk], classes=[0, 1, 2])
    assert model.n_iter_ == 5
    assert_array_equal(model.transform(rows), model.transform(rows.toarray()))


# Random numbers


@pytest.mark.parametrize("hasher_class", HASHERS)
def test_fits_in_threads(rows, labels, hasher_class):
    """As in one thread; the global generator of torch is left alone."""
    seeds = range(4)

    def fit(seed):
        model = tiny(hasher_class, n_bits=16, random_state=seed)
        return model.fit(rows, labels).partial_fit(rows, labels).transform(rows)

    expected = [fit(seed) for seed in seeds]
    found = {}
    state = torch.get_rng_state()
    threads = [
        threading.Thread(target=lambda seed=seed: found.update({seed: fit(seed)}))
        for seed in seeds
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert torch.equal(torch.get_rng_state(), state)
    for seed in seeds:
        assert_array_equal(found[seed], expected[seed])


@pytest.mark.parametrize("hasher_class", HASHERS)
def test_global_generators_do_not_matter(rows, labels, hasher_class):
    codes = []
    for seed in (0, 1):
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            model = tiny(hasher_class, warm_start=True)
            model.fit(rows, labels).partial_fit(rows, labels).fit(rows, labels)
            codes.append(model.transform(rows))
    assert_array_equal(*codes)


def test_generator_given_by_the_user_is_advanced(rows):
    """Two fits with one generator differ, in the same way each time."""

    def two_fits():
        generator = np.random.RandomState(0)
        model = tiny(random_state=generator)
        return [model.fit(rows).transform(rows) for _ in range(2)]

    first, second = two_fits(), two_fits()
    assert not np.array_equal(first[0], first[1])
    assert_array_equal(first, second)


def test_transform_during_a_fit_in_another_thread(rows, labels):
    """The codes are those before or after, never a mixture."""
    model = tiny(warm_start=True, n_bits=16).fit(rows, labels)
    seen, done = [], threading.Event()

    def encode():
        while not done.is_set():
            seen.append(model.transform(rows))

    valid = [model.transform(rows)]
    thread = threading.Thread(target=encode)
    thread.start()
    for _ in range(4):
        model.fit(rows, labels)
        valid.append(model.transform(rows))
    done.set()
    thread.join()
    assert seen
    valid = {codes.tobytes() for codes in valid}
    assert {codes.tobytes() for codes in seen} <= valid
