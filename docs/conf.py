"""Configuration of the site: `make docs` builds it without a network."""

import os
import re
import warnings
from importlib.metadata import version as installed_version

# Examples show results, not the progress of training or advice of other packages.
os.environ.setdefault("OMP_NUM_THREADS", "1")
warnings.filterwarnings("ignore", category=UserWarning, module="skorch")

project = "scikit-hash"
author = "The scikit-hash developers"
project_copyright = "The scikit-hash developers"
release = version = installed_version("scikit-hash")

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.extlinks",
    "numpydoc",
    "myst_parser",
    "sphinx_gallery.gen_gallery",
]
source_suffix = {".rst": "restructuredtext", ".md": "markdown"}
# "search" is the name of Sphinx's own page: guide/search-engine.md includes search.md.
exclude_patterns = ["_templates", "examples", "gallery/*", "search.md"]
templates_path = ["_templates"]
root_doc = "index"
default_role = "literal"
extlinks = {"doi": ("https://doi.org/%s", "doi:%s")}

# All references must be found, except those to other packages, which need a network,
# and to a private function of a module.
nitpicky = True
nitpick_ignore_regex = [
    (r"py:.*", r"(joblib|numpy|pandas|scipy|sklearn|skorch|torch)\..*"),
    (r"py:func", r"expected_difference"),
]

myst_enable_extensions = ["attrs_inline", "colon_fence", "deflist"]
myst_heading_anchors = 3

autosummary_generate = True
autosummary_imported_members = False
# Annotations expand to unions of a dozen types; the docstrings say it in words.
autodoc_typehints = "none"
autodoc_member_order = "bysource"
# The names of methods in the contents of a page, without their class.
toc_object_entries_show_parents = "hide"
numpydoc_show_class_members = False
numpydoc_xref_param_type = False

sphinx_gallery_conf = {
    "examples_dirs": ["gallery"],
    "gallery_dirs": ["auto_examples"],
    "filename_pattern": r"/plot_",
    "download_all_examples": False,
    "show_memory": False,
    "min_reported_time": 1e9,
    "remove_config_comments": True,
    "doc_module": ("skhash",),
    "backreferences_dir": "api/backreferences",
    "within_subsection_order": "FileNameSortKey",
    "abort_on_example_error": True,
    "matplotlib_animations": False,
}

html_theme = "pydata_sphinx_theme"
html_title = "scikit-hash"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_show_sourcelink = False
html_theme_options = {
    "navbar_align": "left",
    "header_links_before_dropdown": 6,
    "show_toc_level": 2,
    "navigation_with_keys": False,
    "pygments_light_style": "a11y-high-contrast-light",
    "pygments_dark_style": "a11y-high-contrast-dark",
    "footer_start": ["copyright"],
    "footer_end": [],
    "secondary_sidebar_items": ["page-toc"],
}
html_sidebars = {
    "index": [],
    "install": [],
    "tutorial": [],
    "comparison": [],
    "guarantees": [],
    "glossary": [],
    "faq": [],
}

# What reStructuredText would take for markup, unless it is a literal: bars of norms,
# and names of fitted attributes, which end in an underscore.
_LITERAL_OR_MARKUP = re.compile(
    r"(?P<literal>``.*?``)|\||(?<![\w`*])[a-z]\w*_(?![\w`*])"
)
# Roles of inherited docstrings that point into the documentation of other packages,
# which a build without a network cannot look up.
_FOREIGN_ROLE = re.compile(r":(?:ref|term):`(?:([^`<]*?)\s*<[^`>]*>|([^`<>]*))`")


def escape_markup(match):
    """Return a literal as it is, and other text such that it is no markup."""
    if match["literal"]:
        return match[0]
    return f"{match[0][:-1]}\\{match[0][-1]}"


def mend_docstring(app, what, name, obj, options, lines):
    """Escape what is no markup, and keep the text of links to other packages."""
    for i, line in enumerate(lines):
        if not line.lstrip().startswith((">>>", "...", "..")):
            escaped = _LITERAL_OR_MARKUP.sub(escape_markup, line)
            lines[i] = _FOREIGN_ROLE.sub(r"\1\2", escaped)


def setup(app):
    """Connect the handlers."""
    app.connect("autodoc-process-docstring", mend_docstring)
