"""Learn binary codes of samples and search them exactly, as scikit-learn estimators."""

import importlib
from typing import Any

# Module -> the public names that it defines. Modules are imported on first use, so
# that a program that only searches codes does not import torch. Type checkers and
# editors read the same names in __init__.pyi.
_PUBLIC_NAMES = {
    "_show_versions": ("show_versions",),
    "distributed": ("ShardedHammingNearestNeighbors",),
    "duplicates": ("DuplicateDetector",),
    "neighbors": (
        "HammingNearestNeighbors",
        "HammingNeighborsTransformer",
        "HammingRadiusNeighborsTransformer",
        "HammingRetriever",
        "RerankedNearestNeighbors",
    ),
    "shallow": (
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
    ),
    "variational": (
        "BernoulliVAEHasher",
        "MultiViewSSBVAEHasher",
        "OriginalSSBVAEHasher",
        "PHSHasher",
        "SSBVAEHasher",
        "VDSHHasher",
    ),
}
_SUBMODULES = (
    "codes",
    "datasets",
    "distributed",
    "duplicates",
    "export",
    "inspection",
    "io",
    "metrics",
    "model_selection",
    "neighbors",
    "plot",
    "shallow",
    "utils",
    "variational",
)
_MODULE_OF = {name: module for module, names in _PUBLIC_NAMES.items() for name in names}

__all__ = sorted(_MODULE_OF)


def __getattr__(name: str) -> Any:
    if name in _MODULE_OF:
        module = importlib.import_module(f"{__name__}.{_MODULE_OF[name]}")
        return getattr(module, name)
    if name in _SUBMODULES:
        return importlib.import_module(f"{__name__}.{name}")
    if name == "__version__":
        metadata = importlib.import_module("importlib.metadata")
        return metadata.version("scikit-hash")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*__all__, *_SUBMODULES, "__version__"})
