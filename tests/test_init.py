"""Test public names, imports, and the examples of the docstrings."""

import ast
import doctest
import importlib
import inspect
import pkgutil
import re
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import numpy as np
import pytest

import skhash

MODULES = ["skhash"] + [
    module.name for module in pkgutil.walk_packages(skhash.__path__, "skhash.")
]


@pytest.mark.parametrize("name", skhash.__all__)
def test_public_name(name):
    found = getattr(skhash, name)
    assert found.__name__ == name
    assert name in dir(skhash)


def test_unknown_name():
    with pytest.raises(AttributeError, match=r"module 'skhash' has no .*'Nonsense'"):
        skhash.Nonsense  # noqa: B018


@pytest.mark.parametrize("module", MODULES)
def test_names_that_a_module_exports(module):
    module = importlib.import_module(module)
    for name in getattr(module, "__all__", ()):
        assert hasattr(module, name)


def test_stub_has_the_same_names():
    """Type checkers and editors read the stub, and Python the list."""
    stub = Path(skhash.__file__).with_suffix(".pyi")
    tree = ast.parse(stub.read_text(encoding="utf-8"))
    imported = {}
    for node in tree.body:
        if isinstance(node, ast.ImportFrom):
            for name in node.names:
                imported[name.name] = node.module
    submodules = {name for name, module in imported.items() if module == "skhash"}
    assert submodules == set(skhash._SUBMODULES)
    names = {k: v.removeprefix("skhash.") for k, v in imported.items()}
    names = {name: names[name] for name in names.keys() - submodules}
    assert names == skhash._MODULE_OF
    (exported,) = (node for node in tree.body if isinstance(node, ast.Assign))
    assert ast.literal_eval(exported.value) == skhash.__all__
    assert set(skhash.__all__) == set(skhash._MODULE_OF)


def test_submodules_resolve():
    public = {m.name for m in pkgutil.iter_modules(skhash.__path__)}
    public = {name for name in public if not name.startswith("_")}
    assert set(skhash._SUBMODULES) == public
    for name in skhash._SUBMODULES:
        assert getattr(skhash, name) is importlib.import_module(f"skhash.{name}")
        assert name in dir(skhash)
    code = "import skhash; print(skhash.metrics.precision_at_k_score.__name__)"
    assert run(code).strip() == "precision_at_k_score"


def test_version_is_that_of_the_installed_package():
    assert skhash.__version__ == metadata.version("scikit-hash")
    assert "__version__" in dir(skhash)
    root = Path(__file__).parents[1]
    build = (root / "meson.build").read_text(encoding="utf-8")
    assert f"version: '{skhash.__version__}'" in build


def run(code):
    return subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code],
        capture_output=True,
        text=True,
        check=True,
    ).stdout


def test_import_is_light():
    heavy = ["torch", "skorch", "matplotlib", "pandas", "faiss", "simple_icd_10_cm"]
    code = f"import sys, skhash; print([m for m in {heavy} if m in sys.modules])"
    assert run(code).strip() == "[]"


def test_hashing_without_a_network_needs_no_torch():
    code = (
        "import sys, skhash, skhash.metrics, skhash.model_selection; "
        "skhash.PCAHasher, skhash.HammingNearestNeighbors; "
        "skhash.RerankedNearestNeighbors, skhash.ShardedHammingNearestNeighbors; "
        "print('torch' in sys.modules or 'dask' in sys.modules)"
    )
    assert run(code).strip() == "False"


@pytest.mark.parametrize("module", MODULES)
def test_examples(module):
    module = importlib.import_module(module)
    results = doctest.testmod(module, optionflags=doctest.NORMALIZE_WHITESPACE)
    assert not results.failed


@pytest.mark.parametrize("name", skhash.__all__)
def test_documented_with_an_example(name):
    found = getattr(skhash, name)
    text = inspect.getdoc(found)
    assert "Examples\n--------\n>>> " in text
    for parameter in inspect.signature(found).parameters:
        assert f"\n{parameter} : " in text


@pytest.mark.parametrize(
    "name", [name for name in skhash.__all__ if inspect.isclass(getattr(skhash, name))]
)
def test_fitted_attributes_are_documented(name):
    found = getattr(skhash, name)
    settings = {"n_bits": 8, "max_epochs": 1, "n_anchors": 20, "n_components": 16}
    known = inspect.signature(found).parameters
    takes_codes = "Neighbors" in name or name == "DuplicateDetector"
    if "Hamming" in name or name == "DuplicateDetector":
        settings["n_bits"] = 20
    estimator = found(**{k: v for k, v in settings.items() if k in known})
    X = np.random.RandomState(0).uniform(size=(60, 20))
    estimator.fit((X > 0.5) if takes_codes else X, np.arange(60) % 3)
    text = inspect.getdoc(found)
    for attribute in vars(estimator):
        if attribute.endswith("_") and not attribute.startswith("_"):
            assert re.search(rf"^(\w+, )*{attribute}(, \w+)* : ", text, re.MULTILINE)
