"""Run the Python blocks of documentation pages and compare what they print.

    python .ci/check_pages.py README.md docs/tutorial.md ...
    python .ci/check_pages.py --write docs/tutorial.md

The blocks of a page share one namespace and run in their order. A ``text`` block after
a ``python`` block is its expected output; with --write it is replaced by the output.
"""

import argparse
import contextlib
import io
import re
import sys
import traceback
from pathlib import Path

_BLOCK = re.compile(
    r"^```python\n(?P<code>.*?)^```\n(?:\n```text\n(?P<output>.*?)^```\n)?",
    re.DOTALL | re.MULTILINE,
)


def check_page(path, write):
    """Run the blocks of a page; return messages about what is wrong."""
    text = path.read_text(encoding="utf-8")
    namespace = {"__name__": "__main__"}
    messages, parts, end = [], [], 0
    for match in _BLOCK.finditer(text):
        line = text.count("\n", 0, match.start()) + 1
        printed = io.StringIO()
        # Padding makes the line numbers of tracebacks those of the page.
        code = "\n" * line + match["code"]
        try:
            with contextlib.redirect_stdout(printed):
                exec(compile(code, path, "exec"), namespace)
        except Exception:
            messages.append(f"{path}:{line}: {traceback.format_exc()}")
            break
        expected, got = match["output"], printed.getvalue()
        if expected is None and got:
            messages.append(f"{path}:{line}: the output is not shown:\n{got}")
        elif expected is not None and got.split() != expected.split():
            if write:
                parts += [text[end : match.start("output")], got]
                end = match.end("output")
            else:
                messages.append(f"{path}:{line}: expected\n{expected}got\n{got}")
    if parts:
        path.write_text("".join([*parts, text[end:]]), encoding="utf-8")
    return messages


def main(argv=None):
    """Check all pages; return the exit status."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("pages", nargs="+", type=Path)
    parser.add_argument("--write", action="store_true", help="replace the outputs")
    arguments = parser.parse_args(argv)
    n_wrong = 0
    for page in arguments.pages:
        messages = check_page(page, arguments.write)
        n_wrong += len(messages)
        print(f"{page}: {'wrong' if messages else 'ok'}")
        for message in messages:
            print(message)
    return int(n_wrong > 0)


if __name__ == "__main__":
    sys.exit(main())
