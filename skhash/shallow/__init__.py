"""Hashers without a neural network."""

from skhash.shallow.anchor_graph import AnchorGraphHasher
from skhash.shallow.projections import PCAHasher, RandomProjectionHasher
from skhash.shallow.rotations import IsotropicHasher, ITQHasher
from skhash.shallow.self_taught import SelfTaughtHasher
from skhash.shallow.shift_invariant import ShiftInvariantKernelHasher
from skhash.shallow.spectral import SpectralHasher
from skhash.shallow.spherical import SphericalHasher

__all__ = [
    "AnchorGraphHasher",
    "ITQHasher",
    "IsotropicHasher",
    "PCAHasher",
    "RandomProjectionHasher",
    "SelfTaughtHasher",
    "ShiftInvariantKernelHasher",
    "SpectralHasher",
    "SphericalHasher",
]
