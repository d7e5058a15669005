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
    "ITQHasher": "skhash.shallow",
    "IsotropicHasher": "skhash.shallow",
    "KernelSupervisedHasher": "skhash.shallow",
    "PCAHasher": "skhash.shallow",
    "PHSHasher": "skhash.variational",
    "RandomProjectionHasher": "skhash.shallow",
    "RerankedNearestNeighbors": "skhash.rerank",
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
    from skhash._show_versions import show_versions
    from skhash.neighbors import HammingNearestNeighbors, HammingNeighborsTransformer
    from skhash.rerank import RerankedNearestNeighbors
    from skhash.shallow import (
        AnchorGraphHasher,
        CCAITQHasher,
        ClassifierHasher,
        IsotropicHasher,
        ITQHasher,
        KernelSupervisedHasher,
        PCAHasher,
        RandomProjectionHasher,
        SelfTaughtHasher,
        SemiSupervisedHasher,
        ShiftInvariantKernelHasher,
        SpectralHasher,
        SphericalHasher,
        SupervisedDiscreteHasher,
        ThresholdHasher,
    )
    from skhash.variational import (
        BernoulliVAEHasher,
        PHSHasher,
        SSBVAEHasher,
        VDSHHasher,
    )

__all__ = [
    "AnchorGraphHasher",
    "BernoulliVAEHasher",
    "CCAITQHasher",
    "ClassifierHasher",
    "HammingNearestNeighbors",
    "HammingNeighborsTransformer",
    "ITQHasher",
    "IsotropicHasher",
    "KernelSupervisedHasher",
    "PCAHasher",
    "PHSHasher",
    "RandomProjectionHasher",
    "RerankedNearestNeighbors",
    "SSBVAEHasher",
    "SelfTaughtHasher",
    "SemiSupervisedHasher",
    "ShiftInvariantKernelHasher",
    "SpectralHasher",
    "SphericalHasher",
    "SupervisedDiscreteHasher",
    "ThresholdHasher",
    "VDSHHasher",
    "show_versions",
]


def __getattr__(name):
    if name in _PUBLIC:
        return getattr(importlib.import_module(_PUBLIC[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__():
    return sorted([*globals(), *_PUBLIC])
