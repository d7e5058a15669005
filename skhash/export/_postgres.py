"""Export codes to a table of PostgreSQL with pgvector."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from skhash.export._exported import Exported
from skhash.export._source import (
    TEXTS,
    DistinctCodes,
    Source,
    checked_name,
    keys_of,
    padded,
)
from skhash.utils._docstrings import substitute

# Rows of a COPY that are made at a time.
_ROWS_PER_BLOCK = 10_000
# The largest values that pgvector takes.
_MAX_EF_SEARCH = 1000
_MAX_PROBES = 32768


@substitute(**TEXTS)
class PostgresExport(Exported):
    """Export codes to a table of PostgreSQL with pgvector.

    Makes the SQL statements and the stream of a COPY; :meth:`write` runs them on a
    connection.

    Parameters
    ----------
    {index}
    table : str, default="codes"
        Name of the table: letters, digits and underscores. It must not exist.
    access : {"hnsw", "ivfflat"} or None, default="hnsw"
        How PostgreSQL searches: by a graph, by the cells of the nearest centroids, or
        by an exact scan.
    {ids}
    {n_bits}
    distinct : bool, default=None
        Whether codes are stored once each, in a table of their own that the samples
        refer to; None for ``access="hnsw"`` only.
    n_links : int, default=16
        Number of links per node of ``"hnsw"``.
    ef_construction, ef_search : int, default=200
        Number of nodes of ``"hnsw"`` that are candidates while the graph is built,
        and searched; at most 1,000.
    n_lists : int, default=None
        Number of cells of ``"ivfflat"``; the square root of the number of codes if
        None.
    n_probes : int, default=16
        Number of cells of ``"ivfflat"`` that a query scans.

    Attributes
    ----------
    table_sql : list of str
        The statements that create the tables.
    copy_sql : dict of str to str
        For each table the statement that reads :meth:`copy_lines`.
    index_sql : list of str
        The statements that create indexes, to be run after the COPY.
    search_sql : list of str
        The statements that set how many nodes or cells a query visits, in the same
        transaction as the query.
    query_sql : str
        The query, with the parameters ``code`` (a string of 0 and 1) and ``k``.

    Notes
    -----
    Codes are of type ``bit(n_bits)``, written as strings of 0 and 1, the first bit
    first; there is no padding. ``<~>`` is the Hamming distance. The column ``id`` is a
    ``bigint`` or a ``text``. With an index, pgvector returns at most `ef_search`
    neighbors, or those in the probed cells.
    """

    def __init__(
        self,
        index: Any,
        table: str = "codes",
        *,
        access: str | None = "hnsw",
        ids: ArrayLike | None = None,
        n_bits: int | None = None,
        distinct: bool | None = None,
        n_links: int = 16,
        ef_construction: int = 200,
        ef_search: int = 200,
        n_lists: int | None = None,
        n_probes: int = 16,
    ):
        if access not in ("hnsw", "ivfflat", None):
            raise ValueError(
                f'access must be "hnsw", "ivfflat" or None; got {access!r}.'
            )
        source = Source(index, ids, n_bits)
        super().__init__(source, distinct=False)  # SQL expands distinct codes
        is_distinct = access == "hnsw" if distinct is None else distinct
        self._codes = DistinctCodes(source.codes) if is_distinct else None
        self._connection: Any = None
        self.access = access
        self._ef_search = ef_search
        self._n_probes = n_probes
        self._set_statements(checked_name(table, "table"))
        if access is not None:
            options = f"m = {int(n_links)}, ef_construction = {int(ef_construction)}"
            if access == "ivfflat":
                options = f"lists = {int(n_lists or max(1, len(source.codes) ** 0.5))}"
            self.index_sql.append(
                f"CREATE INDEX ON {self._tables[0]} USING {access} "
                f"(code bit_hamming_ops) WITH ({options})"
            )
        self.search_sql = self._settings(1)

    def _set_statements(self, name: str) -> None:
        """Make the statements for samples with their codes, or with distinct codes."""
        bits = f"bit({self.n_bits})"
        key = "text" if self.ids.dtype.kind == "U" else "bigint"
        distance = f"code <~> %(code)s::{bits}"
        if self.distinct:
            codes = f"{name}_distinct"
            self._tables = [codes, name]
            self.table_sql = [
                f"CREATE TABLE {codes} "
                f"(code_id bigint PRIMARY KEY, code {bits} NOT NULL)",
                f"CREATE TABLE {name} (id {key} PRIMARY KEY, "
                f"code_id bigint NOT NULL REFERENCES {codes})",
            ]
            self.index_sql = [f"CREATE INDEX ON {name} (code_id)"]
            self.query_sql = (
                f"SELECT id, distance FROM (SELECT code_id, {distance} AS distance "
                f"FROM {codes} ORDER BY {distance} LIMIT %(k)s) AS nearest "
                f"JOIN {name} USING (code_id) ORDER BY distance, id LIMIT %(k)s"
            )
        else:
            self._tables = [name]
            self.table_sql = [
                f"CREATE TABLE {name} (id {key} PRIMARY KEY, code {bits} NOT NULL)"
            ]
            self.index_sql = []
            self.query_sql = (
                f"SELECT id, {distance} AS distance FROM {name} "
                f"ORDER BY {distance} LIMIT %(k)s"
            )
        self.copy_sql = {each: f"COPY {each} FROM STDIN" for each in self._tables}

    def _settings(self, n_neighbors: int) -> list[str]:
        if self.access == "hnsw":
            n_nodes = min(max(self._ef_search, n_neighbors), _MAX_EF_SEARCH)
            return [f"SET LOCAL hnsw.ef_search = {int(n_nodes)}"]
        if self.access == "ivfflat":
            return [f"SET LOCAL ivfflat.probes = {min(self._n_probes, _MAX_PROBES)}"]
        return []

    @property
    def distinct(self) -> bool:
        """Whether codes are stored once each."""
        return self._codes is not None

    def copy_lines(self, table: str | None = None) -> Iterator[bytes]:
        """Yield the stream of a COPY in text format.

        Parameters
        ----------
        table : str, default=None
            A table of `copy_sql`; the table of the samples if None.

        Yields
        ------
        lines : bytes
            Lines of two columns, some thousand at a time.
        """
        tables = self._tables
        table = tables[-1] if table is None else table
        if table not in tables:
            raise ValueError(f"table must be one of {tables}; got {table!r}.")
        ids = self._source.ids
        if ids.dtype.kind == "U":
            ids = np.array([_escaped(each) for each in ids.tolist()], dtype=object)
        if self._codes is None:
            yield from _lines(ids, codes=self._source.codes, n_bits=self.n_bits)
        elif table == tables[0]:
            codes = self._codes.codes
            yield from _lines(np.arange(len(codes)), codes=codes, n_bits=self.n_bits)
        else:
            yield from _lines(ids, numbers=self._codes.numbers)

    def write(self, connection: Any) -> "PostgresExport":
        """Create the tables, fill them and create the indexes, in one transaction.

        The extension ``vector`` must have been created in the database.

        Parameters
        ----------
        connection : psycopg.Connection
            A connection; :meth:`kneighbors` and :meth:`verify` use it, too.

        Returns
        -------
        self : PostgresExport
        """
        with connection.transaction(), connection.cursor() as cursor:
            for statement in self.table_sql:
                cursor.execute(statement)
            for table, statement in self.copy_sql.items():
                with cursor.copy(statement) as copy:
                    for lines in self.copy_lines(table):
                        copy.write(lines)
            for statement in self.index_sql:
                cursor.execute(statement)
        with connection.cursor() as cursor:  # the planner needs to know the sizes
            for table in self._tables:
                cursor.execute(f"ANALYZE {table}")
        self._connection = connection
        return self

    def _search(
        self, queries: NDArray[np.uint8], n_neighbors: int
    ) -> tuple[NDArray, NDArray]:
        if self._connection is None:
            raise ValueError("Call write with a connection before searching.")
        results = []
        connection = self._connection
        with connection.transaction(), connection.cursor() as cursor:
            for statement in self._settings(n_neighbors):
                cursor.execute(statement)
            for code in _bit_strings(queries, self.n_bits):
                parameters = {"code": code.decode(), "k": n_neighbors}
                rows = cursor.execute(self.query_sql, parameters).fetchall()
                results.append(([i for i, _ in rows], [int(far) for _, far in rows]))
        return keys_of(*padded(results, n_neighbors), self._source)


def _bit_strings(codes: NDArray[np.uint8], n_bits: int) -> list[bytes]:
    """Return codes as strings of 0 and 1."""
    digits = np.unpackbits(codes, axis=1, count=n_bits) + np.uint8(ord("0"))
    return digits.view(f"S{n_bits}").ravel().tolist()


def _lines(
    keys: NDArray,
    *,
    codes: NDArray[np.uint8] | None = None,
    numbers: NDArray | None = None,
    n_bits: int = 0,
) -> Iterator[bytes]:
    for start in range(0, len(keys), _ROWS_PER_BLOCK):
        block = slice(start, start + _ROWS_PER_BLOCK)
        if codes is not None:
            values = [each.decode() for each in _bit_strings(codes[block], n_bits)]
        elif numbers is not None:
            values = numbers[block].tolist()
        pairs = zip(keys[block].tolist(), values)
        yield "".join(f"{key}\t{value}\n" for key, value in pairs).encode()


def _escaped(text: str) -> str:
    """Return a text as COPY reads it."""
    if "\0" in text:
        raise ValueError(f"ids must have no character 0 in PostgreSQL; got {text!r}.")
    for character, escape in ("\\\\", "\tt", "\nn", "\rr"):
        text = text.replace(character, f"\\{escape}")
    return text
