"""Run long sequences of calls of an index and of hashers, and bound their memory.

    python tests/fuzz/run_soak.py [--seconds N] [--seed N]

Every step is compared with plain numpy. After a time to warm up, the memory of the
process must stay flat: its peaks in the last third may exceed those in the second third
by at most `MOST_GROWTH`.
"""

import argparse
import sys
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.fuzz.checked_hasher import FORMS, SHALLOW, VARIATIONAL, CheckedHasher
from tests.fuzz.checked_index import (
    ALGORITHMS,
    KINDS,
    LABELS,
    WIDTHS,
    CheckedIndex,
    eager,
)

#: Bytes. Allocators, caches of torch and traces of errors move by some megabytes.
MOST_GROWTH = 24 << 20
STEPS_PER_HASHER = 12


def resident_bytes():
    """Return the memory of the process; 0 where there is no /proc."""
    statm = Path("/proc/self/statm")
    return int(statm.read_text().split()[1]) * 4096 if statm.exists() else 0


def index_step(checked, rng):
    """Make one change, failed change or search of an index."""
    n, seed = int(rng.choice([0, 1, 63, 64, 65, 80])), int(rng.integers(1000))
    kind = str(rng.choice(KINDS))
    steps = [
        lambda: checked.add(n, kind, seed),
        lambda: checked.add(1, kind, seed),
        lambda: checked.remove(n, seed),
        lambda: checked.refused(seed),
        lambda: checked.interrupted(1 + seed % 90, "add", n, kind, seed),
        lambda: checked.interrupted(1 + seed % 90, "remove", n, kind, seed),
        lambda: checked.beside_threads(1 + seed % 9, kind, seed),
        lambda: checked.replace_by_copy(
            str(rng.choice(["pickle", "copy", "deepcopy"]))
        ),
        lambda: checked.set_params(
            algorithm=str(rng.choice(ALGORITHMS)),
            n_jobs=[None, 1, 3, 1000][seed % 4],
            max_memory=[0, 1e9][seed % 2],
        ),
    ]
    if rng.random() < 0.03:
        return fit_index(checked, rng)
    if rng.random() < 0.5:
        n_queries = [None, 0, 1, 9][seed % 4]
        k, subset = rng.choice(["1", "some", "n"]), rng.choice(["all", "mask"])
        return checked.search(n_queries, str(k), seed % 20, str(subset), seed)
    return steps[rng.integers(len(steps))]()


def fit_index(checked, rng):
    checked.fit(
        int(rng.choice([1, 64, 90])),
        int(rng.choice(WIDTHS)),
        str(rng.choice(KINDS)),
        str(rng.choice([*LABELS])),
        bool(rng.integers(2)),
        bool(rng.integers(2)),
        int(rng.integers(1000)),
    )


def hasher_step(checked, rng):
    """Make one change, failed change or transform of a hasher."""
    call = int(rng.integers(4)), str(rng.choice([*FORMS])), bool(rng.integers(2))
    steps = [
        lambda: checked.fit(*call),
        lambda: checked.interrupted(*call, int(rng.integers(1, 400))),
        lambda: checked.refused(int(rng.integers(20))),
        lambda: checked.replace_by_copy("pickle"),
        lambda: checked.check_forms(call[1], int(rng.integers(40))),
        lambda: checked.fits_in_threads(*call),
        lambda: checked.grow(call[0], call[1]),
    ]
    steps[rng.integers(len(steps))]()
    checked.check_codes()


def soak(seconds, seed=0, report=None):
    """Run for some time; return the numbers of steps and (time, memory) samples."""
    rng = np.random.default_rng(seed)
    checked, hasher = CheckedIndex(), None
    fit_index(checked, rng)
    start = now = time.monotonic()
    n_steps, n_hashed, memory = 0, 0, []
    while now - start < seconds:
        index_step(checked, rng)
        checked.check_state()
        n_steps += 1
        if n_steps % 20 == 0:
            if n_hashed % STEPS_PER_HASHER == 0:
                names = SHALLOW if rng.random() < 0.8 else VARIATIONAL
                hasher = CheckedHasher(
                    str(rng.choice(names)), int(rng.choice([2, 8])), 0
                )
            hasher_step(hasher, rng)
            n_hashed += 1
            memory.append((now - start, resident_bytes()))
            if report and len(memory) % 50 == 0:
                report(n_steps, n_hashed, memory)
        now = time.monotonic()
    return n_steps, n_hashed, memory


def growth(memory):
    """Return by how much the peak of the last third exceeds that of the second."""
    third = len(memory) // 3
    if not third:
        return 0
    peaks = [max(size for _, size in memory[i * third :][:third]) for i in (1, 2)]
    return peaks[1] - peaks[0]


def print_state(n_steps, n_hashed, memory):
    seconds, size = memory[-1]
    print(
        f"{seconds:7.0f} s  {n_steps} steps of an index, {n_hashed} of hashers, "
        f"{size / 2**20:.1f} MiB",
        flush=True,
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--seconds", type=float, default=3600)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    arguments = parser.parse_args()
    print(f"seed {arguments.seed}", flush=True)
    with eager():
        found = soak(arguments.seconds, arguments.seed, print_state)
    print_state(*found)
    grown = growth(found[2])
    print(f"memory grew by {grown / 2**20:.1f} MiB in the last third")
    sys.exit(grown > MOST_GROWTH)


if __name__ == "__main__":
    main()
