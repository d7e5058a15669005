"""Print the versions that a bug report needs."""

import importlib
import platform
import sys

_PACKAGES = ("numpy", "scipy", "sklearn", "joblib", "torch", "skorch")


def show_versions() -> None:
    """Print the versions of Python and of packages, the search kernel and the devices.

    Examples
    --------
    >>> import skhash
    >>> skhash.show_versions()  # doctest: +ELLIPSIS
    scikit-hash: ...
    """
    import skhash
    from skhash.neighbors import simd_name, simd_names

    modules = {name: importlib.import_module(name) for name in _PACKAGES}
    torch = modules["torch"]
    facts: dict[str, object] = {
        "scikit-hash": skhash.__version__,
        "python": sys.version.split()[0],
        "platform": platform.platform(),
        **{name: module.__version__ for name, module in modules.items()},
        "search kernel": f"{simd_name()} (of {', '.join(simd_names())})",
        "torch threads": torch.get_num_threads(),
        "cuda": torch.version.cuda if torch.cuda.is_available() else "not available",
    }
    for name, value in facts.items():
        print(f"{name}: {value}")  # noqa: T201, printing is the purpose
