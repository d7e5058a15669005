"""Check links within the built site and between Markdown files; needs no network.

    python .ci/check_links.py build/site README.md CONTRIBUTING.md ...

For folders, all pages in them: each link, picture and anchor must exist. Links to other
sites are left to ``python -m sphinx -b linkcheck docs build/links``.
"""

import argparse
import re
import sys
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

_MARKDOWN_LINK = re.compile(r"\]\(([^)\s]+)\)")
_CODE = re.compile(r"^```.*?^```|`[^`\n]*`", re.DOTALL | re.MULTILINE)


class _Page(HTMLParser):
    """Collect the links and the anchors of a page."""

    def __init__(self, text):
        super().__init__()
        self.links, self.anchors = [], set()
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        attributes = dict(attrs)
        self.anchors |= {attributes.get("id"), attributes.get("name")}
        for name in ("href", "src"):
            if attributes.get(name):
                self.links.append(attributes[name])


@cache
def read(path):
    """Return the links and the anchors of a file."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".html":
        page = _Page(text)
        return page.links, page.anchors
    prose = _CODE.sub("", text)
    headings = re.findall(r"^#+ (.*)$", prose, re.MULTILINE)
    anchors = {
        re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
        for heading in headings
    }
    return _MARKDOWN_LINK.findall(prose), anchors


def _has_anchor(path, anchor):
    if not anchor or path.suffix not in (".html", ".md"):
        return True
    return anchor in read(path.resolve())[1]


def broken_links(path):
    """Return the links of a file that lead nowhere."""
    broken = []
    for link in read(path)[0]:
        parts = urlsplit(link)
        if parts.scheme or parts.netloc:
            continue
        target = path.parent / unquote(parts.path) if parts.path else path
        if target.is_dir() and path.suffix == ".html":
            target /= "index.html"
        if not target.exists() or not _has_anchor(target, unquote(parts.fragment)):
            broken.append(link)
    return broken


def _pages_of(site):
    """Return the pages of a site, without the templates of its theme."""
    return sorted(p for p in site.rglob("*.html") if "_static" not in p.parts)


def main(argv=None):
    """Check all files; return the exit status."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("paths", nargs="+", type=Path)
    pages = []
    for path in parser.parse_args(argv).paths:
        pages += _pages_of(path) if path.is_dir() else [path]
    n_links, n_broken = 0, 0
    for page in pages:
        n_links += len(read(page.resolve())[0])
        for link in broken_links(page.resolve()):
            print(f"{page}: {link}")
            n_broken += 1
    print(f"{len(pages)} pages, {n_links} links, {n_broken} broken")
    return int(n_broken > 0)


if __name__ == "__main__":
    sys.exit(main())
