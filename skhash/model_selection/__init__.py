"""Splits, label subsets and scorers for collections of which few rows are labelled."""

from skhash.model_selection._hiding import hide_labels
from skhash.model_selection._scorers import make_retrieval_scorer
from skhash.model_selection._splitters import SemiSupervisedKFold, UnseenClassSplit

__all__ = [
    "SemiSupervisedKFold",
    "UnseenClassSplit",
    "hide_labels",
    "make_retrieval_scorer",
]
