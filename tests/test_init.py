"""What a user sees first: names, imports, and the examples of the docstrings."""

import ast
import doctest
import importlib
import inspect
import pkgutil
import re
import subprocess
import sys

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


def test_type_checkers_see_all_names():
    tree = ast.parse(inspect.getsource(skhash))
    (block,) = (node for node in tree.body if isinstance(node, ast.If))
    seen = {
        name.name: imported.module for imported in block.body for name in imported.names
    }
    assert seen == skhash._PUBLIC
    assert sorted(skhash.__all__) == sorted(seen)


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
        "skhash.RerankedNearestNeighbors; print('torch' in sys.modules)"
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
    if name.startswith("Hamming"):
        settings["n_bits"] = 20
    estimator = found(**{k: v for k, v in settings.items() if k in known})
    X = np.random.RandomState(0).uniform(size=(60, 20))
    estimator.fit((X > 0.5) if "Neighbors" in name else X, np.arange(60) % 3)
    text = inspect.getdoc(found)
    for attribute in vars(estimator):
        if attribute.endswith("_") and not attribute.startswith("_"):
            assert re.search(rf"^(\w+, )*{attribute}(, \w+)* : ", text, re.MULTILINE)
