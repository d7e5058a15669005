"""When and how to look codes up in tables instead of scanning them.

The search itself is in ``_multi_index.h``. Here is the shape of the tables and the rule
of ``algorithm="auto"``; the measurements behind its constants are in docs/search.md.
"""

from math import comb, log2

import numpy as np

from skhash.neighbors._scan import BLOCK, Tables

MOST_TABLES = 16
MOST_WIDTH = 24

#: A look-up, or a code found by one, costs as much as a scan of so many bytes.
BYTES_PER_LOOKUP = 500
#: Building one table costs as much per code as a scan of so many bytes.
BYTES_PER_ENTRY = 2500


class MultiIndex:
    """The shape of the tables for codes of `n_bits` bits, and the tables once built.

    Parameters
    ----------
    n_codes, n_bits : int
    """

    def __init__(self, n_codes, n_bits):
        ideal = max(1.0, log2(max(n_codes, 2)))
        n_words = -(-n_bits // 64)
        self.n_bytes = (n_bits + 7) // 8
        self.n_words = n_words
        self.n_tables = min(max(1, round(n_bits / ideal)), MOST_TABLES, n_bits)
        self.width = min(n_bits // self.n_tables, int(ideal) + 2, MOST_WIDTH)
        self.spacing = n_bits // self.n_tables
        # The last block may still grow: whole blocks only.
        self.n_codes = n_codes // BLOCK * BLOCK
        self.tables = None

    def build(self, codes):
        """Build the tables from a storage of codes (`Planes` or `Rows`)."""
        words = np.zeros((self.n_codes, 8 * self.n_words), dtype=np.uint8)
        words[:, : self.n_bytes] = codes.rows(np.arange(self.n_codes))
        tables = Tables(words.view(np.uint64), self.n_tables, self.width, self.spacing)
        for table in range(self.n_tables):
            tables.build(table)
        self.tables = tables

    def lookups(self, radius):
        """Return the number of buckets and codes that one query looks at.

        The codes are those of a table that is evenly full.
        """
        whole, rest = divmod(radius, self.n_tables)
        buckets = [
            sum(comb(self.width, i) for i in range(s + 1)) for s in (whole, whole - 1)
        ]
        n_buckets = (rest + 1) * buckets[0] + (self.n_tables - rest - 1) * buckets[1]
        return n_buckets * (1 + self.n_codes / 2**self.width)

    @property
    def scan_lookups(self):
        """The number of look-ups that cost as much as a scan."""
        return int(self.n_codes * self.n_bytes / BYTES_PER_LOOKUP)

    def pays(self, radius):
        """Whether one query of that radius is cheaper by the tables than by a scan."""
        return self.n_codes > 0 and self.lookups(radius) < self.scan_lookups / 2

    def price(self):
        """Return the number of scans by one query that cost as much as building."""
        return self.n_tables * BYTES_PER_ENTRY / self.n_bytes
