"""
Search images
=============

Hash images of digits with a tenth of the labels, show the nearest images of some
queries, and decode their codes.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from skhash import HammingNearestNeighbors, SSBVAEHasher
from skhash.model_selection import mask_labels

X, y = load_digits(return_X_y=True)
X, X_query, y, y_query = train_test_split(X, y, test_size=100, random_state=0)
few = mask_labels(y, 0.1, random_state=0)

# %%
# A Gaussian decoder treats pixels as real numbers. For images of real size, use the
# features of a pretrained network in place of pixels.

hasher = SSBVAEHasher(reconstruction="gaussian", random_state=0).fit(X, few)
codes, query_codes = hasher.transform(X), hasher.transform(X_query)
index = HammingNearestNeighbors(n_neighbors=6).fit(codes)
distances, indices = index.kneighbors(query_codes)

# %%
# From left to right: the query, its code decoded by ``inverse_transform``, and the six
# nearest images with their distances in bits.

decoded = hasher.inverse_transform(query_codes)
queries = [np.flatnonzero(y_query == digit)[0] for digit in (0, 3, 5, 8)]
fig, axes = plt.subplots(len(queries), 8, figsize=(8, 4.4), layout="constrained")
for row, i in zip(axes, queries, strict=True):
    images = [X_query[i], decoded[i], *X[indices[i]]]
    titles = ["query", "decoded", *(f"{d} bits" for d in distances[i])]
    for ax, image, title in zip(row, images, titles, strict=True):
        ax.imshow(image.reshape(8, 8), cmap="gray_r")
        ax.set_title(title, fontsize=9)
        ax.set_axis_off()
plt.show()

# %%
# The hasher also predicts the classes of new samples.

print(f"accuracy: {np.mean(hasher.predict(X_query) == y_query):.2f}")
