"""Test changes of state that happen all at once or not at all."""

import pytest
from sklearn.base import BaseEstimator

from skhash.utils._state import replaced_at_end, snapshot


class Counter(BaseEstimator):
    def __init__(self, start=0):
        self.start = start


def test_attributes_are_replaced_at_the_end():
    counter = Counter(start=2)
    counter.old_ = 1
    with replaced_at_end(counter) as changed:
        assert type(changed) is Counter
        assert changed is not counter
        assert vars(changed) == {"start": 2, "old_": 1}
        changed.count_ = 5
        del changed.old_
        assert vars(counter) == {"start": 2, "old_": 1}
    assert vars(counter) == {"start": 2, "count_": 5}


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, MemoryError])
def test_nothing_changes_after_an_exception(error):
    counter = Counter(start=2)
    counter.old_ = 1

    def interrupted():
        with replaced_at_end(counter) as changed:
            changed.old_ = 7
            changed.count_ = 5
            raise error

    with pytest.raises(error):
        interrupted()
    assert vars(counter) == {"start": 2, "old_": 1}


def test_snapshot_does_not_see_later_changes():
    counter = Counter(start=2)
    counter.old_ = 1
    frozen = snapshot(counter)
    with replaced_at_end(counter) as changed:
        changed.old_ = 7
    assert counter.old_ == 7
    assert type(frozen) is Counter
    assert frozen.old_ == 1
    assert frozen.get_params() == {"start": 2}
