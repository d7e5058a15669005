"""Exact nearest neighbours of binary codes by Hamming distance."""

from skhash.neighbors._estimators import (
    HammingNearestNeighbors,
    HammingNeighborsTransformer,
)
from skhash.neighbors._scan import simd_name, simd_names

__all__ = [
    "HammingNearestNeighbors",
    "HammingNeighborsTransformer",
    "simd_name",
    "simd_names",
]
