"""Run random sequences of calls of indexes and hashers against plain numpy.

    python tests/fuzz/run_machines.py [--runs N] [--steps N] [--seed N] [machine ...]

Hypothesis draws the changes, the searches and the faults, and prints the shortest
sequence that ends in a difference.
"""

import argparse
import sys
import time
from pathlib import Path

from hypothesis import HealthCheck, seed, settings
from hypothesis.stateful import run_state_machine_as_test

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.fuzz.hasher_machine import ShallowMachine, VariationalMachine
from tests.fuzz.index_machine import IndexMachine

MACHINES = {
    "index": (IndexMachine, 1.0),
    "shallow": (ShallowMachine, 0.2),
    "variational": (VariationalMachine, 0.05),
}


def run(machine, n_runs, n_steps, with_seed=None):
    """Run a machine; raises what it finds."""
    how = settings(
        max_examples=n_runs,
        stateful_step_count=n_steps,
        deadline=None,
        database=None,
        suppress_health_check=[*HealthCheck],
        print_blob=True,
        derandomize=with_seed is None,
    )
    if with_seed is not None:
        machine = seed(with_seed)(machine)
    run_state_machine_as_test(machine, settings=how)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("machines", nargs="*", default=[*MACHINES])
    parser.add_argument("--runs", type=int, default=10_000, help="of the index")
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    arguments = parser.parse_args()
    print(f"seed {arguments.seed}", flush=True)
    for name in arguments.machines:
        machine, fraction = MACHINES[name]
        n_runs = max(1, int(arguments.runs * fraction))
        start = time.perf_counter()
        run(machine, n_runs, arguments.steps, arguments.seed)
        seconds = time.perf_counter() - start
        print(f"{name}: {n_runs} runs in {seconds:.0f} s", flush=True)


if __name__ == "__main__":
    main()
