"""Split, mask and score collections of which few samples are labeled."""

from skhash.model_selection._duplicate_folds import DuplicateGroupKFold
from skhash.model_selection._label_masking import mask_labels
from skhash.model_selection._scorers import make_retrieval_scorer
from skhash.model_selection._splitters import SemiSupervisedKFold, UnseenClassSplit

__all__ = [
    "DuplicateGroupKFold",
    "SemiSupervisedKFold",
    "UnseenClassSplit",
    "make_retrieval_scorer",
    "mask_labels",
]
