"""What the teacher finds out about all rows from a sample of them."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn import config_context

from skhash.variational import teacher as teacher_module
from skhash.variational.nn._batches import NormScaler
from skhash.variational.pseudo_labels._clusters import N_CLUSTERINGS, ClusterEnsemble
from skhash.variational.pseudo_labels._pseudo_labeler import PseudoLabeler


@pytest.fixture
def labeled():
    return np.random.RandomState(1).permutation(300) < 60


def teach(small_rows, labeled, **kwargs):
    X, topics = small_rows
    targets = np.eye(3, dtype=np.float32)[topics]
    targets[~labeled] = 0
    options = {"n_neighbors": 5, "multilabel": False}
    # As within the fit of an estimator, which has validated all there is.
    with config_context(skip_parameter_validation=True):
        return PseudoLabeler(
            X,
            NormScaler(),
            targets,
            labeled,
            random_state=np.random.RandomState(0),
            **(options | kwargs),
        )


@pytest.mark.parametrize("n_sample", [300, 150])
def test_all_rows_are_taught(small_rows, labeled, monkeypatch, n_sample):
    monkeypatch.setattr(teacher_module, "_MAX_SAMPLE", n_sample)
    monkeypatch.setattr(teacher_module, "ROWS_PER_BLOCK", 40)
    topics = small_rows[1]
    taught = teach(small_rows, labeled)
    assert taught.neighbors.shape == (300, 5)
    assert not (taught.neighbors == np.arange(300)[:, None]).any()
    assert len(np.unique(taught.neighbors)) <= n_sample
    assert (topics[taught.neighbors] == topics[:, None]).mean() > 0.9
    assert_allclose(taught.beliefs.sum(axis=1), 1, atol=1e-5)
    assert (taught.beliefs.argmax(axis=1) == topics).mean() > 0.95
    assert_array_equal(
        taught.beliefs[labeled], np.eye(3)[topics[labeled]].astype(np.float32)
    )
    assert (taught.trust[labeled] == 1).all()
    assert taught.trust.min() >= 0
    assert taught.trust.max() <= 1


def test_sample_holds_labeled_rows_first(labeled, monkeypatch):
    monkeypatch.setattr(teacher_module, "_MAX_SAMPLE", 150)
    sample = teacher_module._sample(labeled, np.random.RandomState(0))
    assert len(np.unique(sample)) == 150
    assert_array_equal(sample, np.sort(sample))
    assert set(np.flatnonzero(labeled)) <= set(sample)


def test_without_labels(small_rows):
    taught = teach(small_rows, np.zeros(300, dtype=bool))
    assert (taught.beliefs == 0).all()
    assert (taught.trust == 0).all()


def test_with_all_labels(small_rows):
    taught = teach(small_rows, np.ones(300, dtype=bool))
    assert_array_equal(taught.beliefs, np.eye(3)[small_rows[1]])
    assert (taught.trust == 1).all()


def test_clusters_found_before_are_kept(small_rows, labeled):
    first = teach(small_rows, labeled).clusterings
    assert teach(small_rows, labeled, clusterings=first).clusterings is first


def test_clusters_are_of_a_topic(small_rows):
    X, topics = small_rows
    rows = NormScaler().scale(X)
    clusterings = ClusterEnsemble(rows, rows.toarray(), np.random.RandomState(0))
    posteriors = clusterings.posteriors(rows)
    assert posteriors.dtype == np.float32
    assert posteriors.shape == (300, N_CLUSTERINGS, clusterings.n_clusters)
    assert_allclose(posteriors.sum(axis=2), 1, atol=1e-5)
    for clusters in posteriors.argmax(axis=2).T:
        purity = sum(np.bincount(topics[clusters == c]).max() for c in set(clusters))
        assert purity > 0.8 * 300
    assert_array_equal(clusterings.posteriors(rows[:7]), posteriors[:7])
