"""Rows become tensors: none lost, none repeated, none dense."""

import numpy as np
import pytest
import scipy.sparse as sp
import torch
from numpy.testing import assert_allclose, assert_array_equal

from skhash.variational.nn._batches import (
    CSRRows,
    GlobalStandardScaler,
    NormScaler,
    TrainingRows,
    as_tensor_rows,
)


@pytest.fixture
def rows():
    X = sp.random_array(
        (53, 20), density=0.2, format="csr", random_state=np.random.default_rng(0)
    )
    X = X.tolil()
    X[7] = 0
    X[52] = 0
    return X.tocsr()


def dense(rows, n_features=20):
    """Return CSRRows as a matrix, value by value."""
    X = np.zeros((len(rows.offsets), n_features), dtype=np.float32)
    for i, column, value in zip(rows.row_of_value(), rows.columns, rows.values):
        X[i, column] += value.item()
    return X


def training_rows(X, scaling=None, **kwargs):
    n_samples = X.shape[0]
    kwargs = {"random_state": np.random.RandomState(0)} | kwargs
    return TrainingRows(
        X,
        scaling or NormScaler(),
        np.arange(2 * n_samples, dtype=np.float32).reshape(-1, 2),
        np.arange(n_samples, dtype=np.float32),
        **kwargs,
    )


@pytest.mark.parametrize("form", [sp.csr_matrix, sp.csr_array])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_sparse_rows(rows, form, dtype):
    tensors = as_tensor_rows(form(rows).astype(dtype))
    assert isinstance(tensors, CSRRows)
    assert [part.dtype for part in tensors] == [
        torch.int64,
        torch.int64,
        torch.float32,
    ]
    assert_allclose(dense(tensors), rows.toarray(), rtol=1e-6)


def test_row_of_value(rows):
    tensors = CSRRows.from_scipy(rows)
    expected = np.repeat(np.arange(53), np.diff(rows.indptr))
    assert_array_equal(tensors.row_of_value(), expected)


@pytest.mark.parametrize("every", [1, 2])
def test_without_zeros(rows, every):
    """Rows stay as they are, those with only zeros too, also at the end."""
    tensors = CSRRows.from_scipy(rows)
    tensors.values[::every] = 0
    without = tensors.without_zeros()
    assert len(without.values) == rows.nnz - len(tensors.values[::every])
    assert (without.values != 0).all()
    assert_array_equal(dense(without), dense(tensors))


def test_dense_rows(rows):
    tensors = as_tensor_rows(np.asfortranarray(rows.toarray()))
    assert tensors.dtype == torch.float32
    assert_allclose(tensors, rows.toarray(), rtol=1e-6)


# Of two rows at least, for the sake of batch normalization.
@pytest.mark.parametrize(
    ("size", "n_batches"), [(2, 26), (10, 6), (26, 3), (53, 1), (99, 1)]
)
def test_every_row_once_in_nearly_equal_batches(rows, size, n_batches):
    data = training_rows(rows)
    batches = list(data.batches(size))
    assert len(batches) == n_batches == data.n_batches(size)
    sizes = [len(batch.rows) for batch in batches]
    assert max(sizes) <= max(size, 3)
    assert min(sizes) >= 2
    assert max(sizes) - min(sizes) <= 1
    assert_array_equal(np.sort(np.concatenate([b.rows for b in batches])), range(53))


def test_batches_are_drawn_anew_each_time(rows):
    data, same = training_rows(rows), training_rows(rows)
    first, second = (next(data.batches(20)).rows for _ in range(2))
    assert not torch.equal(first, second)
    assert torch.equal(next(same.batches(20)).rows, first)


@pytest.mark.parametrize("form", [sp.csr_array, sp.csr_array.toarray])
def test_what_a_batch_holds(rows, form):
    batch = training_rows(form(rows)).__getitems__(np.array([3, 7, 30]))
    unit, words = batch.inputs, batch.reconstruction
    if form is sp.csr_array:
        unit, words = dense(unit), dense(words)
    expected = rows[[3, 7, 30]].toarray()
    lengths = np.linalg.norm(expected, axis=1, keepdims=True)
    assert_allclose(unit, expected / np.maximum(lengths, 1e-12), rtol=1e-5)
    sums = expected.sum(axis=1, keepdims=True)
    assert_allclose(words, expected / np.maximum(sums, 1e-12), rtol=1e-5)
    assert_array_equal(batch.targets, [[6, 7], [14, 15], [60, 61]])
    assert_array_equal(batch.trust, [3, 7, 30])
    assert batch.clusters.shape == (3, 0, 0)


def test_neighbors_share_in_the_reconstruction(rows):
    own = rows.toarray() / np.maximum(rows.sum(axis=1), 1e-12)[:, None]
    neighbors = np.random.RandomState(0).randint(53, size=(53, 4))
    data = training_rows(rows, neighbors=neighbors, neighbor_weight=0.3)
    used = set()
    for _ in range(20):
        batch = data.__getitems__(np.array([0, 1, 2]))
        for i, mixture in enumerate(dense(batch.reconstruction)):
            near = (mixture - 0.7 * own[i]) / 0.3
            errors = np.abs(own[neighbors[i]] - near).max(axis=1)
            assert errors.min() < 1e-5
            used.add((i, int(errors.argmin())))
        assert_allclose(
            np.linalg.norm(dense(batch.inputs), axis=1), np.ones(3), rtol=1e-5
        )
    assert len(used) == 12


@pytest.mark.parametrize("form", ["csr", "dense"])
@pytest.mark.parametrize("n_sampled_features", [None, 5])
def test_the_decoder_is_asked_for_the_first_rows(rows, form, n_sampled_features):
    X = rows if form == "csr" else rows.toarray()
    all_rows, few = (
        training_rows(
            X, n_sampled_features=n_sampled_features, reconstructed_share=share
        ).__getitems__(np.arange(11))
        for share in (1.0, 0.3)
    )
    assert all_rows.n_reconstructed == 11
    assert few.n_reconstructed == 3
    assert len(few.inputs.offsets if form == "csr" else few.inputs) == 11
    if n_sampled_features is None:
        words = (
            dense(batch.reconstruction) if form == "csr" else batch.reconstruction
            for batch in (all_rows, few)
        )
        assert_array_equal(next(words)[:3], next(words))
    one = training_rows(X, reconstructed_share=0.3).__getitems__(np.arange(1))
    assert one.n_reconstructed == 1


def test_length_scaling(rows):
    scaling = NormScaler()
    lengths = np.linalg.norm(scaling.scale(rows).toarray(), axis=1)
    assert_allclose(np.delete(lengths, [7, 52]), 1)
    assert (lengths[[7, 52]] == 0).all()
    assert_allclose(np.delete(scaling.targets(rows).sum(axis=1), [7, 52]), 1)
    frequencies = scaling.targets(rows).toarray().mean(axis=0)
    assert_allclose(np.exp(scaling.mean_output(rows)), frequencies, atol=2e-6)


@pytest.mark.parametrize("form", [np.asarray, sp.csr_array])
def test_standard_scaling(form):
    X = np.random.default_rng(0).normal(3, [[1, 5, 0.1]], size=(200, 3))
    X = np.hstack([X, np.full((200, 1), 4.0)])
    scaling = GlobalStandardScaler(form(X))
    scaled = scaling.scale(form(X))
    assert scaled.dtype == np.float32
    assert_allclose(scaled.mean(axis=0), 0, atol=1e-4)
    assert_allclose(scaled.var(axis=0).mean(), 1, rtol=1e-4)
    # One scale for all: what varies more than another feature still does.
    assert_allclose(scaled.std(axis=0) * scaling.deviation, X.std(axis=0), atol=1e-3)
    assert_allclose(scaling.inverse(scaled), X, atol=1e-4)
    assert_array_equal(scaling.mean_output(X), np.zeros(4))
