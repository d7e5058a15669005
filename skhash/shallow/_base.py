"""Base class of the hashers without a neural network."""

from abc import abstractmethod

import numpy as np
from numpy.typing import NDArray

from skhash._base import BaseHasher
from skhash.utils._rounding import BoundedRows, Decision, consistent_bits
from skhash.utils._typing import Rows


class ShallowHasher(BaseHasher):
    """Base class of hashers whose bits do not depend on other samples in a batch.

    A subclass learns in `_fit`, and computes bits in `_decide` by operations that
    bound their rounding errors.
    """

    @abstractmethod
    def _decide(self, X: BoundedRows) -> Decision:
        """Return bits (n_samples, n_bits) and which samples have a doubtful bit."""

    def _encode(self, X: Rows) -> NDArray[np.bool_]:
        return consistent_bits(self._decide, X)
