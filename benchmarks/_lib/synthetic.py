"""Draw sparse document-term matrices with topics."""

import numpy as np
import scipy.sparse as sp

N_TOPICS = 20
_ROWS_PER_BLOCK = 50_000


def draw_documents(n_samples, n_features, density, seed=0):
    """Return sparse samples of words and their topics.

    Words follow Zipf's law. Each topic has its own ranking of the words, from which
    3 of 10 words of a document are drawn.

    Parameters
    ----------
    n_samples, n_features : int
    density : float
        Number of words drawn per document, divided by `n_features`.
    seed : int, default=0

    Returns
    -------
    X : csr_array of shape (n_samples, n_features), float32
    topics : ndarray of shape (n_samples,), int
    """
    rng = np.random.RandomState(seed)
    cumulative = np.cumsum(1 / np.arange(10, n_features + 10))
    cumulative /= cumulative[-1]
    orders = [
        np.random.RandomState(1 + topic).permutation(n_features)
        for topic in range(N_TOPICS)
    ]
    topics = rng.randint(N_TOPICS, size=n_samples)
    n_words = max(1, round(density * n_features))
    blocks = []
    for start in range(0, n_samples, _ROWS_PER_BLOCK):
        of_block = topics[start : start + _ROWS_PER_BLOCK]
        blocks.append(_draw_block(of_block, cumulative, orders, n_words, rng))
    return sp.vstack(blocks, format="csr"), topics


def _draw_block(topics, cumulative, orders, n_words, rng):
    words = np.searchsorted(cumulative, rng.random_sample((len(topics), n_words)))
    n_of_topic = -(-3 * n_words // 10)
    for topic, order in enumerate(orders):
        of_topic = topics == topic
        words[of_topic, :n_of_topic] = order[words[of_topic, :n_of_topic]]
    rows = sp.csr_array(
        (
            np.ones(words.size, np.float32),
            words.ravel(),
            np.arange(0, words.size + 1, n_words),
        ),
        shape=(len(topics), len(cumulative)),
    )
    rows.sum_duplicates()
    return rows
