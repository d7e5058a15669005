"""Show in notebooks what estimators have learned, and link to their documentation."""

from functools import cache
from importlib.metadata import PackageNotFoundError, metadata
from pathlib import Path
from typing import Any

import skhash
from skhash.utils._compat import AttrsDict

# Where `make docs` builds the site in a checkout.
_BUILT_SITE = Path(skhash.__file__).parents[1] / "build" / "site"


class DocumentedMixin:
    """Complete the HTML representation of scikit-learn's estimators.

    It links to the page of the API reference: on the site that the metadata of the
    package names as "Documentation", else in a site that was built in the checkout. The
    table of fitted attributes, of scikit-learn 1.9 or later, leaves out those that take
    long to compute, and those that are None.
    """

    _doc_link_module = "skhash"
    _hidden_attributes: frozenset[str] = frozenset()

    def _get_doc_link(self) -> str:
        module = type(self).__module__
        if module.split(".")[0] != self._doc_link_module:
            return ""
        page = f"api/{_public_name(module, type(self).__name__)}.html"
        if (url := _site_url()) is not None:
            return f"{url.rstrip('/')}/{page}"
        built = _BUILT_SITE / page
        return built.as_uri() if built.exists() else ""

    def _get_fitted_attr_html(self, doc_link: str = "") -> Any:
        shown = {}
        for name in dir(self):
            if name.startswith("_") or not name.endswith("_"):
                continue
            if name in self._hidden_attributes:
                continue
            value = getattr(self, name, None)
            if value is not None and not callable(value):
                shown[name] = _described(value)
        return AttrsDict(
            fitted_attrs=shown, estimator_class=type(self), doc_link=doc_link
        )


def _public_name(module: str, name: str) -> str:
    """Return the name under which the API reference lists a class."""
    if name in skhash.__all__:
        return f"skhash.{name}"
    parts = module.split(".")
    first_private = next((i for i, p in enumerate(parts) if p[0] == "_"), len(parts))
    # `pseudo_labels` is a folder of `variational`, which names its classes.
    public = [part for part in parts[:first_private] if part != "pseudo_labels"]
    return ".".join([*public, name])


@cache
def _site_url() -> str | None:
    try:
        urls = metadata("scikit-hash").get_all("Project-URL") or []
    except PackageNotFoundError:
        return None
    named = dict(url.split(", ", 1) for url in urls)
    return named.get("Documentation")


def _described(value: Any) -> dict[str, Any]:
    """Return what scikit-learn shows of a fitted attribute."""
    described = {"type_name": type(value).__name__, "value": value}
    if getattr(value, "shape", ()) and hasattr(value, "dtype"):
        described |= {"shape": value.shape, "dtype": value.dtype}
    return described
