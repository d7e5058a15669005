"""Check that a long call of compiled code does not delay Ctrl-C."""

import threading
import time

import numpy as np
import pytest

from skhash.utils import _interrupts
from skhash.utils._interrupts import interruptible
from tests.faults import interrupt_after, longest_stretch


def test_result_arguments_and_errors_pass_through():
    assert interruptible(sorted, [1, 3, 2], reverse=True) == [3, 2, 1]
    with pytest.raises(ZeroDivisionError):
        interruptible(lambda: 1 / 0)


def test_call_has_the_context_of_the_caller():
    with np.errstate(over="raise"), pytest.raises(FloatingPointError):
        interruptible(lambda: np.array([1e300]) * 1e300)


def test_interrupt_ends_the_wait():
    values = np.random.default_rng(0).random(8_000_000)
    with interrupt_after(0.1, within=0.3):
        for _ in range(100):
            interruptible(np.sort, values)
    assert longest_stretch(lambda: interruptible(np.sort, values)) < 0.2


def test_other_threads_call_directly():
    names = []

    def call():
        interruptible(lambda: names.append(threading.current_thread().name))

    thread = threading.Thread(target=call, name="other")
    thread.start()
    thread.join()
    assert names == ["other"]


def test_call_is_made_if_no_thread_can_be_started(monkeypatch):
    def refuse(thread):
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(_interrupts.threading.Thread, "start", refuse)
    assert interruptible(time.monotonic) > 0
