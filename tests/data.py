"""Load the reference data sets that tests use.

The folder of the data sets is read from the environment variable ``SKHASH_DATA``. Each
loader returns training and test samples with their labels; vectorizers are fitted on
the training samples only.
"""

import gzip
import json
import os
from functools import cache
from pathlib import Path

import numpy as np
import scipy.sparse as sp
from sklearn.datasets import fetch_20newsgroups
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.utils import Bunch


class MissingDataError(FileNotFoundError):
    """Raised if ``SKHASH_DATA`` is not set or the data set is not in it."""


def data_folder(name):
    """Return the folder of a data set."""
    root = os.environ.get("SKHASH_DATA")
    if not root or not (Path(root) / name).is_dir():
        raise MissingDataError(
            f"The environment variable SKHASH_DATA must name a folder that contains "
            f"{name!r}; got SKHASH_DATA={root!r}."
        )
    return Path(root) / name


def load_web_snippets_texts():
    """Load the texts of web search results in 8 domains."""
    path = data_folder("web-snippets") / "web_snippets.jsonl.gz"
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        samples = [json.loads(line) for line in lines]
    texts = np.array([sample["text"] for sample in samples], dtype=object)
    names = np.array([sample["label"] for sample in samples])
    is_test = np.array([sample["split"] == "test" for sample in samples])
    return _split(texts, np.unique(names, return_inverse=True)[1], is_test)


@cache
def load_web_snippets():
    """Load web snippets as TF-IDF of the 10,000 most frequent words."""
    return _vectorize(load_web_snippets_texts())


@cache
def load_20newsgroups():
    """Load 20 Newsgroups by date, as TF-IDF of the 10,000 most frequent words."""
    home = data_folder("20newsgroups")
    train, test = (
        fetch_20newsgroups(data_home=home, subset=subset, download_if_missing=False)
        for subset in ("train", "test")
    )
    return _vectorize(
        Bunch(
            X_train=train.data,
            y_train=train.target,
            X_test=test.data,
            y_test=test.target,
        )
    )


@cache
def load_tmc2007():
    """Load multi-label aviation safety reports as presence of 500 words."""
    folder = data_folder("tmc2007-500")
    return _split(
        sp.csr_matrix(sp.load_npz(folder / "X.npz")).astype(np.float32),
        np.load(folder / "Y.npy").astype(np.int64),
        np.load(folder / "is_test.npy"),
    )


@cache
def load_cifar10():
    """Load CIFAR-10 as 128 dense features of a pretrained network."""
    folder = data_folder("cifar10-effnet")
    return _split(
        np.load(folder / "features_f16.npy").astype(np.float32),
        np.load(folder / "labels.npy").astype(np.int64),
        np.load(folder / "is_test.npy"),
    )


def _split(X, y, is_test):
    return Bunch(
        X_train=X[~is_test], y_train=y[~is_test], X_test=X[is_test], y_test=y[is_test]
    )


def _vectorize(texts):
    vectorizer = TfidfVectorizer(
        max_features=10_000, stop_words="english", sublinear_tf=True
    )
    return Bunch(
        X_train=vectorizer.fit_transform(texts.X_train).astype(np.float32),
        y_train=texts.y_train,
        X_test=vectorizer.transform(texts.X_test).astype(np.float32),
        y_test=texts.y_test,
    )
