"""Semantic hashing in the scikit-learn way: learn binary codes, search them exactly."""

import importlib
from typing import TYPE_CHECKING

__version__ = "0.1.0"

# Public name -> the module that defines it. Resolved on first use, so that a program
# that only searches codes does not pay for importing torch.
_PUBLIC = {
    "AnchorGraphHasher": "skhash.shallow",
    "BernoulliVAEHasher": "skhash.variational",
    "CCAITQHasher": "skhash.shallow",
    "ClassifierHasher": "skhash.shallow",
    "HammingNearestNeighbors": "skhash.neighbors",
    "HammingNeighborsTransformer": "skhash.neighbors",
    "HammingRadiusNeighborsTransformer": "skhash.neighbors",
    "ITQHasher": "skhash.shallow",
    "IsotropicHasher": "skhash.shallow",
    "KernelSupervisedHasher": "skhash.shallow",
    "OriginalSSBVAEHasher": "skhash.variational",
    "PCAHasher": "skhash.shallow",
    "PHSHasher": "skhash.variational",
    "RandomProjectionHasher": "skhash.shallow",
    "RerankedNearestNeighbors": "skhash.neighbors",
    "SSBVAEHasher": "skhash.variational",
    "SelfTaughtHasher": "skhash.shallow",
    "SemiSupervisedHasher": "skhash.shallow",
    "ShiftInvariantKernelHasher": "skhash.shallow",
    "SpectralHasher": "skhash.shallow",
    "SphericalHasher": "skhash.shallow",
    "SupervisedDiscreteHasher": "skhash.shallow",
    "ThresholdHasher": "skhash.shallow",
    "VDSHHasher": "skhash.variational",
    "show_versions": "skhash._show_versions",
}

if TYPE_CHECKING:  # type checkers and editors see no names that are resolved on use
    from skhash._show_versions import show_versions as show_versions
    from skhash.neighbors import HammingNearestNeighbors as HammingNearestNeighbors
    from skhash.neighbors import (
        HammingNeighborsTransformer as HammingNeighborsTransformer,
    )
    from skhash.neighbors import (
        HammingRadiusNeighborsTransformer as HammingRadiusNeighborsTransformer,
    )
    from skhash.neighbors import RerankedNearestNeighbors as RerankedNearestNeighbors
    from skhash.shallow import AnchorGraphHasher as AnchorGraphHasher
    from skhash.shallow import CCAITQHasher as CCAITQHasher
    from skhash.shallow import ClassifierHasher as ClassifierHasher
    from skhash.shallow import IsotropicHasher as IsotropicHasher
    from skhash.shallow import ITQHasher as ITQHasher
    from skhash.shallow import KernelSupervisedHasher as KernelSupervisedHasher
    from skhash.shallow import PCAHasher as PCAHasher
    from skhash.shallow import RandomProjectionHasher as RandomProjectionHasher
    from skhash.shallow import SelfTaughtHasher as SelfTaughtHasher
    from skhash.shallow import SemiSupervisedHasher as SemiSupervisedHasher
    from skhash.shallow import ShiftInvariantKernelHasher as ShiftInvariantKernelHasher
    from skhash.shallow import SpectralHasher as SpectralHasher
    from skhash.shallow import SphericalHasher as SphericalHasher
    from skhash.shallow import SupervisedDiscreteHasher as SupervisedDiscreteHasher
    from skhash.shallow import ThresholdHasher as ThresholdHasher
    from skhash.variational import BernoulliVAEHasher as BernoulliVAEHasher
    from skhash.variational import OriginalSSBVAEHasher as OriginalSSBVAEHasher
    from skhash.variational import PHSHasher as PHSHasher
    from skhash.variational import SSBVAEHasher as SSBVAEHasher
    from skhash.variational import VDSHHasher as VDSHHasher

__all__ = [*_PUBLIC]


def __getattr__(name):
    if name in _PUBLIC:
        return getattr(importlib.import_module(_PUBLIC[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__():
    return sorted([*globals(), *_PUBLIC])
