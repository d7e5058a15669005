"""Find duplicates among codes, groups of them, leakage, and candidate pairs."""

from skhash.duplicates._blocking import (
    BlockingScores,
    HammingBlocker,
    blocking_scores,
)
from skhash.duplicates._detector import DuplicateDetector
from skhash.duplicates._leakage import Leakage, find_leakage
from skhash.duplicates._matches import match_labels
from skhash.duplicates._radius import RadiusTable, radius_table
from skhash.duplicates._shingles import WordShingleVectorizer

__all__ = [
    "BlockingScores",
    "DuplicateDetector",
    "HammingBlocker",
    "Leakage",
    "RadiusTable",
    "WordShingleVectorizer",
    "blocking_scores",
    "find_leakage",
    "match_labels",
    "radius_table",
]
