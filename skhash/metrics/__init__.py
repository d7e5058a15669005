"""Measure retrieval, exactly where distances tie.

Binary codes repeat, and their distances are small integers, so that a ranking by
distance is hardly ever unique. Every measure is the expectation over all orders of tied
samples, in closed form, and does not depend on how a sort breaks ties.
"""

from skhash.metrics._at_k import (
    average_precision_at_k_score,
    ndcg_at_k_score,
    precision_at_k_score,
    recall_at_k_score,
)
from skhash.metrics._report import retrieval_report
from skhash.metrics._within_radius import (
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
