"""Draw sequences of calls of a hasher with Hypothesis."""

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from tests.fuzz.checked_hasher import FORMS, SHALLOW, VARIATIONAL, CheckedHasher

NUMBERS = st.integers(0, 3)
CALL = {
    "number": NUMBERS,
    "form": st.sampled_from([*FORMS]),
    "labeled": st.booleans(),
}


class HasherMachine(RuleBasedStateMachine):
    """Fits, fits that fail, copies and transforms of one hasher, in any order."""

    checked = None

    @rule(**CALL)
    def fit(self, number, form, labeled):
        self.checked.fit(number, form, labeled)

    @rule(line=st.integers(1, 400), **CALL)
    def interrupted(self, number, form, labeled, line):
        self.checked.interrupted(number, form, labeled, line)

    @rule(number=st.integers(0, 19))
    def refused(self, number):
        self.checked.refused(number)

    @rule(how=st.sampled_from(["pickle", "copy", "deepcopy"]))
    def replace_by_copy(self, how):
        self.checked.replace_by_copy(how)

    @rule(form=st.sampled_from([*FORMS]), start=st.integers(0, 39))
    def forms(self, form, start):
        self.checked.check_forms(form, start)

    @rule(**CALL)
    def fits_in_threads(self, number, form, labeled):
        self.checked.fits_in_threads(number, form, labeled)

    @rule(**CALL)
    def transform_beside_fit(self, number, form, labeled):
        self.checked.transform_beside_fit(number, form, labeled)

    @invariant()
    def gives_the_codes_of_its_last_fit(self):
        if self.checked is not None:
            self.checked.check_codes()


class ShallowMachine(HasherMachine):
    @initialize(name=st.sampled_from(SHALLOW), n_bits=st.sampled_from([1, 2, 3, 8]))
    def start(self, name, n_bits):
        self.checked = CheckedHasher(name, n_bits, 0)


class VariationalMachine(HasherMachine):
    @initialize(name=st.sampled_from(VARIATIONAL), n_bits=st.sampled_from([3, 16]))
    def start(self, name, n_bits):
        self.checked = CheckedHasher(name, n_bits, 0)

    @rule(number=NUMBERS, form=st.sampled_from([*FORMS]))
    def grow(self, number, form):
        self.checked.grow(number, form)
