"""Test the batches of training: each sample once, with its targets."""

import numpy as np
import pytest
import scipy.sparse as sp
import torch
from numpy.testing import assert_allclose, assert_array_equal
from scipy.special import softmax

from skhash.utils._scaling import NormScaler
from skhash.variational.nn._batches import ClusterScorer, TrainingRows


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
    X = np.zeros((rows.n_rows, n_features), dtype=np.float32)
    for i, column, value in zip(
        rows.row_of_value(), rows.columns, rows.values, strict=True
    ):
        X[i, column] += value.item()
    return X


def training_rows(X, scaler=None, **kwargs):
    n_samples = X.shape[0]
    kwargs = {"random_state": np.random.RandomState(0)} | kwargs
    return TrainingRows(
        X,
        scaler or NormScaler(X),
        np.arange(2 * n_samples, dtype=np.float32).reshape(-1, 2),
        np.arange(n_samples, dtype=np.float32),
        **kwargs,
    )


# At least two rows each, since batch normalization needs a variance.
@pytest.mark.parametrize(
    ("size", "n_batches"), [(2, 26), (10, 6), (26, 3), (53, 1), (99, 1)]
)
def test_every_row_once_in_nearly_equal_batches(rows, size, n_batches):
    data = training_rows(rows)
    batches = list(data.batches(size))
    assert len(data) == 53
    assert data.n_features == 20
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
def test_parts_of_a_batch(rows, form):
    batch = training_rows(form(rows)).__getitems__(np.array([3, 7, 30]))
    unit, words = batch.inputs, batch.reconstruction
    if form is sp.csr_array:
        unit, words = dense(unit), dense(words)
    expected = rows[[3, 7, 30]].toarray()
    norms = np.linalg.norm(expected, axis=1, keepdims=True)
    assert_allclose(unit, expected / np.maximum(norms, 1e-12), rtol=1e-5)
    sums = expected.sum(axis=1, keepdims=True)
    assert_allclose(words, expected / np.maximum(sums, 1e-12), rtol=1e-5)
    assert_array_equal(batch.rows, [3, 7, 30])
    assert_array_equal(batch.targets, [[6, 7], [14, 15], [60, 61]])
    assert_array_equal(batch.confidence, [3, 7, 30])
    assert batch.clusters.shape == (3, 0, 0)


def test_reconstruction_mixes_in_a_neighbor(rows):
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


def test_neighbors_of_sparse_and_dense_rows_are_mixed_alike(rows):
    neighbors = np.random.RandomState(0).randint(53, size=(53, 4))
    options = {"neighbors": neighbors, "neighbor_weight": 0.3}
    sparse, full = (
        training_rows(X, **options).__getitems__(np.arange(9))
        for X in (rows, rows.toarray())
    )
    assert_allclose(dense(sparse.reconstruction), full.reconstruction, atol=1e-6)


@pytest.mark.parametrize("form", ["csr", "dense"])
@pytest.mark.parametrize("n_sampled_features", [None, 5])
def test_a_fraction_of_the_rows_is_reconstructed(rows, form, n_sampled_features):
    X = rows if form == "csr" else rows.toarray()
    all_rows, few = (
        training_rows(
            X, n_sampled_features=n_sampled_features, reconstructed_fraction=fraction
        ).__getitems__(np.arange(11))
        for fraction in (1.0, 0.3)
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
    one = training_rows(X, reconstructed_fraction=0.3).__getitems__(np.arange(1))
    assert one.n_reconstructed == 1


@pytest.mark.parametrize("form", [sp.csr_array, sp.csr_array.toarray])
def test_clusters_of_a_batch(rows, form):
    """The softmax of a power of the likelihoods, per clustering."""
    rng = np.random.default_rng(0)
    weights = rng.normal(size=(20, 6)).astype(np.float32)
    offsets = rng.normal(size=6).astype(np.float32)
    scorer = ClusterScorer(weights, offsets, n_clusterings=2, power=0.25)
    assert scorer.n_clusters == 3
    batch = training_rows(form(rows), clusters=scorer).__getitems__(np.arange(9))
    unit = NormScaler(rows).scale(rows[:9]).toarray()
    scores = (unit @ weights + offsets).reshape(9, 2, 3)
    assert batch.clusters.dtype == torch.float32
    assert_allclose(batch.clusters, softmax(0.25 * scores, axis=2), rtol=1e-4)
