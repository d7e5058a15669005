"""Collections that are large in one way or another, and the threads that share them."""

import numpy as np
import pytest
import scipy.sparse as sp
import torch
from numpy.testing import assert_array_equal

from skhash.model_selection import mask_labels
from skhash.variational import SSBVAEHasher
from skhash.variational._base import _LARGE_VOCABULARY


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
def labels(small_rows):
    return mask_labels(small_rows[1], 0.2, stratify=True, random_state=0)


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
def test_rows_that_lie_in_files(small_rows, labels, tmp_path, index):
    X = small_rows[0].copy()
    X.indices, X.indptr = X.indices.astype(index), X.indptr.astype(index)
    fitted = hasher(max_epochs=2).fit(X, labels)
    mapped = memory_mapped(X, tmp_path)
    from_files = hasher(max_epochs=2).fit(mapped, labels)
    assert_array_equal(from_files.transform(mapped), fitted.transform(X))


def test_rows_in_files_are_not_copied_as_a_whole(tmp_path, monkeypatch):
    rng = np.random.default_rng(0)
    X = sp.random_array((3000, 500), density=0.1, format="csr", random_state=rng)
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
        "skhash.variational.pseudo_labels._pseudo_labeler._MAX_SAMPLE", 1000
    )
    monkeypatch.setattr(
        "skhash.variational.pseudo_labels._pseudo_labeler.ROWS_PER_BLOCK", 700
    )
    monkeypatch.setattr("skhash.variational.nn._batches.ROWS_PER_BLOCK", 700)
    model.fit(mapped)
    assert 0 < largest <= 1000


@pytest.mark.parametrize("near_zero", [0.0, 1e-4, 10.0])
def test_bits_near_zero_are_computed_again(small_rows, monkeypatch, near_zero):
    model = hasher(max_epochs=1).fit(small_rows[0])
    asked, activations = [], model._activations

    def watched(X, **kwargs):
        asked.append(X.shape[0])
        return activations(X, **kwargs)

    monkeypatch.setattr(model, "_activations", watched)
    monkeypatch.setattr("skhash.variational._network_hasher._NEAR_ZERO", near_zero)
    bits = model.transform(small_rows[0])
    assert asked[0] == 300
    assert asked[1:] == {0.0: [], 10.0: [300]}.get(near_zero, asked[1:])
    assert_array_equal(bits, activations(small_rows[0])[1] > 0)


@pytest.mark.parametrize("sampled_features", ["auto", 500])
def test_large_vocabulary(small_rows, labels, sampled_features):
    X, topics = small_rows
    wide = sp.csr_matrix((X.data, X.indices, X.indptr), (300, _LARGE_VOCABULARY + 1))
    model = hasher(sampled_features=sampled_features).fit(wide, labels)
    assert (model.predict(wide) == topics).mean() > 0.9
    assert model.score(wide, topics) > 0.8
    untouched = model.network_.input_layer.weight[X.shape[1] :]
    again = hasher(max_epochs=1).fit(wide, labels).network_.input_layer.weight
    assert torch.equal(untouched, again[X.shape[1] :])


@pytest.mark.parametrize("sampled_features", [0, -1, 0.5, "all"])
def test_no_number_of_sampled_features(small_rows, sampled_features):
    with pytest.raises(ValueError, match="sampled_features"):
        hasher(sampled_features=sampled_features).fit(small_rows[0])


def test_bits_that_differ_between_one_and_two_threads(small_rows, labels):
    """None from one run to the next; between numbers of threads few, if any."""
    X, codes = small_rows[0], []
    before = torch.get_num_threads()
    try:
        for n_threads in (1, 1, 2):
            torch.set_num_threads(n_threads)
            codes.append(hasher(max_epochs=1).fit(X, labels).transform(X))
    finally:
        torch.set_num_threads(before)
    assert_array_equal(codes[0], codes[1])
    assert (codes[0] != codes[2]).mean() < 0.05
