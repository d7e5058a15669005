"""Decide when and how to look codes up in tables instead of scanning them.

``multi_index.h`` does the search. Here are the shape of the tables and the rule of
``algorithm="auto"``; docs/search.md has the measurements behind its constants.
"""

from math import comb, log2

import numpy as np
from numpy.typing import NDArray

from skhash._hamming._mutex import Mutex
from skhash._hamming._search import BLOCK, MOST_WIDTH, Tables
from skhash._hamming._storage import BlockedCodes, ExternalCodes

MOST_TABLES = 16

#: A look-up of a bucket, or of a code in one, costs as much as a scan of so many bytes.
BYTES_PER_LOOKUP = 8000
#: Building one table costs as much per code as a scan of so many bytes.
BYTES_PER_ENTRY = 5000
#: Codes from which the fullness of the buckets is estimated.
SAMPLE = 4096


class MultiIndex:
    """The shape of the tables for some codes, and what they cost.

    Parameters
    ----------
    codes : BlockedCodes or ExternalCodes
        The codes to look up.
    n_bits : int
        Their length.

    Attributes
    ----------
    n_codes : int
        Number of codes in the tables: whole blocks only, as a scan of the codes behind
        begins with a block.
    tables : Tables or None
        The tables, once they are built.
    """

    def __init__(self, codes: BlockedCodes | ExternalCodes, n_bits: int) -> None:
        self.n_bytes = (n_bits + 7) // 8
        self.n_codes = codes.n_rows // BLOCK * BLOCK
        ideal = max(1.0, log2(max(self.n_codes, 2)))
        self.n_tables = min(max(1, round(n_bits / ideal)), MOST_TABLES, n_bits)
        self.spacing = n_bits // self.n_tables
        self.width = min(self.spacing, int(ideal) + 2, MOST_WIDTH)
        self.bucket_size = self._bucket_size(codes) if self.n_codes else 0.0
        self.tables: Tables | None = None

    def _words(
        self, codes: BlockedCodes | ExternalCodes, positions: NDArray[np.intp]
    ) -> NDArray[np.uint64]:
        """Return codes as whole words, the way the tables read them."""
        words = np.zeros((len(positions), -(-self.n_bytes // 8)), dtype=np.uint64)
        words.view(np.uint8)[:, : self.n_bytes] = codes.rows(positions)
        return words

    def _bucket_size(self, codes: BlockedCodes | ExternalCodes) -> float:
        """Estimate from a sample how many codes share the bucket of a code."""
        positions = np.linspace(0, self.n_codes - 1, min(SAMPLE, self.n_codes))
        words = self._words(codes, np.unique(positions.astype(np.intp)))
        n, equal_pairs = len(words), 0
        for table in range(self.n_tables):
            word, shift = divmod(table * self.spacing, 64)
            value = words[:, word] >> np.uint64(shift)
            if shift + self.width > 64:
                value |= words[:, word + 1] << np.uint64(64 - shift)
            value &= np.uint64((1 << self.width) - 1)
            sizes = np.unique(value, return_counts=True)[1]
            equal_pairs += int((sizes * (sizes - 1)).sum())
        fraction = equal_pairs / (self.n_tables * max(1, n * (n - 1)))
        return self.n_codes * max(fraction, 0.5**self.width)

    def build(self, codes: BlockedCodes | ExternalCodes) -> None:
        """Build the tables of the codes that the shape was made for."""
        words = self._words(codes, np.arange(self.n_codes))
        self.tables = Tables(words, self.n_tables, self.width, self.spacing)

    def lookups(self, radius: int) -> float:
        """Estimate the number of buckets and codes that one query looks at."""
        whole, rest = divmod(radius, self.n_tables)
        full = sum(comb(self.width, i) for i in range(whole + 1))
        less = full - comb(self.width, whole)
        n_buckets = (rest + 1) * full + (self.n_tables - rest - 1) * less
        return n_buckets * (1 + self.bucket_size)

    @property
    def scan_lookups(self) -> int:
        """The number of look-ups that cost as much as a scan."""
        return self.n_codes * self.n_bytes // BYTES_PER_LOOKUP

    def is_cheaper_than_scan(self, radius: int) -> bool:
        """Return whether the tables answer such a query faster than a scan does."""
        return self.n_codes > 0 and self.lookups(radius) < self.scan_lookups

    @property
    def build_cost(self) -> float:
        """The number of scans by one query that cost as much as building the tables."""
        return self.n_tables * BYTES_PER_ENTRY / self.n_bytes

    @property
    def nbytes(self) -> int:
        """Memory that the tables take, built or not, in bytes."""
        words = 8 * -(-self.n_bytes // 8) * self.n_codes
        return words + 4 * self.n_tables * (self.n_codes + (1 << self.width) + 1)


class TableCache:
    """The tables of an index, once they are built; shared by its snapshots.

    Attributes
    ----------
    multi_index : MultiIndex or None
        The shape with built tables, of codes that all snapshots with this cache begin
        with, as far as they have them.
    accumulated_cost : float
        Scans by single queries that tables would have saved so far.
    mutex : Mutex
        Held by the thread that builds.
    """

    def __init__(self) -> None:
        self.multi_index: MultiIndex | None = None
        self.accumulated_cost = 0.0
        self.mutex = Mutex()
