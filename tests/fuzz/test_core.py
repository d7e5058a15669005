"""Run a part of ``make fuzz``, and every input that failed once."""

import inspect
from pathlib import Path

import numpy as np
import pytest

from skhash import _hamming
from skhash._hamming import _histogram, _layout, _merge, _mutex, _search
from tests.fuzz import core

N_RUNS = 60


@pytest.mark.parametrize("target", core.TARGETS)
def test_random_input(target):
    rng = np.random.default_rng(sum(target.encode()))
    for _ in range(N_RUNS):
        data = rng.bytes(int(rng.integers(0, 200)))
        try:
            core.run_target(target, data)
        except BaseException:
            print(f"run_target({target!r}, {data!r})")
            raise


@pytest.mark.parametrize("target", core.TARGETS)
@pytest.mark.parametrize("data", [b"", bytes(200), b"\xff" * 200])
def test_first_and_last_choices(target, data):
    core.run_target(target, data)


@pytest.mark.parametrize(("target", "data"), core.FOUND)
def test_input_that_once_failed(target, data):
    core.run_target(target, bytes.fromhex(data))


def test_every_entry_of_the_core_is_fuzzed():
    folder = Path(core.__file__).parent
    text = "".join(path.read_text() for path in folder.glob("core*.py"))
    for module in (_histogram, _layout, _merge, _mutex, _search):
        for name, value in vars(module).items():
            is_entry = callable(value) and not name.startswith("_")
            if is_entry and getattr(value, "__module__", "") == module.__name__:
                assert name in text, f"{module.__name__}.{name}"
    assert inspect.ismodule(_hamming)
