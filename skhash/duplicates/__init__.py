"""Find duplicates among codes, groups of them, and leakage between collections."""

from skhash.duplicates._detector import DuplicateDetector
from skhash.duplicates._leakage import Leakage, find_leakage

__all__ = ["DuplicateDetector", "Leakage", "find_leakage"]
