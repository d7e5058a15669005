"""Base class of the hashers without a neural network."""

from abc import abstractmethod

import numpy as np
import scipy.sparse as sp
from numpy.typing import ArrayLike, NDArray

from skhash._base import BaseHasher
from skhash.utils._linalg import extreme_exponent
from skhash.utils._rounding import BoundedRows, Decision, consistent_values
from skhash.utils._typing import Rows


class ShallowHasher(BaseHasher):
    """Base class of hashers whose bits do not depend on other samples in a batch.

    A subclass learns in `_fit`, and computes decision values in `_decide` by operations
    that bound their rounding errors. It gets samples of extreme magnitude divided by a
    power of two, so that their squares are finite.
    """

    @abstractmethod
    def _decide(self, X: BoundedRows) -> Decision:
        """Return decision values (n_samples, n_bits), and samples of doubtful sign."""

    def _check_samples(self, X: ArrayLike, *, reset: bool) -> Rows:
        samples = super()._check_samples(X, reset=reset)
        if reset:
            self._exponent = extreme_exponent(samples)
        if self._exponent:
            samples = samples.copy()
            values = samples.data if sp.issparse(samples) else samples
            np.ldexp(values, -self._exponent, out=values)
        return samples

    def _decision_values(self, X: Rows) -> NDArray[np.float64]:
        return consistent_values(self._decide, X)
