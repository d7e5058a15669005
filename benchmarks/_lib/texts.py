"""Mix the texts of several collections."""

import numpy as np

from _lib.reference_data import (
    _load_jsonl_texts,
    data_folder,
    load_20newsgroups_texts,
    load_web_snippets_texts,
)
from skhash.datasets import load_icd10cm


def load_mixed_texts(n_texts=None):
    """Return 100,000 texts, or the first of them, in a random order.

    20 Newsgroups, web snippets, AG News and ICD-10-CM. More are repeated.
    """
    news = _load_jsonl_texts(data_folder("ag-news") / "ag_news.jsonl.gz")
    texts = list(load_icd10cm(return_X_y=True)[0])
    for found in (news, load_20newsgroups_texts(), load_web_snippets_texts()):
        texts += [*found.X_train, *found.X_test]
    order = np.random.default_rng(0).permutation(len(texts))
    if n_texts is None:
        n_texts = len(texts)
    return [texts[order[i % len(order)]] for i in range(n_texts)]
