"""
Select parameters when most labels are missing
==============================================

``SemiSupervisedKFold`` splits the labeled samples only: the unlabeled ones are used for
training in every fold. The scorer measures retrieval by the codes of the test fold.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skhash import ClassifierHasher
from skhash.model_selection import (
    SemiSupervisedKFold,
    make_retrieval_scorer,
    mask_labels,
)

X, y = load_digits(return_X_y=True)
few = mask_labels(y, 0.1, random_state=0)
print(f"{np.sum(few != -1)} of {len(few)} samples are labeled")

# %%
# Search as usual in scikit-learn. The name of a step in a pipeline precedes the names
# of its parameters.

lengths, penalties = [8, 16, 32], [0.01, 0.1, 1.0, 10.0]
search = GridSearchCV(
    make_pipeline(StandardScaler(), ClassifierHasher(random_state=0)),
    {"classifierhasher__n_bits": lengths, "classifierhasher__C": penalties},
    cv=SemiSupervisedKFold(4),
    scoring=make_retrieval_scorer("average_precision"),
).fit(X, few)
print(search.best_params_)

# %%
# The mean score of each setting.

scores = search.cv_results_["mean_test_score"].reshape(len(penalties), len(lengths))
fig, ax = plt.subplots(figsize=(5, 3.6), layout="constrained")
image = ax.imshow(scores)
for (i, j), score in np.ndenumerate(scores):
    color = "white" if score < scores.mean() else "black"
    ax.text(j, i, f"{score:.2f}", ha="center", va="center", color=color)
ax.set_xticks(range(len(lengths)), lengths)
ax.set_yticks(range(len(penalties)), penalties)
ax.set(xlabel="n_bits", ylabel="C")
fig.colorbar(image, label="mean average precision")
plt.show()
