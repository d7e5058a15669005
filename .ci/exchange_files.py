"""Save every estimator under some versions of the libraries, and load it under others.

    python .ci/exchange_files.py write FOLDER
    python .ci/exchange_files.py read FOLDER

The first command fits all public estimators to sparse and to dense samples, saves them
by `skhash.io` and by joblib, and writes what they compute; also an index in a folder of
shards. The second one, in another environment, loads the files and compares: codes,
neighbors and ids must be identical, probabilities up to rounding. With joblib,
estimators of scikit-learn within others may refuse another version; those of
scikit-hash may not.
"""

import argparse
import importlib
import sys
import warnings
from pathlib import Path

import joblib
import numpy as np
import scipy.sparse as sp
from sklearn.base import BaseEstimator
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.pipeline import make_pipeline

N_SAMPLES = 200
# Parts of other estimators, which hold them, and what is saved otherwise here.
PARTS = {"CodeAssigner", "PseudoLabeler"}
SHARDED = "ShardedHammingNearestNeighbors"
PACKAGES = ("skhash", "skhash.duplicates", "skhash.variational")
METHODS = ("transform", "kneighbors", "predict_proba", "encode_proba")


def texts():
    """Return short texts in three topics, and labels of a third of them."""
    rng = np.random.default_rng(0)
    topics = rng.integers(3, size=N_SAMPLES)
    words = 30 * topics[:, None] + rng.geometric(0.1, (N_SAMPLES, 20)) % 60
    labels = np.where(np.arange(N_SAMPLES) % 3 == 0, topics, -1)
    return [" ".join(f"word{i}" for i in row) for row in words.tolist()], labels


def estimators():
    """Return the public estimators by name."""
    found = {
        name: getattr(package, name)
        for package in map(importlib.import_module, PACKAGES)
        for name in package.__all__
    }
    return {
        name: found[name]
        for name in sorted(found.keys() - PARTS - {SHARDED})
        if isinstance(found[name], type) and issubclass(found[name], BaseEstimator)
    }


def cases():
    """Yield names, unfitted estimators and what they learn from."""
    import skhash

    documents, labels = texts()
    rows = TfidfVectorizer().fit_transform(documents)
    codes = skhash.ITQHasher(40, random_state=0).fit_transform(rows)
    for name, found in estimators().items():
        names = found().get_params(deep=False)
        chosen = {"random_state": 3, "max_epochs": 2, "batch_size": 50, "n_bits": 40}
        estimator = found(**{key: chosen[key] for key in names if key in chosen})
        if name == "WordShingleVectorizer":
            yield name, estimator, documents, labels
            continue
        if name == "DuplicateDetector" or hasattr(estimator, "packed"):
            # The second argument of HammingBlocker is another table.
            yield name, estimator, codes, None if name == "HammingBlocker" else labels
            continue
        yield f"{name} sparse", estimator, rows, labels
        yield f"{name} dense", estimator, rows.toarray(), labels
    retriever = skhash.HammingRetriever(
        make_pipeline(TfidfVectorizer(), skhash.SSBVAEHasher(64, random_state=0))
    )
    yield "texts", retriever, documents, labels


def fitted(estimator, X, labels):
    """Return the fitted estimator; with ids if it takes any."""
    if hasattr(estimator, "remove"):
        return estimator.fit(X, labels, ids=[f"id {i}" for i in range(N_SAMPLES)])
    return estimator.fit(X, labels)


def results(estimator, X):
    """Return all that an estimator computes for samples, by name."""
    found = {}
    for method in METHODS:
        if not hasattr(estimator, method):
            continue
        result = getattr(estimator, method)(X)
        parts = result if isinstance(result, tuple) else (result,)
        found |= {f"{method} {i}": part for i, part in enumerate(parts)}
    if hasattr(estimator, "ids_"):
        found["ids"] = estimator.kneighbors(X, return_ids=True)[1]
    for name in ("labels_", "codes_", "pairs_"):
        value = getattr(estimator, name, None)
        if isinstance(value, np.ndarray | tuple):
            found[name] = np.asarray(value)
    return {
        name: part.toarray() if sp.issparse(part) else np.asarray(part)
        for name, part in found.items()
    }


def sharded_codes():
    """Return the codes of the index in a folder."""
    rng = np.random.default_rng(0)
    return rng.integers(2, size=(N_SAMPLES, 40), dtype=np.uint8)


def sharded(path):
    """Return an index in a folder, of which some codes were added and some removed."""
    from skhash import ShardedHammingNearestNeighbors

    codes, ids = sharded_codes(), [f"id {i}" for i in range(N_SAMPLES)]
    index = ShardedHammingNearestNeighbors(path=path, shard_size=60)
    index.fit(codes[:130], ids=ids[:130]).partial_fit(codes[130:], ids=ids[130:])
    return index.remove(ids=ids[50:70])


def open_sharded(path):
    """Return the index of a folder."""
    from skhash import ShardedHammingNearestNeighbors

    return ShardedHammingNearestNeighbors.open(path)


def write(folder):
    """Save all estimators, and what they compute."""
    from skhash import io

    expected = {}
    for name, estimator, X, labels in cases():
        estimator = fitted(estimator, X, labels)
        io.save(folder / f"{name}.skhash", estimator)
        joblib.dump(estimator, folder / f"{name}.joblib")
        expected[name] = results(estimator, X)
    expected[SHARDED] = results(sharded(folder / "shards"), sharded_codes())
    joblib.dump(expected, folder / "expected")
    print(f"{len(expected)} estimators saved")


def read(folder):
    """Load all estimators; return the number of those that compute something else."""
    from skhash import io

    expected, n_passed, n_failed = joblib.load(folder / "expected"), 0, 0
    files = [
        (name, load, folder / f"{name}.{suffix}", X)
        for name, _, X, _ in cases()
        for load, suffix in ((io.load, "skhash"), (joblib.load, "joblib"))
    ]
    for name, load, path, X in [
        *files,
        (SHARDED, open_sharded, folder / "shards", sharded_codes()),
    ]:
        try:
            with warnings.catch_warnings():
                # scikit-learn warns of its own estimators.
                warnings.simplefilter("ignore", UserWarning)
                estimator = load(path)
            differences = compare(expected[name], results(estimator, X))
        except Exception as error:
            differences = [f"{type(error).__name__}: {error}"]
        if differences:
            n_failed += 1
            print(f"{path.name}: {'; '.join(differences)}")
        else:
            n_passed += 1
    print(f"{n_passed} passed, {n_failed} failed")
    return n_failed


def compare(expected, got):
    """Return what differs."""
    if expected.keys() != got.keys():
        return [f"{sorted(expected.keys() ^ got.keys())} in one of the two"]
    return [
        name
        for name, values in expected.items()
        if not (
            np.allclose(values, got[name], rtol=1e-4, atol=1e-5)
            if "proba" in name
            else np.array_equal(values, got[name])
        )
    ]


def main():
    """Write or read the files."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("action", choices=["write", "read"])
    parser.add_argument("folder", type=Path)
    arguments = parser.parse_args()
    if arguments.action == "read":
        sys.exit(read(arguments.folder) != 0)
    arguments.folder.mkdir(parents=True, exist_ok=True)
    write(arguments.folder)


if __name__ == "__main__":
    main()
