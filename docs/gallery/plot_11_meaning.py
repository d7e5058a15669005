"""
Describe what a code means
==========================

The decoder of a hasher turns a code back into features. Describe the most frequent
codes of images of digits, and compare them with the samples of each.
"""

import matplotlib.pyplot as plt
from sklearn.datasets import load_digits

from skhash import SSBVAEHasher
from skhash.inspection import describe_codes
from skhash.model_selection import mask_labels

X, y = load_digits(return_X_y=True)
few = mask_labels(y, 0.1, stratify=True, random_state=0)
hasher = SSBVAEHasher(16, random_state=0).fit(X, few)
codes = hasher.transform(X)

# %%
# Print each code with its number of samples, the most frequent digit among them and the
# fraction that shows it.

names = [f"pixel {i // 8}, {i % 8}" for i in range(64)]
descriptions = describe_codes(hasher, codes, names, y=y, n_codes=12, n_features=3)
for description in descriptions:
    print(description)

# %%
# Top row: the decoded code. Bottom row: the mean of its samples.

fig, axes = plt.subplots(2, 12, figsize=(10, 2.2), layout="constrained")
for description, (above, below) in zip(descriptions, axes.T):
    decoded = hasher.inverse_transform(description.code[None])[0]
    above.imshow(decoded.reshape(8, 8), cmap="gray_r")
    below.imshow(X[description.indices].mean(axis=0).reshape(8, 8), cmap="gray_r")
    above.set_title(f"{description.label} ({description.purity:.0%})", fontsize=8)
for ax in axes.ravel():
    ax.set_axis_off()
plt.show()
