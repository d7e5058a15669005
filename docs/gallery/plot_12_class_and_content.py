"""
Balance topics and nearest neighbors
====================================

Bits can encode the class of a sample, or the content that distinguishes it from others
of its class. Set the share of both by ``class_weight`` of ``SSBVAEHasher``: 1 is class
alone, 0 content alone.
"""

import matplotlib.pyplot as plt
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from sklearn.neighbors import NearestNeighbors

from skhash import HammingNearestNeighbors, SSBVAEHasher
from skhash.metrics import precision_at_k_score
from skhash.model_selection import mask_labels

X, y = load_digits(return_X_y=True)
X, X_query, y, y_query = train_test_split(X, y, test_size=300, random_state=0)
few = mask_labels(y, 0.1, stratify=True, random_state=0)

# %%
# Two measures for each weight: how many of the first 100 by code show the digit of the
# query, and how many of the ten nearest by cosine are among them.

exact = NearestNeighbors(n_neighbors=10, metric="cosine").fit(X)
nearest = exact.kneighbors(X_query, return_distance=False)

weights = [0, 0.25, 0.5, 0.75, 1]
same_class, found = [], []
for weight in weights:
    hasher = SSBVAEHasher(64, class_weight=weight, random_state=0).fit(X, few)
    codes, query_codes = hasher.transform(X), hasher.transform(X_query)
    same_class.append(precision_at_k_score(codes, y, query_codes, y_query, k=100))
    index = HammingNearestNeighbors(n_neighbors=100).fit(codes)
    rows = index.kneighbors(query_codes, return_distance=False)
    hits = [len({*near} & {*row}) for near, row in zip(nearest.tolist(), rows.tolist())]
    found.append(sum(hits) / nearest.size)

# %%
# The default, "auto", is a compromise: for codes with labels the first 32 bits are for
# the class, and further ones for both.

fig, ax = plt.subplots(figsize=(7, 4), layout="constrained")
ax.plot(weights, same_class, marker="o", label="precision@100 by class")
ax.plot(weights, found, marker="s", label="ten nearest among the first 100")
ax.set(xlabel="class_weight", ylabel="fraction", ylim=(0, 1))
ax.legend()
plt.show()
