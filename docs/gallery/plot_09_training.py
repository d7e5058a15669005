"""
Check the training of a hasher
==============================

Plot the loss by epoch, the distances of codes within and between classes, and precision
and recall within a radius.
"""

import matplotlib.pyplot as plt
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from skhash import SSBVAEHasher
from skhash.model_selection import mask_labels
from skhash.plot import DistanceDisplay, LossDisplay, RadiusDisplay

X, y = load_digits(return_X_y=True)
X, X_query, y, y_query = train_test_split(X, y, test_size=300, random_state=0)
few = mask_labels(y, 0.1, random_state=0)
hasher = SSBVAEHasher(random_state=0).fit(X, few)

# %%
# The terms of the loss. If one still falls at the end, more epochs can help.

LossDisplay.from_estimator(hasher)
plt.show()

# %%
# The distances of new samples. The less the two distributions overlap, the better the
# codes separate the classes.

DistanceDisplay.from_estimator(hasher, X_query, y_query)
plt.show()

# %%
# Precision and recall of new samples as queries within a radius: a small radius finds
# only relevant samples, but not all of them.

RadiusDisplay.from_estimator(hasher, X, y, X_query, y_query, radii=range(0, 17, 2))
plt.show()
