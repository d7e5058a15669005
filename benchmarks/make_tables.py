"""Write the tables in docs/ from the CSV files in benchmarks/results/.

    python benchmarks/make_tables.py
    python benchmarks/make_tables.py --check

A table in docs/*.md stands between the lines ``<!-- table: NAME -->`` and
``<!-- end of table -->``; NAME is a key of TABLES. With --check nothing is written; the
exit status is 1 if a table is not what the results give.
"""

import argparse
import re
import sys
from pathlib import Path

from _lib.published_tables import TABLES

DOCS = Path(__file__).parents[1] / "docs"
_SECTION = re.compile(
    r"(<!-- table: (?P<name>[\w-]+) -->\n).*?(<!-- end of table -->)", re.DOTALL
)


def rewrite(text):
    """Return a page with its tables made anew, and the names of the tables."""
    names = []

    def table(match):
        names.append(match["name"])
        lines = TABLES[match["name"]]()
        return "\n".join([match[1], *lines, "", match[3]])

    return _SECTION.sub(table, text), names


def main(argv=None):
    """Write or check all tables; return the exit status."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--check", action="store_true", help="write nothing")
    arguments = parser.parse_args(argv)
    stale, names = [], []
    for path in sorted(DOCS.rglob("*.md")):
        text = path.read_text(encoding="utf-8")
        new, of_page = rewrite(text)
        names += of_page
        if new != text:
            stale.append(path)
            if not arguments.check:
                path.write_text(new, encoding="utf-8")
    for path in stale:
        print(f"{path}: {'not up to date' if arguments.check else 'written'}")
    if unused := set(TABLES) - set(names):
        print(f"No page has the tables {sorted(unused)}.")
    return int(bool(unused or (arguments.check and stale)))


if __name__ == "__main__":
    sys.exit(main())
