"""Hashers without a neural network."""

from skhash.shallow.anchor_graph import AnchorGraphHasher
from skhash.shallow.cca import CCAITQHasher
from skhash.shallow.classifier import ClassifierHasher
from skhash.shallow.kernel_supervised import KernelSupervisedHasher
from skhash.shallow.projections import PCAHasher, RandomProjectionHasher
from skhash.shallow.rotations import IsotropicHasher, ITQHasher
from skhash.shallow.self_taught import SelfTaughtHasher
from skhash.shallow.semi_supervised import SemiSupervisedHasher
from skhash.shallow.shift_invariant import ShiftInvariantKernelHasher
from skhash.shallow.spectral import SpectralHasher
from skhash.shallow.spherical import SphericalHasher
from skhash.shallow.supervised_discrete import SupervisedDiscreteHasher
from skhash.shallow.threshold import ThresholdHasher

__all__ = [
    "AnchorGraphHasher",
    "CCAITQHasher",
    "ClassifierHasher",
    "ITQHasher",
    "IsotropicHasher",
    "KernelSupervisedHasher",
    "PCAHasher",
    "RandomProjectionHasher",
    "SelfTaughtHasher",
    "SemiSupervisedHasher",
    "ShiftInvariantKernelHasher",
    "SpectralHasher",
    "SphericalHasher",
    "SupervisedDiscreteHasher",
    "ThresholdHasher",
]
