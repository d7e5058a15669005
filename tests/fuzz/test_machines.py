"""Run a part of ``make fuzz``: sequences of calls of an index and of hashers."""

import pytest

from tests.fuzz.checked_hasher import SHALLOW, VARIATIONAL, CheckedHasher
from tests.fuzz.checked_index import CheckedIndex, eager
from tests.fuzz.hasher_machine import ShallowMachine, VariationalMachine
from tests.fuzz.index_machine import IndexMachine
from tests.fuzz.run_machines import run


@pytest.mark.parametrize(
    ("machine", "n_runs"),
    [(IndexMachine, 20), (ShallowMachine, 15), (VariationalMachine, 4)],
)
def test_random_sequences(machine, n_runs):
    run(machine, n_runs, 15)


@pytest.fixture
def checked():
    """An index that holds 70 codes, with the code paths of large indexes."""
    with eager():
        checked = CheckedIndex()
        checked.fit(70, 8, "random", "int", True, True, 0)
        yield checked


# Sequences that failed once ---------------------------------------------------------


def test_no_code_is_added(checked):
    checked.add(0, "random", 1)
    checked.search(5, "n", 20, "all", 1)
    checked.check_state()


def test_interrupted_remove(checked):
    for line in range(1, 60):
        checked.interrupted(line, "remove", 3, "random", line)
        checked.check_state()
        checked.search(3, "some", 8, "all", line)


def test_removal_from_external_codes(checked):
    checked.fit(130, 9, "near", "object", False, True, 2)
    for seed in range(5):
        checked.remove(20, seed)
        checked.add(3, "random", seed)
        checked.check_state()
        checked.search(None, "n", 20, "mask", seed)


@pytest.mark.parametrize("name", ["ITQHasher", "SSBVAEHasher"])
def test_sparse_dense_refused_and_interrupted_fits(name):
    assert name in (*SHALLOW, *VARIATIONAL)
    checked = CheckedHasher(name, 3, 0)
    checked.fit(0, "csr", True)
    for call in (
        lambda: checked.refused(0),
        lambda: checked.interrupted(2, "dense", True, 150),
        lambda: checked.grow(0, "dense"),
        lambda: checked.grow(0, "csr"),
        lambda: checked.fits_in_threads(0, "dense", True),
        lambda: checked.transform_beside_fit(1, "csr", True),
        lambda: checked.check_forms("csc", 3),
    ):
        call()
        checked.check_codes()


@pytest.mark.parametrize("form", ["csr", "dense"])
def test_rows_far_smaller_than_those_of_the_first_fit(form):
    checked = CheckedHasher("BernoulliVAEHasher", 3, 0)
    checked.fit(0, "dense", False)
    checked.grow(3, form)
    checked.check_codes()
    checked.check_forms("csr", 0)
