"""Export codes to Arrow tables and Parquet files, which DuckDB and LanceDB read."""

import json
import os
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from skhash.export._exported import Exported
from skhash.export._source import TEXTS, Source, imported, keys_of, padded
from skhash.utils._docstrings import substitute

_QUERY = (
    "SELECT id, bit_count(xor(code::BIT, ?::BIT)) AS distance FROM codes "
    "ORDER BY distance, id LIMIT ?"
)


@substitute(**TEXTS)
class ArrowExport(Exported):
    """Export codes to an Arrow table or a Parquet file.

    Parameters
    ----------
    {index}
    {ids}
    {n_bits}
    reader : {"duckdb", "lancedb"}, default="duckdb"
        The engine that the table is made for, and that :meth:`kneighbors` and
        :meth:`verify` use: DuckDB scans it by the SQL of `query_sql`, LanceDB by its
        vector search.

    Attributes
    ----------
    table : pyarrow.Table
        Columns ``id`` (int64 or string) and ``code``: fixed-size binary for DuckDB, a
        fixed-size list of uint8 for LanceDB. The metadata of the schema have
        ``skhash``, a JSON text with ``n_bits`` and ``packing``.
    query_sql : str
        The query of DuckDB over a table ``codes``, with the parameters (packed code as
        bytes, number of neighbors).

    Notes
    -----
    The bytes are those of :func:`numpy.packbits`: the first bit of a code is the
    highest bit of its first byte, and a code that does not fill its last byte has zeros
    there.
    """

    query_sql = _QUERY

    def __init__(
        self,
        index: Any,
        *,
        ids: ArrayLike | None = None,
        n_bits: int | None = None,
        reader: str = "duckdb",
    ):
        if reader not in ("duckdb", "lancedb"):
            raise ValueError(f'reader must be "duckdb" or "lancedb"; got {reader!r}.')
        pa = imported("pyarrow")
        source = Source(index, ids, n_bits)
        super().__init__(source, distinct=False)
        self.reader = reader
        n_bytes = source.codes.shape[1]
        flat = pa.py_buffer(np.ascontiguousarray(source.codes))
        if reader == "duckdb":
            codes = pa.Array.from_buffers(
                pa.binary(n_bytes), len(source.codes), [None, flat]
            )
        else:
            values = pa.Array.from_buffers(pa.uint8(), source.codes.size, [None, flat])
            codes = pa.FixedSizeListArray.from_arrays(values, n_bytes)
        packing = {"n_bits": source.n_bits, "packing": "numpy.packbits, bitorder big"}
        self.table = pa.table({"id": pa.array(source.ids), "code": codes})
        self.table = self.table.replace_schema_metadata({"skhash": json.dumps(packing)})
        self._database: Any = None

    def write_parquet(self, path: str | os.PathLike) -> None:
        """Write the table to a Parquet file.

        Parameters
        ----------
        path : str or path-like
            The file.
        """
        parquet = imported("pyarrow.parquet", "pyarrow")
        # Codes hardly repeat, so that a dictionary of them would be in the way.
        parquet.write_table(self.table, path, use_dictionary=["id"])

    def read_parquet(self, path: str | os.PathLike) -> "ArrowExport":
        """Search a Parquet file from now on, instead of the table in memory.

        Parameters
        ----------
        path : str or path-like
            A file of :meth:`write_parquet`.

        Returns
        -------
        self : ArrowExport
        """
        parquet = imported("pyarrow.parquet", "pyarrow")
        self.table = parquet.read_table(path)
        self._database = None
        return self

    def connect_lancedb(self, folder: str | os.PathLike, table: str = "codes") -> Any:
        """Write the table to a folder of LanceDB, and search there from now on.

        Parameters
        ----------
        folder : str or path-like
            The folder of the database.
        table : str, default="codes"
            Name of the table. It must not exist.

        Returns
        -------
        table : lancedb.table.Table
        """
        if self.reader != "lancedb":
            raise ValueError('reader must be "lancedb" to use LanceDB.')
        lancedb = imported("lancedb")
        database = lancedb.connect(os.fspath(folder))
        self._database = database.create_table(table, self.table)
        return self._database

    def _search(
        self, queries: NDArray[np.uint8], n_neighbors: int
    ) -> tuple[NDArray, NDArray]:
        search = self._search_duckdb if self.reader == "duckdb" else self._search_lance
        results = search(queries, n_neighbors)
        return keys_of(*padded(results, n_neighbors), self._source)

    def _search_duckdb(self, queries: NDArray[np.uint8], n_neighbors: int) -> list:
        if self._database is None:
            self._database = imported("duckdb").connect()
            self._database.register("arrow_codes", self.table)
            self._database.execute("CREATE TABLE codes AS SELECT * FROM arrow_codes")
        results = []
        for query in queries:
            parameters = [query.tobytes(), n_neighbors]
            rows = self._database.execute(self.query_sql, parameters).fetchall()
            results.append(([i for i, _ in rows], [far for _, far in rows]))
        return results

    def _search_lance(self, queries: NDArray[np.uint8], n_neighbors: int) -> list:
        if self._database is None:
            raise ValueError("Call connect_lancedb before searching.")
        results = []
        for query in queries:
            search = self._database.search(query, vector_column_name="code")
            rows = search.distance_type("hamming").limit(n_neighbors).to_list()
            found = [row["id"] for row in rows], [row["_distance"] for row in rows]
            results.append(found)
        return results
