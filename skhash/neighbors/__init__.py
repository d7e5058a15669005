"""Exact nearest neighbours of binary codes by Hamming distance."""

from skhash.neighbors._nearest import HammingNearestNeighbors
from skhash.neighbors._scan import simd_name, simd_names
from skhash.neighbors._transformer import HammingNeighborsTransformer

__all__ = [
    "HammingNearestNeighbors",
    "HammingNeighborsTransformer",
    "simd_name",
    "simd_names",
]
