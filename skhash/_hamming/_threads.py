"""Run calls that release the GIL on threads."""

import os
from collections import deque
from functools import cache
from itertools import pairwise
from queue import SimpleQueue
from threading import Semaphore, Thread

# More threads than this never help each other.
_MOST_THREADS = 64


class _Helpers:
    """Threads that wait for a search to help with.

    They are kept: to start one took up to 2 ms on a virtual machine, as long as a
    query of 10 million codes takes, and :class:`joblib.Parallel` 2 to 12 ms. A future
    for each call (:class:`concurrent.futures.ThreadPoolExecutor`) made that query a
    tenth slower than this. What `n_jobs` means is still joblib's to say.
    """

    def __init__(self):
        self._inbox = SimpleQueue()
        self._idle = Semaphore(0)
        self._n_threads = 0

    def submit(self, work):
        """Let a thread call `work`, which must not raise, as soon as one is free."""
        if not self._idle.acquire(blocking=False) and self._n_threads < _MOST_THREADS:
            self._n_threads += 1
            Thread(target=self._serve, name="skhash", daemon=True).start()
        self._inbox.put(work)

    def _serve(self):
        while True:
            self._inbox.get()()
            self._idle.release()


_helpers = cache(_Helpers)

# A forked process has none of its parent's threads.
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_helpers.cache_clear)


def run(calls, n_threads):
    """Return the results of the calls, in their order.

    The calling thread works too, with `n_threads` - 1 others.
    """
    n_helpers = min(n_threads, len(calls), _MOST_THREADS + 1) - 1
    if n_helpers <= 0:
        return [call() for call in calls]
    results = [None] * len(calls)
    waiting = deque(enumerate(calls))
    errors = SimpleQueue()

    def work():
        while True:
            try:
                i, call = waiting.popleft()
            except IndexError:
                return
            results[i] = call()

    def help_out():
        error = None
        try:
            work()
        except BaseException as raised:  # raised again by the calling thread
            error = raised
        errors.put(error)

    for _ in range(n_helpers):
        _helpers().submit(help_out)
    try:
        work()
    finally:
        # Nobody may go on writing results after this call is over.
        waiting.clear()
        raised = [errors.get() for _ in range(n_helpers)]
    for error in filter(None, raised):
        raise error
    return results


def even_slices(n, n_slices, multiple):
    """Cut range(n) into at most `n_slices` slices that begin at multiples."""
    n_units = -(-n // multiple)
    n_slices = max(1, min(n_slices, n_units))
    edges = [i * n_units // n_slices * multiple for i in range(n_slices)] + [n]
    return [slice(a, b) for a, b in pairwise(edges) if a < b]
