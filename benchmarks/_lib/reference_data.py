"""Load the reference data sets.

The folder of the data sets is read from the environment variable SKHASH_DATA. Each
loader returns training and test samples with their labels, and `age_train`, which
orders the training samples in time, unless their position does. Where labels have
levels, `levels_train` and `levels_test` (n_samples, n_levels) are the classes of each
sample from coarse to fine. Vectorizers are fitted
on the training samples only.
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

from _lib.embeddings import cached_embeddings
from skhash.datasets import load_icd10cm


class MissingDataError(FileNotFoundError):
    """Raised if SKHASH_DATA is not set or the data set is not in it."""


def data_folder(name):
    """Return the folder of a data set."""
    root = os.environ.get("SKHASH_DATA")
    if not root or not (Path(root) / name).is_dir():
        raise MissingDataError(
            f"The environment variable SKHASH_DATA must name a folder that contains "
            f"{name!r}; got SKHASH_DATA={root!r}."
        )
    return Path(root) / name


def _split(X, y, is_test):
    return Bunch(
        X_train=X[~is_test], y_train=y[~is_test], X_test=X[is_test], y_test=y[is_test]
    )


def _vectorize(texts, vectorizer):
    return Bunch(
        X_train=vectorizer.fit_transform(texts.X_train).astype(np.float32),
        y_train=texts.y_train,
        X_test=vectorizer.transform(texts.X_test).astype(np.float32),
        y_test=texts.y_test,
        age_train=texts.get("age_train"),
        levels_train=texts.get("levels_train"),
        levels_test=texts.get("levels_test"),
    )


def load_20newsgroups_texts(remove=()):
    """Load the raw posts; `remove` as in scikit-learn's fetch_20newsgroups."""
    home = data_folder("20newsgroups")
    train, test = (
        fetch_20newsgroups(
            data_home=home, subset=subset, remove=remove, download_if_missing=False
        )
        for subset in ("train", "test")
    )
    # The file name of a post is its number in the group.
    numbers = np.array([int(Path(name).name) for name in train.filenames])
    # The topic of comp.graphics is comp.
    topics = [name.split(".")[0] for name in train.target_names]
    topics = np.unique(topics, return_inverse=True)[1]
    return Bunch(
        X_train=train.data,
        y_train=train.target,
        X_test=test.data,
        y_test=test.target,
        age_train=numbers,
        levels_train=np.column_stack([topics[train.target], train.target]),
        levels_test=np.column_stack([topics[test.target], test.target]),
    )


@cache
def load_20newsgroups(max_features=10_000, remove=()):
    """Load 20 Newsgroups by date, as TF-IDF of the most frequent words."""
    return _vectorize(
        load_20newsgroups_texts(remove),
        TfidfVectorizer(
            max_features=max_features, stop_words="english", sublinear_tf=True
        ),
    )


@cache
def load_20newsgroups_minilm():
    """Load 20 Newsgroups as 384 dense features of a sentence encoder."""
    texts = load_20newsgroups_texts()
    return Bunch(
        X_train=cached_embeddings("20newsgroups-minilm-train", texts.X_train),
        y_train=texts.y_train,
        X_test=cached_embeddings("20newsgroups-minilm-test", texts.X_test),
        y_test=texts.y_test,
        age_train=texts.age_train,
    )


def _load_jsonl_texts(path):
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    texts = np.array([row["text"] for row in rows], dtype=object)
    labels = np.array([row["label"] for row in rows])
    is_test = np.array([row["split"] == "test" for row in rows])
    return _split(texts, np.unique(labels, return_inverse=True)[1], is_test)


def load_web_snippets_texts():
    """Load the texts of web search results in 8 domains."""
    return _load_jsonl_texts(data_folder("web-snippets") / "web_snippets.jsonl.gz")


@cache
def load_web_snippets():
    """Load web snippets as TF-IDF of the 10,000 most frequent words."""
    return _vectorize(
        load_web_snippets_texts(),
        TfidfVectorizer(max_features=10_000, stop_words="english", sublinear_tf=True),
    )


def load_ag_news_texts():
    """Load the texts of AG News in 4 topics."""
    return _load_jsonl_texts(data_folder("ag-news") / "ag_news.jsonl.gz")


@cache
def load_ag_news():
    """Load AG News as TF-IDF of the 10,000 most frequent words."""
    return _vectorize(
        load_ag_news_texts(),
        TfidfVectorizer(max_features=10_000, stop_words="english", sublinear_tf=True),
    )


def load_stackoverflow_texts():
    """Load titles of questions with 20 tags."""
    return _load_jsonl_texts(
        data_folder("stackoverflow-titles") / "stackoverflow_titles.jsonl.gz"
    )


@cache
def load_stackoverflow():
    """Load titles of questions as TF-IDF of at most 10,000 words."""
    return _vectorize(
        load_stackoverflow_texts(),
        TfidfVectorizer(max_features=10_000, stop_words="english", sublinear_tf=True),
    )


def load_dbpedia_texts():
    """Load abstracts of an encyclopedia in 14 classes."""
    return _load_jsonl_texts(data_folder("dbpedia14-14k") / "dbpedia14_14k.jsonl.gz")


@cache
def load_dbpedia():
    """Load abstracts of an encyclopedia as TF-IDF of 10,000 words."""
    return _vectorize(
        load_dbpedia_texts(),
        TfidfVectorizer(max_features=10_000, stop_words="english", sublinear_tf=True),
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


def _read_idx(path):
    with gzip.open(path) as file:
        raw = file.read()
    shape = np.frombuffer(raw, ">i4", count=raw[3], offset=4)
    return np.frombuffer(raw, np.uint8, offset=4 + 4 * raw[3]).reshape(shape)


@cache
def load_fashion_mnist():
    """Load Fashion-MNIST: 28 x 28 pixels in [0, 1]."""
    folder = data_folder("fashion-mnist")
    parts = {}
    for split, prefix in (("train", "train"), ("test", "t10k")):
        images = _read_idx(folder / f"{prefix}-images-idx3-ubyte.gz")
        parts[f"X_{split}"] = images.reshape(len(images), -1).astype(np.float32) / 255
        labels = _read_idx(folder / f"{prefix}-labels-idx1-ubyte.gz")
        parts[f"y_{split}"] = labels.astype(np.int64)
    return Bunch(**parts)


@cache
def load_glove():
    """Load 60,000 word vectors of 50 dimensions; no labels."""
    return np.load(data_folder("glove-50") / "vectors_f16.npy").astype(np.float32)


def load_hiv_fingerprints():
    """Load packed 2048-bit fingerprints of 41,120 molecules; no labels."""
    return np.load(data_folder("hiv-ecfp4") / "hiv_ecfp4_2048.npz")["packed"]


def load_diagnoses_texts():
    """Load ICD-10-CM diagnoses in 22 chapters; a random fifth are test samples.

    The levels are the chapter, the block and the category of three characters.
    """
    import simple_icd_10_cm as icd

    corpus = load_icd10cm()
    texts, chapters = corpus.data, corpus.target
    is_test = np.random.RandomState(0).permutation(len(texts)) % 5 == 0
    split = _split(np.array(texts, dtype=object), chapters, is_test)
    categories, positions = np.unique(
        [code[:3] for code in corpus.codes], return_inverse=True
    )
    blocks = [icd.get_ancestors(category)[0] for category in categories]
    blocks = np.unique(blocks, return_inverse=True)[1][positions]
    levels = np.column_stack([chapters, blocks, positions])
    split.update(levels_train=levels[~is_test], levels_test=levels[is_test])
    return split


@cache
def load_diagnoses():
    """Load ICD-10-CM diagnoses as TF-IDF of the 10,000 most frequent words."""
    return _vectorize(
        load_diagnoses_texts(),
        TfidfVectorizer(max_features=10_000, stop_words="english", sublinear_tf=True),
    )


TEXT_LOADERS = {
    "20newsgroups": load_20newsgroups_texts,
    "web-snippets": load_web_snippets_texts,
}
LOADERS = {
    "20newsgroups": load_20newsgroups,
    "20newsgroups-bare": lambda: load_20newsgroups(
        remove=("headers", "footers", "quotes")
    ),
    "20newsgroups-minilm": load_20newsgroups_minilm,
    "web-snippets": load_web_snippets,
    "ag-news": load_ag_news,
    "stackoverflow": load_stackoverflow,
    "dbpedia": load_dbpedia,
    "tmc2007": load_tmc2007,
    "cifar10": load_cifar10,
    "fashion-mnist": load_fashion_mnist,
    "icd10cm": load_diagnoses,
}
