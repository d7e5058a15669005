"""Test the ensemble of clusterings."""

import warnings

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn import config_context

from skhash.utils._scaling import GlobalStandardScaler, NormScaler
from skhash.variational.nn._batches import ClusterScorer
from skhash.variational.pseudo_labels._clusters import ClusterEnsemble


def ensemble(X, latent, seed=0):
    # As within the fit of an estimator, which has validated everything.
    with config_context(skip_parameter_validation=True):
        return ClusterEnsemble(X, latent, np.random.RandomState(seed))


def clusters_of(clusters, X):
    """Return the most likely clusters (n_samples, n_clusterings) of scaled rows."""
    scores = X @ clusters.weights + clusters.offsets
    scores = scores.reshape(-1, clusters.n_clusterings, clusters.n_clusters)
    return scores.argmax(axis=2)


def check_purity(found, classes, lowest):
    for clusters in found.T:
        purity = sum(np.bincount(classes[clusters == c]).max() for c in set(clusters))
        assert purity > lowest * len(classes)


def test_clusters_of_texts(rows, topics):
    X = NormScaler(rows).scale(rows)
    clusters = ensemble(X, X.toarray())
    assert clusters.n_clusterings == 4
    assert clusters.n_clusters == 300 // 20 + 2
    n_outputs = clusters.n_clusterings * clusters.n_clusters
    assert clusters.weights.shape == (X.shape[1], n_outputs)
    assert clusters.offsets.shape == (n_outputs,)
    assert clusters.weights.dtype == clusters.offsets.dtype == np.float32
    found = clusters_of(clusters, X)
    check_purity(found, topics, 0.8)
    assert not np.array_equal(found[:, 0], found[:, 1])


def test_clusters_of_signed_rows(signed):
    X = GlobalStandardScaler(signed[0]).scale(signed[0])
    check_purity(clusters_of(ensemble(X, X), X), signed[1], 0.8)


def test_same_seed_same_clusters(rows):
    X = NormScaler(rows).scale(rows)
    first, again, other = (ensemble(X, X.toarray(), seed) for seed in (0, 0, 1))
    assert_array_equal(first.weights, again.weights)
    assert_array_equal(first.offsets, again.offsets)
    assert not np.array_equal(first.weights, other.weights)


def test_posteriors_of_the_clusters(rows):
    """The parts of an ensemble are those that a batch takes."""
    X = NormScaler(rows).scale(rows)
    clusters = ensemble(X, X.toarray())
    scorer = ClusterScorer(
        clusters.weights, clusters.offsets, clusters.n_clusterings, clusters.power
    )
    posteriors = scorer.posteriors(X).numpy()
    assert posteriors.shape == (300, 4, clusters.n_clusters)
    assert_array_equal(posteriors.argmax(axis=2), clusters_of(clusters, X))
    assert_array_equal(scorer.posteriors(X[:7]).numpy(), posteriors[:7])


@pytest.mark.parametrize("n_samples", [2, 3, 30])
def test_repeated_rows_are_fewer_than_clusters(n_samples):
    X = np.ones((n_samples, 5), dtype=np.float32)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        clusters = ensemble(X, X)
    assert clusters.n_clusters <= n_samples
    assert np.isfinite(clusters.weights).all()
    assert np.isfinite(clusters.offsets).all()
