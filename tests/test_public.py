"""What a user sees first: names, imports, and the examples of the docstrings."""

import doctest
import importlib
import inspect
import pkgutil
import subprocess
import sys

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
        "import sys, skhash; skhash.PCAHasher; skhash.metrics if "
        "hasattr(skhash, 'metrics') else None; print('torch' in sys.modules)"
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
