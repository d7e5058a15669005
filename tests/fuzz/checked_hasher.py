"""Apply calls to a hasher, and compare it with a hasher that is new for every fit."""

import copy
import threading
import warnings

import numpy as np
import scipy.sparse as sp
from sklearn.base import clone

from skhash import shallow, variational
from tests.faults import interrupted_at
from tests.fuzz.checked_index import COPIES

SMALL = {"max_epochs": 1, "batch_size": 20, "hidden_layer_sizes": (6,)}
# SimHasher learns nothing, and takes another number of bits at any time.
SHALLOW = [name for name in shallow.__all__ if name != "SimHasher"]
VARIATIONAL = [
    "BernoulliVAEHasher",
    "OriginalSSBVAEHasher",
    "PHSHasher",
    "SSBVAEHasher",
    "VDSHHasher",
]
FORMS = {
    "dense": np.array,
    "float32": lambda X: X.astype(np.float32),
    "fortran": np.asfortranarray,
    "csr": sp.csr_matrix,
    "csc": sp.csc_array,
    "lists": lambda X: X.tolist(),
}


def data_set(number):
    """Return samples and labels: usual ones, others, degenerate ones, signed ones."""
    rng = np.random.default_rng(number)
    X = rng.random((40, 12)) * (rng.random((40, 12)) < 0.6)
    y = np.where(rng.random(40) < 0.5, rng.integers(0, 3, 40), -1)
    y[:3] = [0, 1, 2]
    if number == 1:
        X[:20] = X[0]
    elif number == 2:
        X, y = X[:, :7] - 0.3, y.astype(object)
        y[y != -1] = [f"class {label}" for label in y[y != -1]]
    elif number == 3:
        X[::2] = 0
        X *= 1e-150
    return X, y


def outcome(call):
    """Return (the result, None) or (None, the type of the error)."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return call(), None
        except (ValueError, TypeError, np.linalg.LinAlgError) as error:
            return None, type(error)


class CheckedHasher:
    """A hasher, and the expected codes of its training samples."""

    def __init__(self, name, n_bits, seed):
        parameters = {"n_bits": n_bits}
        module = variational if name in VARIATIONAL else shallow
        maker = getattr(module, name)
        if module is variational:
            parameters |= SMALL
        if "random_state" in maker._parameter_constraints:
            parameters["random_state"] = seed
        self.hasher = maker(**parameters)
        self.can_grow = hasattr(self.hasher, "partial_fit")
        self.codes = self.X = None

    def _arguments(self, number, form, labeled):
        X, y = data_set(number)
        return X, FORMS[form](X), (y if labeled else None)

    def _fresh(self, X, rows, y):
        """Return the codes that a new hasher gives, or its error."""
        fresh = clone(self.hasher)
        _, error = outcome(lambda: fresh.fit(rows, y))
        return (None if error else fresh.transform(X)), error

    # Changes --------------------------------------------------------------------------

    def fit(self, number, form, labeled):
        X, rows, y = self._arguments(number, form, labeled)
        codes, expected = self._fresh(X, rows, y)
        _, error = outcome(lambda: self.hasher.fit(rows, y))
        assert error == expected
        if error is None:
            self.codes, self.X = codes, X

    def grow(self, number, form):
        """Call `partial_fit` on the hasher and on a copy.

        Not on a pickled one, which has no state of the optimizer (`Trainer`).
        """
        X, rows, y = self._arguments(number, form, False)
        if not self.can_grow or self.X is None:
            return
        other = copy.deepcopy(self.hasher)
        _, expected = outcome(lambda: other.partial_fit(rows, y))
        _, error = outcome(lambda: self.hasher.partial_fit(rows, y))
        assert error == expected
        if error is None:
            self.codes = other.transform(X)
            self.X = X

    def interrupted(self, number, form, labeled, line):
        X, rows, y = self._arguments(number, form, labeled)
        codes, expected = self._fresh(X, rows, y)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                finished = not interrupted_at(line, self.hasher.fit, rows, y)
            except (ValueError, TypeError, np.linalg.LinAlgError):
                assert expected is not None
                return
        # Only the last lines of a fit come after the one assignment.
        now = self.X is None and not hasattr(self.hasher, "_n_fitted_bits")
        if now or expected is not None:
            return
        if finished or not self._is_old():
            self.codes, self.X = codes, X

    def _is_old(self):
        if self.X is None:
            return False
        found, error = outcome(lambda: self.hasher.transform(self.X))
        return error is None and np.array_equal(found, self.codes)

    def refused(self, number):
        X, y = data_set(number % 4)
        infinite, n_bits = np.where(X.max() == X, np.inf, X), self.hasher.n_bits
        calls = [
            lambda: self.hasher.fit(infinite, y),
            lambda: self.hasher.fit(X[:0], y[:0]),
            lambda: self.hasher.fit(X.astype(str).astype(object) + "a", y),
            lambda: self.hasher.set_params(n_bits=0).fit(X, y),
            lambda: self.hasher.transform(X[:, :3]),
        ]
        try:
            _, error = outcome(calls[number % len(calls)])
        finally:
            self.hasher.set_params(n_bits=n_bits)
        assert error is not None or self.X is None

    def replace_by_copy(self, how):
        self.hasher = COPIES[how](self.hasher)

    # Threads --------------------------------------------------------------------------

    def fits_in_threads(self, number, form, labeled):
        """Fit clones in two threads: the codes are those of a fit alone."""
        X, rows, y = self._arguments(number, form, labeled)
        codes, expected = self._fresh(X, rows, y)
        found = []
        threads = [
            threading.Thread(target=lambda: found.append(self._fresh(X, rows, y)))
            for _ in range(2)
        ]
        # A filter of warnings belongs to the process: set it around both threads.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        assert len(found) == 2
        for other, error in found:
            assert error == expected
            np.testing.assert_array_equal(other, codes)

    def transform_beside_fit(self, number, form, labeled):
        """Transform in a thread while the hasher is fitted: old or new codes."""
        X, rows, y = self._arguments(number, form, labeled)
        codes, expected = self._fresh(X, rows, y)
        if self.X is None or expected is not None or X.shape != self.X.shape:
            return
        old, new = self.codes, self._fresh_codes_of(self.X, rows, y)
        found, stop = [], threading.Event()

        def transform():
            while not stop.is_set():
                found.append(outcome(lambda: self.hasher.transform(self.X)))

        thread = threading.Thread(target=transform)
        thread.start()
        try:
            outcome(lambda: self.hasher.fit(rows, y))
        finally:
            stop.set()
            thread.join()
        for result, error in found:
            assert error is None
            assert np.array_equal(result, old) or np.array_equal(result, new)
        self.codes, self.X = codes, X

    def _fresh_codes_of(self, X, rows, y):
        fresh = clone(self.hasher)
        outcome(lambda: fresh.fit(rows, y))
        return fresh.transform(X)

    # Codes ----------------------------------------------------------------------------

    def check_codes(self):
        if self.X is not None:
            np.testing.assert_array_equal(self.hasher.transform(self.X), self.codes)

    def check_forms(self, form, start):
        """Compare other forms, single rows and packed codes with the codes."""
        if self.X is None:
            return
        transform = self.hasher.transform
        some = slice(start, start + 7)
        np.testing.assert_array_equal(
            transform(FORMS["dense"](self.X)[some][::-1])[::-1], self.codes[some]
        )
        if form != "float32":
            np.testing.assert_array_equal(transform(FORMS[form](self.X)), self.codes)
        np.testing.assert_array_equal(
            transform(self.X[start : start + 1]), self.codes[start : start + 1]
        )
        packed = self.hasher.set_params(output="packed").transform(self.X)
        self.hasher.set_params(output="bits")
        np.testing.assert_array_equal(packed, np.packbits(self.codes, axis=1))
        _, error = outcome(
            lambda: self.hasher.set_params(n_bits=self.hasher.n_bits + 1).transform(
                self.X
            )
        )
        self.hasher.set_params(n_bits=self.hasher.n_bits - 1)
        assert error is ValueError
