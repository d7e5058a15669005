"""Hashers without a neural network."""

from skhash.shallow.projections import PCAHasher, RandomProjectionHasher
from skhash.shallow.rotations import IsotropicHasher, ITQHasher

__all__ = ["ITQHasher", "IsotropicHasher", "PCAHasher", "RandomProjectionHasher"]
