"""Check the mutex: after errors, in copies and in forked processes."""

import copy
import os
import pickle
import threading

import pytest

from skhash._hamming._mutex import Mutex


def held(mutex):
    """Return whether another thread holds the mutex."""
    ran = []
    thread = threading.Thread(target=lambda: mutex.run_if_free(ran.append, 1))
    thread.start()
    thread.join()
    return not ran


def test_functions_run_one_at_a_time():
    mutex, inside, most = Mutex(), [0], []

    def work():
        inside[0] += 1
        most.append(inside[0])
        threading.Event().wait(0.002)
        inside[0] -= 1

    def repeat():
        for _ in range(10):
            mutex.run(work)

    threads = [threading.Thread(target=repeat) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == [1] * 40


def test_results_errors_and_calls_within():
    mutex = Mutex()
    assert mutex.run(lambda a, b: a + b, 1, 2) == 3
    assert mutex.run(lambda: (held(mutex), mutex.run(held, mutex))) == (True, True)
    for run in (mutex.run, mutex.run_if_free):
        with pytest.raises(ZeroDivisionError):
            run(lambda: 1 // 0)
        assert not held(mutex)


def test_copies_are_unlocked():
    mutex = Mutex()
    for make in (copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m))):
        assert mutex.run(lambda make=make: held(make(mutex))) is False


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork")
def test_forked_process_finds_it_unlocked():
    mutex, entered, leave = Mutex(), threading.Event(), threading.Event()

    def hold():
        entered.set()
        leave.wait(20)

    thread = threading.Thread(target=mutex.run, args=(hold,))
    thread.start()
    entered.wait(20)
    process = os.fork()
    if not process:
        os._exit(mutex.run(lambda: 7))
    status = os.waitpid(process, 0)[1]
    leave.set()
    thread.join()
    assert os.waitstatus_to_exitcode(status) == 7
