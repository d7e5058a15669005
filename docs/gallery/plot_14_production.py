"""
Run a search in production
==========================

Fit once, save, load in a service, answer queries, add and remove texts, and watch
whether new texts still fit the hasher.
"""

from pathlib import Path
from tempfile import mkdtemp
from time import process_time

import matplotlib.pyplot as plt
import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.pipeline import make_pipeline

from skhash import HammingRetriever, ITQHasher, io
from skhash.datasets import load_icd10cm

# %%
# A retriever holds the encoder, the index and the ids of the texts. Its file contains
# data only: loading it runs no code.

corpus = load_icd10cm()
order = np.random.default_rng(0).permutation(len(corpus.data))[:12_000]
texts = [corpus.data[i] for i in order]
keys = [f"text-{i}" for i in order]

encoder = make_pipeline(TfidfVectorizer(sublinear_tf=True), ITQHasher(64))
retriever = HammingRetriever(encoder).fit(texts[:10_000], ids=keys[:10_000])
path = Path(mkdtemp()) / "search.skhash"
io.save(path, retriever)
print(f"{path.stat().st_size / 1e6:.1f} MB")

# %%
# In the service: load, search, add, remove. Other threads may search at the same time.

service = io.load(path)
service.partial_fit(texts[10_000:11_000], ids=keys[10_000:11_000])
service.remove(ids=keys[:100])
_, found = service.kneighbors(["fracture of left wrist"], 3, return_ids=True)
by_key = dict(zip(keys, texts, strict=True))
for key in found[0]:
    print(f"{key:<12}{by_key[key]}")

# %%
# Measure the processor time of single requests, from a text to its neighbors.

milliseconds = []
for text in texts[11_000:11_300]:
    begin = process_time()
    service.kneighbors([text], 10)
    milliseconds.append(1000 * (process_time() - begin))

# %%
# New texts of another kind have no near code. If the distances of the queries of a day
# move to the right, fit again and encode everything anew.

usual, _ = service.kneighbors(texts[11_300:], 1)
other = [" ".join(text.split()[::-2]) + " of the year" for text in texts[11_300:]]
unusual, _ = service.kneighbors(other, 1)

fig, axes = plt.subplots(1, 2, figsize=(9, 3.5), layout="constrained")
axes[0].hist(milliseconds, bins=30, range=(0, np.quantile(milliseconds, 0.98)))
axes[0].set(xlabel="processor time per request, ms", ylabel="requests")
bins = np.arange(0, 25) - 0.5
axes[1].hist([usual[:, 0], unusual[:, 0]], bins, label=["like the index", "changed"])
axes[1].set(xlabel="distance to the nearest code, bits", ylabel="queries")
axes[1].legend()
plt.show()
