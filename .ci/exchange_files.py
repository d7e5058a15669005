"""Save every estimator under some versions of the libraries, and load it under others.

    python .ci/exchange_files.py write FOLDER
    python .ci/exchange_files.py read FOLDER

The first command fits all public estimators to sparse and to dense samples, saves them
by `skhash.io` and by joblib, and writes what they compute. The second one, in another
environment, loads the files and compares: codes, neighbors and ids must be identical,
probabilities up to rounding. With joblib, estimators of scikit-learn within others may
refuse another version; those of scikit-hash may not.
"""

import argparse
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
# Their shards are files of their own.
LEFT_OUT = {"ShardedHammingNearestNeighbors"}
METHODS = ("transform", "kneighbors", "predict_proba", "encode_proba")


def texts():
    """Return short texts in three topics, and labels of a third of them."""
    rng = np.random.default_rng(0)
    topics = rng.integers(3, size=N_SAMPLES)
    words = 30 * topics[:, None] + rng.geometric(0.1, (N_SAMPLES, 20)) % 60
    labels = np.where(np.arange(N_SAMPLES) % 3 == 0, topics, -1)
    return [" ".join(f"word{i}" for i in row) for row in words.tolist()], labels


def cases():
    """Yield names, unfitted estimators and what they learn from."""
    import skhash

    documents, labels = texts()
    rows = TfidfVectorizer().fit_transform(documents)
    codes = skhash.ITQHasher(40, random_state=0).fit_transform(rows)
    for name in sorted({*skhash.__all__} - LEFT_OUT):
        found = getattr(skhash, name)
        if not isinstance(found, type) or not issubclass(found, BaseEstimator):
            continue
        names = found().get_params(deep=False)
        chosen = {"random_state": 3, "max_epochs": 2, "batch_size": 50, "n_bits": 40}
        estimator = found(**{key: chosen[key] for key in names if key in chosen})
        if name == "DuplicateDetector" or hasattr(estimator, "packed"):
            yield name, estimator, codes, labels
            continue
        yield f"{name} sparse", estimator, rows, labels
        yield f"{name} dense", estimator, rows.toarray(), labels
    retriever = skhash.HammingRetriever(
        make_pipeline(TfidfVectorizer(), skhash.SSBVAEHasher(64, random_state=0))
    )
    yield "texts", retriever, documents, labels


def fitted(estimator, X, labels):
    """Return the fitted estimator; with ids if it takes any."""
    if isinstance(X, list) or hasattr(estimator, "remove"):
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
    for name in ("labels_", "codes_"):
        if isinstance(getattr(estimator, name, None), np.ndarray):
            found[name] = getattr(estimator, name)
    return {
        name: part.toarray() if sp.issparse(part) else np.asarray(part)
        for name, part in found.items()
    }


def write(folder):
    """Save all estimators, and what they compute."""
    from skhash import io

    expected = {}
    for name, estimator, X, labels in cases():
        estimator = fitted(estimator, X, labels)
        io.save(folder / f"{name}.skhash", estimator)
        joblib.dump(estimator, folder / f"{name}.joblib")
        expected[name] = results(estimator, X)
    joblib.dump(expected, folder / "expected")
    print(f"{len(expected)} estimators saved")


def read(folder):
    """Load all estimators; return the number of those that compute something else."""
    from skhash import io

    expected, n_failed = joblib.load(folder / "expected"), 0
    for name, _, X, _ in cases():
        for load, suffix in ((io.load, "skhash"), (joblib.load, "joblib")):
            try:
                with warnings.catch_warnings():
                    # scikit-learn warns of its own estimators.
                    warnings.simplefilter("ignore", UserWarning)
                    estimator = load(folder / f"{name}.{suffix}")
                differences = compare(expected[name], results(estimator, X))
            except Exception as error:
                differences = [f"{type(error).__name__}: {error}"]
            if differences:
                n_failed += 1
                print(f"{name}, {suffix}: {'; '.join(differences)}")
    print(f"{2 * len(expected) - n_failed} passed, {n_failed} failed")
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
