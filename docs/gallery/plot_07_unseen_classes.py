"""
Measure codes on classes without labels
=======================================

Measure retrieval for samples of classes that had no labels in training: split by
classes instead of by samples.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.model_selection import cross_val_score

from skhash import CCAITQHasher, ITQHasher, SSBVAEHasher
from skhash.model_selection import (
    SemiSupervisedKFold,
    UnseenClassSplit,
    make_retrieval_scorer,
)

X, y = load_digits(return_X_y=True)
hashers = {
    "ITQHasher, no labels": ITQHasher(random_state=0),
    "CCAITQHasher": CCAITQHasher(random_state=0),
    "SSBVAEHasher": SSBVAEHasher(max_epochs=15, random_state=0),
}

# %%
# ``UnseenClassSplit`` keeps some classes for the test: the training part has no labels
# of these. ``SemiSupervisedKFold`` tests on classes of the training part. Average
# precision depends on the number of classes in the test fold: compare hashers within a
# panel, not across.

splits = {
    "classes seen in training": SemiSupervisedKFold(3),
    "unseen classes": UnseenClassSplit(3, test_size=0.3, random_state=0),
}
scorer = make_retrieval_scorer("average_precision")
fig, axes = plt.subplots(1, 2, figsize=(8, 3), sharey=True, layout="constrained")
for ax, (title, cv) in zip(axes, splits.items(), strict=True):
    scores = [
        cross_val_score(clone(hasher), X, y, cv=cv, scoring=scorer)
        for hasher in hashers.values()
    ]
    means, deviations = np.mean(scores, axis=1), np.std(scores, axis=1)
    ax.barh(list(hashers), means, xerr=deviations, color=["C0", "C1", "C2"])
    ax.set(title=title, xlabel="mean average precision", xlim=(0, 1))
plt.show()

# %%
# Labels help the classes that have them, and can harm others: codes of known classes
# preserve fewer of the differences between samples of other classes. If most queries
# will be of new classes, use a hasher without labels.
