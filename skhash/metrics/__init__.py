"""Measures of retrieval, exact in the presence of ties.

Binary codes repeat, and their distances are small integers, so that a ranking by
distance is hardly ever unique. Every measure here is the expectation over all orders of
tied rows, from closed forms: no sort decides it, and no two machines differ.
"""

from skhash.metrics._report import retrieval_report
from skhash.metrics._scores import (
    average_precision_at_k_score,
    ndcg_at_k_score,
    precision_at_k_score,
    recall_at_k_score,
)
from skhash.metrics._within import (
    empty_ball_rate,
    precision_within_radius_score,
    recall_within_radius_score,
)

__all__ = [
    "average_precision_at_k_score",
    "empty_ball_rate",
    "ndcg_at_k_score",
    "precision_at_k_score",
    "precision_within_radius_score",
    "recall_at_k_score",
    "recall_within_radius_score",
    "retrieval_report",
]
