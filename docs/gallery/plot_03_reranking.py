"""
Search embeddings: codes, then vectors
======================================

Find the nearest vectors, not only samples of the same class: codes find candidates, and
the vectors themselves order them.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.decomposition import TruncatedSVD
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.neighbors import NearestNeighbors
from sklearn.pipeline import make_pipeline

from skhash import ITQHasher, RerankedNearestNeighbors
from skhash.datasets import load_icd10cm

# %%
# Latent semantic analysis gives 100-dimensional embeddings of 8,000 short texts. Those
# of a sentence encoder are used in the same way.

texts = np.array(load_icd10cm().data)
texts = np.random.default_rng(0).permutation(texts)[:8000]
embed = make_pipeline(TfidfVectorizer(), TruncatedSVD(100, random_state=0))
X = embed.fit_transform(texts)
X, X_query = X[:-300], X[-300:]

# %%
# Exact search is the reference. ``rerank_factor`` is the number of candidates per
# neighbor that the codes give.

exact = NearestNeighbors(n_neighbors=10, metric="cosine").fit(X)
reference = exact.kneighbors(X_query, return_distance=False)


def recall(found):
    """Return the fraction of the ten nearest vectors that were found."""
    return np.mean([np.isin(a, b).mean() for a, b in zip(reference, found)])


factors = [1, 3, 10, 30, 100]
fig, ax = plt.subplots(figsize=(7, 4), layout="constrained")
for n_bits in (32, 64, 100):
    search = RerankedNearestNeighbors(
        ITQHasher(n_bits, random_state=0), n_neighbors=10
    ).fit(X)
    recalls = [
        recall(
            search.set_params(rerank_factor=factor).kneighbors(
                X_query, return_distance=False
            )
        )
        for factor in factors
    ]
    ax.plot(factors, recalls, marker="o", label=f"{n_bits} bits")
ax.set(xscale="log", xlabel="rerank_factor", ylabel="fraction of the 10 nearest found")
ax.set_xticks(factors, [str(f) for f in factors])
ax.legend()
plt.show()
