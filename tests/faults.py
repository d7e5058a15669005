"""Raise errors at a chosen place of a call."""

import os
import signal
import sys
import threading
import time
from contextlib import contextmanager
from pathlib import Path

import skhash

PACKAGE = str(Path(skhash.__file__).parent)


class InjectedError(BaseException):
    """Raised in the middle of a change, as an interrupt would be."""


def interrupted_at(n, call, *arguments, within=PACKAGE):
    """Make a call that raises at its n-th line of files within a folder.

    Returns False if the call has fewer lines.
    """
    count = 0

    def trace(frame, event, arg):
        nonlocal count
        if not frame.f_code.co_filename.startswith(within):
            return None
        if event == "line":
            count += 1
            if count == n:
                raise InjectedError
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        call(*arguments)
    except InjectedError:
        return True
    finally:
        sys.settrace(before)
    return False


@contextmanager
def interrupt_after(seconds, *, within=0.5):
    """Send Ctrl-C after some time, and check that it is answered soon.

    In processor time of the main thread, so that other work on the machine does not
    count. The environment variable SKHASH_PATIENCE multiplies what is allowed, for
    builds that are slow.
    """
    within *= float(os.environ.get("SKHASH_PATIENCE", "1"))
    now = time.perf_counter
    if hasattr(time, "pthread_getcpuclockid"):
        clock = time.pthread_getcpuclockid(threading.main_thread().ident)

        def now():
            return time.clock_gettime(clock)

    sent = []

    def send():
        sent.append(now())
        signal.raise_signal(signal.SIGINT)

    timer = threading.Timer(seconds, send)
    timer.start()
    try:
        yield
    except KeyboardInterrupt:
        delay = now() - sent[0]
        assert delay < within, f"answered after {delay:.2f} s"
    else:
        raise AssertionError("The call ended before the interrupt, or did not raise.")
    finally:
        timer.cancel()
        timer.join()


def longest_stretch(call):
    """Return the longest time for which a call does not look for signals.

    In seconds of processor time of the main thread.
    """
    worst, last = 0.0, time.thread_time()

    def handle(signum, frame):
        nonlocal worst, last
        now = time.thread_time()
        worst, last = max(worst, now - last), now

    before = signal.signal(signal.SIGALRM, handle)
    signal.setitimer(signal.ITIMER_REAL, 0.01, 0.01)
    try:
        call()
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    return max(worst, time.thread_time() - last)
