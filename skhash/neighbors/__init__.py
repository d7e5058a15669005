"""Exact nearest neighbors of binary codes by Hamming distance."""

from skhash._hamming._search import simd_name, simd_names
from skhash.neighbors._nearest import HammingNearestNeighbors
from skhash.neighbors._reranked import RerankedNearestNeighbors
from skhash.neighbors._transformer import (
    HammingNeighborsTransformer,
    HammingRadiusNeighborsTransformer,
)

__all__ = [
    "HammingNearestNeighbors",
    "HammingNeighborsTransformer",
    "HammingRadiusNeighborsTransformer",
    "RerankedNearestNeighbors",
    "simd_name",
    "simd_names",
]
