"""Compare the recall of short lists with plain numpy."""

import numpy as np
import pytest
import scipy.sparse as sp

from skhash.metrics._short_lists import ShortListTask


class Signs:
    """Take the signs of the first columns."""

    def __init__(self, n_bits):
        self.n_bits = n_bits

    def transform(self, X):
        X = X.toarray() if sp.issparse(X) else X
        return (X[:, : self.n_bits] > 0).astype(np.uint8)


@pytest.fixture
def X():
    return np.random.RandomState(0).standard_normal((300, 8)) + 0.5


def draw(X, **options):
    options = {"max_samples": 200, "n_neighbors": 5, "depth": 20} | options
    return ShortListTask.draw(X, random_state=np.random.RandomState(0), **options)


def distances(queries, X, metric):
    if metric == "euclidean":
        return ((queries[:, None] - X) ** 2).sum(axis=2)
    if metric == "cosine":
        queries = queries / np.linalg.norm(queries, axis=1, keepdims=True)
        X = X / np.linalg.norm(X, axis=1, keepdims=True)
    return -queries @ X.T


@pytest.mark.parametrize("sparse", [False, True])
@pytest.mark.parametrize("metric", ["cosine", "euclidean", "inner_product"])
def test_true_neighbors_are_the_nearest(X, metric, sparse):
    task = draw(sp.csr_array(X) if sparse else X, metric=metric)
    queries, samples = task.queries, task.X
    if sparse:
        queries, samples = queries.toarray(), samples.toarray()
    nearest = np.argsort(distances(queries, samples, metric), axis=1)[:, :5]
    assert task.relevance.sum() == 5 * len(queries)
    assert np.take_along_axis(task.relevance, nearest, axis=1).all()


def test_queries_are_held_out_of_the_samples(X):
    task = draw(X)
    assert (len(task.queries), len(task.X)) == (20, 180)
    assert not (task.queries[:, None] == task.X).all(axis=2).any()


def test_recall_counts_ties_by_expectation(X):
    task = draw(X)
    hasher = Signs(4)
    codes, queries = hasher.transform(task.X), hasher.transform(task.queries)
    far = (queries[:, None] != codes).sum(axis=2)
    rng = np.random.RandomState(0)
    recalls = []
    for _ in range(300):
        ranking = np.lexsort((rng.random(far.shape), far))[:, :20]
        recalls.append(np.take_along_axis(task.relevance, ranking, axis=1).sum() / 100)
    assert task.recall(hasher) == pytest.approx(np.mean(recalls), abs=0.01)


def test_few_samples_fill_the_short_list():
    task = draw(np.eye(3))
    assert (task.depth, task.recall(Signs(1))) == (2, 1)
