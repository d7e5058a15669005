"""Export codes to a graph index of usearch."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from skhash.export._exported import Exported
from skhash.export._source import TEXTS, Source, imported, padded
from skhash.utils._docstrings import substitute


@substitute(**TEXTS)
class UsearchExport(Exported):
    """Export codes to a graph index (HNSW) of usearch.

    Parameters
    ----------
    {index}
    {ids}
    {n_bits}
    distinct : bool, default=True
        Whether usearch gets each distinct code once.
    n_links : int, default=32
        Number of links per node.
    ef_construction, ef_search : int, default=200
        Number of nodes that are candidates while the graph is built, and searched.

    Attributes
    ----------
    usearch_index : usearch.index.Index
        The index, to be written by its ``save``. Its keys are the ids where they are
        integers and each code is stored, else positions, or numbers of distinct codes.

    Notes
    -----
    usearch takes packed codes as they are (``dtype="b1"``, ``metric="hamming"``); a
    code that does not fill its last byte has zeros there.
    """

    def __init__(
        self,
        index: Any,
        *,
        ids: ArrayLike | None = None,
        n_bits: int | None = None,
        distinct: bool = True,
        n_links: int = 32,
        ef_construction: int = 200,
        ef_search: int = 200,
    ):
        usearch = imported("usearch.index", "usearch")
        source = Source(index, ids, n_bits)
        super().__init__(source, distinct=distinct)
        self.usearch_index = usearch.Index(
            ndim=source.n_stored_bits,
            metric="hamming",
            dtype="b1",
            connectivity=n_links,
            expansion_add=ef_construction,
            expansion_search=ef_search,
        )
        self.usearch_index.add(self._stored_keys.astype(np.uint64), self._stored_codes)

    def _search(
        self, queries: NDArray[np.uint8], n_neighbors: int
    ) -> tuple[NDArray, NDArray]:
        found = self.usearch_index.search(queries, n_neighbors)
        if len(queries) == 1 or not hasattr(found, "counts"):
            results = [(found.keys.ravel().tolist(), found.distances.ravel().tolist())]
        else:
            results = [
                (keys[:count].tolist(), far[:count].tolist())
                for keys, far, count in zip(found.keys, found.distances, found.counts)
            ]
        distances, keys = padded(results, n_neighbors)
        return distances, np.array(
            [[-1 if key is None else key for key in row] for row in keys], np.int64
        )
