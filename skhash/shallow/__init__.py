"""Hashers without a neural network."""

from skhash.shallow.projections import PCAHasher, RandomProjectionHasher

__all__ = ["PCAHasher", "RandomProjectionHasher"]
