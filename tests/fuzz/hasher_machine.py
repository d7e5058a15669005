"""Let Hypothesis choose the life of a hasher."""

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from tests.fuzz.hasher_life import FORMS, SHALLOW, VARIATIONAL, HasherLife

NUMBERS = st.integers(0, 3)
CALL = {
    "number": NUMBERS,
    "form": st.sampled_from([*FORMS]),
    "labeled": st.booleans(),
}


class HasherMachine(RuleBasedStateMachine):
    """Fits, fits that fail, copies and transforms of one hasher, in any order."""

    life = None

    @rule(**CALL)
    def fit(self, number, form, labeled):
        self.life.fit(number, form, labeled)

    @rule(line=st.integers(1, 400), **CALL)
    def interrupted(self, number, form, labeled, line):
        self.life.interrupted(number, form, labeled, line)

    @rule(number=st.integers(0, 19))
    def refused(self, number):
        self.life.refused(number)

    @rule(how=st.sampled_from(["pickle", "copy", "deepcopy"]))
    def replace_by_copy(self, how):
        self.life.replace_by_copy(how)

    @rule(form=st.sampled_from([*FORMS]), start=st.integers(0, 39))
    def forms(self, form, start):
        self.life.check_forms(form, start)

    @rule(**CALL)
    def fits_in_threads(self, number, form, labeled):
        self.life.fits_in_threads(number, form, labeled)

    @rule(**CALL)
    def transform_beside_fit(self, number, form, labeled):
        self.life.transform_beside_fit(number, form, labeled)

    @invariant()
    def gives_the_codes_of_its_last_fit(self):
        if self.life is not None:
            self.life.check_codes()


class ShallowMachine(HasherMachine):
    @initialize(name=st.sampled_from(SHALLOW), n_bits=st.sampled_from([1, 2, 3, 8]))
    def start(self, name, n_bits):
        self.life = HasherLife(name, n_bits, 0)


class VariationalMachine(HasherMachine):
    @initialize(name=st.sampled_from(VARIATIONAL), n_bits=st.sampled_from([3, 16]))
    def start(self, name, n_bits):
        self.life = HasherLife(name, n_bits, 0)

    @rule(number=NUMBERS, form=st.sampled_from([*FORMS]))
    def grow(self, number, form):
        self.life.grow(number, form)
