"""What the supervised kernel hashers share: kernel features by anchors."""

from abc import abstractmethod
from numbers import Integral, Real

import numpy as np
from sklearn.metrics.pairwise import rbf_kernel

from skhash.shallow._latent import LatentHasher
from skhash.utils._compat import Interval, StrOptions


class AnchorKernelHasher(LatentHasher):
    """Base class of hashers whose bits are signs of kernel expansions at anchors.

    Anchors are rows drawn at random; a row's features are its Gaussian kernels to them,
    less the mean over the training rows. A subclass learns the coefficients in
    `_fit_kernel` from the labeled rows.
    """

    _parameter_constraints: dict = {
        **LatentHasher._parameter_constraints,
        "n_anchors": [Interval(Integral, 1, None, closed="left")],
        "gamma": [StrOptions({"scale"}), Interval(Real, 0, None, closed="neither")],
    }
    _uses_labels = True
    _needs_labels = True

    @abstractmethod
    def _fit_kernel(self, kernel, targets, random_state):
        """Return coefficients (n_anchors, n_bits) from kernel features and targets."""

    def _fit_latent(self, features, targets, labeled, random_state):
        n_anchors = min(self.n_anchors, len(features))
        drawn = random_state.choice(len(features), n_anchors, replace=False)
        self.anchors_ = features[np.sort(drawn)]
        self.gamma_ = self.gamma
        if self.gamma == "scale":
            # The mean squared distance of two rows is twice their total variance.
            variance = float(features.var(axis=0).sum())
            self.gamma_ = 1 / (2 * variance) if variance else 1.0
        kernel = rbf_kernel(features, self.anchors_, gamma=self.gamma_)
        self.mean_ = kernel.mean(axis=0)
        kernel = kernel[labeled] - self.mean_
        coefficients = self._fit_kernel(kernel, targets[labeled], random_state)
        self.dual_coef_ = coefficients.astype(features.dtype)

    def _decide_latent(self, features):
        squares = features.squared_distances(self.anchors_)
        kernel = squares.map(lambda d: np.exp(-self.gamma_ * d), slope=self.gamma_)
        return kernel.shift(-self.mean_).project(self.dual_coef_.T).above()
