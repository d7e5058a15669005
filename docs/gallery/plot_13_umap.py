"""
Draw a map of codes, with t-SNE and UMAP
========================================

A map shows which codes are near each other, and whether classes form groups. t-SNE and
UMAP need neighbors only, and those of codes are found fast.
"""

import warnings

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from umap import UMAP

from skhash import HammingNearestNeighbors, SSBVAEHasher
from skhash.model_selection import mask_labels
from skhash.plot import CodeMapDisplay

# UMAP warns that a map of given neighbors cannot transform new samples.
warnings.filterwarnings("ignore", module="umap")

X, y = load_digits(return_X_y=True)
few = mask_labels(y, 0.1, stratify=True, random_state=0)
hasher = SSBVAEHasher(32, random_state=0).fit(X, few)
codes = hasher.transform(X)

# %%
# ``CodeMapDisplay`` draws one point per distinct code, by t-SNE of the Hamming
# distances. The color is the most frequent digit of its samples.

CodeMapDisplay.from_estimator(hasher, X, y)
plt.show()

# %%
# UMAP accepts precomputed neighbors, as indices and distances. In collections of
# millions this saves most of its time.

index = HammingNearestNeighbors(n_neighbors=15).fit(codes)
distances, indices = index.kneighbors(codes)
embedding = UMAP(
    metric="hamming",
    precomputed_knn=(indices, distances.astype(np.float32)),
    random_state=0,
)
positions = embedding.fit_transform(codes)

fig, ax = plt.subplots(figsize=(7, 4.5), layout="constrained")
for digit in range(10):
    ax.scatter(*positions[y == digit].T, s=14, color=f"C{digit}", label=digit)
ax.set(xticks=[], yticks=[], title="UMAP on the neighbor graph of the codes")
ax.legend(title="digit", loc="center left", bbox_to_anchor=(1, 0.5), markerscale=2)
plt.show()
