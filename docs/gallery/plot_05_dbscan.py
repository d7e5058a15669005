"""
Cluster codes with DBSCAN
=========================

Compute the sparse graph of the codes within a radius by
``HammingRadiusNeighborsTransformer``, and pass it to an estimator of scikit-learn with
``metric="precomputed"``.
:doc:`plot_13_umap` draws maps from such neighbors.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.cluster import DBSCAN
from sklearn.datasets import load_digits
from sklearn.metrics import adjusted_rand_score
from sklearn.pipeline import make_pipeline

from skhash import HammingRadiusNeighborsTransformer, SSBVAEHasher

# %%
# Learn the codes without labels, and connect codes that differ in at most three bits.

X, y = load_digits(return_X_y=True)
codes = SSBVAEHasher(random_state=0).fit_transform(X)
radius = 3
clustering = make_pipeline(
    HammingRadiusNeighborsTransformer(radius=radius),
    DBSCAN(eps=radius, min_samples=20, metric="precomputed"),
)
clusters = clustering.fit_predict(codes)

n_clusters = clusters.max() + 1
clustered = clusters >= 0
print(f"{n_clusters} clusters of {clustered.mean():.0%} of the samples")
print(
    f"adjusted Rand index: {adjusted_rand_score(y[clustered], clusters[clustered]):.2f}"
)

# %%
# The mean image of the largest clusters, with the number of samples and the fraction of
# them that show the most frequent digit.

sizes = np.bincount(clusters[clustered])
largest = np.argsort(-sizes)[:14]
fig, axes = plt.subplots(2, 7, figsize=(8, 3), layout="constrained")
for ax in axes.flat:
    ax.set_axis_off()
for ax, cluster in zip(axes.flat, largest):
    members = clusters == cluster
    purity = np.bincount(y[members]).max() / members.sum()
    ax.imshow(X[members].mean(axis=0).reshape(8, 8), cmap="gray_r")
    ax.set_title(f"{members.sum()}, {purity:.0%}", fontsize=9)
plt.show()
