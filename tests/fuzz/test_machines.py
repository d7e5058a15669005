"""A share of what ``make fuzz`` runs: lives of an index and of hashers."""

import pytest

from tests.fuzz.hasher_life import SHALLOW, VARIATIONAL, HasherLife
from tests.fuzz.hasher_machine import ShallowMachine, VariationalMachine
from tests.fuzz.index_life import IndexLife, eager
from tests.fuzz.index_machine import IndexMachine
from tests.fuzz.run_machines import run


@pytest.mark.parametrize(
    ("machine", "n_runs"),
    [(IndexMachine, 20), (ShallowMachine, 15), (VariationalMachine, 4)],
)
def test_random_lives(machine, n_runs):
    run(machine, n_runs, 15)


@pytest.fixture
def life():
    """An index that holds 70 codes, where small indexes take all paths."""
    with eager():
        life = IndexLife()
        life.fit(70, 8, "random", "int", True, True, 0)
        yield life


# Faults that were found once, as lives ----------------------------------------------


def test_no_code_is_added(life):
    life.add(0, "random", 1)
    life.search(5, "n", 20, "all", 1)
    life.check_state()


def test_interrupted_remove(life):
    for line in range(1, 60):
        life.interrupted(line, "remove", 3, "random", line)
        life.check_state()
        life.search(3, "some", 8, "all", line)


def test_removal_from_external_codes(life):
    life.fit(130, 9, "near", "object", False, True, 2)
    for seed in range(5):
        life.remove(20, seed)
        life.add(3, "random", seed)
        life.check_state()
        life.search(None, "n", 20, "mask", seed)


@pytest.mark.parametrize("name", ["ITQHasher", "SSBVAEHasher"])
def test_sparse_dense_refused_and_interrupted_fits(name):
    assert name in (*SHALLOW, *VARIATIONAL)
    life = HasherLife(name, 3, 0)
    life.fit(0, "csr", True)
    for call in (
        lambda: life.refused(0),
        lambda: life.interrupted(2, "dense", True, 150),
        lambda: life.grow(0, "dense"),
        lambda: life.grow(0, "csr"),
        lambda: life.fits_in_threads(0, "dense", True),
        lambda: life.transform_beside_fit(1, "csr", True),
        lambda: life.check_forms("csc", 3),
    ):
        call()
        life.check_codes()


@pytest.mark.parametrize("form", ["csr", "dense"])
def test_rows_far_smaller_than_those_of_the_first_fit(form):
    life = HasherLife("BernoulliVAEHasher", 3, 0)
    life.fit(0, "dense", False)
    life.grow(3, form)
    life.check_codes()
    life.check_forms("csr", 0)
