"""Test Arrow tables and Parquet files, read by DuckDB and LanceDB."""

import numpy as np
import pytest

from skhash.export import ArrowExport


def test_duckdb(index, queries, ids, tmp_path, assert_exact):
    pytest.importorskip("pyarrow")
    duckdb = pytest.importorskip("duckdb")
    exported = ArrowExport(index, ids=ids)
    assert_exact(exported)
    path = tmp_path / "codes.parquet"
    exported.write_parquet(path)
    assert_exact(exported.read_parquet(path))
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


def test_lancedb(index, queries, ids, tmp_path, assert_exact):
    pytest.importorskip("lancedb")
    exported = ArrowExport(index, ids=ids, reader="lancedb")
    with pytest.raises(ValueError, match="Call connect_lancedb"):
        exported.kneighbors(queries)
    table = exported.connect_lancedb(tmp_path / "lance")
    assert table.count_rows() == 2000
    assert_exact(exported)
    with pytest.raises(ValueError, match="reader must be"):
        ArrowExport(index).connect_lancedb(tmp_path)
