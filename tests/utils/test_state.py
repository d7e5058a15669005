"""Test changes of state that happen all at once or not at all."""

import threading
import time

import pytest
from sklearn.base import BaseEstimator

from skhash.utils._state import replace_state, snapshot


class Counter(BaseEstimator):
    def __init__(self, start=0):
        self.start = start


def attributes(counter):
    return {name: x for name, x in vars(counter).items() if name != "_mutex"}


def test_attributes_are_replaced_at_the_end():
    counter = Counter(start=2)
    counter.old_ = 1

    def change(changed, count):
        assert type(changed) is Counter
        assert changed is not counter
        assert attributes(changed) == {"start": 2, "old_": 1}
        changed.count_ = count
        del changed.old_
        assert attributes(counter) == {"start": 2, "old_": 1}

    replace_state(counter, change, 5)
    assert attributes(counter) == {"start": 2, "count_": 5}


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, MemoryError])
def test_nothing_changes_after_an_exception(error):
    counter = Counter(start=2)
    counter.old_ = 1

    def change(changed):
        changed.old_ = 7
        changed.count_ = 5
        raise error

    with pytest.raises(error):
        replace_state(counter, change)
    assert attributes(counter) == {"start": 2, "old_": 1}
    replace_state(counter, lambda changed: setattr(changed, "old_", 3))  # not locked
    assert counter.old_ == 3


def test_threads_change_one_after_the_other():
    counter = Counter()
    counter.count_ = 0

    def add(changed):
        before = changed.count_
        time.sleep(1e-4)  # lets another thread run
        changed.count_ = before + 1

    def add_often():
        for _ in range(20):
            replace_state(counter, add)

    threads = [threading.Thread(target=add_often) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert counter.count_ == 80


def test_snapshot_does_not_see_later_changes():
    counter = Counter(start=2)
    counter.old_ = 1
    frozen = snapshot(counter)
    replace_state(counter, lambda changed: setattr(changed, "old_", 7))
    assert counter.old_ == 7
    assert type(frozen) is Counter
    assert frozen.old_ == 1
    assert frozen.get_params() == {"start": 2}
