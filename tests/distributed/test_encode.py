"""Compare codes of blocks with those of the whole, for every backend."""

import os
import pickle
import signal

import numpy as np
import pytest
import scipy.sparse as sp
from joblib import parallel_config
from sklearn.exceptions import NotFittedError
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline

from skhash import PCAHasher, SSBVAEHasher
from skhash.distributed import ShardedHammingNearestNeighbors, encode
from skhash.distributed._encode import PickledOnce


@pytest.fixture(scope="module")
def pipeline(small_texts):
    return make_pipeline(TfidfVectorizer(), PCAHasher(12, output="packed")).fit(
        small_texts[0]
    )


@pytest.fixture(scope="module")
def codes(pipeline, small_texts):
    return pipeline.transform(small_texts[0])


def blocks_of(samples, size=40):
    for first in range(0, len(samples), size):
        some = samples[first : first + size]
        yield some, np.arange(first, first + len(some))


def joined(blocks):
    codes, ids = zip(*blocks)
    assert np.concatenate(ids).tolist() == list(range(sum(map(len, codes))))
    return np.concatenate(codes)


@pytest.mark.parametrize("backend", ["sequential", "threading", "loky"])
def test_blocks(pipeline, codes, small_texts, backend):
    with parallel_config(backend, n_jobs=2):
        found = joined(encode(pipeline, blocks_of(small_texts[0])))
    np.testing.assert_array_equal(found, codes)


def test_blocks_of_sparse_matrices(small_rows):
    X, _ = small_rows
    X = X.tocsr()
    hasher = SSBVAEHasher(8, max_epochs=1, random_state=0).fit(X)
    found = list(encode(hasher, [X[:100], X[100:250], X[250:]], n_jobs=2))
    np.testing.assert_array_equal(np.concatenate(found), hasher.transform(X))


def test_blocks_are_taken_as_needed(pipeline, small_texts):
    taken = []

    def blocks():
        for i in range(100):
            taken.append(i)
            yield small_texts[0][:3]

    next(encode(pipeline, blocks()))
    assert len(taken) < 10


def test_hasher_is_unpickled_once(pipeline, small_texts):
    text = pickle.dumps(PickledOnce(pipeline))
    first, second = pickle.loads(text), pickle.loads(text)
    assert first.estimator() is second.estimator() is not pipeline
    assert PickledOnce(pipeline).estimator() is pipeline


def test_errors(pipeline, small_texts, small_rows):
    with pytest.raises(NotFittedError):
        encode(PCAHasher(2), [])
    for X in (small_rows[0], np.zeros((2, 2)), "text", 5):
        with pytest.raises(TypeError, match="iterable of blocks"):
            encode(pipeline, X)
    with pytest.raises(ValueError, match="one id per sample; got 2 ids and 3"):
        list(encode(pipeline, [(small_texts[0][:3], [1, 2])]))
    assert list(encode(pipeline, [])) == []


def test_on_a_dask_cluster(pipeline, codes, small_texts, small_rows, tmp_path):
    """One test, since a cluster takes seconds to start."""
    pytest.importorskip("distributed")
    from dask.distributed import Client, LocalCluster

    workers = {"n_workers": 2, "threads_per_worker": 1, "memory_limit": 0}
    with (
        LocalCluster(dashboard_address=None, **workers) as cluster,
        Client(cluster) as client,
    ):
        check_collections(pipeline, codes, small_texts[0], small_rows[0])
        check_search(codes, tmp_path)
        check_grid_search(*small_rows)
        check_killed_worker(client, pipeline, codes, small_texts[0], tmp_path)
        processes = list(client.run(os.getpid).values())
    for process in processes:
        with pytest.raises(ProcessLookupError):
            os.kill(process, 0)


def check_collections(pipeline, codes, texts, X):
    import dask.array as da
    import dask.bag as db
    import dask.dataframe as dd
    import pandas as pd

    hasher = pipeline[-1]
    found = encode(hasher, da.from_array(X.toarray(), chunks=(110, 50)))
    assert found.shape == codes.shape
    np.testing.assert_array_equal(found.compute(), codes)
    sparse = da.from_array(X.toarray(), chunks=(110, -1)).map_blocks(sp.csr_matrix)
    np.testing.assert_array_equal(encode(hasher, sparse).compute(), codes)
    bag = db.from_sequence(zip(texts, range(len(texts))), npartitions=4)
    np.testing.assert_array_equal(joined(encode(pipeline, bag).compute()), codes)
    index = pd.Index([f"id{i}" for i in range(len(texts))])
    frame = encode(pipeline, dd.from_pandas(pd.Series(texts, index), npartitions=3))
    computed = frame.compute().loc[index]
    np.testing.assert_array_equal(computed.to_numpy(), codes)
    assert computed.columns.tolist() == frame.columns.tolist()


def check_search(codes, path):
    index = ShardedHammingNearestNeighbors(
        5, packed=True, n_bits=12, path=path / "index", shard_size=70
    ).fit(codes)
    expected = index.kneighbors(codes), index.radius_pairs(1)
    with parallel_config("dask"):
        found = index.kneighbors(codes), index.radius_pairs(1)
    for a, b in zip(found, expected):
        for one, other in zip(a, b):
            np.testing.assert_array_equal(one, other)


def check_grid_search(X, y):
    search = GridSearchCV(PCAHasher(), {"n_bits": [2, 8]}, cv=2)
    alone = search.fit(X.toarray(), y).cv_results_["mean_test_score"]
    with parallel_config("dask"):
        search.fit(X.toarray(), y)
    np.testing.assert_array_equal(search.cv_results_["mean_test_score"], alone)


def check_killed_worker(client, pipeline, codes, texts, path):
    first_worker = next(iter(client.run(os.getpid).values()))

    def blocks():
        for number, block in enumerate(blocks_of(texts, 10)):
            if number == 4:
                os.kill(first_worker, signal.SIGKILL)
            yield block

    with parallel_config("dask"):
        index = ShardedHammingNearestNeighbors(
            packed=True, n_bits=12, path=path / "killed", shard_size=70
        ).extend(encode(pipeline, blocks()))
    np.testing.assert_array_equal(index.codes_, codes)
    np.testing.assert_array_equal(index.ids_, np.arange(len(codes)))
