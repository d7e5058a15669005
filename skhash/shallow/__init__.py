"""Hashers without a neural network."""

from skhash.shallow._anchor_graph import AnchorGraphHasher
from skhash.shallow._cca import CCAITQHasher
from skhash.shallow._classifier import ClassifierHasher
from skhash.shallow._kernel_supervised import KernelSupervisedHasher
from skhash.shallow._projections import PCAHasher, RandomProjectionHasher
from skhash.shallow._relevant_components import RelevantComponentHasher
from skhash.shallow._rotations import IsotropicHasher, ITQHasher
from skhash.shallow._self_taught import SelfTaughtHasher
from skhash.shallow._semi_supervised import SemiSupervisedHasher
from skhash.shallow._shift_invariant import ShiftInvariantKernelHasher
from skhash.shallow._simhash import SimHasher
from skhash.shallow._spectral import SpectralHasher
from skhash.shallow._spherical import SphericalHasher
from skhash.shallow._supervised_discrete import SupervisedDiscreteHasher
from skhash.shallow._threshold import ThresholdHasher

__all__ = [
    "AnchorGraphHasher",
    "CCAITQHasher",
    "ClassifierHasher",
    "ITQHasher",
    "IsotropicHasher",
    "KernelSupervisedHasher",
    "PCAHasher",
    "RandomProjectionHasher",
    "RelevantComponentHasher",
    "SelfTaughtHasher",
    "SemiSupervisedHasher",
    "ShiftInvariantKernelHasher",
    "SimHasher",
    "SpectralHasher",
    "SphericalHasher",
    "SupervisedDiscreteHasher",
    "ThresholdHasher",
]
