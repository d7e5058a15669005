"""Check calls on several threads: order, errors, and threads that do not start."""

import os
import threading
import time
from functools import partial

import numpy as np
import pytest

from skhash._hamming import _index, _threads
from skhash._hamming._index import CodeIndex
from skhash._hamming._threads import even_slices, run


def no_stop():
    raise AssertionError("nothing was to be stopped")


@pytest.fixture(autouse=True)
def helpers():
    """Begin without helper threads."""
    _threads._helpers.cache_clear()
    yield
    _threads._helpers.cache_clear()


def test_slices_cover_everything():
    slices = even_slices(1000, 3, 64)
    assert [s.start % 64 for s in slices] == [0, 0, 0]
    covered = np.concatenate([np.arange(s.start, s.stop) for s in slices])
    np.testing.assert_array_equal(covered, np.arange(1000))
    assert even_slices(5, 4, 64) == [slice(0, 5)]
    assert even_slices(0, 4, 64) == []


@pytest.mark.parametrize("n_threads", [1, 2, 3, 50])
def test_results_are_in_the_order_of_the_calls(n_threads):
    calls = [lambda i=i: i for i in range(20)]
    assert run(calls, n_threads, no_stop) == list(range(20))
    assert run([], n_threads, no_stop) == []


def test_threads_help():
    barrier = threading.Barrier(3, timeout=20)
    assert len(set(run([barrier.wait] * 3, 3, no_stop))) == 3
    assert len(_threads._helpers()._threads) == 2


def test_error_of_any_thread_stops_the_others():
    for position in range(4):
        stopped = threading.Event()
        calls = [partial(stopped.wait, 20)] * 4
        calls[position] = partial(divmod, 1, 0)
        start = time.perf_counter()
        with pytest.raises(ZeroDivisionError):
            run(calls, 4, stopped.set)
        assert time.perf_counter() - start < 10
        assert stopped.is_set()


def test_interrupt_of_the_calling_thread_is_raised_though_helpers_stop_first():
    caller, failed = threading.current_thread(), threading.Event()
    barrier = threading.Barrier(2, timeout=20)

    def call():
        barrier.wait()
        if threading.current_thread() is caller:
            failed.wait(20)
            time.sleep(0.1)
            raise KeyboardInterrupt
        failed.set()
        raise InterruptedError

    with pytest.raises(KeyboardInterrupt):
        run([call, call], 2, failed.set)


def fail_to_start(*_):
    raise RuntimeError("can't start new thread")


def test_fewer_threads_if_none_can_be_started(monkeypatch):
    calls = [lambda i=i: i for i in range(20)]
    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", fail_to_start)
        for _ in range(100):
            assert run(calls, 4, no_stop) == list(range(20))
    barrier = threading.Barrier(3, timeout=20)
    assert len(set(run([barrier.wait] * 3, 3, no_stop))) == 3


def test_no_more_threads_than_processors(monkeypatch):
    monkeypatch.setattr(_index, "OWN_QUERIES", 64)
    monkeypatch.setattr(_threads, "MOST_THREADS", 2)
    rows = np.random.default_rng(0).integers(0, 256, (50_000, 8), dtype=np.uint8)
    index = CodeIndex(rows, 64, algorithm="brute")
    found = index.nearest(rows[:500], 3, n_threads=1000)
    assert len(_threads._helpers()._threads) == 1
    for got, want in zip(found, index.nearest(rows[:500], 3)):
        np.testing.assert_array_equal(got, want)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork")
def test_forked_process_starts_its_own_threads():
    barrier = threading.Barrier(3, timeout=20)
    run([barrier.wait] * 3, 3, no_stop)
    process = os.fork()
    if not process:
        barrier = threading.Barrier(3, timeout=20)
        os._exit(len(set(run([barrier.wait] * 3, 3, no_stop))) != 3)
    assert os.waitpid(process, 0)[1] == 0
