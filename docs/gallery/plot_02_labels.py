"""
Measure how many labels are needed
==================================

Plot precision against the number of labels for three hashers. One that also learns from
unlabeled samples needs fewer labels.
"""

import matplotlib.pyplot as plt
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from skhash import CCAITQHasher, ClassifierHasher, SSBVAEHasher
from skhash.metrics import precision_at_k_score
from skhash.model_selection import mask_labels

X, y = load_digits(return_X_y=True)
X, X_query, y, y_query = train_test_split(X, y, test_size=300, random_state=0)

# %%
# Fit each hasher with some of the labels; -1 marks the other samples. All labels serve
# to measure precision@100, where samples of the same digit as the query are relevant.

percentages = [1, 3, 10, 100]
hashers = {
    "SSBVAEHasher": SSBVAEHasher(random_state=0),
    "CCAITQHasher": CCAITQHasher(random_state=0),
    "ClassifierHasher": ClassifierHasher(random_state=0),
}
precision = {name: [] for name in hashers}
for percentage in percentages:
    few = mask_labels(y, percentage / 100, stratify=True, random_state=0)
    for name, hasher in hashers.items():
        hasher.fit(X, few)
        precision[name].append(
            precision_at_k_score(
                hasher.transform(X), y, hasher.transform(X_query), y_query, k=100
            )
        )

# %%
# The dashed line is exact search by pixels, without codes and labels.

pixels = precision_at_k_score(X, y, X_query, y_query, k=100, metric="euclidean")

fig, ax = plt.subplots(figsize=(7, 4), layout="constrained")
for name, values in precision.items():
    ax.plot(percentages, values, marker="o", label=name)
ax.axhline(pixels, color="gray", linestyle="--", label="pixels, Euclidean distance")
ax.set(xscale="log", xlabel="labeled samples, %", ylabel="precision@100")
ax.set_xticks(percentages, [str(p) for p in percentages])
ax.legend()
plt.show()
