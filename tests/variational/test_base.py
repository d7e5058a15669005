"""Test what all hashers with a network share: codes, decoders, and forms of input."""

import numpy as np
import pytest
import scipy.sparse as sp
import torch
from numpy.testing import assert_allclose, assert_array_equal

from skhash.codes import pack_bits
from skhash.model_selection import mask_labels
from skhash.variational import SSBVAEHasher
from skhash.variational._base import _LARGE_VOCABULARY, BaseVAEHasher


def hasher(**kwargs):
    small = {
        "n_bits": 12,
        "hidden_layer_sizes": (64,),
        "batch_size": 32,
        "max_epochs": 8,
        "random_state": 0,
    }
    return SSBVAEHasher(**(small | kwargs))


@pytest.fixture(scope="module")
def fitted(rows, labels):
    return hasher().fit(rows, labels)


# Codes and decoders


def test_encode_proba(fitted, rows):
    probabilities = fitted.encode_proba(rows)
    assert probabilities.shape == (300, 12)
    assert probabilities.dtype == np.float32
    assert probabilities.min() >= 0
    assert probabilities.max() <= 1
    assert_array_equal(probabilities > 0.5, fitted.transform(rows))


def test_inverse_transform(fitted, rows, topics):
    words = fitted.inverse_transform(fitted.transform(rows))
    assert words.shape == rows.shape
    assert words.dtype == np.float32
    assert words.min() >= 0
    assert_allclose(words.sum(axis=1), 1, rtol=1e-4)
    own = np.array([words[topics == topic].mean(axis=0) for topic in range(3)])
    real = np.array(
        [np.asarray(rows[topics == t].mean(axis=0)).ravel() for t in range(3)]
    )
    assert_array_equal((real @ own.T).argmax(axis=1), range(3))


def test_inverse_transform_of_packed_codes(fitted, rows):
    bits = fitted.transform(rows[:9])
    packed = hasher(output="packed")
    packed.__dict__.update(vars(fitted) | {"output": "packed"})
    assert_array_equal(
        packed.inverse_transform(pack_bits(bits)), fitted.inverse_transform(bits)
    )
    bits.flags.writeable = False
    assert_array_equal(
        fitted.inverse_transform(bits), packed.inverse_transform(pack_bits(bits))
    )
    with pytest.raises(ValueError, match=r"must have 2 bytes .* for codes of 12"):
        packed.inverse_transform(pack_bits(bits)[:, :1])


def test_inverse_transform_of_anything_but_codes(fitted, rows):
    bits = fitted.transform(rows[:9])
    with pytest.raises(ValueError, match=r"0 or 1.*packed"):
        fitted.inverse_transform(bits + 7)
    with pytest.raises(ValueError, match=r"must have 12 bits.*got 11"):
        fitted.inverse_transform(bits[:, 1:])


def test_single_row(fitted, rows):
    for X in (rows[:1], rows[:1].toarray()):
        assert fitted.transform(X).shape == (1, 12)
        assert fitted.predict_proba(X).shape == (1, 3)
        assert_array_equal(fitted.transform(X), fitted.transform(rows)[:1])
    with pytest.raises(ValueError, match=r"at least two samples.*n_samples=1"):
        hasher().fit(rows[:1])


def test_choice_of_the_decoder(rows, signed):
    assert hasher(max_epochs=1).fit(rows).reconstruction_ == "softmax"
    assert hasher(max_epochs=1).fit(signed[0]).reconstruction_ == "gaussian"
    forced = hasher(max_epochs=1, reconstruction="gaussian").fit(rows)
    assert forced.reconstruction_ == "gaussian"


@pytest.mark.parametrize("form", [np.asarray, sp.csr_matrix, sp.csr_array])
def test_negative_rows_with_a_softmax_decoder(signed, form):
    with pytest.raises(
        ValueError,
        match=r"non-negative with reconstruction='softmax'.*got a value of -.*gaussian",
    ):
        hasher(reconstruction="softmax").fit(form(signed[0]))


@pytest.mark.parametrize("form", [np.asarray, sp.csr_matrix])
def test_signed_rows(signed, form):
    X, classes = form(signed[0]), signed[1]
    y = mask_labels(classes, 0.2, stratify=True, random_state=0)
    model = hasher(max_epochs=15).fit(X, y)
    assert (model.predict(X) == classes).mean() > 0.9
    assert model.score(X, classes) > 0.8
    rebuilt = model.inverse_transform(model.transform(X))
    error = ((rebuilt - signed[0]) ** 2).sum(axis=0)
    spread = ((signed[0] - signed[0].mean(axis=0)) ** 2).sum(axis=0)
    # In the original units, and nearer than the mean sample.
    assert (error / spread).mean() < 0.7


def test_sparse_and_dense_signed_rows_get_the_same_codes(signed):
    X = signed[0]
    model = hasher(max_epochs=2).fit(X)
    assert_array_equal(model.transform(sp.csr_array(X)), model.transform(X))


def test_constant_features(signed):
    X = np.hstack([signed[0], np.full((300, 2), 3.0)])
    model = hasher(max_epochs=2).fit(X)
    assert np.isfinite(model.encode_proba(X)).all()


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("value", [0.0, -1.0])
def test_rows_that_are_all_the_same(value):
    codes = hasher(max_epochs=1).fit_transform(np.full((61, 12), value))
    assert len(np.unique(codes, axis=0)) == 1


@pytest.mark.parametrize("n_bits", [1, 8, 33])
def test_numbers_of_bits(rows, labels, n_bits):
    model = hasher(n_bits=n_bits, max_epochs=2).fit(rows, labels)
    assert model.transform(rows).shape == (300, n_bits)


@pytest.mark.parametrize("sizes", [(16,), (32, 16), (8, 8, 8)])
def test_hidden_layers(rows, labels, sizes):
    model = hasher(hidden_layer_sizes=sizes, max_epochs=1).fit(rows, labels)
    assert model.transform(rows).shape == (300, 12)


def test_last_batch_of_one_row(rows):
    assert hasher(batch_size=299, max_epochs=1).fit(rows).n_iter_ == 1


@pytest.mark.parametrize("near_zero", [0.0, 1e-4, 10.0])
def test_bits_near_zero_are_computed_again(rows, monkeypatch, near_zero):
    model = hasher(class_weight=1, max_epochs=1).fit(rows)
    asked, precise_logits = [], BaseVAEHasher._precise_logits

    def watched(self, X):
        asked.append(X.shape[0])
        return precise_logits(self, X)

    monkeypatch.setattr(BaseVAEHasher, "_precise_logits", watched)
    monkeypatch.setattr("skhash.variational.nn._dense_ops._NEAR_ZERO", near_zero)
    bits = model.transform(rows)
    assert asked == {0.0: [], 10.0: [300]}.get(near_zero, asked)
    assert_array_equal(bits, precise_logits(model, rows) > 0)


# Large collections


def memory_mapped(X, folder):
    """Return CSR rows whose three parts lie in files, read-only."""
    parts = []
    for name in ("data", "indices", "indptr"):
        np.save(folder / f"{name}.npy", getattr(X, name))
        parts.append(np.load(folder / f"{name}.npy", mmap_mode="r"))
    mapped = sp.csr_matrix(tuple(parts), shape=X.shape, copy=False)
    assert not mapped.data.flags.writeable
    return mapped


@pytest.mark.parametrize("index", [np.int32, np.int64])
def test_memory_mapped_rows(rows, labels, tmp_path, index):
    X = rows.copy()
    X.indices, X.indptr = X.indices.astype(index), X.indptr.astype(index)
    fitted = hasher(max_epochs=2).fit(X, labels)
    mapped = memory_mapped(X, tmp_path)
    from_files = hasher(max_epochs=2).fit(mapped, labels)
    assert_array_equal(from_files.transform(mapped), fitted.transform(X))


def test_memory_mapped_rows_are_not_copied_as_a_whole(tmp_path, monkeypatch):
    rng = np.random.default_rng(0)
    X = sp.random_array((1500, 100), density=0.1, format="csr", random_state=rng)
    mapped = memory_mapped(sp.csr_matrix(X), tmp_path)
    largest = 0

    def watched(self, *args, original=sp.csr_matrix.copy, **kwargs):
        nonlocal largest
        largest = max(largest, self.shape[0])
        return original(self, *args, **kwargs)

    model = hasher(max_epochs=1)
    model.fit(mapped)
    monkeypatch.setattr(sp.csr_matrix, "copy", watched)
    monkeypatch.setattr(
        "skhash.variational.pseudo_labels._pseudo_labeler._MAX_SAMPLE", 500
    )
    monkeypatch.setattr("skhash.variational._mixture_choice._MAX_SAMPLES", 500)
    monkeypatch.setattr("skhash.utils._rows.ROWS_PER_BLOCK", 700)
    model.fit(mapped)
    assert 0 < largest <= 700


@pytest.mark.parametrize("sampled_features", ["auto", 500])
def test_large_vocabulary(rows, topics, labels, sampled_features):
    X = rows
    small = {"hidden_layer_sizes": (16,), "batch_size": 64}
    wide = sp.csr_matrix((X.data, X.indices, X.indptr), (300, _LARGE_VOCABULARY + 1))
    model = hasher(sampled_features=sampled_features, **small)
    model.fit(wide, labels)
    assert (model.predict(wide) == topics).mean() > 0.9
    assert model.score(wide, topics) > 0.8
    untouched = model.network_.input_layer.weight[X.shape[1] :]
    again = hasher(**small, max_epochs=1).fit(wide, labels)
    again = again.network_.input_layer.weight
    assert torch.equal(untouched, again[X.shape[1] :])


@pytest.mark.parametrize("sampled_features", [0, -1, 0.5, "all"])
def test_no_number_of_sampled_features(rows, sampled_features):
    with pytest.raises(ValueError, match="sampled_features"):
        hasher(sampled_features=sampled_features).fit(rows)


def test_bits_that_differ_between_one_and_two_threads(rows, labels):
    """None with the same number of threads; few with another number, if any."""
    X, codes = rows[:80], []
    before = torch.get_num_threads()
    try:
        for n_threads in (1, 1, 2):
            torch.set_num_threads(n_threads)
            codes.append(hasher(max_epochs=1).fit(X, labels[:80]).transform(X))
    finally:
        torch.set_num_threads(before)
    assert_array_equal(codes[0], codes[1])
    assert (codes[0] != codes[2]).mean() < 0.05


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
