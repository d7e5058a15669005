"""Export codes to other search engines, and verify what these find."""

from skhash.export._arrow import ArrowExport
from skhash.export._exported import Exported, Verification
from skhash.export._faiss import FaissExport
from skhash.export._postgres import PostgresExport
from skhash.export._sqlite_vec import SqliteVecExport
from skhash.export._usearch import UsearchExport

__all__ = [
    "ArrowExport",
    "Exported",
    "FaissExport",
    "PostgresExport",
    "SqliteVecExport",
    "UsearchExport",
    "Verification",
]
