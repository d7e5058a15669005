"""Save estimators to files that hold no code, and load them."""

from skhash.io._file import InvalidFileError, NewerFileError
from skhash.io._save import load, save

__all__ = ["InvalidFileError", "NewerFileError", "load", "save"]
