"""Export codes to a table of sqlite-vec."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from skhash.export._exported import Exported
from skhash.export._source import (
    TEXTS,
    Source,
    checked_name,
    keys_of,
    padded,
)
from skhash.utils._docstrings import substitute

_MAX_NEIGHBORS = 4096


@substitute(**TEXTS)
class SqliteVecExport(Exported):
    """Export codes to a virtual table of sqlite-vec, which scans them.

    Parameters
    ----------
    {index}
    connection : sqlite3.Connection or apsw.Connection
        A connection that has loaded the extension: ``sqlite_vec.load(connection)``.
        Where Python was built without extensions of SQLite, use ``apsw``.
    table : str, default="codes"
        Name of the table: letters, digits and underscores. It must not exist.
    {ids}
    {n_bits}

    Attributes
    ----------
    table_sql, query_sql : str
        The statements that create the table and search it. A query has the parameters
        (packed code as bytes, number of neighbors).

    Notes
    -----
    The table has the columns ``id`` (the primary key, an integer or a text) and
    ``code`` (``bit[n]``). sqlite-vec takes the bytes of packed codes as they are, as
    ``vec_bit(bytes)``; a code that does not fill its last byte has zeros there. It
    finds at most 4,096 neighbors.
    """

    def __init__(
        self,
        index: Any,
        connection: Any,
        table: str = "codes",
        *,
        ids: ArrayLike | None = None,
        n_bits: int | None = None,
    ):
        source = Source(index, ids, n_bits)
        super().__init__(source, distinct=False)
        name = checked_name(table, "table")
        key = "text" if source.ids.dtype.kind == "U" else "integer"
        self.table_sql = (
            f"CREATE VIRTUAL TABLE {name} USING vec0("
            f"id {key} PRIMARY KEY, code bit[{source.n_stored_bits}])"
        )
        self.query_sql = (
            f"SELECT id, distance FROM {name} "
            "WHERE code MATCH vec_bit(?) AND k = ? ORDER BY distance"
        )
        self._connection = connection
        cursor = connection.cursor()
        cursor.execute("BEGIN")
        try:
            cursor.execute(self.table_sql)
            cursor.executemany(
                f"INSERT INTO {name} (id, code) VALUES (?, vec_bit(?))",
                (
                    (i, code.tobytes())
                    for i, code in zip(source.ids.tolist(), source.codes)
                ),
            )
        except BaseException:
            cursor.execute("ROLLBACK")
            raise
        cursor.execute("COMMIT")

    def _search(
        self, queries: NDArray[np.uint8], n_neighbors: int
    ) -> tuple[NDArray, NDArray]:
        if n_neighbors > _MAX_NEIGHBORS:
            raise ValueError(
                f"n_neighbors must be at most {_MAX_NEIGHBORS} for sqlite-vec; got "
                f"{n_neighbors}."
            )
        cursor = self._connection.cursor()
        results = []
        for query in queries:
            cursor.execute(self.query_sql, (query.tobytes(), n_neighbors))
            rows = list(cursor.fetchall())
            results.append(([i for i, _ in rows], [far for _, far in rows]))
        return keys_of(*padded(results, n_neighbors), self._source)
