"""Semantic hashing in the scikit-learn way: learn binary codes, search them exactly."""

import importlib

__version__ = "0.1.0"

# Public name -> the module that defines it. Resolved on first use, so that a program
# that only searches codes does not pay for importing torch.
_PUBLIC = {
    "HammingNearestNeighbors": "skhash.neighbors",
    "HammingNeighborsTransformer": "skhash.neighbors",
    "PCAHasher": "skhash.shallow",
    "RandomProjectionHasher": "skhash.shallow",
    "SSBVAEHasher": "skhash.variational",
}

__all__ = [*_PUBLIC]


def __getattr__(name):
    if name in _PUBLIC:
        return getattr(importlib.import_module(_PUBLIC[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__():
    return sorted([*globals(), *_PUBLIC])
