"""Export codes to the binary indexes of faiss."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from skhash.export._exported import Exported
from skhash.export._source import TEXTS, Source, imported
from skhash.utils._docstrings import substitute


@substitute(**TEXTS)
class FaissExport(Exported):
    """Export codes to a binary index of faiss.

    Parameters
    ----------
    {index}
    kind : {"flat", "ivf", "hnsw"}, default="flat"
        ``IndexBinaryFlat``, a scan; ``IndexBinaryIVF``, a scan of the cells of the
        nearest centroids; ``IndexBinaryHNSW``, a graph.
    {ids}
    {n_bits}
    distinct : bool, default=None
        Whether faiss gets each distinct code once; None for ``kind="hnsw"`` only.
    n_lists : int, default=None
        Number of cells of ``"ivf"``; the square root of the number of codes if None.
    n_probes : int, default=16
        Number of cells of ``"ivf"`` that a query scans.
    n_links : int, default=32
        Number of links per node of ``"hnsw"``.
    ef_construction, ef_search : int, default=200
        Number of nodes of ``"hnsw"`` that are candidates while the graph is built,
        and searched.

    Attributes
    ----------
    faiss_index : faiss.IndexBinary
        The index, to be written by ``faiss.write_index_binary``. It is an
        ``IndexBinaryIDMap2``: what it returns are the ids where they are integers and
        each code is stored, else positions, or numbers of distinct codes.

    Notes
    -----
    faiss takes packed codes as they are; a code that does not fill its last byte has
    zeros there. Its ``range_search`` finds distances *below* the radius.
    """

    def __init__(
        self,
        index: Any,
        kind: str = "flat",
        *,
        ids: ArrayLike | None = None,
        n_bits: int | None = None,
        distinct: bool | None = None,
        n_lists: int | None = None,
        n_probes: int = 16,
        n_links: int = 32,
        ef_construction: int = 200,
        ef_search: int = 200,
    ):
        if kind not in ("flat", "ivf", "hnsw"):
            raise ValueError(f'kind must be "flat", "ivf" or "hnsw"; got {kind!r}.')
        faiss = imported("faiss", "faiss-cpu")
        source = Source(index, ids, n_bits)
        is_distinct = kind == "hnsw" if distinct is None else distinct
        super().__init__(source, distinct=is_distinct)
        codes, size = self._stored_codes, source.n_stored_bits
        if kind == "flat":
            inner = faiss.IndexBinaryFlat(size)
        elif kind == "ivf":
            n_cells = n_lists or max(1, int(len(codes) ** 0.5))
            self._quantizer = faiss.IndexBinaryFlat(size)  # faiss does not own it
            inner = faiss.IndexBinaryIVF(self._quantizer, size, n_cells)
            inner.nprobe = n_probes
            inner.train(codes)
        else:
            inner = faiss.IndexBinaryHNSW(size, n_links)
            inner.hnsw.efConstruction = ef_construction
            inner.hnsw.efSearch = ef_search
        self.kind = kind
        self._inner = inner
        self.faiss_index = faiss.IndexBinaryIDMap2(inner)
        self.faiss_index.add_with_ids(codes, self._stored_keys)

    def _search(
        self, queries: NDArray[np.uint8], n_neighbors: int
    ) -> tuple[NDArray, NDArray]:
        return self.faiss_index.search(queries, n_neighbors)
