"""Encode samples independently of the other samples in a batch."""

from abc import abstractmethod

from numpy.typing import NDArray

from skhash._base import BaseHasher
from skhash.utils._linalg import Rows
from skhash.utils._rounding import BoundedRows, Decision, consistent_bits


class ShallowHasher(BaseHasher):
    """Base class of hashers without a neural network.

    A subclass learns in `_fit` and computes bits in `_decide`, by operations that
    bound their rounding errors.
    """

    @abstractmethod
    def _decide(self, X: BoundedRows) -> Decision:
        """Return bits (n_samples, n_bits) and which samples have a doubtful bit."""

    def _encode(self, X: Rows) -> NDArray:
        return consistent_bits(self._decide, X)
