"""
Remove near-copies of texts
===========================

Texts that differ in a few words get codes that differ in a few bits. Find the groups,
choose the radius by confirmed pairs, and keep one text per group.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.pipeline import make_pipeline

from skhash import DuplicateDetector, SimHasher
from skhash.datasets import load_icd10cm
from skhash.duplicates import WordShingleVectorizer, radius_table

# %%
# Make 2,000 documents of 12 sentences, and near-copies of 400 of them, in which one to
# four words have changed.

rng = np.random.default_rng(0)
sentences = load_icd10cm().data
documents = [" ".join(rng.choice(sentences, 12)) for _ in range(2000)]
copies = []
for text in documents[:400]:
    words = text.split()
    for place in rng.choice(len(words), rng.integers(1, 5), replace=False):
        words[place] = "changed"
    copies.append(" ".join(words))
texts = documents + copies
matches = np.column_stack([np.arange(400), np.arange(2000, 2400)])

# %%
# Encode. Nothing is learned from the texts.

encoder = make_pipeline(WordShingleVectorizer(), SimHasher(128))
codes = encoder.transform(texts)

# %%
# Choose the radius that finds nine of ten near-copies by fifty confirmed pairs.

table = radius_table(codes, matches[:50])
radius = table.smallest(min_recall=0.9)
print(f"radius {radius}")

distances = np.sum(codes[:400] != codes[2000:], axis=1)
others = np.sum(codes[400:1999] != codes[401:2000], axis=1)
fig, ax = plt.subplots(figsize=(7, 3.5), layout="constrained")
bins = np.arange(0, 90, 2)
ax.hist([distances, others], bins, density=True, label=["near-copies", "other pairs"])
ax.axvline(radius, color="gray", linestyle="--", label="radius")
ax.set(xlabel="Hamming distance, bits", ylabel="fraction of pairs per bit")
ax.legend()
plt.show()

# %%
# Form groups, and keep one text of each.

detector = DuplicateDetector(radius=radius, linkage="star").fit(codes)
unique_texts = [text for text, keep in zip(texts, detector.keep_) if keep]
print(f"{len(texts)} texts, {len(unique_texts)} after near-copies are removed")
print(f"{np.mean(~detector.keep_[2000:]):.0%} of the near-copies are gone")
print(f"{np.sum(~detector.keep_[:2000])} of the 2000 documents are gone")
