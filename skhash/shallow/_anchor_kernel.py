"""Base class of the supervised kernel hashers: kernel features by anchors."""

from abc import abstractmethod
from numbers import Integral, Real
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics.pairwise import rbf_kernel

from skhash.shallow._latent import LatentHasher
from skhash.utils._compat import Interval, StrOptions
from skhash.utils._rounding import BoundedRows, Decision


class AnchorKernelHasher(LatentHasher):
    """Base class of hashers whose bits are signs of kernel expansions at anchors.

    Anchors are samples drawn at random. The features of a sample are its Gaussian
    kernels with them, less their mean over the training samples. A subclass learns the
    coefficients in `_fit_kernel` from the labeled samples.
    """

    _parameter_constraints: dict = {
        **LatentHasher._parameter_constraints,
        "n_anchors": [Interval(Integral, 1, None, closed="left")],
        "gamma": [StrOptions({"scale"}), Interval(Real, 0, None, closed="neither")],
    }
    _uses_labels = True
    _needs_labels = True

    n_anchors: int
    gamma: float | Literal["scale"]

    @abstractmethod
    def _fit_kernel(
        self, kernel: NDArray, targets: NDArray, random_state: np.random.RandomState
    ) -> NDArray:
        """Return coefficients (n_anchors, n_bits) from kernel features and targets."""

    def _fit_latent(
        self,
        features: NDArray,
        targets: NDArray,
        labeled: NDArray[np.bool_],
        random_state: np.random.RandomState,
    ) -> None:
        n_anchors = min(self.n_anchors, len(features))
        drawn = random_state.choice(len(features), n_anchors, replace=False)
        self.anchors_ = features[np.sort(drawn)]
        if self.gamma == "scale":
            # The mean squared distance of two samples is twice their total variance.
            variance = float(features.var(axis=0).sum())
            self.gamma_ = 1 / (2 * variance) if variance else 1.0
        else:
            self.gamma_ = self.gamma
        kernel = rbf_kernel(features, self.anchors_, gamma=self.gamma_)
        self.mean_ = kernel.mean(axis=0)
        kernel = kernel[labeled] - self.mean_
        coefficients = self._fit_kernel(kernel, targets[labeled], random_state)
        self.dual_coef_ = coefficients.astype(features.dtype)

    def _decide_latent(self, features: BoundedRows) -> Decision:
        squares = features.squared_distances(self.anchors_)
        kernel = squares.map(lambda d: np.exp(-self.gamma_ * d), slope=self.gamma_)
        return kernel.shift(-self.mean_).project(self.dual_coef_.T).above()
