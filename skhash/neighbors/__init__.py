"""Exact nearest neighbors of binary codes by Hamming distance, and retrieval."""

from skhash._hamming._search import simd_name, simd_names
from skhash.neighbors._nearest import HammingNearestNeighbors
from skhash.neighbors._reranked import RerankedNearestNeighbors
from skhash.neighbors._retriever import HammingRetriever
from skhash.neighbors._transformer import (
    HammingNeighborsTransformer,
    HammingRadiusNeighborsTransformer,
)

__all__ = [
    "HammingNearestNeighbors",
    "HammingNeighborsTransformer",
    "HammingRadiusNeighborsTransformer",
    "HammingRetriever",
    "RerankedNearestNeighbors",
    "simd_name",
    "simd_names",
]
