"""
Keep copies out of the test set
===============================

Copies of training samples in the test set inflate every score. Hash the samples, plot
the distances of near pairs, and split such that copies stay together.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import KFold, cross_val_score
from sklearn.neighbors import KNeighborsClassifier

from skhash import DuplicateDetector, ITQHasher
from skhash.model_selection import DuplicateGroupKFold

# %%
# Make a collection with copies: 300 images, four times each with some noise, and random
# labels. The labels cannot be learned: without leakage the accuracy is 10 %.

rng = np.random.default_rng(0)
images, _ = load_digits(return_X_y=True)
labels = rng.integers(10, size=300)
X = np.repeat(images[:300], 4, axis=0) + rng.integers(0, 2, size=(1200, 64))
y = np.repeat(labels, 4)

# %%
# The distances of near codes. Nearly all copies differ in at most three bits, and few
# other pairs do.

codes = ITQHasher(64, random_state=0).fit_transform(X)
detector = DuplicateDetector(radius=10).fit(codes)
first, second, distance = detector.pairs_
is_copy = first // 4 == second // 4

fig, ax = plt.subplots(figsize=(7, 3.5), layout="constrained")
bins = np.arange(12) - 0.5
ax.hist([distance[is_copy], distance[~is_copy]], bins, label=["copies", "others"])
ax.set(xlabel="Hamming distance, bits", ylabel="pairs")
ax.legend()
plt.show()

# %%
# Accuracy by folds at random, and by folds that keep duplicates together.

splitters = {
    "KFold": KFold(5, shuffle=True, random_state=0),
    "DuplicateGroupKFold": DuplicateGroupKFold(5, radius=4, codes=codes),
}
for name, cv in splitters.items():
    scores = cross_val_score(KNeighborsClassifier(1), X, y, cv=cv)
    print(f"{name:<20} accuracy {scores.mean():.2f}")
