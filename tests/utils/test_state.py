"""Test changes of state that happen all at once or not at all."""

import importlib
import pickle
import pkgutil
import threading
import time

import pytest
from sklearn.base import BaseEstimator

import skhash
from skhash.utils import _state
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


def test_snapshot_is_not_changed_later():
    counter = Counter(start=2)
    counter.old_ = 1
    frozen = snapshot(counter)
    replace_state(counter, lambda changed: setattr(changed, "old_", 7))
    assert counter.old_ == 7
    assert type(frozen) is Counter
    assert frozen.old_ == 1
    assert frozen.get_params() == {"start": 2}


def public_estimators():
    """Return the estimators of all packages, sorted by name."""
    packages = [skhash]
    for module in pkgutil.iter_modules(skhash.__path__, "skhash."):
        if module.ispkg and not module.name.split(".")[1].startswith("_"):
            packages.append(importlib.import_module(module.name))
    found = {
        getattr(package, name)
        for package in packages
        for name in getattr(package, "__all__", ())
    }
    return sorted(
        (
            each
            for each in found
            if isinstance(each, type) and issubclass(each, BaseEstimator)
        ),
        key=lambda each: each.__name__,
    )


def test_parts_of_estimators_are_found():
    names = {each.__name__ for each in public_estimators()}
    assert {"CodeAssigner", "PseudoLabeler", "HammingBlocker", "ITQHasher"} < names
    assert "WordShingleVectorizer" in names


@pytest.mark.parametrize("estimator", public_estimators(), ids=lambda e: e.__name__)
def test_version_of_pickles(estimator, monkeypatch):
    made = estimator()
    pickled = pickle.dumps(made)
    assert "_pickle_version" in made.__getstate__()
    assert vars(pickle.loads(pickled)).keys() == vars(made).keys()
    with monkeypatch.context() as patch:
        patch.setattr(_state, "PICKLE_VERSION", _state.PICKLE_VERSION + 1)
        newer = pickle.dumps(made)
    with pytest.raises(ValueError, match=r"version 2 .* reads versions up to 1 here"):
        pickle.loads(newer)


def test_pickles_without_a_version():
    """Those that were written before versions were."""
    made = skhash.ITQHasher(8)
    state = made.__getstate__()
    del state["_pickle_version"]
    loaded = object.__new__(skhash.ITQHasher)
    loaded.__setstate__(state)
    assert loaded.n_bits == 8
