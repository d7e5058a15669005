"""Draw sequences of calls of an index with Hypothesis."""

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from tests.fuzz.checked_index import (
    ALGORITHMS,
    KINDS,
    LABELS,
    WIDTHS,
    CheckedIndex,
    eager,
)

SIZES = st.one_of(st.sampled_from([0, 1, 63, 64, 65]), st.integers(0, 90))
SEEDS = st.integers(0, 999)
RADII = st.sampled_from([0, 1, 3, 8, 20, 1000])
FIT = {
    "n": SIZES.filter(bool),
    "n_bytes": st.sampled_from(WIDTHS),
    "kind": st.sampled_from(KINDS),
    "labels": st.sampled_from([*LABELS]),
    "copy_codes": st.booleans(),
    "packed": st.booleans(),
    "seed": SEEDS,
}


class IndexMachine(RuleBasedStateMachine):
    """Changes, failed changes and searches of one index, in any order."""

    def __init__(self):
        super().__init__()
        self.patches = eager()
        self.checked = CheckedIndex()

    def teardown(self):
        self.patches.close()

    @initialize(**FIT)
    def first_fit(self, **how):
        self.checked.fit(**how)

    @rule(**FIT)
    def fit(self, **how):
        self.checked.fit(**how)

    @rule(n=SIZES, kind=st.sampled_from(KINDS), seed=SEEDS)
    def add(self, n, kind, seed):
        self.checked.add(n, kind, seed)

    @rule(n=SIZES, seed=SEEDS)
    def remove(self, n, seed):
        self.checked.remove(n, seed)

    @rule(seed=SEEDS)
    def refused(self, seed):
        self.checked.refused(seed)

    @rule(
        line=st.integers(1, 90),
        change=st.sampled_from(["add", "remove"]),
        n=SIZES,
        kind=st.sampled_from(KINDS),
        seed=SEEDS,
    )
    def interrupted(self, line, change, n, kind, seed):
        self.checked.interrupted(line, change, n, kind, seed)

    @rule(n=st.integers(1, 9), kind=st.sampled_from(KINDS), seed=SEEDS)
    def beside_threads(self, n, kind, seed):
        self.checked.beside_threads(n, kind, seed)

    @rule(
        algorithm=st.sampled_from(ALGORITHMS),
        n_jobs=st.sampled_from([None, 1, 2, 3, 1000, -1]),
        max_memory=st.sampled_from([0, 1.0, 1e9]),
    )
    def set_params(self, **parameters):
        self.checked.set_params(**parameters)

    @rule(how=st.sampled_from(["pickle", "copy", "deepcopy"]))
    def replace_by_copy(self, how):
        self.checked.replace_by_copy(how)

    @rule(
        n_queries=st.sampled_from([None, 0, 1, 5, 9]),
        k=st.sampled_from(["1", "some", "n"]),
        radius=RADII,
        subset=st.sampled_from(["all", "mask", "indices"]),
        seed=SEEDS,
    )
    def search(self, n_queries, k, radius, subset, seed):
        self.checked.search(n_queries, k, radius, subset, seed)

    @invariant()
    def holds_what_the_model_holds(self):
        if self.checked.rows is not None:
            self.checked.check_state()
