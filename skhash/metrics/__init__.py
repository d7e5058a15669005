"""Measures of retrieval that treat ties exactly, in expectation over their order."""

from skhash.metrics._scores import (
    average_precision_at_k_score,
    ndcg_at_k_score,
    precision_at_k_score,
    recall_at_k_score,
)

__all__ = [
    "average_precision_at_k_score",
    "ndcg_at_k_score",
    "precision_at_k_score",
    "recall_at_k_score",
]
