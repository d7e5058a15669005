"""Describe codes, find wrong labels, and suggest samples to label."""

from skhash.inspection._describe import CodeDescription, describe_codes
from skhash.inspection._label_errors import LabelErrors, label_errors
from skhash.inspection._similarity import Similarity, explain_similarity
from skhash.inspection._suggestions import suggest_samples

__all__ = [
    "CodeDescription",
    "LabelErrors",
    "Similarity",
    "describe_codes",
    "explain_similarity",
    "label_errors",
    "suggest_samples",
]
