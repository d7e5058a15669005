"""
Check balance and correlation of bits
=====================================

Find constant bits, which distinguish no samples, and pairs of correlated bits, of which
one is redundant.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits

from skhash import ITQHasher, PCAHasher, SSBVAEHasher, ThresholdHasher
from skhash.codes import bit_statistics
from skhash.plot import BitBalanceDisplay

X, y = load_digits(return_X_y=True)
hashers = [
    ThresholdHasher(32),
    PCAHasher(32, random_state=0),
    ITQHasher(32, random_state=0),
    SSBVAEHasher(32, random_state=0),
]

# %%
# Distinct codes, constant bits and the largest correlation between two bits.

fig, axes = plt.subplots(
    2, 2, figsize=(8, 4), sharex=True, sharey=True, layout="constrained"
)
for ax, hasher in zip(axes.flat, hashers, strict=True):
    statistics = bit_statistics(hasher.fit_transform(X))
    name = type(hasher).__name__
    print(
        f"{name:<16}{statistics.n_distinct:>6} distinct codes,"
        f"{statistics.n_dead:>3} constant bits,"
        f" largest correlation {statistics.max_correlation:.2f}"
    )
    ax.bar(range(32), np.sort(statistics.means))
    ax.axhline(0.5, color="gray", linestyle="--")
    ax.set(title=name, ylim=(0, 1))
fig.supxlabel("bits, sorted")
fig.supylabel("fraction of ones")
plt.show()

# %%
# ``BitBalanceDisplay`` shows the fractions and the correlations of one hasher.

BitBalanceDisplay.from_estimator(hashers[-1], X)
plt.show()
