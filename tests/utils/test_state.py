"""Changes of an estimator that happen all at once, and numbers of 8 bits."""

import numpy as np
import pytest
from sklearn.base import BaseEstimator

from skhash.utils._state import replaced_at_end, snapshot


class Counter(BaseEstimator):
    def __init__(self, start=0):
        self.start = start


@pytest.fixture
def counter():
    counter = Counter(np.int8(100))
    counter.count_ = np.int8(5)
    counter._seen = np.int8(6)
    return counter


def test_attributes_change_at_the_end(counter):
    with replaced_at_end(counter) as copied:
        copied.count_ = 7
        copied._seen = 8
        assert counter.count_ == 5
    assert counter.count_ == 7
    assert counter._seen == 8


def test_an_exception_leaves_the_estimator_as_it_was(counter):
    before = dict(vars(counter))

    def interrupted():
        with replaced_at_end(counter) as copied:
            copied.count_ = 7
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert vars(counter) == before


def test_parameters_are_python_numbers_in_between(counter):
    start = counter.start
    with replaced_at_end(counter) as copied:
        assert type(copied.start) is int
        copied.count_ = 3 * copied.start
    assert counter.count_ == 300
    assert counter.start is start
    frozen = snapshot(counter)
    assert type(frozen.start) is int
    assert type(frozen._seen) is np.int8
    frozen.count_ = 1
    assert counter.count_ == 300
