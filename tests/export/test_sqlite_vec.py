"""Test exports to sqlite-vec."""

import numpy as np
import pytest

from skhash.export import SqliteVecExport


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


def test_sqlite_vec(index, ids, assert_exact):
    connection = sqlite_connection()
    exported = SqliteVecExport(index, connection, "my_codes", ids=ids)
    assert_exact(exported)
    count = connection.cursor().execute("SELECT count(*) FROM my_codes").fetchall()
    assert list(count) == [(2000,)]


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
